package judge

import (
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// Result is one guest in the closing table: how far it came, when, who served it, and whether that is as expected.
type Result struct {
	Guest    string        `json:"guest"`
	Firmware string        `json:"firmware"`
	Arch     string        `json:"arch"`
	Boot     int           `json:"boot"`           // the power-on it was judged on; 0 when there was none
	Boots    int           `json:"boots"`          // how often it was powered on, discarded boots included
	Clock    string        `json:"clock"`          // of that boot: "real" or "warp"
	Warm     bool          `json:"warm,omitempty"` // that boot went on from a snapshot of its firmware
	Passed   bool          `json:"passed"`
	Stage    event.Stage   `json:"stage"`            // the furthest reached
	Stages   []StageTime   `json:"stages,omitempty"` // those reached, in order of stages
	Took     time.Duration `json:"took"`             // from power-on until it settled, host time in nanoseconds
	Address  string        `json:"address,omitempty"`
	From     string        `json:"addressFrom,omitempty"` // service, or address, that gave it
	Files    []File        `json:"files,omitempty"`       // what it asked for, in that order
	Who      *Who          `json:"who,omitempty"`         // whose word it followed
	Notes    []Note        `json:"notes,omitempty"`       // worth knowing, whether the boot went well or not
	Outcome  *Outcome      `json:"outcome,omitempty"`     // nil when it was never powered on or cut short
	Verdicts []Verdict     `json:"verdicts"`
}

// StageTime is when a stage was reached.
type StageTime struct {
	Stage event.Stage   `json:"stage"`
	After time.Duration `json:"after"` // since power-on, host time in nanoseconds
}

// File is one file a guest asked for.
type File struct {
	Name  string `json:"name"`
	From  string `json:"from"` // service, or address, it was asked from
	Bytes int64  `json:"bytes"`
	Whole bool   `json:"whole"`
	Over  string `json:"over,omitempty"` // "http"; empty: TFTP
	IPv6  bool   `json:"ipv6,omitempty"` // over IPv6; else over IPv4
}

// Results judges a run and sums it up per guest, in the plan's order.
func Results(p *plan.Plan, events []event.Event) []Result {
	t := NewTracker(p)
	for _, e := range events {
		t.Feed(e)
	}
	return t.Results()
}

// Results sums up what the tracker has seen so far. A guest that has not settled yet counts as cut short.
func (t *Tracker) Results() []Result {
	var out []Result
	for i := range t.plan.Guests {
		out = append(out, t.result(&t.plan.Guests[i]))
	}
	return out
}

// Result sums up one guest of the plan; ok is false if it has none of that name.
func (t *Tracker) Result(guest string) (r Result, ok bool) {
	i := slices.IndexFunc(t.plan.Guests, func(g plan.Guest) bool { return g.Name == guest })
	if i < 0 {
		return r, false
	}
	return t.result(&t.plan.Guests[i]), true
}

func (t *Tracker) result(g *plan.Guest) Result {
	r := Result{Guest: g.Name, Firmware: g.Firmware, Arch: g.Arch, Boots: len(t.boots[g.Name]), Clock: g.Clock, Verdicts: t.verdicts(g)}
	r.Passed = !slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return !v.Pass })
	if b := t.last(g.Name); b != nil {
		b.sumUp(&r)
	}
	return r
}

// sumUp fills in what one boot did.
func (b *boot) sumUp(r *Result) {
	r.Boot, r.Stage, r.Took, r.Address, r.Clock = b.number, b.stage, b.took(), b.address, "real"
	r.Warm = b.warm
	if b.warp {
		r.Clock = "warp"
	}
	if b.settled {
		r.Outcome = &b.outcome
	}
	r.Notes, r.Who = b.notes(), b.who()
	for s := event.StagePower; s <= event.StageOff; s++ {
		if e, ok := b.reached[s]; ok {
			r.Stages = append(r.Stages, StageTime{s, b.between(b.events[0].At, e.At)})
		}
	}
	if acks := append(b.dhcp(false, gives), b.dhcp6(false, gives6)...); len(acks) > 0 {
		r.From = acks[len(acks)-1].Sender()
	}
	for _, t := range b.transfers {
		f := File{Name: t.file, From: b.serviceName(t), Bytes: t.bytes, Whole: t.whole != nil, IPv6: strings.Contains(t.server, ":")}
		if t.http != nil {
			f.Over = "http"
		}
		r.Files = append(r.Files, f)
	}
}
