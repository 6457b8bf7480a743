package results

import (
	"cmp"
	"math"
	"slices"
)

// When a stage is called slower. Boots that share their cores with others vary by half and more, so all of these must be
// exceeded: the time that they usually take, by a second, by half, and by six times their own spread. Fewer runs than five tell
// no spread. docs/reports.md says how often that is wrong.
const (
	enoughRuns  = 5
	slowSeconds = 1.0
	slowShare   = 0.5
	slowSpreads = 6
)

// slow finds the stages of a case that took longer than in earlier runs with the same inputs and clock that ended as this one did.
func (h *History) slow(c *Case, earlier []Entry) {
	for _, g := range c.Guests {
		stages := inTime(g.Stages)
		for i := 1; i < len(stages); i++ {
			from, to := stages[i-1], stages[i]
			var took []float64
			for _, e := range earlier {
				if e.Inputs != c.Inputs || e.Outcome != c.Outcome {
					continue
				}
				if t, ok := e.took(g.Guest, g.Clock, from.Stage, to.Stage); ok {
					took = append(took, t)
				}
			}
			now := float64(to.Seconds - from.Seconds)
			if usual, slower := isSlower(now, took); slower {
				h.Slower = append(h.Slower, Slower{ID: c.ID, Guest: g.Guest, From: from.Stage, Stage: to.Stage,
					Seconds: Seconds(now), Usual: Seconds(usual), Runs: len(took)})
			}
		}
	}
}

// took is how long a guest was on the way between two stages that it reached one after the other, in seconds.
func (e *Entry) took(guest, clock, from, to string) (float64, bool) {
	for _, g := range e.Guests {
		if g.Guest != guest || g.Clock != clock {
			continue
		}
		stages := inTime(g.Stages)
		for i := 1; i < len(stages); i++ {
			if stages[i-1].Stage == from && stages[i].Stage == to {
				return float64(stages[i].Seconds - stages[i-1].Seconds), true
			}
		}
	}
	return 0, false
}

// inTime orders stages by when they were reached: a firmware may use the link before it first speaks.
func inTime(list []StageTime) []StageTime {
	return slices.SortedStableFunc(slices.Values(list), func(a, b StageTime) int { return cmp.Compare(a.Seconds, b.Seconds) })
}

// isSlower holds a time against earlier ones, and gives their median. The spread is the median of the distances from it, which one
// slow run in the past does not widen.
func isSlower(now float64, earlier []float64) (usual float64, slower bool) {
	if len(earlier) < enoughRuns {
		return 0, false
	}
	usual = median(earlier)
	distances := make([]float64, len(earlier))
	for i, t := range earlier {
		distances[i] = math.Abs(t - usual)
	}
	return usual, now > usual+max(slowSeconds, slowShare*usual, slowSpreads*median(distances))
}

// median of a list that is not empty.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
