package judge

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
)

const (
	lease6 = "2001:db8::100"
	url6   = "tftp://[2001:db8::2]/probe-x64.efi"
	duid6  = "00030001525400707301" // of the server
)

// testPlan6 is a network without IPv4, with a DHCPv6 and a TFTP server; its guest sixboth is on one with both.
func testPlan6() *plan.Plan {
	p := testPlan()
	address := netip.MustParsePrefix
	p.Networks = []plan.Network{{Name: "lan", Subnet6: address("2001:db8::/64")}}
	p.Services[0].Address, p.Services[0].Address6 = netip.Prefix{}, address("2001:db8::1/64")
	p.Services[0].Server = &server.Config{Name: "dhcp", DHCP6: &server.DHCP6Config{
		First: netip.MustParseAddr("2001:db8::100"), Last: netip.MustParseAddr("2001:db8::1ff")}}
	p.Services[1].Address, p.Services[1].Address6 = netip.Prefix{}, address("2001:db8::2/64")
	bios, x64 := p.Guests[0], p.Guests[1]
	bios.Name, bios.Families = "sixbios", []string{plan.IPv6}
	x64.Name, x64.Families = "sixx64", []string{plan.IPv6}
	both := x64
	both.Name, both.Families = "sixboth", []string{plan.IPv4, plan.IPv6}
	p.Guests = []plan.Guest{bios, x64, both}
	return p
}

// sends6 is a message of the guest's PXE client; beside6 one of the client that EDK2 runs beside it.
func (s *script) sends6(d event.DHCP6) *script {
	d.Archs, d.VendorClass = []int{7}, orElse(d.VendorClass, "PXEClient:Arch:00007:UNDI:003000")
	return s.beside6(d)
}

func (s *script) beside6(d event.DHCP6) *script {
	return s.packet("", event.Packet{Proto: "dhcp6", Src: "[fe80::5054:ff:fe70:7802]:546", Dst: "[ff02::1:2]:547", Info: "DHCPv6 " + d.Type, DHCP6: &d})
}

func (s *script) receives6(service string, d event.DHCP6) *script {
	d.ServerID = orElse(d.ServerID, duid6)
	return s.packet(service, event.Packet{Proto: "dhcp6", Src: "[fe80::5054:ff:fe70:7301]:547", Dst: "[fe80::5054:ff:fe70:7802]:546",
		Info: "DHCPv6 " + d.Type, DHCP6: &d})
}

func ia6(address string) []event.IA {
	return []event.IA{{ID: "00000001", Addresses: []string{address}}}
}

// solicits sends a SOLICIT and its retransmissions, after what the firmware prints.
func (s *script) solicits(n int) *script {
	s.after(400 * ms).say(">>Start PXE over IPv6.").after(100 * ms)
	for i := range n {
		s.sends6(event.DHCP6{Type: "SOLICIT", XID: "000001", Repeat: i}).after(4 * time.Second)
	}
	return s
}

func advertise(address, url string) event.DHCP6 {
	return event.DHCP6{Type: "ADVERTISE", XID: "000001", IAs: ia6(address), BootURL: url}
}

func request6() event.DHCP6 {
	return event.DHCP6{Type: "REQUEST", XID: "000002", IAs: ia6(lease6), ServerID: duid6}
}

// sarr is a healthy exchange, with the one of the client beside it.
func (s *script) sarr(url string) *script {
	s.solicits(1).receives6("dhcp", advertise(lease6, url))
	s.beside6(event.DHCP6{Type: "SOLICIT", XID: "000077"}).receives6("dhcp", event.DHCP6{Type: "ADVERTISE", XID: "000077", IAs: ia6("2001:db8::101")})
	s.beside6(event.DHCP6{Type: "REQUEST", XID: "000078"}).receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000078", IAs: ia6("2001:db8::101")})
	s.sends6(request6()).after(ms)
	return s.receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000002", IAs: ia6(lease6), BootURL: url}).after(80 * ms)
}

// fetches6 is a transfer over IPv6, from one of the guest's addresses.
func (s *script) fetches6(file string) *script {
	tftp := func(service, op string, t event.TFTP) {
		t.Op, t.File = op, file
		p := event.Packet{Proto: "tftp", Src: "[" + lease6 + "]:1069", Dst: "[2001:db8::2]:69", Info: op + " " + file, TFTP: &t}
		if service != "" {
			p.Src, p.Dst = "[2001:db8::2]:4001", p.Src
		}
		s.packet(service, p)
	}
	tftp("", "RRQ", event.TFTP{})
	s.after(ms)
	tftp("tftp", "OACK", event.TFTP{})
	tftp("tftp", "DATA", event.TFTP{Block: 1, Bytes: 1228})
	tftp("tftp", "DATA", event.TFTP{Block: 7, Bytes: 8192, Last: true})
	return s.say("  NBP file downloaded successfully.", `BdsDxe: starting Boot0002 "UEFI PXEv6 (MAC:525400707802)" from PciRoot(0x0)`)
}

