package judge

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

const (
	ms       = time.Millisecond
	nonce    = "ABCDEFGH23456789"
	probeCRC = "1055d55b"
)

// testPlan is one network with a DHCP server and a TFTP server, and three guests that expect nothing yet.
func testPlan() *plan.Plan {
	budgets := map[string]plan.Duration{}
	for _, s := range event.StageNames() {
		budgets[s] = plan.Duration(60 * time.Second)
	}
	guest := func(slot int, name, firmware, arch, client string) plan.Guest {
		return plan.Guest{Name: name, Slot: slot, Network: "lan", Firmware: firmware, Arch: arch, Client: client, NIC: "virtio",
			MAC: fmt.Sprintf("52:54:00:70:78:%02x", slot), Clock: "real", Budgets: budgets}
	}
	address := netip.MustParsePrefix
	dhcp := &server.Config{Name: "dhcp", DHCP: &server.DHCPConfig{
		First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"),
		Reservations: []server.Reservation{{MAC: "52:54:00:70:78:02", Address: netip.MustParseAddr("192.0.2.50")}}}}
	web := guest(4, "web", "ovmf-x64", "efi-x64", "edk2")
	web.BootsOver = "http"
	return &plan.Plan{Version: plan.Version, Name: "judged",
		Networks: []plan.Network{{Name: "lan", Subnet: address("192.0.2.0/24")}},
		Services: []plan.Service{
			{Name: "dhcp", Network: "lan", Address: address("192.0.2.1/24"), MAC: "52:54:00:70:73:01", Server: dhcp},
			{Name: "tftp", Network: "lan", Address: address("192.0.2.2/24"), MAC: "52:54:00:70:73:02",
				Server: &server.Config{Name: "tftp", TFTP: &server.TFTPConfig{Root: "tftp/tftp"}, HTTP: &server.HTTPConfig{Root: "http/tftp"}}},
		},
		Guests: []plan.Guest{
			guest(1, "bios", "bios", "bios", "ipxe"),
			guest(2, "x64", "ovmf-x64", "efi-x64", "edk2"),
			guest(3, "ia32", "ovmf-ia32", "efi-ia32", "edk2"),
			guest(4, "ipxe", "ovmf-x64-ipxe", "efi-x64", "ipxe"),
			web,
		}}
}

var probeFiles = map[string]string{"bios": "probe.0", "efi-x64": "probe-x64.efi", "efi-ia32": "probe-ia32.efi"}

func testRun() *event.Run {
	return &event.Run{Nonce: nonce, Topology: "judged", Images: []event.Image{
		{Name: "probe", File: "probe.0", Arch: "bios", CRC32: probeCRC},
		{Name: "probe", File: "probe-x64.efi", Arch: "efi-x64", CRC32: probeCRC},
		{Name: "probe", File: "probe-ia32.efi", Arch: "efi-ia32", CRC32: "77777777"},
		{Name: "second", File: "second.bin", CRC32: "11691056"},
	}}
}

// script writes the log of one guest's boot, event by event, the way real firmware fills it.
type script struct {
	plan   *plan.Plan
	guest  *plan.Guest
	boot   int
	now    time.Duration
	frame  int
	events []event.Event
}

// newScript begins a run and powers one guest on.
func newScript(p *plan.Plan, guest string) *script {
	s := &script{plan: p}
	s.add(event.Event{Kind: event.RunStarted, Run: testRun()})
	s.add(event.Event{Kind: event.NetworkUp, Network: "lan"})
	for _, svc := range p.Services {
		s.add(event.Event{Kind: event.ServiceStarted, Service: svc.Name})
		s.add(event.Event{Kind: event.ServiceReady, Service: svc.Name})
	}
	return s.power(guest, false)
}

func (s *script) add(e event.Event) *script {
	e.Seq, e.At = len(s.events)+1, s.now
	s.events = append(s.events, e)
	return s
}

func (s *script) after(d time.Duration) *script { s.now += d; return s }

func (s *script) power(guest string, warp bool) *script {
	for i := range s.plan.Guests {
		if s.plan.Guests[i].Name == guest {
			s.guest = &s.plan.Guests[i]
		}
	}
	s.boot++
	clock := "real"
	if warp {
		clock = "warp shift=7"
	}
	return s.of(event.Event{Kind: event.GuestPowered, Power: &event.Power{PID: 7, Accel: "tcg", Clock: clock, Warp: warp}})
}

