package plan

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// Element is one line of a domain's XML with the reason it is there.
type Element struct {
	XML string `json:"xml"`
	Why string `json:"why,omitempty"`
}

// Place is what is known of a domain only when it is started: it takes the place of ${...} in its XML.
type Place struct {
	Domain  string // its name, the daemon's only one
	UUID    string // of the domain, not of the machine
	Dir     string // ${RUN}, the run's directory for this guest
	Here    string // the lab's address as the daemon's host knows it
	Frames  int    // TCP port there that takes the NIC's frames
	Console int    // TCP port there that takes the serial console
}

// DomainName is what virsh calls a guest of a lab while it is on.
func DomainName(lab, guest string) string { return "pxelab-" + lab + "-" + guest }

// DomainXML is the guest's domain as libvirt takes it (https://libvirt.org/formatdomain.html), at its place.
func (g Guest) DomainXML(at Place) string {
	fill := strings.NewReplacer("${DOMAIN}", xmlText(at.Domain), "${UUID}", at.UUID, "${RUN}", xmlText(at.Dir), "${HERE}", xmlText(at.Here),
		"${FRAMES}", fmt.Sprint(at.Frames), "${CONSOLE}", fmt.Sprint(at.Console))
	var b strings.Builder
	for _, e := range g.Domain {
		b.WriteString(fill.Replace(e.XML))
		b.WriteString("\n")
	}
	return b.String()
}

// xmlText is s as text or as an attribute's value.
func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes all
	return b.String()
}

// domain is the same machine as QEMU's command line in Argv, device for device and slot for slot, as a domain of libvirt. What its
// XML has no word for, it hands to QEMU in QEMU's words.
func domain(g *Guest, p *Plan, prof profile, m parts) []Element {
	kind := "qemu"
	if p.Accel.Value == "kvm" {
		kind = "kvm"
	}
	d := []Element{
		{`<domain type="` + kind + `" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">`, p.Accel.Why},
		{`  <name>${DOMAIN}</name>`, "what virsh calls it: " + DomainName(p.Name, g.Name)},
		{`  <uuid>${UUID}</uuid>`, "drawn anew for each power-on: labs have the same machines, a daemon may not"},
		{fmt.Sprintf(`  <memory unit="MiB">%d</memory>`, g.Memory), "memory: what this firmware needs"},
		{`  <vcpu>1</vcpu>`, ""},
	}
	d = append(d, domainOS(p, m)...)
	d = append(d,
		Element{`  <on_poweroff>destroy</on_poweroff>`, "off is off"},
		Element{`  <on_reboot>restart</on_reboot>`, "a reset is the guest's own affair, as on a real machine"},
		Element{`  <on_crash>destroy</on_crash>`, ""},
		Element{`  <devices>`, ""})
	if !p.Hypervisor.Remote() {
		d = append(d, Element{`    <emulator>` + xmlText(m.qemu.Path) + `</emulator>`, "QEMU " + m.qemu.Version})
	}
	d = append(d, Element{`    <memballoon model="none"/>`, "no device that the plan does not name"})
	d = append(d,
		Element{`    <serial type="tcp">`, "COM1: the domain is started paused, so that the lab misses nothing of it"},
		Element{`      <source mode="connect" host="${HERE}" service="${CONSOLE}"/>`, "QEMU calls the lab: no socket file to leave behind, and none to be allowed to open"},
		Element{`      <protocol type="raw"/><target type="isa-serial" port="0"/>`, ""},
		Element{`    </serial>`, ""})
	slot := 1
	d = append(d, domainUSB(g, &slot)...)
	d = append(d, domainNIC(g, prof, m, &slot)...)
	d = append(d,
		Element{`    <rng model="virtio"><backend model="builtin"/>` + pciAddress(&slot) + `</rng>`, "newer EDK2 drops network boot without a random number generator"},
		Element{`  </devices>`, ""})
	d = append(d, domainWords(g, p, m)...)
	return append(d, Element{`</domain>`, ""})
}

// pciAddress is the next slot of the root bus, where QEMU itself would put the device: libvirt left to itself would put a port
// before it, and firmware would see another machine.
func pciAddress(slot *int) string {
	*slot++
	return fmt.Sprintf(`<address type="pci" bus="0x00" slot="0x%02x"/>`, *slot-1)
}