// reports6 is a probe's report over IPv6; replace changes lines of it.
func (s *script) reports6(replace ...string) *script {
	return s.reports(append([]string{
		"PXELAB self", "PXELAB pxebc st=0000 v6=1 station=" + lease6,
		"PXELAB packet=ack", "PXELAB packet=ack valid=1 type=7 address=" + lease6 + " url=" + url6,
		"PXELAB via=dhcp", "PXELAB self st=0000 size=8192 crc=" + probeCRC + " how=refetch"}, replace...)...)
}

func healthy6(s *script) *script {
	return s.sarr(url6).fetches6("probe-x64.efi").reports6().off()
}

func (s *script) fails6(line string) *script {
	return s.say(line, `BdsDxe: failed to load Boot0002 "UEFI PXEv6 (MAC:525400707802)" from PciRoot(0x0): Not Found`)
}

// hearsRouter is a router advertisement.
func (s *script) hearsRouter(info string) *script {
	return s.packet("", event.Packet{Proto: "icmp6", Info: "RS"}).packet("dhcp", event.Packet{Proto: "icmp6", Info: info})
}

// scenarios6 are ways for a boot over IPv6 to end.
var scenarios6 = []scenario{
	{"ipv6/healthy", "sixx64", "", event.StageOff, healthy6},
	{"ipv6/healthy with rapid commit", "sixx64", "", event.StageOff, func(s *script) *script {
		return s.solicits(1).receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000001", RapidCommit: true, IAs: ia6(lease6), BootURL: url6}).
			fetches6("probe-x64.efi").reports6().off()
	}},
	{"ipv6/after IPv4 failed", "sixboth", "", event.StageOff, func(s *script) *script {
		s.firmware().discovers(4).say("  PXE-E18: Server response timeout.",
			`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0): Not Found`)
		return healthy6(s)
	}},
	{"ipv6/both fail", "sixboth", NoOffer, event.StageDiscover, func(s *script) *script {
		s.firmware().discovers(4).say("  PXE-E18: Server response timeout.",
			`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0): Not Found`)
		return s.solicits(4).fails6("  PXE-E16: No valid offer received.")
	}},
	{"ipv6/no-offer", "sixx64", NoOffer, event.StageDiscover, func(s *script) *script {
		return s.solicits(4).fails6("  PXE-E16: No valid offer received.")
	}},
	{"ipv6/no-offer/a server said why", "sixx64", NoOffer, event.StageDiscover, func(s *script) *script {
		s.solicits(1).add(event.Event{Kind: event.ServerDecided, Service: "dhcp", Decision: &event.Decision{Role: "dhcp6",
			Client: s.guest.MAC, Request: "SOLICIT", Reason: "ignored: no client identifier", XID: "000001"}})
		return s.fails6("  PXE-E16: No valid offer received.")
	}},
	{"ipv6/no-offer/near-miss: an answer to the client beside it", "sixx64", NoOffer, event.StageDiscover, func(s *script) *script {
		s.solicits(1).beside6(event.DHCP6{Type: "SOLICIT", XID: "000077"})
		s.receives6("dhcp", event.DHCP6{Type: "ADVERTISE", XID: "000077", IAs: ia6("2001:db8::101")})
		return s.fails6("  PXE-E16: No valid offer received.")
	}},
	{"ipv6/offer-refused", "sixx64", OfferRefused, event.StageOffer, func(s *script) *script {
		o := advertise("", url6)
		o.IAs = []event.IA{{ID: "00000001", Status: "NoAddrsAvail no address is free"}}
		return s.solicits(1).receives6("dhcp", o).fails6("  PXE-E16: No valid offer received.")
	}},
	{"ipv6/no-bootfile", "sixx64", NoBootfile, event.StageOffer, func(s *script) *script {
		return s.solicits(1).receives6("dhcp", advertise(lease6, "")).fails6("  PXE-E21: Remote boot cancelled.")
	}},
	{"ipv6/no-bootfile/it took the address", "sixbios", NoBootfile, event.StageAddress, func(s *script) *script {
		return s.sarr("").fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
	}},
	{"ipv6/no-ack", "sixx64", NoAck, event.StageOffer, func(s *script) *script {
		s.solicits(1).receives6("dhcp", advertise(lease6, url6)).sends6(request6())
		return s.fails6("  PXE-E18: Server response timeout.")
	}},
	{"ipv6/tftp-silent", "sixx64", TFTPSilent, event.StageDownload, func(s *script) *script {
		s.sarr(url6).packet("", event.Packet{Proto: "tftp", Src: "[" + lease6 + "]:1069", Dst: "[2001:db8::2]:69", Info: "RRQ x",
			TFTP: &event.TFTP{Op: "RRQ", File: "probe-x64.efi"}})
		return s.fails6("  PXE-E18: Server response timeout.")
	}},
	{"not-managed/a router that says nothing", "sixbios", NotManaged, event.StageDiscover, func(s *script) *script {
		return s.firmware().hearsRouter("RA").discovers(4).fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
	}},
	{"not-managed/no router", "sixbios", NotManaged, event.StageLink, func(s *script) *script {
		return s.firmware().packet("", event.Packet{Proto: "icmp6", Info: "RS"}).fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
	}},
	{"not-managed/near-miss: a managed router", "sixbios", NoOffer, event.StageDiscover, func(s *script) *script {
		return s.firmware().hearsRouter("RA managed").discovers(4).fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
	}},
	{"not-managed/near-miss: it solicited", "sixx64", NoOffer, event.StageDiscover, func(s *script) *script {
		return s.hearsRouter("RA").solicits(4).fails6("  PXE-E16: No valid offer received.")
	}},
}

