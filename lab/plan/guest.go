package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/topology"
)

// guest plans one machine.
func guest(t *topology.Topology, h *host.Host, p *Plan, g topology.Guest, slot int) (*Guest, error) {
	prof := profiles[g.Firmware]
	pg := &Guest{Name: g.Name, Slot: slot, Network: g.Network, Firmware: g.Firmware, Arch: prof.arch, Client: prof.client,
		NIC: g.NIC, MAC: g.MAC, UUID: g.UUID, Memory: g.Memory, Clock: p.Clock.Value, BootsOver: g.Over}
	if pg.NIC == "" {
		pg.NIC = "virtio"
	}
	switch {
	case g.SameMAC != "":
		pg.MAC = planned(p.Guests, g.SameMAC).MAC
	case pg.MAC == "":
		pg.MAC = fmt.Sprintf("52:54:00:70:78:%02x", slot)
	}
	switch {
	case g.NoUUID:
		pg.UUID = "00000000-0000-0000-0000-000000000000"
	case g.SameUUID != "":
		pg.UUID = planned(p.Guests, g.SameUUID).UUID
	case pg.UUID == "":
		pg.UUID = fmt.Sprintf("70786c61-6200-4c61-8000-5254007078%02x", slot)
	}
	if pg.Memory == 0 {
		pg.Memory = prof.memory
	}
	if err := stick(h, g, pg); err != nil {
		return nil, err
	}
	if pg.Stick != nil && p.Hypervisor.Remote() {
		return nil, fmt.Errorf("guest %q: its USB stick is a file of this host, and %s leads to another: use a connection without a network", g.Name, p.Hypervisor.URI)
	}
	pg.Budgets = budgets(pg.Client)
	if pg.Clock == "warp" {
		pg.Shift = prof.shift
	}
	faults(p, g, pg)
	together(p, g, pg)
	for _, n := range p.Networks {
		if n.Name == g.Network {
			pg.Families = families(n)
		}
	}
	pg.waitForIPv6()
	pg.Lag = pg.lag()
	pg.Expect = expectations(t, g.Name)
	pg.Keys = keys(g, prof.host)
	pg.Warm = pg.warm(p, g.SameMAC != "")
	m, err := machine(h, g, pg.NIC, prof)
	if err != nil {
		return nil, err
	}
	pg.Argv, pg.Copies = argv(pg, p, prof, m)
	if p.Hypervisor != nil {
		pg.Domain = domain(pg, p, prof, m)
	}
	return pg, nil
}

// planned finds a guest that was planned already; a zero Guest if it could not be.
func planned(guests []Guest, name string) Guest {
	for _, g := range guests {
		if g.Name == name {
			return g
		}
	}
	return Guest{}
}

// expectations gathers what "*" and the guest's own lists claim, in file order.
func expectations(t *topology.Topology, name string) []topology.Expectation {
	var out []topology.Expectation
	for _, e := range t.Expect {
		if e.Guest == "*" || e.Guest == name {
			out = append(out, e.List...)
		}
	}
	return out
}

// parts are what a guest needs of the host.
type parts struct {
	firmware host.Firmware
	qemu     host.QEMU
	rom      host.ROM
}

// machine finds the firmware's files, the option ROM and the emulator on the host.
func machine(h *host.Host, g topology.Guest, nic string, prof profile) (parts, error) {
	var m parts
	var found bool
	var problems []error
	lack := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("guest %q: "+format+": run pxelab doctor for the package to install", append([]any{g.Name}, args...)...))
	}
	if m.firmware, found = h.Boot(prof.host); !found {
		lack("firmware %q is not on this host", g.Firmware)
	}
	if m.qemu, found = h.Find("x86_64"); !found {
		lack("qemu-system-x86_64 is not on this host")
	}
	if i := slices.IndexFunc(h.ROMs, func(r host.ROM) bool { return r.NIC == nic }); i >= 0 {
		m.rom = h.ROMs[i]
	}
	switch {
	case nic == usbNIC: // no firmware boots from one, so there is no ROM either
	case prof.rom && prof.host == "bios" && m.rom.BIOS == "" && m.rom.EFI == "":
		lack("NIC %q has no PXE option ROM on this host", nic)
	case prof.rom && prof.host != "bios" && m.rom.EFI == "":
		lack("NIC %q has no option ROM for EFI on this host", nic)
	}
	return m, errors.Join(problems...)
}