// of adds an event of the guest.
func (s *script) of(e event.Event) *script {
	e.Guest, e.Boot = s.guest.Name, s.boot
	return s.add(e)
}

func (s *script) say(lines ...string) *script {
	for _, l := range lines {
		s.of(event.Event{Kind: event.Console, Text: l})
	}
	return s
}

func (s *script) packet(service string, p event.Packet) *script {
	s.frame++
	p.Frame, p.FromGuest = s.frame, service == ""
	p.SrcMAC = s.guest.MAC
	for _, svc := range s.plan.Services {
		if svc.Name == service {
			p.SrcMAC = svc.MAC
		}
	}
	return s.of(event.Event{Kind: event.PacketSeen, Network: "lan", Service: service, Packet: &p})
}

// sends is a DHCP message of the guest; receives one to it, from a service.
func (s *script) sends(d event.DHCP) *script {
	if d.DstPort == 0 {
		d.SrcPort, d.DstPort = 68, 67
	}
	dst := "255.255.255.255:67"
	if d.DstPort == 4011 {
		dst = "192.0.2.1:4011"
	}
	d.XID = orElse(d.XID, "0a0b0c0d")
	d.CHAddr = s.guest.MAC
	d.ClassID = orElse(d.ClassID, "PXEClient:Arch:00007:UNDI:003000")
	return s.packet("", event.Packet{Proto: "dhcp", Src: orElse(d.CIAddr, "0.0.0.0") + ":68", Dst: dst, Info: "DHCP" + d.Type, DHCP: &d})
}

func (s *script) receives(service string, d event.DHCP) *script {
	if d.SrcPort == 0 {
		d.SrcPort, d.DstPort = 67, 68
	}
	d.XID = orElse(d.XID, "0a0b0c0d")
	d.CHAddr = orElse(d.CHAddr, s.guest.MAC)
	return s.packet(service, event.Packet{Proto: "dhcp", Src: s.address(service) + ":67", Dst: "255.255.255.255:68",
		Info: "DHCP" + d.Type + " " + d.YIAddr + " " + d.File, DHCP: &d})
}

func (s *script) address(service string) string {
	for _, svc := range s.plan.Services {
		if svc.Name == service {
			return svc.Address.Addr().String()
		}
	}
	return "192.0.2.9"
}

func orElse(v, other string) string {
	if v == "" {
		return other
	}
	return v
}

// lease is what the DHCP server gives.
func (s *script) lease() string {
	if s.guest.Name == "x64" {
		return "192.0.2.50"
	}
	return "192.0.2.100"
}

// asks and gets are TFTP packets of the guest and to it.
func (s *script) asks(op, file string, t event.TFTP) *script {
	t.Op, t.File = op, file
	return s.packet("", event.Packet{Proto: "tftp", Src: s.lease() + ":1069", Dst: "192.0.2.2:69", Info: op + " " + file, TFTP: &t})
}

func (s *script) gets(op, file string, t event.TFTP) *script {
	t.Op, t.File = op, file
	return s.packet("tftp", event.Packet{Proto: "tftp", Src: "192.0.2.2:4001", Dst: s.lease() + ":1069", Info: op + " " + file, TFTP: &t})
}

// firmware is what the client prints before its first packet.
func (s *script) firmware() *script {
	s.after(400 * ms)
	if s.guest.Client == "edk2" {
		return s.say(">>Start PXE over IPv4.").after(100 * ms)
	}
	return s.say("iPXE 1.0.0+git-20190125.36a4c85", "Configuring (net0 "+s.guest.MAC+")").after(100 * ms)
}

// discovers sends a DISCOVER and its retransmissions, with the client's own gaps.
func (s *script) discovers(n int) *script {
	gap := time.Second
	if s.guest.Client == "edk2" {
		gap = 4 * time.Second
	}
	for i := range n {
		if i > 0 {
			s.after(gap << (i - 1))
		}
		s.sends(event.DHCP{Type: "DISCOVER", Repeat: i})
	}
	return s
}

