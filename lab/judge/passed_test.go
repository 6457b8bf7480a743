package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestPassedAstray: where a relay agent's log says that it sent a machine's request to an address that is no DHCP server's, that is why
// nobody answered, as far as the log and the wire prove it; a request of another machine, or one sent to the server, proves nothing.
func TestPassedAstray(t *testing.T) {
	const mine, other = "52:54:00:70:78:01", "52:54:00:70:78:09"
	arp := func(info string, sent bool) event.Event {
		return event.Event{Kind: event.PacketSeen, Network: "lan", Watched: "relay", Packet: &event.Packet{FromGuest: sent, Proto: "arp", Info: info}}
	}
	asks, is := arp("ARP who has 192.0.2.7", true), arp("ARP 192.0.2.7 is at 52:54:00:00:00:07", false)
	const relay, wrong = `relay agent "relay" (198.51.100.1) heard it and passed it on to `, "in place of 192.0.2.7"
	for _, c := range []struct {
		name, mac, to string
		seen          []event.Event
		what, do      string // empty: not so
	}{
		{"asked in vain", mine, "192.0.2.7", []event.Event{asks}, relay + "192.0.2.7, and nobody has that address: its ARP questions stayed unanswered",
			`in the command line of "relay" give the DHCP server's address, 192.0.2.1 ("dhcp"), in place of 192.0.2.7`},
		{"its log alone", mine, "192.0.2.7", nil, relay + "192.0.2.7, and no service of this lab has that address", wrong},
		{"somebody has it", mine, "192.0.2.7", []event.Event{asks, is}, relay + "192.0.2.7, and the host that has that address is no DHCP server of this lab", wrong},
		{"asked for another address", mine, "192.0.2.7", []event.Event{arp("ARP who has 192.0.2.70", true)}, "no service of this lab has that address", wrong},
		{"to a service that is no DHCP server", mine, "192.0.2.2", nil, relay + `192.0.2.2, and "tftp", which has that address, is no DHCP server`, `in the settings of "relay"`},
		{"to the server", mine, "192.0.2.1", nil, "", ""},
		{"another machine", other, "192.0.2.7", []event.Event{asks}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := farPlan(stops(event.StageDiscover, "no-offer")...)
			p.Services[2].Server, p.Services[2].Exec = nil, &plan.Exec{Argv: []string{"/usr/sbin/dhcrelay", "192.0.2.7"}, Ready: topology.Ready{UDP: 67}}
			s := newScript(p, "bios").firmware().discovers(1).add(event.Event{Kind: event.ServiceLog, Service: "relay", Text: "Forwarded BOOTREQUEST for " + c.mac + " to " + c.to})
			for _, e := range c.seen {
				s.add(e)
			}
			r := Results(p, s.discovers(3).fails("Nothing to boot").events)[0]
			o := r.Outcome
			if o.Reason != NoOffer || !strings.Contains(o.What, c.what) || !strings.Contains(o.Do, c.do) || strings.Contains(o.What, "passed it on") != (c.what != "") {
				t.Errorf("%s: %s; %s\nwant %q; %q", o.Reason, o.What, o.Do, c.what, c.do)
			}
			for _, s := range r.Who.Silent {
				if s.Service == "relay" {
					t.Errorf("a relay agent is held to an answer: %s", s.Why)
				}
				if past := strings.HasPrefix(s.Why, "DHCPDISCOVER did not reach it"); s.Service == "dhcp" && past != (c.what != "") {
					t.Errorf("silent dhcp: %s", s.Why)
				}
			}
		})
	}
}