// argv is QEMU's command line, every flag with its reason. Order matters to firmware, so it is fixed here.
func argv(g *Guest, p *Plan, prof profile, m parts) ([]Arg, []Copy) {
	fw, q, rom := m.firmware, m.qemu, m.rom
	machine := fw.Machine
	if fw.Code == "" {
		machine += ",graphics=off"
	}
	if fw.SMM {
		machine += ",smm=on"
	}
	a := []Arg{
		{q.Path, "", "QEMU " + q.Version},
		{"-name", g.Name, "names the guest in process lists"},
		{"-nodefaults", "", "no device that the plan does not name"},
		{"-no-user-config", "", "no setting from the host's own files"},
		{"-machine", machine, machineWhy(fw)},
	}
	a = append(a, accelArgs(g, p)...)
	a = append(a,
		Arg{"-m", fmt.Sprintf("%dM", g.Memory), "memory: what this firmware needs"},
		Arg{"-uuid", g.UUID, "client identity (option 97) from the guest's slot"},
		Arg{"-display", "none", "the serial console is the screen"},
		Arg{"-chardev", "stdio,id=console,signal=off", "console over pipes; Ctrl-C goes to the guest"},
		Arg{"-serial", "chardev:console", "COM1"},
		Arg{"-chardev", fmt.Sprintf("socket,id=qmp,fd=%d", FDMonitor), "control socket made by the lab: no path to leave behind"},
		Arg{"-mon", "chardev=qmp,mode=control", "QMP: power, pause, link"},
	)
	flash, copies := flashArgs(fw)
	a = append(a, flash...)
	a = append(a, Arg{"-netdev", fmt.Sprintf("dgram,id=n0,local.type=fd,local.str=%d", FDNIC), "the cable: one datagram is one Ethernet frame"})
	a = append(a, usbArgs(g)...)
	a = append(a, nicArg(g, prof, rom), Arg{"-device", "virtio-rng-pci", "newer EDK2 drops network boot without a random number generator"})
	if prof.host != "bios" {
		a = append(a, familyArgs(g)...)
	}
	return a, copies
}

func machineWhy(fw host.Firmware) string {
	switch {
	case fw.Code == "":
		return "graphics=off makes SeaBIOS speak on the serial console"
	case fw.SMM:
		return "this build of the firmware keeps its variables behind SMM"
	}
	return "chipset the firmware is built for"
}

// accelArgs sets the accelerator and, under warp, the instruction counter.
func accelArgs(g *Guest, p *Plan) []Arg {
	if p.Accel.Value == "kvm" {
		return []Arg{{"-accel", "kvm", p.Accel.Why}}
	}
	if g.Clock != "warp" {
		return []Arg{{"-accel", "tcg", p.Accel.Why}}
	}
	return []Arg{
		{"-accel", "tcg", p.Accel.Why},
		{"-icount", fmt.Sprintf("shift=%d,sleep=off", g.Shift), "time warp: " + p.Clock.Why},
	}
}

// flashArgs maps the firmware's code read only, and a copy of its variable store that it may write.
func flashArgs(fw host.Firmware) ([]Arg, []Copy) {
	if fw.Code == "" {
		return nil, nil
	}
	format := flashFormat(fw)
	var a []Arg
	a = append(a, Arg{"-drive", "if=pflash,unit=0,format=" + format + ",readonly=on,file=" + escape(fw.Code), "firmware code: " + fw.Source})
	if fw.Vars == "" {
		return a, nil
	}
	from, why := fw.Prepared, "variable store: for every boot a fresh copy of what this firmware left after one boot without devices"
	if from == "" {
		from, why = fw.Vars, "variable store: for every boot a fresh copy of the host's template"
	}
	return append(a, Arg{"-drive", "if=pflash,unit=1,format=" + format + ",file=${RUN}/vars.fd", why}), []Copy{{From: from, To: "vars.fd"}}
}

func flashFormat(fw host.Firmware) string {
	if fw.Format == "" {
		return "raw"
	}
	return fw.Format
}

func nicArg(g *Guest, prof profile, rom host.ROM) Arg {
	if g.NIC == usbNIC {
		return usbNICArg(g)
	}
	value := fmt.Sprintf("%s,netdev=n0,mac=%s,bootindex=%d", nics[g.NIC], g.MAC, nicBootIndex(g))
	if prof.rom && prof.host != "bios" {
		return Arg{"-device", value + ",romfile=" + escape(rom.EFI), "NIC whose option ROM holds iPXE for EFI too: it replaces EDK2's own PXE client"}
	}
	if prof.rom {
		return Arg{"-device", value, "NIC with its iPXE option ROM; MAC from the guest's slot"}
	}
	return Arg{"-device", value + ",romfile=", "NIC without option ROM, so that the firmware's own PXE client boots; MAC from the guest's slot"}
}

// escape doubles commas, which QEMU takes as separators.
func escape(path string) string { return strings.ReplaceAll(path, ",", ",,") }

// Resolve gives the command line with ${RUN} replaced by the guest's directory.
func (g Guest) Resolve(dir string) []string {
	var out []string
	for _, a := range g.Argv {
		out = append(out, a.Flag)
		if a.Value != "" {
			out = append(out, strings.ReplaceAll(a.Value, "${RUN}", escape(dir)))
		}
	}
	return out
}

// InRealTime gives the same guest with its clock unwarped: for a boot whose warped run proved nothing.
func (g Guest) InRealTime() Guest {
	g.Clock, g.Shift, g.Lag, g.Warm = "real", 0, 0, nil
	g.Argv = slices.DeleteFunc(slices.Clone(g.Argv), func(a Arg) bool { return a.Flag == "-icount" })
	g.Domain = unwarped(g.Domain)
	return g
}
