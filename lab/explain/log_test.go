package explain_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
)

// TestLogOfACapture: a capture in the form of a run has all that was seen, in order, and the explanations that Capture gives.
func TestLogOfACapture(t *testing.T) {
	l, err := explain.ReadLog(given(crossed(t)))
	if err != nil {
		t.Fatal(err)
	}
	want, err := explain.Capture(given(crossed(t)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asJSON(t, want), asJSON(t, l.Record)); diff != "" {
		t.Errorf("explained otherwise than Capture does (- want, + got)\n%s", diff)
	}
	if len(l.Plan.Guests) != 2 || l.Plan.Guests[0].Arch == "" || l.Plan.Guests[0].MAC != machine.String() {
		t.Errorf("guests %+v", l.Plan.Guests)
	}
	last, open := l.Events[0], map[string]int{}
	for i, e := range l.Events {
		if e.Seq != i+1 || e.At < last.At {
			t.Fatalf("event %d: seq %d at %v after one at %v", i, e.Seq, e.At, last.At)
		}
		last = e
		switch e.Kind {
		case event.GuestPowered:
			if open[e.Guest] != e.Boot-1 {
				t.Errorf("boot %d of %s follows boot %d", e.Boot, e.Guest, open[e.Guest])
			}
			open[e.Guest] = e.Boot
		case event.PacketSeen, event.GuestStalled:
			if open[e.Guest] != e.Boot {
				t.Errorf("event %d is of boot %d of %s, which is in boot %d", e.Seq, e.Boot, e.Guest, open[e.Guest])
			}
		}
	}
	if last.Kind != event.RunEnded {
		t.Errorf("the last event is %s", last.Kind)
	}
	tracker := judge.NewTracker(l.Plan)
	for _, e := range l.Events {
		tracker.Feed(e)
	}
	for _, g := range l.Plan.Guests {
		if st := tracker.Guest(g.Name); !st.Settled {
			t.Errorf("%s has not settled: %+v", g.Name, st)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
