package judge

import (
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// held has the lab held for a time.
func (s *script) held(d time.Duration) *script {
	s.add(event.Event{Kind: event.LabHeld, Guest: s.guest.Name, Boot: s.boot, Hold: &event.Hold{On: true}})
	return s.after(d).add(event.Event{Kind: event.LabHeld, Hold: &event.Hold{}})
}

// TestHeldLab: a boot whose lab was held is judged as if no time had passed meanwhile.
func TestHeldLab(t *testing.T) {
	play := func(hold time.Duration, warp bool) *script {
		p := testPlan()
		p.Guests[0].Expect = []topology.Expectation{{Stage: &topology.Reaches{Reaches: event.StageAddress, Within: 10 * time.Second}}}
		s := newScript(p, "x64")
		s.power("bios", warp).firmware().sends(event.DHCP{Type: "DISCOVER"}).after(2 * ms).held(hold).after(3 * ms)
		return s.receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", File: "probe.0"})
	}
	const hour = time.Hour
	is, was := track(play(hour, false)).Guest("bios"), track(play(0, false)).Guest("bios")
	at, _, ok := is.Deadline()
	before, _, ok2 := was.Deadline()
	if !ok || !ok2 || at != before+hour || is.Took != was.Took {
		t.Errorf("held for an hour it took %s and has until %s; else %s and %s", is.Took, at, was.Took, before)
	}
	s := play(hour, true)
	if calm, why := Calm(s.plan, s.events, "bios"); !calm {
		t.Errorf("a warped boot is not calm because it was held: %s", why)
	}
	s = play(hour, false).sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1"}).held(hour)
	s.receives("dhcp", event.DHCP{Type: "ACK", YIAddr: "192.0.2.100", ServerID: "192.0.2.1"})
	s.fetches("probe.0").held(hour).starts().reports().off()
	for _, v := range Judge(s.plan, s.events) {
		if v.Guest == "bios" && !v.Pass {
			t.Error(v.Expectation, v.Sentence)
		}
	}
	// The longest stay at a stage is put off as well.
	stay := newScript(testPlan(), "bios").firmware()
	began := track(stay).Guest("bios").At[event.StageFirmware]
	stay.held(hour)
	for range 2 * patience { // it prints for ever
		stay.after(50 * time.Second).say(stay.now.String())
	}
	if at, _, ok := track(stay).Guest("bios").Deadline(); !ok || at != began+hour+patience*60*time.Second {
		t.Errorf("it may stay until %s (%t)", at, ok)
	}
}

// TestByHand: a boot that stopped because packets of it were dropped by hand blames nobody else, and a warped one is believed.
func TestByHand(t *testing.T) {
	play := func(drops, discovers int) *script {
		s := newScript(testPlan(), "bios").power("bios", true).firmware()
		for i := range discovers {
			s.sends(event.DHCP{Type: "DISCOVER", Repeat: i}).decided("dhcp", "dhcp", "DHCPDISCOVER", "DHCPOFFER")
			if i < drops {
				s.of(event.Event{Kind: event.LabHeld, Hold: &event.Hold{On: true, Data: []byte{0}, Info: "DHCPOFFER 192.0.2.100"}})
				s.after(time.Minute).of(event.Event{Kind: event.LabHeld, Hold: &event.Hold{Did: "drop"}})
			}
			s.after(time.Second)
		}
		return s.fails("No configuration methods succeeded (http://ipxe.org/040ee119)")
	}
	for _, c := range []struct {
		drops int
		want  string
	}{
		{2, "; that was done while the lab was held: by hand, DHCPOFFER 192.0.2.100 was lost, DHCPOFFER 192.0.2.100 was lost"},
		{1, "; mind that while the lab was held, by hand, DHCPOFFER 192.0.2.100 was lost"},
	} {
		s := play(c.drops, 2)
		if got := track(s).Guest("bios").Outcome; got.Reason != NoOffer || !strings.HasSuffix(got.Sentence, c.want) {
			t.Errorf("%d of 2 offers were dropped: %s: %s", c.drops, got.Reason, got.Sentence)
		}
		if calm, why := Calm(s.plan, s.events, "bios"); calm != (c.drops == 2) {
			t.Errorf("%d of 2 offers were dropped: calm %t: %s", c.drops, calm, why)
		}
	}
}

// TestEditedByHand: what was changed in a packet by hand is said where its boot stopped.
func TestEditedByHand(t *testing.T) {
	s := newScript(testPlan(), "bios").power("bios", true).firmware()
	s.sends(event.DHCP{Type: "DISCOVER"}).decided("dhcp", "dhcp", "DHCPDISCOVER", "DHCPOFFER")
	s.of(event.Event{Kind: event.LabHeld, Hold: &event.Hold{On: true, Data: []byte{0}, Info: "DHCPOFFER 192.0.2.100"}})
	s.of(event.Event{Kind: event.LabHeld, Hold: &event.Hold{Did: "edit", Changed: []string{"dhcp.option.54 taken out", "dhcp.file x added"}}})
	got := track(s.after(time.Second).fails("No configuration methods succeeded (http://ipxe.org/040ee119)")).Guest("bios").Outcome.Sentence
	if want := "by hand, DHCPOFFER 192.0.2.100 was changed (dhcp.option.54 taken out, dhcp.file x added)"; !strings.HasSuffix(got, want) {
		t.Error(got)
	}
}

// TestHeldNow: while the lab is held no guest of it has a deadline.
func TestHeldNow(t *testing.T) {
	s := newScript(testPlan(), "bios").firmware()
	s.add(event.Event{Kind: event.LabHeld, Hold: &event.Hold{On: true}})
	is := track(s).Guest("bios")
	if _, _, ok := is.Deadline(); ok || !is.Held || !is.Paused {
		t.Errorf("%+v", is)
	}
	s.add(event.Event{Kind: event.LabHeld, Hold: &event.Hold{Until: "the next packet"}})
	is = track(s).Guest("bios")
	if _, _, ok := is.Deadline(); !ok || is.Held || is.Paused {
		t.Errorf("%+v", is)
	}
}
