package results

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/report"
)

// Run is one attempt as it was found: its result, where it is, and what the page shows of it.
type Run struct {
	matrix.Result
	Bundle string  // the folder that it left, as the reader would name it
	Again  bool    // its plan is there, and can be run again
	With   string  // digest of what it ran with; empty when it was not recorded
	Detail *Detail // what its bundle tells; nil when that cannot be read
}

// New puts a matrix and all attempts at its cases together, in whatever order they were found.
//
// A case without an attempt was not run, and that is said: nothing is ever left out silently. One attempt that was found twice
// counts once. An attempt whose inputs are not those of the matrix is left out with a note.
func New(p *matrix.Plan, runs []Run) *Report {
	r := &Report{Version: Version, Name: p.Name, About: p.About, Cases: make([]Case, 0, len(p.Cases))}
	of := map[string][]Run{} // by ID: an index may have been another case's before the matrix was changed
	inputs := map[string]string{}
	for _, c := range p.Cases {
		inputs[c.ID] = c.Inputs
	}
	for _, x := range runs {
		if now, ok := inputs[x.ID]; !ok || now != x.Inputs {
			r.Notes = append(r.Notes, fmt.Sprintf("%s, attempt %d, is left out: it is no attempt at a case of this matrix as it is now", x.ID, x.Attempt))
			continue
		}
		of[x.ID] = append(of[x.ID], x)
	}
	for _, c := range p.Cases {
		r.Cases = append(r.Cases, newCase(c, once(of[c.ID])))
	}
	r.count()
	return r
}

// once orders attempts and drops what was found twice, such as in two folders that hold one run.
func once(runs []Run) []Run {
	slices.SortStableFunc(runs, func(a, b Run) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Attempt, b.Attempt))
	})
	return slices.CompactFunc(runs, func(a, b Run) bool {
		return a.Attempt == b.Attempt && a.Host == b.Host && a.Began.Equal(b.Began) && a.Outcome == b.Outcome && a.Took == b.Took
	})
}

// newCase sums up all attempts at a case.
func newCase(c matrix.Case, runs []Run) Case {
	out := Case{Index: c.Index, ID: c.ID, Topology: c.Topology, Clock: c.Clock, Start: c.Start, ExpectFail: c.ExpectFail, Inputs: c.Inputs,
		Outcome: matrix.NotRun, Reason: "nobody ran it, or its result is missing"}
	for _, a := range c.Axes {
		out.Axes = append(out.Axes, Axis{Name: a.Name, Value: a.Value})
	}
	verdicts := map[matrix.Outcome]bool{}
	for i, x := range runs {
		out.Attempts = append(out.Attempts, Attempt{Outcome: x.Outcome, Reason: reason(x.Result), Began: x.Began, Seconds: secondsOf(x.Took),
			Host: x.Host, With: x.With, Bundle: x.Bundle})
		if rank(x.Outcome) > 0 {
			verdicts[x.Outcome] = true
		}
		last := i == len(runs)-1
		if out.Decided == 0 || rank(x.Outcome) >= rank(runs[out.Decided-1].Outcome) || last && rank(x.Outcome) == 0 {
			out.Decided = i + 1
		}
	}
	out.Flaky = len(verdicts) > 1
	if out.Decided > 0 {
		out.decide(runs[out.Decided-1])
	}
	return out
}

// rank orders outcomes from the best to the worst of those that are a verdict. A flaky case does not pass: the worst counts. What
// gave no verdict, because a machine was lost in the middle, counts only until the case has been repeated.
func rank(o matrix.Outcome) int {
	switch o {
	case matrix.Passed:
		return 1
	case matrix.ExpectedFailure:
		return 2
	case matrix.UnexpectedPass:
		return 3
	case matrix.Failed:
		return 4
	}
	return 0
}

