package judge

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/tests/golden"
)

// The logs under testdata/real are runs of the shipped topologies on real firmware (SeaBIOS 1.16.2 with iPXE
// 1.0.0+git-20190125, OVMF 2022.11), without their command lines. Each must be judged as expected, now and for ever.
func TestRealRuns(t *testing.T) {
	runs, err := filepath.Glob("testdata/real/*")
	if err != nil || len(runs) == 0 {
		t.Fatalf("no recorded runs: %v", err)
	}
	var said strings.Builder
	for _, dir := range runs {
		p, events := recorded(t, dir)
		verdicts := Judge(p, events)
		for _, v := range verdicts {
			if !v.Pass {
				t.Errorf("%s: %s: %s: %s", dir, v.Guest, v.Expectation, v.Sentence)
			}
			fmt.Fprintf(&said, "%s: %s: %s\n    %s\n", filepath.Base(dir), v.Guest, v.Expectation, v.Sentence)
		}
		settlesOnce(t, p, events, verdicts)
		for _, g := range p.Guests {
			if calm, why := Calm(p, events, g.Name); !calm && dir == "testdata/real/firmware-trio" {
				t.Errorf("%s: %s was not calm: %s", dir, g.Name, why)
			}
		}
	}
	golden.Check(t, filepath.Join("testdata", "real.golden"), said.String())
}

// settlesOnce checks that what is said of a guest at the moment it settles is what is said at the end.
func settlesOnce(t *testing.T, p *plan.Plan, events []event.Event, verdicts []Verdict) {
	tr := NewTracker(p)
	done := map[string]bool{}
	for i, e := range events {
		tr.Feed(e)
		if !tr.Guest(e.Guest).Settled || done[e.Guest] {
			continue
		}
		done[e.Guest] = true
		if d := cmp.Diff(verdictsOf(e.Guest, verdicts), verdictsOf(e.Guest, Judge(p, events[:i+1]))); d != "" {
			t.Errorf("%s settled at event %d, and its verdicts changed after it:\n%s", e.Guest, e.Seq, d)
		}
	}
	if len(done) != len(p.Guests) {
		t.Errorf("%d of %d guests settled", len(done), len(p.Guests))
	}
}

func recorded(t *testing.T, dir string) (*plan.Plan, []event.Event) {
	t.Helper()
	p, events, err := bundle.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p, events
}