// claims6 are expectations about boots over IPv6.
var claims6 = []claims{
	{"booted", "sixx64", booted("probe", "tftp"), healthy6, true, "crc 1055d55b"},
	{"booted/another address on the wire", "sixx64", booted("probe", ""), func(s *script) *script {
		return s.sarr(url6).fetches6("probe-x64.efi").reports6("PXELAB pxebc", "PXELAB pxebc st=0000 v6=1 station=2001:db8::bad").off()
	}, false, "the probe says its address is 2001:db8::bad, and the wire 2001:db8::100"},
	{"booted/another reply", "sixx64", booted("probe", ""), func(s *script) *script {
		return s.sarr(url6).fetches6("probe-x64.efi").reports6("PXELAB packet=ack", "PXELAB packet=ack valid=1 address=2001:db8::bad").off()
	}, false, "the probe saw a REPLY with address 2001:db8::bad"},
	{"booted/no address on the wire", "sixx64", booted("probe", ""), func(s *script) *script {
		return s.solicits(1).fetches6("probe-x64.efi").reports6().off()
	}, false, "no DHCPv6 REPLY with one crossed the wire"},
	{"address", "sixx64", address("dhcp"), healthy6, true, "2001:db8::100"},
	{"address/of the client beside it only", "sixx64", address("dhcp"), func(s *script) *script {
		s.solicits(1).beside6(event.DHCP6{Type: "REQUEST", XID: "000078"})
		return s.receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000078", IAs: ia6("2001:db8::101")}).fails6("  PXE-E16")
	}, false, "no DHCPv6 REPLY with an address"},
	{"address/out of range", "sixx64", address("dhcp"), func(s *script) *script {
		s.solicits(1).receives6("dhcp", advertise(lease6, url6)).sends6(request6())
		return s.receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000002", IAs: ia6("2001:db8::9")}).stalls(event.StageAddress)
	}, false, "neither in its range 2001:db8::100-2001:db8::1ff"},
	{"address/another service", "sixx64", address("dhcp"), func(s *script) *script {
		s.solicits(1).receives6("tftp", advertise(lease6, url6)).sends6(request6())
		return s.receives6("tftp", event.DHCP6{Type: "REPLY", XID: "000002", IAs: ia6(lease6)}).stalls(event.StageAddress)
	}, false, `from "tftp", not from "dhcp"`},
	{"address/never used", "sixx64", address("dhcp"), func(s *script) *script { return s.sarr(url6).stalls(event.StageAddress) }, false, "never sent a packet from it"},
	{"offer", "sixx64", offer("dhcp"), healthy6, true, "took it"},
	{"offer/not taken", "sixx64", offer("dhcp"), func(s *script) *script {
		return s.solicits(1).receives6("dhcp", advertise(lease6, "")).fails6("  PXE-E21: Remote boot cancelled.")
	}, false, "did not act on it"},
	{"offer/of another server taken", "sixx64", offer("dhcp"), func(s *script) *script {
		other := request6()
		other.ServerID = "0003000152540070ffff"
		return s.solicits(1).receives6("dhcp", advertise(lease6, url6)).sends6(other).fails6("  PXE-E18: Server response timeout.")
	}, false, "did not act on it"},
	{"offer/none", "sixx64", offer("dhcp"), func(s *script) *script { return s.solicits(2).fails6("  PXE-E16") }, false, "none came from anybody"},
	{"served", "sixx64", served("probe-x64.efi", "tftp", "tftp"), healthy6, true, "8192 bytes"},
}

