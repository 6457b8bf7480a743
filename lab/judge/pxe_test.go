package judge

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
)

// vendor encodes option 43 as a server sends it.
func vendor(v pxe.Vendor) string {
	b, err := v.Marshal()
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(b)
}

func ctl(c pxe.Control) *pxe.Control { return &c }

var (
	menu   = []pxe.MenuItem{{Type: 0x8000, Text: "Probe"}, {Type: 0, Text: "Local boot"}}
	listed = []pxe.Server{{Type: 0x8000, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}}
	only   = ctl(pxe.NoBroadcast | pxe.NoMulticast)
)

// offered is a DHCP exchange in which the server speaks PXE.
func (s *script) offered(v pxe.Vendor) *script {
	s.firmware().discovers(1)
	for _, typ := range []string{"OFFER", "ACK"} {
		s.receives("dhcp", event.DHCP{Type: typ, YIAddr: s.lease(), ServerID: "192.0.2.1", ClassID: "PXEClient", Vendor: vendor(v)})
		if typ == "OFFER" {
			s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1", Requested: s.lease()})
		}
	}
	return s
}

// asksBootServer is a request for type 0x8000 from the client's own port.
func (s *script) asksBootServer() *script {
	port := 68
	if s.guest.Client == "edk2" {
		port = 4011
	}
	return s.sends(event.DHCP{Type: "REQUEST", SrcPort: port, DstPort: 4011, CIAddr: s.lease(), BootItem: "80000000", XID: "00000000"})
}

// bootServer is an answer of a boot server to address:port.
func (s *script) bootServer(service, dst, item string) *script {
	d := event.DHCP{Type: "ACK", SrcPort: 4011, DstPort: 68, BootItem: item, ClassID: "PXEClient", File: "probe.0", XID: "00000000", CHAddr: s.guest.MAC}
	return s.packet(service, event.Packet{Proto: "dhcp", Src: s.address(service) + ":4011", Dst: dst, Info: "DHCPACK probe.0", DHCP: &d})
}

const e99 = "  PXE-E99: Unexpected network error."

