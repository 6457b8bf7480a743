package boot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// TestSameFaults: the same faults meet the same frames in every run, and the boots that they leave are the same.
func TestSameFaults(t *testing.T) {
	needBoots(t)
	for name, args := range map[string][]string{
		"faults":          {"--clock", "warp"},
		"faults-services": {"--at-once", "7"}, // in real time, in which machines mostly wait
	} {
		t.Run(name, func(t *testing.T) { sameFaults(t, name, args...) })
	}
}

func sameFaults(t *testing.T, topology string, args ...string) {
	var first map[string][]string
	for run := range 5 {
		r := boots(t, topologyFile(t, topology), args...)
		if r.code != 0 {
			t.Fatal(r.explain())
		}
		got := map[string][]string{}
		for _, g := range r.plan.Guests {
			got[g.Name] = append(hits(r.events, g), strings.Join(normalised(r.events, r.plan, g).Sent, "\n"))
		}
		if run == 0 {
			first = got
			for name, list := range got {
				if len(list) < 2 {
					t.Errorf("no fault met a frame of %s", name)
				}
			}
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatalf("run %d differs from the first (- first, + this):\n%s", run+1, diff)
		}
	}
}

// hits are the frames of a guest's boots that a fault met, in their order, less those of boots that prove nothing.
func hits(events []event.Event, g plan.Guest) []string {
	var out []string
	for _, e := range events {
		switch {
		case e.Guest != g.Name:
		case e.Kind == event.BootDiscarded:
			out = nil
		case e.Kind == event.FaultHit:
			out = append(out, fmt.Sprintf("%d %d %s %s", e.Boot, e.Fault.Rule, e.Fault.Do, plain(e.Fault.Info)))
		}
	}
	return out
}
