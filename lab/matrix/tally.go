package matrix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tally is what became of one case over all attempts at it.
type Tally struct {
	Case     Case
	Attempts []Result // those of the case's own inputs, in order; at least one, which may be NotRun
	Flaky    string   // how attempts differ; empty: they do not
}

// Last is the attempt that counts.
func (t Tally) Last() Result { return t.Attempts[len(t.Attempts)-1] }

// Good tells whether a matrix may pass with this case in it. An attempt that broke and was repeated does not count: it told nothing
// of the case.
func (t Tally) Good() bool { return t.Last().Outcome.Good() && t.Flaky == "" }

// Tallies gives what became of cases of a plan, in the order given. A case without a result was not run.
func Tallies(cases []Case, results []Result) []Tally {
	byIndex := map[int][]Result{}
	for _, r := range results {
		byIndex[r.Index] = append(byIndex[r.Index], r)
	}
	var out []Tally
	for _, c := range cases {
		t := Tally{Case: c}
		for _, r := range byIndex[c.Index] {
			if r.Inputs == c.Inputs {
				t.Attempts = append(t.Attempts, r)
			}
		}
		slices.SortStableFunc(t.Attempts, func(a, b Result) int { return cmp.Compare(a.Attempt, b.Attempt) })
		if len(t.Attempts) == 0 {
			t.Attempts = []Result{c.NotRun("nobody ran it")}
		}
		t.Flaky = flaky(t.Attempts)
		out = append(out, t)
	}
	return out
}

// NotRun is the result of a case that nobody ran, or not to its end.
func (c Case) NotRun(why string) Result {
	return Result{Version: Version, Index: c.Index, ID: c.ID, Inputs: c.Inputs, Outcome: NotRun, Reason: why}
}

// flaky tells how attempts that gave a verdict differ.
func flaky(attempts []Result) string {
	count := map[Outcome]int{}
	var kinds []Outcome
	for _, a := range attempts {
		if a.Outcome == Broken || a.Outcome == NotRun {
			continue
		}
		if count[a.Outcome]++; count[a.Outcome] == 1 {
			kinds = append(kinds, a.Outcome)
		}
	}
	if len(kinds) < 2 {
		return ""
	}
	var parts []string
	for _, k := range kinds {
		parts = append(parts, fmt.Sprintf("%d %s", count[k], k))
	}
	return strings.Join(parts, ", ")
}

// Summary counts outcomes.
type Summary struct {
	Total, Good, Flaky int
	By                 map[Outcome]int
	Took               time.Duration // from the first attempt's begin to the last one's end
}

// Sum counts what became of cases.
func Sum(tallies []Tally) Summary {
	s := Summary{By: map[Outcome]int{}}
	var first, last time.Time
	for _, t := range tallies {
		s.Total++
		s.By[t.Last().Outcome]++
		if t.Flaky != "" {
			s.Flaky++
		}
		if t.Good() {
			s.Good++
		}
		for _, a := range t.Attempts {
			if a.Began.IsZero() {
				continue
			}
			if end := a.Began.Add(a.Took); end.After(last) {
				last = end
			}
			if first.IsZero() || a.Began.Before(first) {
				first = a.Began
			}
		}
	}
	s.Took = last.Sub(first)
	return s
}
