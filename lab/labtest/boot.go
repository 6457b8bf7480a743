package labtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/lab/topology"
)

// Guest is a machine of the lab. It is off until it is booted.
type Guest struct {
	Name string

	lab     *Lab
	missing string // why this host cannot boot it; empty if it can
}

// Boot is one boot of a guest, which is over: what was expected of it is judged, and what happened is told.
type Boot struct {
	judge.Result // how far it came and when, from whom it had what, why it stopped, the verdicts

	Explanation explain.Explanation // what happened, step by step; of a boot that stopped also why, and what to change
	Console     []string            // what the serial console showed, line by line
	Events      []event.Event       // all that is known of this boot: packets, console lines, its power
	Bundle      string              // the folder of the whole run: wire.pcapng, events.jsonl ...
}

// Boot powers the guest on, waits until its boot is over, and fails the test for each expectation that does not hold: in the sentence
// of its verdict, with the explanation of the boot. Each is one claim as in a topology's expect list: "booted: {image: probe, from:
// mine}", "stops: {at: offer, reason: no-bootfile}", "ends: off". Without any the topology's count; without those, that it boots.
//
// The machine is switched off afterwards and may be booted again. A boot takes seconds, or where it has to be repeated in real time a
// quarter of a minute. Several guests may boot at once, from subtests that are parallel.
func (g *Guest) Boot(t *testing.T, expect ...string) *Boot {
	t.Helper()
	g.lab.read(t)
	g.need(t)
	claims := g.claims(t, expect)
	up := g.lab.start(t)
	seen, _, _ := up.log()
	if err := up.Client.Boot(t.Context(), g.Name, claims); err != nil {
		t.Fatalf("labtest: boot %s: %v", g.Name, err)
	}
	events := up.settled(g.Name, len(seen))
	if events == nil {
		t.Fatalf("labtest: the lab ended while %s booted: %v", g.Name, up.Wait())
	}
	b := g.boot(events)
	b.Bundle = up.Bundle
	b.keep(t)
	b.fail(t)
	return b
}

// need skips the test if this host cannot boot the guest.
func (g *Guest) need(t *testing.T) {
	t.Helper()
	if g.missing != "" {
		skip(t, g.missing)
	}
}

// claims reads expectations.
func (g *Guest) claims(t *testing.T, expect []string) []topology.Expectation {
	t.Helper()
	var out []topology.Expectation
	for _, text := range expect {
		x, err := topology.ParseExpectation(fmt.Sprintf("expectation %q", text), text, g.lab.topo, lab.Known())
		if err != nil {
			t.Fatalf("labtest: %v", err)
		}
		out = append(out, x)
	}
	return out
}

// settled waits until a boot of a guest, which is not among the first events, has settled and its machine is off, and gives all events
// until then; nil if the lab ended before.
func (r *running) settled(guest string, first int) []event.Event {
	for next, settled, off := first, 0, 0; ; { // a machine that powers itself off does so before
		events, more, ended := r.log()
		for ; next < len(events); next++ {
			switch e := events[next]; {
			case e.Guest != guest:
			case e.Kind == event.GuestSettled:
				settled = e.Boot
			case e.Kind == event.GuestExited:
				off = e.Boot
			}
			if settled > 0 && settled == off {
				return events[:next+1]
			}
		}
		if ended {
			return nil
		}
		<-more
	}
}

// boot sums up the guest's latest boot.
func (g *Guest) boot(events []event.Event) *Boot {
	b := &Boot{}
	results := judge.Results(g.lab.plan, events)
	for _, r := range results {
		if r.Guest == g.Name {
			b.Result = r
		}
	}
	for _, x := range explain.Run(results, events) {
		if x.Machine == g.Name && x.Boot == b.Boot {
			b.Explanation = x
		}
	}
	for _, e := range events {
		if e.Guest == g.Name && e.Boot == b.Boot {
			b.Events = append(b.Events, e)
		}
		if e.Guest == g.Name && e.Boot == b.Boot && e.Kind == event.Console {
			b.Console = append(b.Console, e.Text)
		}
	}
	return b
}

// keep leaves what happened and what the console showed in the test's folder of artefacts.
func (b *Boot) keep(t *testing.T) {
	t.Helper()
	for name, text := range map[string]string{"txt": report.Explained(b.Explanation, true, style), "console": strings.Join(b.Console, "\n") + "\n"} {
		file := filepath.Join(t.ArtifactDir(), fmt.Sprintf("%s-boot%d.%s", b.Guest, b.Result.Boot, name))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Errorf("labtest: keep what happened: %v", err)
		}
	}
}

// style is how explanations are laid out in a test's log.
var style = report.Style{Width: 110}

// fail fails the test for each expectation that does not hold.
func (b *Boot) fail(t *testing.T) {
	t.Helper()
	for _, v := range b.Verdicts {
		if !v.Pass {
			t.Errorf("%s: expected %s: %s", b.Guest, v.Expectation, v.Sentence)
		}
	}
	if b.Passed {
		return
	}
	t.Logf("what happened:\n%s", report.Explained(b.Explanation, true, style))
	if f := flag.Lookup("test.artifacts"); f == nil || f.Value.String() != "true" {
		t.Log("go test -artifacts keeps the capture, the consoles and the log of the lab")
	} else {
		t.Logf("the capture, the consoles and the log of the lab are in %s", b.Bundle)
	}
}