func init() {
	timedOut := "PXEBS (net0 type 128)..... Connection timed out (http://ipxe.org/4c106035)"
	scenarios = append(scenarios, []scenario{
		{"no-menu/edk2", "x64", NoMenu, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: only, Servers: listed}).fails("  PXE-E21: Remote boot cancelled.")
		}},
		{"no-menu/a prompt alone", "x64", NoMenu, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Prompt: &pxe.Prompt{Timeout: 3, Text: "Press F8"}}).fails("  PXE-E21: Remote boot cancelled.")
		}},
		{"no-menu/near-miss: a prompt alone, which is nothing to iPXE", "bios", GaveUp, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Prompt: &pxe.Prompt{Timeout: 3, Text: "Press F8"}}).fails("Nothing to boot")
		}},
		{"no-menu/near-miss: boot at once", "x64", NoBootfile, event.StageAddress, func(s *script) *script {
			return s.dora("").fails("  PXE-E21: Remote boot cancelled.")
		}},
		{"no-discovery-group/edk2", "x64", NoDiscoveryGroup, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: ctl(pxe.NoBroadcast), Menu: menu}).fails(e99)
		}},
		{"no-discovery-group/ipxe", "bios", NoDiscoveryGroup, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: ctl(pxe.NoBroadcast), Menu: menu}).fails("")
		}},
		{"no-discovery-group/near-miss: a group", "x64", LocalBoot, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Multicast: netip.MustParseAddr("224.0.1.2"), Menu: menu}).fails("  PXE-E21: Remote boot cancelled.")
		}},
		{"type-not-listed/edk2", "x64", TypeNotListed, event.StageAddress, func(s *script) *script {
			other := []pxe.Server{{Type: 0x8001, Addrs: listed[0].Addrs}}
			return s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: other}).fails("  PXE-E07: Network device error.")
		}},
		{"type-not-listed/near-miss: listed", "bios", LocalBoot, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).fails("")
		}},
		{"cancelled/esc", "x64", Cancelled, event.StageAddress, func(s *script) *script {
			s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).of(event.Event{Kind: event.KeysTyped, Text: "esc"})
			return s.fails(e99)
		}},
		{"cancelled/near-miss: another key", "x64", LocalBoot, event.StageAddress, func(s *script) *script {
			s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).of(event.Event{Kind: event.KeysTyped, Text: "down enter"})
			return s.fails("  PXE-E21: Remote boot cancelled.")
		}},
		{"menu-waits/time-out 255", "x64", MenuWaits, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed, Prompt: &pxe.Prompt{Timeout: 255, Text: "Press F8"}}).stalls(event.StageAddress)
		}},
		{"menu-waits/no prompt", "bios", MenuWaits, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).stalls(event.StageAddress)
		}},
		{"menu-waits/F8 and no more", "x64", MenuWaits, event.StageAddress, func(s *script) *script {
			s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed, Prompt: &pxe.Prompt{Timeout: 20, Text: "Press F8"}})
			return s.of(event.Event{Kind: event.KeysTyped, Text: "f8"}).stalls(event.StageAddress)
		}},
		{"menu-waits/near-miss: EDK2 shows no menu without a prompt", "x64", LocalBoot, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).stalls(event.StageAddress)
		}},
		{"menu-waits/near-miss: an item was chosen", "x64", LocalBoot, event.StageAddress, func(s *script) *script {
			s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed, Prompt: &pxe.Prompt{Timeout: 255, Text: "Press F8"}})
			return s.of(event.Event{Kind: event.KeysTyped, Text: "down enter"}).stalls(event.StageAddress)
		}},
		{"menu-unsupported/ipxe on EFI", "ipxe", MenuUnsupported, event.StageAddress, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).say("Booting from PXE menu").fails("")
		}},
		{"no-class/ipxe", "bios", NoClass, event.StageAddress, func(s *script) *script {
			s.firmware().discovers(1).receives("tftp", event.DHCP{Type: "OFFER", ServerID: "192.0.2.2", File: "probe.0"})
			return s.dora("").fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
		}},
		{"no-class/near-miss: it says PXEClient", "bios", NoBootfile, event.StageAddress, func(s *script) *script {
			s.firmware().discovers(1).receives("tftp", event.DHCP{Type: "OFFER", ServerID: "192.0.2.2", ClassID: "PXEClient", File: "probe.0"})
			return s.dora("").fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
		}},
		{"no-ack/the proxy has no addresses to give", "bios", NoAck, event.StageOffer, func(s *script) *script {
			s.firmware().discovers(1).receives("tftp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.254", ServerID: "192.0.2.2", ClassID: "PXEClient"})
			s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.2", Requested: "192.0.2.254"})
			return s.fails("No configuration methods succeeded (http://ipxe.org/040ee119)")
		}},
		{"no-ack/two servers", "x64", NoAck, event.StageOffer, func(s *script) *script {
			s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: s.lease(), ServerID: "192.0.2.1", File: "a.efi"})
			s.packet("", event.Packet{}).frame++
			s.receives("", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.9", ServerID: "192.0.2.9", File: "b.efi"})
			s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.9", Requested: "192.0.2.9"})
			return s.fails("  PXE-E18: Server response timeout.")
		}},
		{"answer-ignored/by broadcast", "bios", AnswerIgnored, event.StageBootServer, func(s *script) *script {
			s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).asksBootServer()
			return s.bootServer("dhcp", "255.255.255.255:68", "80000000").fails(timedOut)
		}},
		{"answer-ignored/to another port", "x64", AnswerIgnored, event.StageBootServer, func(s *script) *script {
			s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).asksBootServer()
			return s.bootServer("dhcp", s.lease()+":69", "80000000").fails("  PXE-E18: Server response timeout.")
		}},
		{"answer-ignored/no item", "bios", AnswerIgnored, event.StageBootServer, func(s *script) *script {
			s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).asksBootServer()
			return s.bootServer("dhcp", s.lease()+":68", "").fails(timedOut)
		}},
		{"answer-ignored/not listed", "bios", AnswerIgnored, event.StageBootServer, func(s *script) *script {
			s.offered(pxe.Vendor{Control: ctl(pxe.OnlyListed), Menu: menu, Servers: listed, Multicast: netip.MustParseAddr("224.0.1.2")}).asksBootServer()
			return s.bootServer("tftp", s.lease()+":68", "80000000").fails(timedOut)
		}},
		{"answer-ignored/who knows why", "bios", AnswerIgnored, event.StageBootServer, func(s *script) *script {
			s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).asksBootServer()
			return s.bootServer("dhcp", s.lease()+":68", "80000000").fails(timedOut)
		}},
		{"answer-ignored/near-miss: an answer to another", "bios", BootServerSilent, event.StageBootServer, func(s *script) *script {
			return s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).asksBootServer().fails(timedOut)
		}},
	}...)
	allClaims = append(allClaims, messageClaims()...)
}

