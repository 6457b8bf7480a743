package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
)

// TestWho6: who advertised, whose advertisement was taken, who replied and who served, over IPv6.
func TestWho6(t *testing.T) {
	const other = "00030001525400707302"
	second := advertise("2001:db8::150", url6)
	second.ServerID = other
	for name, c := range map[string]struct {
		script *script
		offers string // "from: taken", in the order they came
		giver  string
	}{
		"one server": {healthy6(newScript(testPlan6(), "sixx64").firmware()), "dhcp: taken", "dhcp"},
		"two, the first taken": {newScript(testPlan6(), "sixx64").firmware().solicits(1).receives6("dhcp", advertise(lease6, url6)).
			receives6("tftp", second).sends6(request6()).receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000002", IAs: ia6(lease6)}),
			"dhcp: taken, tftp: not taken", "dhcp"},
		"one identifier, another address": {twins6("2001:db8::150", ia6("2001:db8::150"), "tftp"), "dhcp: not taken, tftp: taken", "tftp"},
		"one identifier and address":      {twins6(lease6, ia6(lease6), "tftp"), "dhcp: not taken, tftp: taken", "tftp"},
		"twins, both reply":               {twins6(lease6, ia6(lease6), "tftp", "dhcp"), "dhcp: unsure, tftp: unsure", "dhcp"},
		"twins, nobody replied yet":       {twins6(lease6, nil), "dhcp: unsure, tftp: unsure", ""},
		"committed at once": {newScript(testPlan6(), "sixx64").firmware().solicits(1).
			receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000001", RapidCommit: true, IAs: ia6(lease6), BootURL: url6}), "dhcp: taken", "dhcp"},
		"not the client beside": {newScript(testPlan6(), "sixx64").firmware().beside6(event.DHCP6{Type: "SOLICIT", XID: "000077"}).
			receives6("dhcp", event.DHCP6{Type: "ADVERTISE", XID: "000077", IAs: ia6("2001:db8::101")}), "", ""},
	} {
		w := whoOf(c.script)
		var got []string
		for _, o := range w.Offers6 {
			state := map[bool]string{true: "taken", false: "not taken"}[o.Taken]
			if o.Unsure {
				state = "unsure"
			}
			got = append(got, o.From+": "+state)
		}
		if text := strings.Join(got, ", "); text != c.offers || w.Address6 != c.giver || len(w.Offers) > 0 || w.Address != "" {
			t.Errorf("%s: %s, address from %q, want %s from %q; over IPv4 %+v", name, text, w.Address6, c.offers, c.giver, w.Offers)
		}
	}
}

// twins6 has two servers of one identifier, of which the given ones reply to a REQUEST for some addresses.
func twins6(address string, asked []event.IA, reply ...string) *script {
	s := newScript(testPlan6(), "sixx64").firmware().solicits(1)
	s.receives6("dhcp", advertise(lease6, url6)).receives6("tftp", advertise(address, url6))
	request := request6()
	request.IAs = asked
	s.sends6(request)
	for _, from := range reply {
		s.receives6(from, event.DHCP6{Type: "REPLY", XID: "000002", IAs: ia6(address)})
	}
	return s
}

// TestFilesOverIPv6: a file that came over IPv6 is marked so, over TFTP and HTTP, and one over IPv4 is not.
func TestFilesOverIPv6(t *testing.T) {
	for name, c := range map[string]struct {
		script *script
		over   string
		six    bool
	}{
		"TFTP": {healthy6(newScript(testPlan6(), "sixx64").firmware()), "", true},
		"HTTP": {newScript(testPlanHTTP6(), "sixx64").firmware().httpSARR("http://[2001:db8::2]/probe-x64.efi", "HTTPClient").downloads6(probeCRC), "http", true},
		"IPv4": {newScript(testPlan(), "bios").firmware().dora("probe.0").fetches("probe.0"), "", false},
	} {
		files := Results(c.script.plan, c.script.events)
		for _, r := range files {
			if r.Guest != c.script.guest.Name {
				continue
			}
			if len(r.Files) != 1 || r.Files[0].From != "tftp" || r.Files[0].Over != c.over || r.Files[0].IPv6 != c.six || !r.Files[0].Whole {
				t.Errorf("%s: %+v", name, r.Files)
			}
		}
	}
}