// dora is a healthy exchange; file may be empty.
func (s *script) dora(file string) *script {
	offer := event.DHCP{Type: "OFFER", YIAddr: s.lease(), SIAddr: "192.0.2.2", ServerID: "192.0.2.1", File: file}
	ack := offer
	ack.Type = "ACK"
	s.discovers(1).after(ms).receives("dhcp", offer).after(4 * time.Second)
	s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1", Requested: s.lease()})
	return s.after(ms).receives("dhcp", ack).after(80 * ms)
}

// fetches is a transfer with the client's habits: EDK2 asks for the size first.
func (s *script) fetches(file string) *script {
	if s.guest.Client == "edk2" {
		s.asks("RRQ", file, event.TFTP{}).after(ms).gets("OACK", file, event.TFTP{}).asks("ERROR", file, event.TFTP{Code: 8, Message: "User aborted the transfer"})
	}
	s.asks("RRQ", file, event.TFTP{}).after(ms).gets("OACK", file, event.TFTP{})
	s.asks("ACK", file, event.TFTP{}).gets("DATA", file, event.TFTP{Block: 1, Bytes: 1468})
	s.after(5*ms).gets("DATA", file, event.TFTP{Block: 6, Bytes: 8192, Last: true})
	s.asks("ACK", file, event.TFTP{Block: 6, Bytes: 8192})
	if s.guest.Client == "edk2" {
		return s.say("  NBP file downloaded successfully.")
	}
	return s.say("tftp://192.0.2.2/"+file+"... ok", file+" : 8192 bytes [PXE-NBP]")
}

// starts is what the client prints when it hands over.
func (s *script) starts() *script {
	if s.guest.Client == "edk2" {
		s.say(`BdsDxe: loading Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0)`,
			`BdsDxe: starting Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0)`)
	}
	return s.after(10 * ms)
}

// reports is a probe's report; replace changes lines of it: old, new, old, new ...
func (s *script) reports(replace ...string) *script {
	lines := []string{
		"PXELAB-PROBE v1 arch=" + s.guest.Arch + " nonce=" + nonce + " len=8192",
		"PXELAB self st=0000 size=8192 crc=" + probeCRC + " how=memory",
		"PXELAB packet=ack valid=1 yiaddr=" + s.lease() + " siaddr=192.0.2.2 file=probe o54=c0000201",
		"PXELAB via=dhcp",
		"PXELAB fetch st=0000000000000000 server=192.0.2.2 name=second.bin size=20000 crc=11691056",
		"PXELAB udp st=0000 size=21 from=192.0.2.2 data=ECHO:" + nonce,
		"PXELAB-PROBE END",
	}
	for _, l := range lines {
		for i := 0; i+1 < len(replace); i += 2 {
			if l == replace[i] || len(replace[i]) < len(l) && l[:len(replace[i])] == replace[i] {
				l = replace[i+1]
			}
		}
		if l != "" {
			s.after(20 * ms).say(l)
		}
	}
	return s
}

func (s *script) off() *script {
	return s.after(50 * ms).of(event.Event{Kind: event.GuestExited, Exit: &event.Exit{}})
}

// fails prints the client's error and what it prints when it is through.
func (s *script) fails(errorLine string) *script {
	if errorLine != "" {
		s.say(errorLine)
	}
	if s.guest.Client == "edk2" {
		return s.say(`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0)/IPv4(0.0.0.0): Not Found`, ">>Start HTTP Boot over IPv4.")
	}
	return s.say("No more network devices", "No bootable device.")
}

func (s *script) stalls(stage event.Stage) *script {
	return s.after(60 * time.Second).of(event.Event{Kind: event.GuestStalled, Stall: &event.Stall{Stage: stage, Budget: 60 * time.Second}})
}

// healthy is a whole boot of the probe, power-off included.
func healthy(p *plan.Plan, guest string) *script {
	s := newScript(p, guest).firmware()
	file := probeFiles[s.guest.Arch]
	return s.dora(file).fetches(file).starts().reports().off()
}

// expecting sets what a guest of a fresh plan expects.
func expecting(guest string, list ...topology.Expectation) *plan.Plan {
	p := testPlan()
	for i := range p.Guests {
		if p.Guests[i].Name == guest {
			p.Guests[i].Expect = list
		}
	}
	return p
}

// of keeps only the verdicts of one guest.
func verdictsOf(guest string, all []Verdict) []Verdict {
	var out []Verdict
	for _, v := range all {
		if v.Guest == guest {
			out = append(out, v)
		}
	}
	return out
}
