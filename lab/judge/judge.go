// Package judge decides from a run's plan and its event log how far each guest came, and whether each
// expectation holds.
//
// It has no clock and does no I/O: the same plan and events give the same verdicts, byte for byte, on any
// machine. The live run and the offline judge use the same Tracker. An error means that the harness broke, and
// there is none here: whatever a guest or a server does is a Verdict.
package judge

import (
	"fmt"
	"slices"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// Verdict is one expectation of one guest, or of one service, decided.
type Verdict struct {
	Guest       string      `json:"guest,omitempty"`   // exactly one of guest and service is set
	Service     string      `json:"service,omitempty"` //
	Boot        int         `json:"boot"`              // the power-on it was judged on; 0 when there was none
	Expectation string      `json:"expectation"`       // as one writes it in YAML: "booted: {image: probe}"
	Pass        bool        `json:"pass"`              //
	Sentence    string      `json:"sentence"`          // what was seen; in a failure also why, and what to do
	Reason      Reason      `json:"reason,omitempty"`  // why the boot stopped; empty when it did not
	Stage       event.Stage `json:"stage"`             // how far the boot came
	Evidence    []Evidence  `json:"evidence,omitempty"`
}

// Evidence is one event that a verdict or an outcome rests on.
type Evidence struct {
	Seq   int    `json:"seq"`             // its number in events.jsonl
	Frame int    `json:"frame,omitempty"` // its number in wire.pcapng, if it is a packet
	Text  string `json:"text"`            // the console line, or the packet in one line
}

// Judge decides every expectation of every guest of the plan, then of every service, all in the plan's order.
//
// A guest is judged on its last boot that was not discarded. One that was never powered on, or whose boot was
// cut short, fails with that said: half a boot proves nothing.
func Judge(p *plan.Plan, events []event.Event) []Verdict {
	t := NewTracker(p)
	for _, e := range events {
		t.Feed(e)
	}
	var out []Verdict
	for i := range p.Guests {
		out = append(out, t.verdicts(&p.Guests[i])...)
	}
	for _, s := range t.ServiceResults() {
		out = append(out, s.Verdicts...)
	}
	return out
}

// verdicts judges one guest on what the tracker has seen so far.
func (t *Tracker) verdicts(g *plan.Guest) []Verdict {
	list, b := g.Expect, t.last(g.Name)
	if b != nil {
		list = b.guest.Expect
	}
	if len(list) == 0 {
		list = []topology.Expectation{{}}
	}
	if why := t.unjudgeable(g.Name, b); why != "" {
		return refuse(g, b, list, why)
	}
	return b.verdicts(list)
}

// unjudgeable says why a guest cannot be judged; empty means that it can.
func (t *Tracker) unjudgeable(guest string, b *boot) string {
	switch boots := t.boots[guest]; {
	case len(boots) == 0 && t.runEnd != nil:
		return fmt.Sprintf("%s was never powered on: the run ended first%s", guest, because(t.runEnd.Text))
	case len(boots) == 0:
		return guest + " was never powered on"
	case b == nil:
		return fmt.Sprintf("every boot of %s was discarded%s", guest, because(boots[len(boots)-1].discarded.Text))
	case b.settled:
		return ""
	case b.ended != nil:
		return fmt.Sprintf("the boot of %s was cut short at stage %s%s", guest, b.stage, because(b.ended.Text))
	case t.runEnd != nil:
		return fmt.Sprintf("the boot of %s was cut short at stage %s: the run ended%s", guest, b.stage, because(t.runEnd.Text))
	}
	return fmt.Sprintf("the boot of %s was cut short at stage %s: the log ends there", guest, b.stage)
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// refuse fails every expectation of a guest that cannot be judged.
func refuse(g *plan.Guest, b *boot, list []topology.Expectation, why string) []Verdict {
	var out []Verdict
	for _, x := range list {
		v := Verdict{Guest: g.Name, Expectation: x.String(), Sentence: why}
		if b != nil {
			v.Boot, v.Stage = b.number, b.stage
			v.Evidence = cite(b.events[max(0, len(b.events)-3):]...)
		}
		out = append(out, v)
	}
	return out
}

// verdicts judges a settled boot. The first failure also says why the boot stopped, because that is what a
// reader needs; the ones after it only say what is missing.
func (b *boot) verdicts(list []topology.Expectation) []Verdict {
	var out []Verdict
	var serial cursor
	explained := false
	for _, x := range list {
		f := b.check(x, &serial)
		v := Verdict{Guest: b.guest.Name, Boot: b.number, Expectation: x.String(), Pass: f.pass, Sentence: f.text,
			Reason: b.outcome.Reason, Stage: b.outcome.Stage, Evidence: cite(f.evidence...)}
		if !f.pass && b.outcome.Reason != "" && !explained {
			v.Sentence = f.text + ": " + b.outcome.Sentence
			v.Evidence = merge(v.Evidence, b.outcome.Evidence)
			explained = true
		}
		out = append(out, v)
	}
	return append(out, b.faultVerdicts()...)
}

// cite turns events into evidence, each once, in the order of the log.
func cite(events ...event.Event) []Evidence {
	var out []Evidence
	for _, e := range events {
		v := Evidence{Seq: e.Seq, Text: e.Text}
		switch {
		case e.Packet != nil:
			v.Frame, v.Text = e.Packet.Frame, e.Packet.Info
		case e.Fault != nil:
			v.Frame, v.Text = e.Fault.Frame, fmt.Sprintf("fault %d (%s): %s", e.Fault.Rule, e.Fault.Do, e.Fault.Info)
		case e.Decision != nil:
			v.Text = fmt.Sprintf("%s: %s: %s", e.Service, e.Decision.Request, e.Decision.Reason)
		case e.Exit != nil && v.Text == "":
			v.Text = exitText(e.Exit)
		case e.Stall != nil:
			v.Text = fmt.Sprintf("nothing new at stage %s for %s", e.Stall.Stage, e.Stall.Budget)
		case v.Text == "":
			v.Text = string(e.Kind)
		}
		out = append(out, v)
	}
	return merge(nil, out)
}

func exitText(x *event.Exit) string {
	if x.Signal != "" {
		return "QEMU was ended by a signal (" + x.Signal + ")"
	}
	if x.Code < 0 {
		return "QEMU stopped the machine"
	}
	return fmt.Sprintf("QEMU ended with status %d", x.Code)
}

// merge joins two lists of evidence.
func merge(a, b []Evidence) []Evidence {
	out := slices.Concat(a, b)
	slices.SortStableFunc(out, func(x, y Evidence) int { return x.Seq - y.Seq })
	return slices.CompactFunc(out, func(x, y Evidence) bool { return x.Seq == y.Seq })
}
