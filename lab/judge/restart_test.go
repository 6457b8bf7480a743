package judge

import (
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestRestarts: how often a service was started again is what its policy did, neither its first start nor its last word.
func TestRestarts(t *testing.T) {
	crash := func(n int) []event.Event {
		log := []event.Event{{Kind: event.ServiceStarted, Service: "client"}, {Kind: event.ServiceReady, Service: "client"}}
		for range n {
			log = append(log, event.Event{Kind: event.ServiceExited, Service: "client", Exit: &event.Exit{Signal: "killed"}, Text: "signal: killed"},
				event.Event{Kind: event.ServiceRestart, Service: "client"}, event.Event{Kind: event.ServiceStarted, Service: "client"})
		}
		log = append(log, event.Event{Kind: event.ServiceExited, Service: "client", Exit: &event.Exit{Code: 1}, Text: "exit status 1"}, event.Event{Kind: event.ServiceLost, Service: "client"})
		for i := range log {
			log[i].Seq = i + 1
		}
		return log
	}
	for _, c := range []struct {
		crashes, want int
		pass          bool
		says          string
	}{
		{2, 2, true, `"client" was started again 2 times`},
		{0, 0, true, `"client" was started again 0 times`},
		{2, 1, false, `"client" was started again 2 times; it last ended with exit status 1`},
		{0, 1, false, `"client" was started again 0 times`},
	} {
		p := testPlan()
		p.Services = append(p.Services, plan.Service{Name: "client", Exec: &plan.Exec{}, Expect: []topology.Expectation{{Restarts: &c.want}}})
		tr := NewTracker(p)
		for _, e := range crash(c.crashes) {
			tr.Feed(e)
		}
		if v := tr.ServiceResults()[0].Verdicts[0]; v.Pass != c.pass || !strings.Contains(v.Sentence, c.says) {
			t.Errorf("%d crashes: pass %v, %s\nwant %v, %s", c.crashes, v.Pass, v.Sentence, c.pass, c.says)
		}
	}
}

// crashing is a boot whose DHCP server, a program that is not ours, ends after its offer by these events; what follows is in vain.
func crashing(p *plan.Plan, after ...event.Event) *script {
	p.Services[0].Server, p.Services[0].Exec = nil, &plan.Exec{Argv: []string{"dnsmasq"}, Ready: topology.Ready{UDP: 67}}
	s := newScript(p, "bios").firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50", ServerID: "192.0.2.1", File: "probe.0"})
	for _, e := range after {
		if e.Fault != nil {
			s.of(e)
			continue
		}
		s.add(e)
	}
	for range 3 {
		s.after(time.Second).sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1", Requested: "192.0.2.50"})
	}
	return s.fails("No configuration methods succeeded (http://ipxe.org/040ee119)")
}

// TestGoneForGood: a server that had ended is why there was no answer, unless it was back, or the lab had stopped it.
func TestGoneForGood(t *testing.T) {
	const gone = `service "dhcp" had ended by then`
	of := func(kinds ...event.Kind) (out []event.Event) {
		for _, k := range kinds {
			out = append(out, event.Event{Kind: k, Service: "dhcp", Text: "signal: killed"})
		}
		return out
	}
	for _, c := range []struct {
		name  string
		after []event.Event
		gone  bool
	}{
		{"it stays away", of(event.ServiceExited, event.ServiceLost), true},
		{"it was back", of(event.ServiceExited, event.ServiceRestart, event.ServiceStarted, event.ServiceReady), false},
		{"the lab stopped it", of(event.ServiceEnded, event.ServiceExited), false},
		{"it never ended", nil, false},
	} {
		p := expecting("bios", stops(event.StageOffer, "no-ack")...)
		v := verdictsOf("bios", Judge(p, crashing(p, c.after...).events))[0]
		if !v.Pass || strings.Contains(v.Sentence, gone) != c.gone {
			t.Errorf("%s: pass %v, %s\nwant %v of %q", c.name, v.Pass, v.Sentence, c.gone, gone)
		}
	}
}

// TestLaterFault: of two faults of one service the one that it did not survive is to blame.
func TestLaterFault(t *testing.T) {
	p := expecting("bios", stops(event.StageOffer, "no-ack")...)
	p.Guests[0].Faults = []fault.Rule{{Do: "crash", Service: "dhcp", Selection: fault.Selection{Packet: "discover"}},
		{Do: "crash", Service: "dhcp", Selection: fault.Selection{Packet: "request"}}}
	hit := func(n int, info string) event.Event {
		return event.Event{Kind: event.FaultHit, Fault: &event.Fault{Rule: n, Do: "crash", Service: "dhcp", Info: info}}
	}
	s := crashing(p, hit(2, "the request"))
	offer := len(s.events) - 1
	for i, e := range s.events {
		if e.Packet != nil && e.Packet.DHCP != nil && e.Packet.DHCP.Type == "OFFER" {
			offer = i
		}
	}
	first := hit(1, "the discover")
	first.Guest, first.Boot = "bios", 1
	s.events = append(s.events[:offer:offer], append([]event.Event{first}, s.events[offer:]...)...)
	for i := range s.events {
		s.events[i].Seq = i + 1
	}
	v := verdictsOf("bios", Judge(p, s.events))[0]
	if !v.Pass || !strings.Contains(v.Sentence, "the lab itself did that: fault 2") {
		t.Errorf("pass %v: %s", v.Pass, v.Sentence)
	}
}

// TestCalmWhileStartedAgain: a warped boot that failed while a server was being started again proves nothing.
func TestCalmWhileStartedAgain(t *testing.T) {
	p := testPlan()
	s := newScript(p, "bios").power("bios", true).firmware().discovers(1)
	s.add(event.Event{Kind: event.ServerDecided, Service: "dhcp", Decision: &event.Decision{Role: "dhcp", Client: p.Guests[0].MAC,
		Request: "DHCPDISCOVER", Reason: "ignored: of no interest", XID: "0a0b0c0d"}})
	if calm, why := Calm(p, s.events, "bios"); !calm {
		t.Fatal(why)
	}
	s.add(event.Event{Kind: event.ServiceRestart, Service: "tftp"})
	if calm, why := Calm(p, s.fails("").events, "bios"); calm || !strings.Contains(why, `"tftp" had ended while it booted`) {
		t.Errorf("calm %v, %s", calm, why)
	}
}
