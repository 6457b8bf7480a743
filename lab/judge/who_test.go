package judge

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server/pxe"
)

// TestChoice: each rule by which a client chooses, and beside it what it must not be taken for.
func TestChoice(t *testing.T) {
	plainOffer := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50", ServerID: "192.0.2.1", File: "a"}
	bare := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50", ServerID: "192.0.2.1"}
	second := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.60", ServerID: "192.0.2.2", File: "b"}
	binl := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.60", ServerID: "192.0.2.2", ClassID: "PXEClient"}
	full := binl
	full.Vendor = vendor(pxe.Vendor{Menu: menu})
	proxy := event.DHCP{Type: "OFFER", ServerID: "192.0.2.2", ClassID: "PXEClient", File: "p"}
	proxyFull := proxy
	proxyFull.Vendor = full.Vendor
	noClass := event.DHCP{Type: "OFFER", ServerID: "192.0.2.2", File: "p"}
	bootp := event.DHCP{Type: "BOOTREPLY", YIAddr: "192.0.2.50", File: "a"}
	option175 := plainOffer
	option175.Options = []string{"53", "175"}
	for name, c := range map[string]struct {
		ipxe   bool
		offers []event.DHCP
		rule   string
		from   string // server identifier of the offer that is meant
	}{
		"all in one":                     {false, []event.DHCP{plainOffer, full}, "first choice", "192.0.2.2"},
		"plain, and a proxy with 43":     {false, []event.DHCP{bare, proxyFull}, "second choice", "192.0.2.1"},
		"option 60 before a proxy":       {false, []event.DHCP{plainOffer, proxy, binl}, "third choice", "192.0.2.2"},
		"option 60, but a proxy with 43": {false, []event.DHCP{plainOffer, proxyFull, binl}, "second choice", "192.0.2.1"},
		"plain, and a proxy":             {false, []event.DHCP{proxy, bare}, "fourth choice", "192.0.2.1"},
		"plain alone":                    {false, []event.DHCP{plainOffer}, "fifth choice", "192.0.2.1"},
		"two alike":                      {false, []event.DHCP{plainOffer, second}, "fifth choice", "192.0.2.1"},
		"two alike, the other first":     {false, []event.DHCP{second, plainOffer}, "fifth choice", "192.0.2.2"},
		"the one that names a file":      {false, []event.DHCP{bare, second}, "fifth choice", "192.0.2.2"},
		"a proxy without option 60":      {false, []event.DHCP{plainOffer, noClass}, "fifth choice", "192.0.2.1"},
		"BOOTP":                          {false, []event.DHCP{bootp}, "sixth choice", ""},
		"no file anywhere":               {false, []event.DHCP{bare}, "", ""},
		"iPXE, two":                      {true, []event.DHCP{plainOffer, second}, "the last of several", "192.0.2.2"},
		"iPXE, two, the other way":       {true, []event.DHCP{second, plainOffer}, "the last of several", "192.0.2.1"},
		"iPXE, one and a proxy":          {true, []event.DHCP{plainOffer, proxy}, "asks at once when it has", "192.0.2.1"},
		"iPXE, both in one, and another": {true, []event.DHCP{full, plainOffer}, "asks at once when it has", "192.0.2.2"},
		"iPXE, a proxy between two":      {true, []event.DHCP{plainOffer, proxy, second}, "asks at once when it has", "192.0.2.1"},
		"iPXE, with a priority":          {true, []event.DHCP{option175, second}, "", ""},
	} {
		s := newScript(testPlan(), "x64").firmware()
		hello := event.DHCP{Type: "DISCOVER"}
		if c.ipxe {
			hello.UserClass = "iPXE"
		}
		s.sends(hello)
		for _, o := range c.offers {
			s.receives("dhcp", o)
		}
		if c.rule != "" && c.offers[0].Type != "BOOTREPLY" {
			s.sends(event.DHCP{Type: "REQUEST", ServerID: c.from})
		}
		tr := NewTracker(s.plan)
		for _, e := range s.events {
			tr.Feed(e)
		}
		rule, offer := tr.last("x64").choice()
		from := ""
		if offer.Packet != nil {
			from = offer.Packet.DHCP.ServerID
		}
		if c.rule == "" && rule != "" || !strings.Contains(rule, c.rule) || from != c.from {
			t.Errorf("%s: %q from %q, want %q from %q", name, rule, from, c.rule, c.from)
		}
	}
}

// TestImpostor: a service that gives another's address as its own is known by where its frames come from.
func TestImpostor(t *testing.T) {
	for claim, want := range map[string]string{"192.0.2.1": "192.0.2.1", "192.0.2.2": ""} {
		s := newScript(testPlan(), "bios").firmware().sends(event.DHCP{Type: "DISCOVER"})
		s.receives("tftp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: claim, File: "probe.0"})
		tr := NewTracker(s.plan)
		for _, e := range s.events {
			tr.Feed(e)
		}
		w := tr.last("bios").who()
		if len(w.Offers) != 1 || w.Offers[0].From != "tftp" || w.Offers[0].Claims != want {
			t.Errorf("it claims %s: %+v", claim, w.Offers)
		}
	}
}

// TestRuleNotTold: a rule is not named where the client did otherwise, nor PXE's where it boots over HTTP.
func TestRuleNotTold(t *testing.T) {
	const httpClass = "HTTPClient:Arch:00016:UNDI:003000"
	one := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", File: "a"}
	two := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.150", ServerID: "192.0.2.2", File: "b"}
	for _, c := range []struct {
		guest, class, user string
		took               event.DHCP
		told               bool
	}{
		{"x64", "", "", one, true}, {"x64", "", "", two, false}, {"x64", httpClass, "", one, false},
		{"bios", "", "iPXE", two, true}, {"bios", "", "iPXE", one, false},
	} {
		s := newScript(testPlan(), c.guest).firmware().sends(event.DHCP{Type: "DISCOVER", ClassID: c.class, UserClass: c.user})
		s.receives("dhcp", one).receives("tftp", two)
		s.sends(event.DHCP{Type: "REQUEST", ClassID: c.class, UserClass: c.user, ServerID: c.took.ServerID, Requested: c.took.YIAddr})
		tr := NewTracker(s.plan)
		for _, e := range s.events {
			tr.Feed(e)
		}
		if w := tr.last(c.guest).who(); (w.Rule != "") != c.told {
			t.Errorf("%s%s took %s: rule %q, told %v", c.guest, c.class, c.took.ServerID, w.Rule, c.told)
		}
	}
}

// TestOwnSecondAddress: a server on two networks may give either of its addresses.
func TestOwnSecondAddress(t *testing.T) {
	for id, claims := range map[string]string{"198.51.100.2": "", "198.51.100.3": "198.51.100.3"} {
		p := testPlan()
		p.Services[1].Links = []plan.Link{{Network: "lan", Interface: "eth0", Address: p.Services[1].Address, MAC: p.Services[1].MAC},
			{Network: "far", Interface: "eth1", Address: netip.MustParsePrefix("198.51.100.2/24"), MAC: "52:54:00:70:73:12"}}
		s := newScript(p, "bios").firmware().sends(event.DHCP{Type: "DISCOVER"})
		s.receives("tftp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: id})
		tr := NewTracker(p)
		for _, e := range s.events {
			tr.Feed(e)
		}
		if w := tr.last("bios").who(); len(w.Offers) != 1 || w.Offers[0].Claims != claims {
			t.Errorf("it says %s: %+v", id, w.Offers)
		}
	}
}
