package judge

import (
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// TestReportBegunAnew: a machine that is reset by its boot program reports anew; where that report has no end, the one before has none either.
func TestReportBegunAnew(t *testing.T) {
	tracker := NewTracker(&plan.Plan{Guests: []plan.Guest{{Name: "bios"}}})
	for i, e := range []event.Event{
		{Kind: event.GuestPowered, Power: &event.Power{}},
		{Kind: event.Console, Text: "PXELAB-PROBE v1 arch=bios nonce=96NUPSUYLPTKYLKN"},
		{Kind: event.Console, Text: "PXELAB-PROBE END"},
		{Kind: event.Console, Text: "PXELAB-PROBE v1 arch=bios nonce=96NUPSUYLPTKYLKN"},
		{Kind: event.GuestStalled, Stall: &event.Stall{}},
	} {
		e.Seq, e.Guest, e.Boot = i+1, "bios", 1
		tracker.Feed(e)
	}
	if s := tracker.Guest("bios"); !s.Settled || s.Outcome.Reason != BootProgramSilent {
		t.Errorf("settled %v, reason %q, want %q", s.Settled, s.Outcome.Reason, BootProgramSilent)
	}
}