// decide takes over what the attempt that counts tells.
func (c *Case) decide(x Run) {
	c.Outcome, c.Reason, c.Seconds, c.detail = x.Outcome, reason(x.Result), secondsOf(x.Took), x.Detail
	for i := range x.Guests {
		c.Guests = append(c.Guests, newGuest(&x.Guests[i]))
	}
	for _, s := range x.Services {
		c.Services = append(c.Services, Service{Service: s.Service, Passed: s.Passed, Unmet: unmet(s.Verdicts)})
	}
	if x.Again {
		c.Rerun = "pxelab run " + report.Quote(x.Bundle)
	}
}

func newGuest(g *judge.Result) Guest {
	out := Guest{Guest: g.Guest, Firmware: g.Firmware, Arch: g.Arch, Clock: g.Clock, Warm: g.Warm, Passed: g.Passed, Stage: g.Stage.String(),
		Seconds: secondsOf(g.Took), Served: report.Serving(*g), Unmet: unmet(g.Verdicts)}
	for _, s := range g.Stages {
		out.Stages = append(out.Stages, StageTime{Stage: s.Stage.String(), Seconds: secondsOf(s.After)})
	}
	if g.Outcome != nil {
		out.Cause, out.Ending = string(g.Outcome.Reason), g.Outcome.Sentence
	}
	if g.Who != nil {
		out.Who = Who{Address: cmp.Or(g.Who.Address, g.Who.Address6), Proxy: g.Who.Proxy, BootServer: g.Who.BootServer}
		for _, o := range slices.Concat(g.Who.Offers, g.Who.Offers6) {
			if !slices.Contains(out.Who.Offered, o.From) {
				out.Who.Offered = append(out.Who.Offered, o.From)
			}
		}
	}
	for _, f := range g.Files {
		if f.Whole && !slices.Contains(out.Who.Files, f.From) {
			out.Who.Files = append(out.Who.Files, f.From)
		}
	}
	return out
}

func unmet(verdicts []judge.Verdict) []Unmet {
	var out []Unmet
	for _, v := range verdicts {
		if !v.Pass {
			out = append(out, Unmet{Expectation: v.Expectation, Sentence: v.Sentence})
		}
	}
	return out
}

// reason is the one sentence of an attempt. One that should have it and does not is told by what was not met.
func reason(x matrix.Result) string {
	if x.Reason != "" || x.Outcome == matrix.Passed {
		return x.Reason
	}
	var list []Unmet
	for _, g := range x.Guests {
		list = append(list, unmet(g.Verdicts)...)
	}
	for _, s := range x.Services {
		list = append(list, unmet(s.Verdicts)...)
	}
	switch {
	case len(list) > 0:
		return list[0].Sentence
	case x.Outcome == matrix.UnexpectedPass:
		return "it passed, though the matrix says it would not"
	}
	return "its result gives no reason"
}

// count fills in what is told of all cases together.
func (r *Report) count() {
	r.Passed = len(r.Cases) > 0
	var end time.Time
	n := &r.Counts
	n.Cases = len(r.Cases)
	for i := range r.Cases {
		c := &r.Cases[i]
		*n.of(c.Outcome)++
		if c.Flaky {
			n.Flaky++
		}
		r.Passed = r.Passed && c.Outcome.Good()
		for _, a := range c.Attempts {
			if a.Began.IsZero() {
				continue
			}
			if r.Began.IsZero() || a.Began.Before(r.Began) {
				r.Began = a.Began
			}
			if t := a.Began.Add(time.Duration(float64(a.Seconds) * float64(time.Second))); t.After(end) {
				end = t
			}
		}
	}
	if !r.Began.IsZero() {
		r.Seconds = secondsOf(end.Sub(r.Began))
	}
}

func (n *Counts) of(o matrix.Outcome) *int {
	switch o {
	case matrix.Passed:
		return &n.Passed
	case matrix.Failed:
		return &n.Failed
	case matrix.ExpectedFailure:
		return &n.ExpectedFailure
	case matrix.UnexpectedPass:
		return &n.UnexpectedPass
	case matrix.NotRun:
		return &n.NotRun
	}
	return &n.Broken
}
