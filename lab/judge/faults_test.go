package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestFaults: a fault that met nothing fails its guest, and what the lab took away is blamed on nobody else.
func TestFaults(t *testing.T) {
	hit := func(rule int) event.Event {
		return event.Event{Kind: event.FaultHit, Fault: &event.Fault{Rule: rule, Do: "drop", Frame: 3, Info: "DHCPOFFER"}}
	}
	for name, c := range map[string]struct {
		rules []fault.Rule
		hits  []int
		pass  []bool // of each fault
		says  string // in the first verdict
		not   string
	}{
		"it took the offers":           {[]fault.Rule{{Do: "drop", Packet: "offer"}}, []int{1, 1, 1}, []bool{true}, "the lab itself did that: fault 1 {do: drop, packet: offer} met 3 frames", "start a DHCP server"},
		"near: it took one of three":   {[]fault.Rule{{Do: "corrupt", Packet: "discover", Nth: 1}}, []int{1}, []bool{true}, "start a DHCP server there, or check that the guest is on the right network; mind that fault 1", "the lab itself"},
		"it held them up for too long": {[]fault.Rule{{Do: "delay", Packet: "offer"}}, []int{1, 1, 1}, []bool{true}, "the lab itself did that: fault 1", "start a DHCP server"},
		"it met nothing":               {[]fault.Rule{{Do: "drop", Packet: "nak"}}, nil, []bool{false}, "no server", "the lab itself"},
		"only the second met":          {[]fault.Rule{{Do: "drop", Packet: "nak"}, {Do: "drop", Packet: "offer"}}, []int{2, 2, 2}, []bool{false, true}, "the lab itself did that: fault 2", "start a DHCP server"},
		"near: it only sent twice":     {[]fault.Rule{{Do: "duplicate"}}, []int{1}, []bool{true}, "no server", "the lab itself"},
		"near: none planned":           {nil, nil, nil, "no server", "the lab itself"},
	} {
		p := testPlan()
		p.Guests[0].Faults, p.Guests[0].Expect = c.rules, []topology.Expectation{{Ends: "off"}}
		s := newScript(p, "bios")
		s.firmware().discovers(3)
		for _, n := range c.hits {
			s.of(hit(n))
		}
		s.fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)").fails("No more network devices")
		var got []Verdict
		for _, v := range Judge(s.plan, s.events) {
			if v.Guest == "bios" {
				got = append(got, v)
			}
		}
		if len(got) != 1+len(c.pass) {
			t.Fatalf("%s: %d verdicts, want the expectation and %d faults", name, len(got), len(c.pass))
		}
		if !strings.Contains(got[0].Sentence, c.says) || strings.Contains(got[0].Sentence, c.not) {
			t.Errorf("%s: %s", name, got[0].Sentence)
		}
		for i, pass := range c.pass {
			if got[1+i].Pass != pass {
				t.Errorf("%s: fault %d: %+v", name, i+1, got[1+i])
			}
		}
	}
}
