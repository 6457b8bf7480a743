package boot

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/tests/built"
)

// TestSameFaults: the same faults meet the same frames in every run, whatever they do to them, and the boots that they leave are
// the same.
func TestSameFaults(t *testing.T) {
	built.NeedBoots(t)
	done := map[string]bool{}
	for _, run := range []struct {
		file string
		args []string
	}{
		{topologyFile(t, "faults"), []string{"--clock", "warp"}},
		{filepath.Join("testdata", "same-line.yaml"), []string{"--clock", "warp"}},
		{topologyFile(t, "faults-services"), nil}, // in real time, all at once
	} {
		for _, e := range sameFaults(t, run.file, run.args...) {
			if e.Fault != nil {
				done[e.Fault.Do] = true
			}
		}
	}
	for _, deed := range fault.Deeds {
		if !done[deed] {
			t.Errorf("no fault here is of kind %s", deed)
		}
	}
}

// sameFaults runs a topology until five runs were alike in what they owe to the host, and gives the events of the last. A server that
// a busy host kept from hearing an acknowledgement in time repeats itself, and the faults of that run meet other frames.
func sameFaults(t *testing.T, file string, args ...string) []event.Event {
	t.Helper()
	type group struct {
		count int
		first map[string][]string
	}
	groups := map[string]*group{}
	for range 15 {
		r := boots(t, file, args...)
		if r.code != 0 {
			t.Fatal(r.explain())
		}
		got := map[string][]string{}
		for _, g := range r.plan.Guests {
			got[g.Name] = append(hits(r.events, g), strings.Join(normalised(r.events, r.plan, g).Sent, "\n"))
			if len(got[g.Name]) < 2 {
				t.Errorf("no fault met a frame of %s", g.Name)
			}
		}
		key := repeated(r.events)
		if groups[key] == nil {
			groups[key] = &group{first: got}
		}
		g := groups[key]
		if diff := cmp.Diff(g.first, got); diff != "" {
			t.Fatalf("run %d differs from the first (- first, + this):\n%s", g.count+1, diff)
		}
		if g.count++; g.count == 5 {
			return r.events
		}
	}
	t.Fatal("in no five runs of fifteen did the servers repeat the same: this host is too busy")
	return nil
}

// repeated is what our servers sent again, of boots that prove something.
func repeated(events []event.Event) string {
	var out []string
	for _, e := range events {
		switch {
		case e.Kind == event.BootDiscarded:
			out = append(out, "boot discarded")
		case e.Decision != nil && e.Decision.Resent > 0:
			out = append(out, fmt.Sprintf("%s %d", e.Decision.File, e.Decision.Resent))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// hits are the frames of a guest's boots that a fault met, in their order, less those of boots that prove nothing. Who hears each block
// twice acknowledges it twice, and whether the server then sends one again depends on what it had heard by then: such a block counts once.
func hits(events []event.Event, g plan.Guest) []string {
	var out []string
	for _, e := range events {
		switch {
		case e.Guest != g.Name:
		case e.Kind == event.BootDiscarded:
			out = nil
		case e.Kind == event.FaultHit:
			hit := fmt.Sprintf("%d %d %s %s", e.Boot, e.Fault.Rule, e.Fault.Do, plain(e.Fault.Info))
			if e.Fault.Do != "duplicate" || !slices.Contains(out, hit) {
				out = append(out, hit)
			}
		}
	}
	return out
}
