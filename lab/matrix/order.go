package matrix

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Times are how long cases took when they last passed, by Key. They are kept between runs of a matrix.
type Times map[string]time.Duration

// Key names a case over all runs of a matrix, whatever becomes of its topology.
func Key(p Plan, c Case) string { return p.Name + "/" + c.ID }

// WithTimes gives the plan with the times that are known put into its cases.
func (p Plan) WithTimes(t Times) Plan {
	p.Cases = slices.Clone(p.Cases)
	for i, c := range p.Cases {
		if took, ok := t[Key(p, c)]; ok {
			p.Cases[i].Needs.Took = took
		}
	}
	return p
}

// Cost is how long the case is thought to run.
func (c Case) Cost() time.Duration {
	if c.Needs.Took > 0 {
		return c.Needs.Took
	}
	return c.Needs.Estimate
}

// Ordered gives cases in the order in which to start them: those that need several cores while all are free, then the longest
// first, so that none is left to run alone at the end.
func Ordered(cases []Case) []Case {
	out := slices.Clone(cases)
	slices.SortStableFunc(out, func(a, b Case) int {
		wide := func(c Case) int { return max(1, int(c.Needs.Cores+0.99)) }
		return cmp.Or(-cmp.Compare(wide(a), wide(b)), -cmp.Compare(a.Cost(), b.Cost()), cmp.Compare(a.Index, b.Index))
	})
	return out
}

// Shard is one of several equal parts of a matrix.
type Shard struct{ I, N int } // the I-th of N, from 1

// ParseShard reads "2/8".
func ParseShard(text string) (Shard, error) {
	i, n, ok := strings.Cut(text, "/")
	var s Shard
	var err1, err2 error
	s.I, err1 = strconv.Atoi(i)
	s.N, err2 = strconv.Atoi(n)
	if !ok || err1 != nil || err2 != nil || s.N < 1 || s.I < 1 || s.I > s.N {
		return Shard{}, fmt.Errorf("%q is no shard; write which of how many, such as 2/8 for the second of eight", text)
	}
	return s, nil
}

// Of gives the cases of the shard, in the plan's order. Each case goes, the longest first, to the shard that has least to do. The
// same plan with the same times gives the same shards anywhere: together they hold each case once.
func (s Shard) Of(p Plan) []Case {
	if s.N <= 1 {
		return p.Cases
	}
	cases := slices.Clone(p.Cases)
	slices.SortStableFunc(cases, func(a, b Case) int {
		return cmp.Or(-cmp.Compare(a.work(), b.work()), cmp.Compare(a.Index, b.Index))
	})
	load := make([]time.Duration, s.N)
	var mine []Case
	for _, c := range cases {
		least := 0
		for i, l := range load {
			if l < load[least] {
				least = i
			}
		}
		load[least] += c.work()
		if least == s.I-1 {
			mine = append(mine, c)
		}
	}
	slices.SortFunc(mine, func(a, b Case) int { return cmp.Compare(a.Index, b.Index) })
	return mine
}

// work is what a case costs a machine: its time on all the cores that it keeps from others. A case that costs nothing still counts,
// or all of such would go to one shard.
func (c Case) work() time.Duration {
	return max(time.Millisecond, time.Duration(float64(c.Cost())*max(c.Needs.Cores, 0.25)))
}

// Filter gives the cases whose ID the expression matches, and an error if there is none.
func Filter(cases []Case, expr string) ([]Case, error) {
	if expr == "" {
		return cases, nil
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("--filter: %w; a sign that stands for itself needs a \\ before it", err)
	}
	var out []Case
	for _, c := range cases {
		if re.MatchString(c.ID) {
			out = append(out, c)
		}
	}
	if len(out) == 0 && len(cases) > 0 {
		return nil, fmt.Errorf("--filter %q matches none of %d cases, such as %s; --list shows them", expr, len(cases), cases[0].ID)
	}
	return out, nil
}

// NotRun is the result of a case that nobody ran, or not to its end.
func (c Case) NotRun(why string) Result {
	return Result{Version: Version, Index: c.Index, ID: c.ID, Inputs: c.Inputs, Outcome: NotRun, Reason: why}
}
