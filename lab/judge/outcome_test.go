package judge

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/tests/golden"
)

func TestOutcomes(t *testing.T) {
	var said strings.Builder
	met := map[Reason]bool{}
	for _, sc := range slices.Concat(scenarios, scenarios6) {
		o := sc.outcome(t)
		if o.Reason != sc.reason || o.Stage != sc.stage {
			t.Errorf("%s: stopped at %s for %q, want %s for %q: %s", sc.name, o.Stage, o.Reason, sc.stage, sc.reason, o.Sentence)
		}
		met[o.Reason] = true
		fmt.Fprintf(&said, "%s\n    %s\n", sc.name, o.Sentence)
		for _, v := range o.Evidence {
			fmt.Fprintf(&said, "      event %d frame %d: %s\n", v.Seq, v.Frame, v.Text)
		}
	}
	for _, r := range Reasons() {
		if !met[Reason(r)] {
			t.Errorf("no scenario shows reason %s", r)
		}
	}
	golden.Check(t, filepath.Join("testdata", "outcomes.golden"), said.String())
}

// Nothing that comes after a boot has settled may change its outcome: the lab ends a settled guest.
func TestNothingChangesAfterSettling(t *testing.T) {
	for _, sc := range slices.Concat(scenarios, scenarios6) {
		s := sc.play()
		tr := NewTracker(sc.plan())
		for _, e := range s.events {
			tr.Feed(e)
		}
		before := tr.Guest(sc.guest)
		n := len(s.events)
		s.reports().of(event.Event{Kind: event.GuestEnded, Text: "it has settled"}).of(event.Event{Kind: event.GuestExited, Exit: &event.Exit{Code: -1, Signal: "killed"}})
		for _, e := range s.events[n:] {
			tr.Feed(e)
		}
		if d := cmp.Diff(before.Outcome, tr.Guest(sc.guest).Outcome); d != "" {
			t.Errorf("%s: %s", sc.name, d)
		}
	}
}

// The live run judges while the log still grows; what it says of a settled guest must be what the finished log says.
func TestLiveAndOfflineAgree(t *testing.T) {
	for _, sc := range scenarios {
		events := sc.play().events
		tr := NewTracker(testPlan())
		for i, e := range events {
			tr.Feed(e)
			if !tr.Guest(sc.guest).Settled {
				continue
			}
			live := verdictsOf(sc.guest, Judge(testPlan(), events[:i+1]))
			if d := cmp.Diff(live, verdictsOf(sc.guest, Judge(testPlan(), events))); d != "" {
				t.Errorf("%s: settled at event %d, and the verdicts changed after it:\n%s", sc.name, e.Seq, d)
			}
			break
		}
	}
}

func TestReasonsAreDistinct(t *testing.T) {
	all := Reasons()
	sorted := slices.Sorted(slices.Values(all))
	if len(slices.Compact(sorted)) != len(all) {
		t.Errorf("a reason is listed twice: %v", all)
	}
}