// domainOS names the machine, its firmware and its variable store.
func domainOS(p *Plan, m parts) []Element {
	fw := m.firmware
	machine, _, _ := strings.Cut(fw.Machine, ",")
	d := []Element{
		{`  <os>`, ""},
		{`    <type arch="x86_64" machine="` + xmlText(machine) + `">hvm</type>`, "the chipset that the firmware is built for"},
	}
	switch {
	case fw.Code == "":
		d = append(d, Element{`    <bios useserial="yes"/>`, "makes SeaBIOS speak on the serial console"})
	case !p.Hypervisor.Remote():
		d = append(d, Element{`    <loader readonly="yes" type="pflash">` + xmlText(fw.Code) + `</loader>`, "firmware code: " + fw.Source})
		if fw.Vars != "" {
			_, copies := flashArgs(fw)
			d = append(d, Element{`    <nvram>${RUN}/` + copies[0].To + `</nvram>`, "variable store: for every boot a fresh copy"})
		}
	}
	d = append(d, Element{`  </os>`, ""})
	features := `  <features><acpi/><apic/></features>`
	if fw.SMM {
		features = `  <features><acpi/><apic/><smm state="on"/></features>`
	}
	return append(d, Element{features, "as QEMU has them by itself; libvirt leaves them out unless told"})
}

// domainUSB adds the USB controller and the stick, or says that there is none.
func domainUSB(g *Guest, slot *int) []Element {
	if g.NIC != usbNIC && g.Stick == nil {
		return []Element{{`    <controller type="usb" model="none"/>`, "no device that the plan does not name"}}
	}
	d := []Element{{`    <controller type="usb" model="qemu-xhci">` + pciAddress(slot) + `</controller>`, "USB controller: the one on which every length of frame passes"}}
	if g.Stick == nil {
		return d
	}
	return append(d,
		Element{`    <disk type="file" device="disk">`, "the USB stick: " + g.Stick.Name},
		Element{`      <driver name="qemu" type="raw"/><source file="${RUN}/` + xmlText(g.Stick.File) + `"/><target dev="sda" bus="usb"/><readonly/>`, ""},
		Element{`      <boot order="1"/><address type="usb" bus="0" port="1"/>`, "the firmware boots from the stick first"},
		Element{`    </disk>`, ""})
}

// domainNIC adds the network card and its cable.
func domainNIC(g *Guest, prof profile, m parts, slot *int) []Element {
	d := []Element{
		{`    <interface type="client">`, "the cable: each Ethernet frame with its length before it"},
		{`      <source address="${HERE}" port="${FRAMES}"/>`, "QEMU calls the lab, whose cable goes on from there"},
		{`      <mac address="` + xmlText(g.MAC) + `"/>`, "MAC from the guest's slot"},
	}
	if g.NIC == usbNIC {
		port := 1
		if g.Stick != nil {
			port = 2
		}
		return append(d,
			Element{fmt.Sprintf(`      <model type="usb-net"/><address type="usb" bus="0" port="%d"/>`, port), "USB NIC: no firmware has a driver for it"},
			Element{`    </interface>`, ""})
	}
	model := g.NIC // libvirt knows the rest by QEMU's names
	d = append(d, Element{fmt.Sprintf(`      <model type="%s"/><boot order="%d"/>%s`, xmlText(model), nicBootIndex(g)+1, pciAddress(slot)), "the firmware boots from it"})
	switch {
	case prof.rom && prof.host != "bios":
		d = append(d, Element{`      <rom file="` + xmlText(m.rom.EFI) + `"/>`, "the option ROM holds iPXE for EFI too: it replaces EDK2's own PXE client"})
	case !prof.rom:
		d = append(d, Element{`      <rom enabled="no"/>`, "without option ROM, so that the firmware's own PXE client boots"})
	}
	return append(d, Element{`    </interface>`, ""})
}

// domainWords are what QEMU is told in its own words.
func domainWords(g *Guest, p *Plan, m parts) []Element {
	word := func(flag, value, why string) Element {
		return Element{`    <qemu:arg value="` + flag + `"/><qemu:arg value="` + xmlText(value) + `"/>`, why}
	}
	d := []Element{{`  <qemu:commandline>`, "what libvirt has no word for"}}
	for _, a := range g.Argv {
		switch {
		case a.Flag == "-uuid":
			d = append(d, word(a.Flag, a.Value, a.Why+", in place of the domain's"))
		case a.Flag == "-icount", a.Flag == "-fw_cfg":
			d = append(d, word(a.Flag, a.Value, a.Why))
		}
	}
	d = append(d, word("-boot", "strict=off", "what the firmware tries after the card is its own affair; libvirt forbids it otherwise"))
	if fw := m.firmware; p.Hypervisor.Remote() && fw.Code != "" {
		flash, _ := flashArgs(fw)
		d = append(d, word("-drive", flash[0].Value, flash[0].Why+"; the daemon's host must have it there, too"))
		if fw.Vars != "" {
			d = append(d, word("-drive", "if=pflash,unit=1,format="+flashFormat(fw)+",snapshot=on,file="+escape(fw.Vars),
				"variable store: that host's template; what is written to it is forgotten"))
		}
	}
	return append(d, Element{`  </qemu:commandline>`, ""})
}

// unwarped leaves out what warps the clock.
func unwarped(d []Element) []Element {
	return slices.DeleteFunc(slices.Clone(d), func(e Element) bool { return strings.Contains(e.XML, `"-icount"`) })
}