func messages(m topology.Messages) []topology.Expectation {
	return one(topology.Expectation{DHCP: &m})
}

func silent(from, reason string) []topology.Expectation {
	return one(topology.Expectation{Silent: &topology.Silent{From: from, Reason: reason}})
}

func noted(kind string) []topology.Expectation { return one(topology.Expectation{Note: kind}) }

// itemAsked is a boot with one request to a boot server and its answer.
func itemAsked(s *script) *script {
	s.offered(pxe.Vendor{Control: only, Menu: menu, Servers: listed}).asksBootServer()
	return s.bootServer("dhcp", s.lease()+":68", "80000000").fetches("probe.0").reports().off()
}

// said is a server's decision to stay silent towards the guest.
func said(reason string) func(*script) *script {
	return func(s *script) *script {
		s.add(event.Event{Kind: event.ServerDecided, Service: "dhcp", Decision: &event.Decision{Role: "dhcp", Client: s.guest.MAC, Request: "DHCPREQUEST", Reason: reason}})
		return s.firmware().dora("probe.0").fetches("probe.0").reports().off()
	}
}

// introduces is a boot that says this UUID, next to another machine that has said who it is.
func introduces(uuid, otherMAC, otherUUID string) func(*script) *script {
	return func(s *script) *script {
		s.sends(event.DHCP{Type: "DISCOVER", UUID: uuid})
		self, boot := s.guest, s.boot
		s.boot = 0
		s.power("ia32", false)
		d := event.DHCP{Type: "DISCOVER", CHAddr: otherMAC, UUID: otherUUID, SrcPort: 68, DstPort: 67}
		s.packet("", event.Packet{Proto: "dhcp", DHCP: &d})
		s.guest, s.boot = self, boot
		return s.firmware().dora("probe.0").fetches("probe.0").reports().off()
	}
}

