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
	var first map[string][]string
	for run := range 5 {
		r := boots(t, topologyFile(t, "faults"), "--clock", "warp")
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

// hits are the frames of a guest's last boot that a fault met, in their order.
func hits(events []event.Event, g plan.Guest) []string {
	var out []string
	boot := 0
	for _, e := range events {
		if e.Guest != g.Name || e.Kind != event.FaultHit && e.Kind != event.GuestPowered {
			continue
		}
		if e.Kind == event.GuestPowered {
			out, boot = nil, e.Boot
		} else if e.Boot == boot {
			out = append(out, fmt.Sprintf("%d %s %s", e.Fault.Rule, e.Fault.Do, plain(e.Fault.Info)))
		}
	}
	return out
}
