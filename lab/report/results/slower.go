package results

import (
	"cmp"
	"math"
	"slices"
)

// When a stage is called slower. Boots that share their cores with others vary by half and more, so what it usually takes must be
// exceeded by all of these: a second, half of it, and six times its own spread; and not once, but in the run before, too: a host
// that was loaded for an hour is no slower stage. Of fewer runs than five, the one before aside, no spread is known.
// docs/reports.md says how often that is wrong.
const (
	enoughRuns  = 5
	slowSeconds = 1.0
	slowShare   = 0.5
	slowSpreads = 6
)

// slow finds the stages of a case that took longer than in earlier runs with the same inputs, clock and start that ended as this one
// did.
func (h *History) slow(c *Case, earlier []Entry) {
	for _, g := range c.Guests {
		past := map[string][]float64{}
		for _, e := range earlier {
			if e.Inputs != c.Inputs || e.Outcome != c.Outcome {
				continue
			}
			for _, before := range e.Guests {
				if before.Guest == g.Guest && before.Clock == g.Clock && before.Warm == g.Warm {
					for _, s := range steps(before.Stages) {
						past[s.Stage] = append(past[s.Stage], float64(s.Seconds))
					}
				}
			}
		}
		for _, s := range steps(g.Stages) {
			if usual, slower := isSlower(float64(s.Seconds), past[s.Stage]); slower {
				h.Slower = append(h.Slower, Slower{ID: c.ID, Guest: g.Guest, Stage: s.Stage, Seconds: s.Seconds, Usual: Seconds(usual), Runs: len(past[s.Stage]) - 1})
			}
		}
	}
}

// steps tells of each stage how much later it was reached than all stages before it: the time that it took by itself. A firmware may
// speak after it has used the link, so a stage that was reached before an earlier one took none.
func steps(list []StageTime) []StageTime {
	var out []StageTime
	var latest Seconds
	for _, s := range list {
		out = append(out, StageTime{Stage: s.Stage, Seconds: max(0, s.Seconds-latest)})
		latest = max(latest, s.Seconds)
	}
	return out
}

// inTime orders stages by when they were reached.
func inTime(list []StageTime) []StageTime {
	return slices.SortedStableFunc(slices.Values(list), func(a, b StageTime) int { return cmp.Compare(a.Seconds, b.Seconds) })
}

// isSlower holds a time and the one of the run before against those that are earlier still, and gives their median. The spread is the
// median of the distances from it, which one slow run in the past does not widen.
func isSlower(now float64, past []float64) (usual float64, slower bool) {
	if len(past) <= enoughRuns {
		return 0, false
	}
	last, earlier := past[len(past)-1], past[:len(past)-1]
	usual = median(earlier)
	distances := make([]float64, len(earlier))
	for i, t := range earlier {
		distances[i] = math.Abs(t - usual)
	}
	limit := usual + max(slowSeconds, slowShare*usual, slowSpreads*median(distances))
	return usual, now > limit && last > limit
}

// median of a list that is not empty.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