func messageClaims() []claims {
	n := func(n int) *int { return &n }
	item := &topology.Item{Type: 0x8000}
	return []claims{
		{"dhcp/there is one", "bios", messages(topology.Messages{Type: "REQUEST", To: "dhcp", Port: 4011, ClientPort: 68, Item: item, Count: n(1)}), itemAsked, true, "there is 1"},
		{"dhcp/one too many", "bios", messages(topology.Messages{Type: "REQUEST", Count: n(1)}), itemAsked, false, "there are 2 of the boot of bios, not 1"},
		{"dhcp/none", "bios", messages(topology.Messages{Type: "REQUEST", Port: 4011, Count: n(0)}), nil, true, "there is none"},
		{"dhcp/none, and there is", "bios", messages(topology.Messages{Type: "REQUEST", Port: 4011, Count: n(0)}), itemAsked, false, "there are 1 of the boot of bios, not 0"},
		{"dhcp/another item", "bios", messages(topology.Messages{Type: "REQUEST", Item: &topology.Item{Type: 0x8001}}), itemAsked, false, "for boot item 80000000"},
		{"dhcp/nothing of the kind", "bios", messages(topology.Messages{Type: "INFORM"}), itemAsked, false, "nor any other INFORM"},
		{"dhcp/from", "bios", messages(topology.Messages{Type: "ACK", From: "dhcp", Port: 4011, Class: "PXEClient", File: "probe.0"}), itemAsked, true, "is 1"},
		{"dhcp/from another", "bios", messages(topology.Messages{Type: "ACK", From: "tftp"}), itemAsked, false, `from "dhcp" port 67`},
		{"dhcp/to broadcast", "bios", messages(topology.Messages{Type: "DISCOVER", To: "broadcast"}), itemAsked, true, "is 1"},
		{"dhcp/to an address", "bios", messages(topology.Messages{Type: "REQUEST", To: "224.0.1.2"}), itemAsked, false, "none"},
		{"dhcp/says otherwise", "bios", messages(topology.Messages{Type: "OFFER", Class: "HTTPClient"}), itemAsked, false, `has option 60 "PXEClient", not "HTTPClient"`},
		{"dhcp/option 43", "bios", messages(topology.Messages{Type: "OFFER", Vendor: "^060103"}), itemAsked, true, "is 1"},
		{"dhcp/option 43 differs", "bios", messages(topology.Messages{Type: "OFFER", Vendor: "^060108"}), itemAsked, false, "does not match"},
		{"dhcp/carries", "bios", messages(topology.Messages{Type: "OFFER", Lacks: []int{53}}), optioned, false, "carries option 53"},
		{"dhcp/lacks", "bios", messages(topology.Messages{Type: "OFFER", Has: []int{97}}), optioned, false, "lacks option 97 (it has 53, 60)"},
		{"dhcp/has and lacks", "bios", messages(topology.Messages{Type: "OFFER", Has: []int{53, 60}, Lacks: []int{43}}), optioned, true, "is 1"},
		{"dhcp/relay", "bios", messages(topology.Messages{Type: "OFFER", Relay: "192.0.2.7"}), optioned, false, `has giaddr "", not "192.0.2.7"`},
		{"silent", "bios", silent("dhcp", "^not for"), said("not for me"), true, "stayed silent: not for me"},
		{"silent/whatever the reason", "bios", silent("dhcp", ""), said("not for me"), true, "stayed silent"},
		{"silent/for another reason", "bios", silent("dhcp", "mine"), said("not for me"), false, "for another reason: not for me"},
		{"silent/it was not", "bios", silent("tftp", ""), said("not for me"), false, `"tftp" did not stay silent`},
		{"note/same MAC", "bios", noted("duplicate-mac"), introduces("01", "52:54:00:70:78:01", "02"), true, "same hardware address"},
		{"note/other MAC", "bios", noted("duplicate-mac"), introduces("01", "52:54:00:70:78:03", "01"), false, "but duplicate-uuid"},
		{"note/same UUID", "bios", noted("duplicate-uuid"), introduces("01", "52:54:00:70:78:03", "01"), true, "same UUID 01"},
		{"note/other UUID", "bios", noted("duplicate-uuid"), introduces("01", "52:54:00:70:78:03", "02"), false, "but nothing"},
		{"note/no UUID", "bios", noted("no-uuid"), introduces(zeroUUID, "52:54:00:70:78:03", zeroUUID), true, "16 zeros"},
		{"note/a UUID", "bios", noted("no-uuid"), introduces("01", "52:54:00:70:78:03", "02"), false, "but nothing"},
	}
}

func optioned(s *script) *script {
	s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: s.lease(), Options: []string{"53", "60"}})
	return s.dora2("probe.0")
}

// dora2 goes on after an offer.
func (s *script) dora2(file string) *script {
	s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1", Requested: s.lease()})
	s.receives("dhcp", event.DHCP{Type: "ACK", YIAddr: s.lease(), SIAddr: "192.0.2.2", ServerID: "192.0.2.1", File: file})
	return s.fetches(file).reports().off()
}

