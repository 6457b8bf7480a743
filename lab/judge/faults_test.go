package judge

import (
	"slices"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestFaults: a fault that met nothing fails its guest, and what the lab took away is blamed on nobody else.
func TestFaults(t *testing.T) {
	hit := func(rule int) event.Event { // below zero: on a frame of the guest
		return event.Event{Kind: event.FaultHit, Fault: &event.Fault{Rule: max(rule, -rule), Do: "drop", Frame: 3, FromGuest: rule < 0, Info: "DHCPOFFER"}}
	}
	for name, c := range map[string]struct {
		rules []fault.Rule
		hits  []int
		pass  []bool // of each fault
		says  string // in the first verdict
		not   string
	}{
		"it took the offers":           {[]fault.Rule{{Do: "drop", Selection: fault.Selection{Packet: "offer"}}}, []int{1, 1, 1}, []bool{true}, "the lab itself did that: fault 1 {do: drop, packet: offer} met 3 frames on its cable; leave it out to boot without it", "start a DHCP server"},
		"near: it took one of three":   {[]fault.Rule{{Do: "corrupt", Selection: fault.Selection{Packet: "discover", Nth: 1}}}, []int{1}, []bool{true}, "or check that the machine is on the right network; mind that fault 1", "the lab itself"},
		"it held them up for too long": {[]fault.Rule{{Do: "delay", Selection: fault.Selection{Packet: "offer"}}}, []int{1, 1, 1}, []bool{true}, "the lab itself did that: fault 1", "start a DHCP server"},
		"it met nothing":               {[]fault.Rule{{Do: "drop", Selection: fault.Selection{Packet: "nak"}}}, nil, []bool{false}, "no server", "the lab itself"},
		"only the second met":          {[]fault.Rule{{Do: "drop", Selection: fault.Selection{Packet: "nak"}}, {Do: "drop", Selection: fault.Selection{Packet: "offer"}}}, []int{2, 2, 2}, []bool{false, true}, "the lab itself did that: fault 2", "start a DHCP server"},
		"the second took them all":     {[]fault.Rule{{Do: "delay"}, {Do: "drop", Selection: fault.Selection{Packet: "offer"}}}, []int{1, 2, 2, 2}, []bool{true, true}, "the lab itself did that: fault 2", "fault 1"},
		"near: it held up questions":   {[]fault.Rule{{Do: "jitter"}}, []int{-1, -1, -1}, []bool{true}, "mind that fault 1", "the lab itself"},
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

// TestServiceFaults: a service that the lab stopped is the lab's doing, unless it answered all the same; and what is done once is
// counted in whichever boot that was.
func TestServiceFaults(t *testing.T) {
	crash := fault.Rule{Do: "crash", Service: "tftp", Selection: fault.Selection{Packet: "rrq"}}
	full := fault.Rule{Do: "fill-pool", Service: "dhcp"}
	hit := func(f event.Fault) event.Event { return event.Event{Kind: event.FaultHit, Fault: &f} }
	atRRQ := hit(event.Fault{Rule: 1, Do: "crash", Service: "tftp", Info: "RRQ probe.0"})
	before := hit(event.Fault{Rule: 1, Do: "fill-pool", Service: "dhcp", Info: "3 addresses leased"})
	gaveUp := func(s *script) {
		s.fails("Connection timed out (http://ipxe.org/4c126035)").fails("No more network devices")
	}
	rrq := func(s *script) *script {
		s.firmware().discovers(1)
		return s.dora("probe.0")
	}
	for name, c := range map[string]struct {
		rule  fault.Rule
		boot  func(*script)
		says  string
		not   string
		fault string // the sentence of the fault's own verdict
	}{
		"it crashed": {crash, func(s *script) {
			rrq(s).of(atRRQ).asks("RRQ", "probe.0", event.TFTP{})
			gaveUp(s)
		}, "the lab itself did that: fault 1 {do: crash, packet: rrq, service: tftp} was done at RRQ probe.0", "start the TFTP server", "fault 1 met 1 frame of bios"},
		"near: it answered": {crash, func(s *script) {
			rrq(s).of(atRRQ).asks("RRQ", "probe.0", event.TFTP{})
			s.gets("OACK", "probe.0", event.TFTP{Options: map[string]string{"blksize": "1432"}})
			gaveUp(s)
		}, "; mind that fault 1 {do: crash", "the lab itself", "fault 1 met 1 frame of bios"},
		"near: it was another service": {fault.Rule{Do: "crash", Service: "dhcp", Selection: fault.Selection{Packet: "rrq"}}, func(s *script) {
			rrq(s).asks("RRQ", "probe.0", event.TFTP{})
			gaveUp(s)
		}, "start the TFTP server", "fault 1", "fault 1 met no frame of bios"},
		"no address left": {full, func(s *script) {
			s.of(before).firmware().discovers(4)
			gaveUp(s)
		}, "the lab itself did that: fault 1 {do: fill-pool, service: dhcp} was done before it was powered on (3 addresses leased)", "start a DHCP server", "fault 1 was done before bios was powered on"},
		"near: none could be leased": {full, func(s *script) {
			s.firmware().discovers(4)
			gaveUp(s)
		}, "start a DHCP server", "the lab itself", "fault 1 could not be done"},
		"power was cut in the boot before": {fault.Rule{Do: "power-cut", Selection: fault.Selection{Packet: "data"}}, func(s *script) {
			s.firmware().of(hit(event.Fault{Rule: 1, Do: "power-cut", Info: "TFTP DATA 1"}))
			s.power("bios", false).firmware().discovers(4)
			gaveUp(s)
		}, "start a DHCP server", "fault 1", "fault 1 met 1 frame of bios"},
	} {
		p := testPlan()
		p.Guests[0].Faults, p.Guests[0].Expect = []fault.Rule{c.rule}, []topology.Expectation{{Ends: "off"}}
		s := newScript(p, "bios")
		c.boot(s)
		var got []string
		for _, v := range Judge(s.plan, s.events) {
			if v.Guest == "bios" {
				got = append(got, v.Sentence)
			}
		}
		if len(got) != 2 {
			t.Fatalf("%s: %d verdicts, want the expectation and the fault", name, len(got))
		}
		if !strings.Contains(got[0], c.says) || strings.Contains(got[0], c.not) {
			t.Errorf("%s: %s", name, got[0])
		}
		if !strings.HasPrefix(got[1], c.fault) {
			t.Errorf("%s: %s", name, got[1])
		}
	}
}

// TestSentFaults: a fault that is sent to the running lab is held to the boots that it acts in, and to no other.
func TestSentFaults(t *testing.T) {
	const text = "{do: drop, packet: offer}"
	arm := event.Event{Kind: event.FaultArmed, Guest: "bios", Text: text, Fault: &event.Fault{Rule: 1, Do: "drop"}}
	cleared := event.Event{Kind: event.FaultCleared, Guest: "bios", Text: text, Fault: &event.Fault{Rule: 1, Do: "drop"}}
	hit := event.Event{Kind: event.FaultHit, Fault: &event.Fault{Rule: 1, Do: "drop", Info: "DHCPOFFER"}}
	acts := func(boot int) event.Event { e := arm; e.Boot = boot; return e }
	gaveUp := func(s *script) {
		s.fails("Nothing to boot: No such file or directory").fails("No more network devices")
	}
	for name, c := range map[string]struct {
		play func(*script)
		want []string // how the sentences end: that of the expectation, and of each fault
	}{
		"before it was powered on again": {func(s *script) {
			gaveUp(s.firmware().discovers(1))
			s.add(acts(2)).power("bios", false).firmware().discovers(2).of(hit).of(hit)
			gaveUp(s)
		}, []string{"the lab itself did that: fault 1, sent to the running lab, " + text + " met 2 frames on its cable; take it away to boot without it: pxelab fault bios --clear 1",
			"fault 1, sent to the running lab, met 2 frames of bios"}},
		"in the midst of a boot": {func(s *script) {
			s.firmware().add(acts(1)).discovers(1).of(hit)
			gaveUp(s)
		}, []string{"the lab itself did that: fault 1, sent to the running lab, " + text + " met 1 frame on its cable; take it away to boot without it: pxelab fault bios --clear 1",
			"fault 1, sent to the running lab, met 1 frame of bios"}},
		"it met nothing": {func(s *script) {
			s.firmware().add(acts(1))
			gaveUp(s.discovers(1))
		}, []string{"on the right network", "check what it names, or leave it out"}},
		"near: the boot had settled":           {func(s *script) { gaveUp(s.firmware().discovers(1)); s.add(acts(1)) }, []string{"on the right network"}},
		"near: it acts from the next power-on": {func(s *script) { s.firmware().add(acts(2)); gaveUp(s.discovers(1)) }, []string{"on the right network"}},
		"near: it was taken away in time":      {func(s *script) { s.firmware().add(acts(1)).add(cleared); gaveUp(s.discovers(1)) }, []string{"on the right network"}},
		"it was taken away after it had acted": {func(s *script) {
			s.firmware().add(acts(1)).discovers(1).of(hit).add(cleared)
			gaveUp(s)
		}, []string{"met 1 frame on its cable", "fault 1, sent to the running lab, met 1 frame of bios"}},
		"near: the next boot has none": {func(s *script) {
			s.firmware().add(acts(1)).discovers(1).of(hit)
			gaveUp(s)
			s.add(cleared).power("bios", false)
			gaveUp(s.firmware().discovers(1))
		}, []string{"on the right network"}},
	} {
		p := testPlan()
		p.Guests[0].Expect = []topology.Expectation{{Ends: "off"}}
		s := newScript(p, "bios")
		c.play(s)
		var got []string
		for _, v := range Judge(s.plan, s.events) {
			if v.Guest == "bios" {
				got = append(got, v.Sentence)
			}
		}
		if !slices.EqualFunc(got, c.want, strings.HasSuffix) {
			t.Errorf("%s: %q, want the ends %q", name, got, c.want)
		}
	}
}
