package judge

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// clientRuns is the log of a program "client": started, what it wrote, what passed its card, and its end.
func clientRuns(exit *event.Exit, ended string) []event.Event {
	packet := func(from, proto, info string) event.Event {
		return event.Event{Kind: event.PacketSeen, Watched: "client", Service: from, Packet: &event.Packet{Frame: 3, Proto: proto, Info: info, FromGuest: from == "client"}}
	}
	log := []event.Event{
		{Kind: event.ServiceStarted, Service: "client"},
		{Kind: event.ServiceLog, Service: "client", Text: "lease of 192.0.2.100 obtained"},
		{Kind: event.ServiceLog, Service: "other", Text: "no lease"},
		packet("client", "dhcp", "DHCPDISCOVER"), packet("dhcp", "dhcp", "DHCPOFFER 192.0.2.100"), packet("tftp", "arp", "ARP who has 192.0.2.7"),
	}
	if ended != "" {
		log = append(log, event.Event{Kind: event.ServiceEnded, Service: "client", Text: ended})
	}
	if exit != nil {
		log = append(log, event.Event{Kind: event.ServiceExited, Service: "client", Exit: exit, Text: "exit status"})
	}
	for i := range log {
		log[i].Seq = i + 1
	}
	return log
}

// TestSent adds up what a server says that it put on the wire; probe.0 has 8192 octets in the script's run.
func TestSent(t *testing.T) {
	run := testRun()
	run.Images[0].Size = 8192
	ended := func(role, outcome string, octets int64, resent int) event.Event {
		return event.Event{Kind: event.ServerDecided, Service: "tftp", Decision: &event.Decision{Role: role, Request: "RRQ probe.0", File: "/probe.0",
			Sent: octets, Resent: resent, Outcome: outcome}}
	}
	number := func(n int) *int { return &n }
	log := []event.Event{{Kind: event.RunStarted, Run: run}, ended("mtftp", "", 0, 0), ended("mtftp", "ok", 8320, 0), ended("mtftp", "timeout", 2000, 8),
		ended("tftp", "size-probe", 0, 0), ended("tftp", "ok", 8224, 1),
		{Kind: event.ServerDecided, Service: "tftp", Decision: &event.Decision{Role: "tftp", File: "other", Sent: 9000, Outcome: "ok"}},
		{Kind: event.ServerDecided, Service: "other", Decision: &event.Decision{Role: "tftp", File: "probe.0", Sent: 9000, Outcome: "ok"}}}
	for i := range log {
		log[i].Seq = i + 1
	}
	for _, c := range []struct {
		sent topology.Sent
		pass bool
		says string
	}{
		{topology.Sent{File: "probe.0", Over: "mtftp", Copies: number(1), Transmissions: number(1)}, true, `"tftp" put 10320 octets of DATA of "probe.0" on the wire, 1.26 times its 8192 octets, in 1 transmission that ended well, with 8 datagrams sent again`},
		{topology.Sent{File: "probe.0", Copies: number(2), Transmissions: number(2)}, true, "2.26 times"},
		{topology.Sent{File: "probe.0", Copies: number(1)}, false, "that is 2 times, not 1"},
		{topology.Sent{File: "probe.0", Over: "tftp", Transmissions: number(0)}, false, "in 1 transmission that ended well, with 1 datagram sent again: not 0"},
		{topology.Sent{File: "none", Copies: number(0)}, false, `"none" is no file that this run serves`},
	} {
		p := testPlan()
		i := slices.IndexFunc(p.Services, func(s plan.Service) bool { return s.Name == "tftp" })
		p.Services[i].Expect = []topology.Expectation{{Sent: &c.sent}}
		tr := NewTracker(p)
		for _, e := range log {
			tr.Feed(e)
		}
		v := tr.ServiceResults()[0].Verdicts[0]
		if v.Pass != c.pass || !strings.Contains(v.Sentence, c.says) {
			t.Errorf("%s: pass %v: %s", v.Expectation, v.Pass, v.Sentence)
		}
	}
}