// TestLateSilence: a service that was kept waiting says after the boot has settled why it stays silent.
func TestLateSilence(t *testing.T) {
	p := expecting("bios", silent("dhcp", "late")...)
	s := newScript(p, "bios").firmware().discovers(4).fails("No configuration methods succeeded (http://ipxe.org/040ee119)")
	if calm, why := Calm(p, warped(s.events), "bios"); calm {
		t.Error("a boot is believed although a service had not decided yet")
	} else if why == "" {
		t.Error("no reason")
	}
	s.add(event.Event{Kind: event.ServerDecided, Service: "dhcp", Decision: &event.Decision{Role: "dhcp", Client: s.guest.MAC, Request: "DHCPDISCOVER", Reason: "late", XID: "0a0b0c0d"}})
	if v := verdictsOf("bios", Judge(p, s.events)); len(v) != 1 || !v[0].Pass {
		t.Errorf("verdicts %+v", v)
	}
}

// warped marks the power-ons of a log as warped.
func warped(events []event.Event) []event.Event {
	out := append([]event.Event{}, events...)
	for i, e := range out {
		if e.Power != nil {
			power := *e.Power
			power.Warp = true
			out[i].Power = &power
		}
	}
	return out
}

// TestUnheardRoles: a warped boot is not believed while any role that should have answered has not.
func TestUnheardRoles(t *testing.T) {
	for name, c := range map[string]struct {
		config server.Config
		script func(*script) *script
	}{
		"bootp":     {server.Config{BOOTP: &server.BOOTPConfig{}}, func(s *script) *script { return s.firmware().discovers(4).fails("x (http://ipxe.org/040ee119)") }},
		"proxy 67":  {server.Config{ProxyDHCP: &server.ProxyDHCPConfig{}}, func(s *script) *script { return s.firmware().discovers(4).fails("x (http://ipxe.org/040ee119)") }},
		"boot item": {server.Config{DHCP: &server.DHCPConfig{}, BootServer: &server.BootServerConfig{}}, func(s *script) *script { return s.offered(pxe.Vendor{Menu: menu}).asksBootServer().fails("") }},
	} {
		p := testPlan()
		p.Services[0].Server = &c.config
		s := c.script(newScript(p, "bios"))
		if calm, _ := Calm(p, warped(s.events), "bios"); calm {
			t.Errorf("%s: a boot is believed although a service of ours had not answered", name)
		}
	}
}

// TestMenuBudget: a menu that stands on the console and waits for a key which nobody will press is waited for in vain.
func TestMenuBudget(t *testing.T) {
	v := pxe.Vendor{Menu: []pxe.MenuItem{{Type: 1, Text: "First"}, {Type: 2, Text: "Second"}}, Prompt: &pxe.Prompt{Timeout: 255, Text: "Press F8"}}
	short := v
	short.Prompt = &pxe.Prompt{Timeout: 5, Text: "Press F8"}
	all := func(s *script) *script { return s.say("First").say("Second") }
	for _, c := range []struct {
		name   string
		vendor pxe.Vendor
		keys   []plan.Keys
		then   func(*script) *script
		want   bool
	}{
		{"the menu stands", v, nil, all, true},
		{"half of it", v, nil, func(s *script) *script { return s.say("First") }, false},
		{"keys are to come", v, []plan.Keys{{}}, all, false},
		{"a prompt that ends", short, nil, all, false},
		{"somebody chose", v, nil, func(s *script) *script { return all(s).of(event.Event{Kind: event.KeysTyped, Text: "enter"}) }, false},
	} {
		p := testPlan()
		p.Guests[slices.IndexFunc(p.Guests, func(g plan.Guest) bool { return g.Name == "x64" })].Keys = c.keys
		g := track(c.then(newScript(p, "x64").offered(c.vendor))).Guest("x64")
		if (g.Budget == menuBudget) != c.want || g.Stage != event.StageAddress {
			t.Errorf("%s: %s at %s", c.name, g.Budget, g.Stage)
		}
	}
}