func TestClaims6(t *testing.T) {
	for _, c := range claims6 {
		p := testPlan6()
		for i := range p.Guests {
			if p.Guests[i].Name == c.guest {
				p.Guests[i].Expect = c.expect
			}
		}
		all := verdictsOf(c.guest, Judge(p, c.script(newScript(p, c.guest)).events))
		v := all[len(all)-1]
		if v.Pass != c.pass || !strings.Contains(v.Sentence, c.says) {
			t.Errorf("%s: pass %v, want %v: %q does not say %q", c.name, v.Pass, c.pass, v.Sentence, c.says)
		}
		if !c.pass && len(v.Evidence) == 0 {
			t.Errorf("%s: a failure without evidence", c.name)
		}
	}
}

// TestBothRoles: a service that serves both families is judged by the one that gave the guest its address.
func TestBothRoles(t *testing.T) {
	p := testPlan6()
	p.Networks[0].Subnet = netip.MustParsePrefix("192.0.2.0/24")
	p.Services[0].Address = netip.MustParsePrefix("192.0.2.1/24")
	p.Services[0].Server.DHCP = testPlan().Services[0].Server.DHCP
	for i := range p.Guests {
		p.Guests[i].Expect = append(address("dhcp"), offer("dhcp")[0])
	}
	for name, play := range map[string]func(*script) *script{
		"IPv4 alone": func(s *script) *script {
			return s.firmware().dora("probe-x64.efi").packet("", event.Packet{Proto: "udp", Src: s.lease() + ":1", Dst: "192.0.2.2:7777"}).stalls(event.StageAddress)
		},
		"IPv6 after an offer without boot file": func(s *script) *script {
			s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50", ServerID: "192.0.2.1"})
			return healthy6(s)
		},
	} {
		for _, v := range verdictsOf("sixboth", Judge(p, play(newScript(p, "sixboth")).events)) {
			if !v.Pass {
				t.Errorf("%s: %s: %s", name, v.Expectation, v.Sentence)
			}
		}
	}
}

func TestCalm6(t *testing.T) {
	solicit := event.DHCP6{Type: "SOLICIT", XID: "000001"}
	decided := func(s *script, reply string) *script {
		return s.add(event.Event{Kind: event.ServerDecided, Service: "dhcp", Decision: &event.Decision{Role: "dhcp6", Client: s.guest.MAC,
			Request: "SOLICIT", Reply: reply, Reason: "as configured", XID: "000001"}})
	}
	for name, c := range map[string]struct {
		why  string // empty: calm
		play func(*script) *script
	}{
		"healthy": {"", func(s *script) *script {
			return s.sends6(solicit).after(25*ms).receives6("dhcp", advertise(lease6, url6))
		}},
		"late offer": {"the answer to DHCPv6 SOLICIT came 26ms", func(s *script) *script {
			return s.sends6(solicit).after(26*ms).receives6("dhcp", advertise(lease6, url6))
		}},
		"late reply": {"the answer to DHCPv6 REQUEST came 26ms", func(s *script) *script {
			return s.sends6(request6()).after(26*ms).receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000002"})
		}},
		"asked twice": {"DHCPv6 SOLICIT 2 times before", func(s *script) *script {
			return s.sends6(solicit).after(ms).sends6(solicit).after(ms).receives6("dhcp", advertise(lease6, url6))
		}},
		"unanswered":  {`service "dhcp" had not answered DHCPv6 SOLICIT`, func(s *script) *script { return s.sends6(solicit) }},
		"by decision": {"", func(s *script) *script { return decided(s.sends6(solicit), "") }},
		"lost":        {"had not answered", func(s *script) *script { return decided(s.sends6(solicit), "ADVERTISE") }},
		"dead server": {"", func(s *script) *script {
			return s.add(event.Event{Kind: event.ServiceExited, Service: "dhcp"}).sends6(solicit)
		}},
		"late router": {"the answer to RS came 30ms", func(s *script) *script {
			return s.packet("", event.Packet{Proto: "icmp6", Info: "RS"}).after(30*ms).packet("dhcp", event.Packet{Proto: "icmp6", Info: "RA managed"})
		}},
		"no router": {"", func(s *script) *script { return s.packet("", event.Packet{Proto: "icmp6", Info: "RS"}) }},
		"rrq": {`service "tftp" had not answered RRQ x`, func(s *script) *script {
			return s.packet("", event.Packet{Proto: "tftp", Src: "[2001:db8::100]:1069", Dst: "[2001:db8::2]:69", Info: "RRQ x", TFTP: &event.TFTP{Op: "RRQ", File: "x"}})
		}},
	} {
		p := testPlan6()
		s := newScript(p, "sixx64").power("sixx64", true)
		calm, why := Calm(p, c.play(s).events, "sixx64")
		if calm != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: calm %v, %q, want %q", name, calm, why, c.why)
		}
	}
}