func TestServiceClaims(t *testing.T) {
	status := func(n int) topology.Expectation { return topology.Expectation{Exits: &n} }
	never := func(n topology.Never) topology.Expectation { return topology.Expectation{Never: &n} }
	well := clientRuns(&event.Exit{}, "")
	for _, c := range []struct {
		name   string
		expect topology.Expectation
		events []event.Event
		pass   bool
		says   string
	}{
		{"log", topology.Expectation{Log: "lease of .* obtained"}, well, true, `"client" wrote a line that matches`},
		{"log of another", topology.Expectation{Log: "no lease"}, well, false, `none of the 1 line that "client" wrote matches`},
		{"log without lines", topology.Expectation{Log: "x"}, well[:1], false, `"client" wrote nothing`},
		{"exits", status(0), well, true, `"client" ended by itself with status 0`},
		{"exits otherwise", status(1), well, false, `"client" ended otherwise`},
		{"exits by a signal", status(0), clientRuns(&event.Exit{Code: -1, Signal: "killed"}, ""), false, "ended otherwise"},
		{"still runs", status(0), well[:len(well)-1], false, `"client" has not ended`},
		{"had to be ended", status(0), clientRuns(&event.Exit{Code: -1, Signal: "killed"}, "it had not ended by itself after 60s"), false, "it had not ended by itself after 60s"},
		{"never a line", never(topology.Never{Log: "no lease"}), well, true, `none of the 1 line`},
		{"never a line, and there is", never(topology.Never{Log: "obtained"}), well, false, `"client" wrote "lease of 192.0.2.100 obtained"`},
		{"never a packet", never(topology.Never{Packet: "DHCPNAK"}), well, true, `none of 3 packets at "client" matches`},
		{"never a packet, and there is", never(topology.Never{Packet: "DHCPOFFER"}), well, false, `a packet reached "client": "DHCPOFFER 192.0.2.100"`},
		{"never a packet of its own", never(topology.Never{Packet: "DISCOVER"}), well, false, `a packet left "client"`},
		{"nothing was seen", never(topology.Never{Packet: "DHCPNAK"}), well[:2], false, "which proves nothing"},
		{"never from a service", never(topology.Never{From: "tftp"}), well, true, `none of 3 packets at "client" came from "tftp"`},
		{"never from a service, and there is", never(topology.Never{From: "dhcp"}), well, false, `a packet reached "client": "DHCPOFFER`},
		{"of this service another", never(topology.Never{From: "dhcp", Packet: "DHCPNAK"}), well, true, "came from"},
		{"sees", topology.Expectation{Sees: &topology.Sees{From: "dhcp", Packet: "OFFER"}}, well, true, `a packet reached "client": "DHCPOFFER`},
		{"sees no such packet", topology.Expectation{Sees: &topology.Sees{Packet: "DHCPNAK"}}, well, false, `none of 3 packets at "client" matches`},
		{"sees none of another service's, ARP aside", topology.Expectation{Sees: &topology.Sees{From: "tftp"}}, well, false, `none of 3 packets at "client" came from "tftp" and matches`},
		{"never started", topology.Expectation{Log: "x"}, nil, false, `"client" was never started`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPlan()
			p.Services = append(p.Services, plan.Service{Name: "client", Network: "lan", Exec: &plan.Exec{Once: true}, Expect: []topology.Expectation{c.expect}})
			tr := NewTracker(p)
			for _, e := range c.events {
				tr.Feed(e)
			}
			r := tr.ServiceResults()
			if len(r) != 1 || r[0].Service != "client" || len(r[0].Verdicts) != 1 || r[0].Passed != r[0].Verdicts[0].Pass {
				t.Fatalf("%+v", r)
			}
			v := r[0].Verdicts[0]
			if v.Pass != c.pass || !strings.Contains(v.Sentence, c.says) || v.Service != "client" || v.Guest != "" || v.Expectation != c.expect.String() {
				t.Errorf("pass %v: %s\nwant %v, %q", v.Pass, v.Sentence, c.pass, c.says)
			}
			if all := Judge(p, c.events); all[len(all)-1].Sentence != v.Sentence {
				t.Errorf("Judge gives %+v last", all[len(all)-1])
			}
		})
	}
}

// TestIsAt: a service has the addresses of its host, of both families and on every network, and no other's.
func TestIsAt(t *testing.T) {
	p := testPlan()
	host := &p.Services[0]
	host.Address6 = netip.MustParsePrefix("2001:db8::1/64")
	host.Links = []plan.Link{{Network: "lan", Interface: "eth0", Address: host.Address}, {Network: "far", Interface: "eth1", Address: netip.MustParsePrefix("198.51.100.2/24")}}
	guest := plan.Service{Name: "guest", Host: "dhcp", Address: host.Address}
	none := plan.Service{Name: "none"} // a host where a DHCP client runs
	p.Services = append(p.Services, guest, none)
	tr := NewTracker(p)
	for _, c := range []struct {
		service plan.Service
		address string
		want    bool
	}{
		{*host, "192.0.2.1", true}, {*host, "198.51.100.2", true}, {*host, "2001:db8::1", true}, {*host, "2001:db8:0:0::1", true},
		{*host, "192.0.2.2", false}, {*host, "", false}, {*host, "192.0.2.1:67", false},
		{guest, "198.51.100.2", true}, {guest, "192.0.2.2", false},
		{p.Services[1], "192.0.2.2", true}, {p.Services[1], "198.51.100.2", false},
		{none, "", false}, {none, "0.0.0.0", false},
	} {
		if got := tr.isAt(c.service, c.address); got != c.want {
			t.Errorf("%s at %q: %v", c.service.Name, c.address, got)
		}
	}
}
