package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/matrix"
)

// MatrixText is the closing report of a matrix: every case that is not as it should be with its reason, counts by firmware, and where
// the rest is.
func MatrixText(p matrix.Plan, results []matrix.Result, dir string, s Style) string {
	var mine []matrix.Case
	for _, c := range p.Cases {
		if slices.ContainsFunc(results, func(r matrix.Result) bool { return r.Index == c.Index }) {
			mine = append(mine, c)
		}
	}
	tallies := matrix.Tallies(mine, results)
	var out strings.Builder
	for _, t := range tallies {
		out.WriteString(tallyText(t, dir, s))
	}
	out.WriteString(notRun(tallies, s))
	if out.Len() > 0 {
		out.WriteString("\n")
	}
	out.WriteString(byFirmware(tallies, s))
	sum := matrix.Sum(tallies)
	color := green
	if sum.Good < sum.Total {
		color = red
	}
	out.WriteString(s.paint(color, strings.TrimSuffix(hang("", matrixSummary(p.Name, sum), "  ", s), "\n")) + "\n")
	if dir != "" {
		out.WriteString("results: " + dir + "\n")
	}
	return out.String()
}

// tallyText tells of a case that is not as it should be, or that is expected to fail.
func tallyText(t matrix.Tally, dir string, s Style) string {
	last := t.Last()
	if t.Good() && last.Outcome == matrix.Passed {
		return againText(t, s)
	}
	if last.Outcome == matrix.NotRun {
		return ""
	}
	word := string(last.Outcome)
	if t.Flaky != "" {
		word = "flaky: " + t.Flaky
	}
	color := outcomeColor(last.Outcome)
	if t.Flaky != "" {
		color = red
	}
	head := s.paint(color, word) + "  " + t.Case.ID
	if last.Outcome == matrix.ExpectedFailure {
		return hang(word+"  ", t.Case.ID+": "+t.Case.ExpectFail, "  ", s)
	}
	out := head + "\n"
	if t.Flaky != "" {
		for _, a := range t.Attempts {
			out += hang("  ", strings.TrimSuffix(fmt.Sprintf("attempt %d: %s: %s", a.Attempt, a.Outcome, a.Reason), ": "), "    ", s)
		}
	} else if last.Reason != "" {
		out += wrap(last.Reason, "  ", s.width())
	}
	if last.Attempt > 0 && dir != "" {
		out += "  look: pxelab explain " + Quote(fmt.Sprintf("%s/cases/%s/%d", dir, t.Case.ID, last.Attempt)) + "\n"
	}
	return out
}

// notRun tells which cases were not run, by their reasons.
func notRun(tallies []matrix.Tally, s Style) string {
	var reasons []string
	ids := map[string][]string{}
	for _, t := range tallies {
		if last := t.Last(); last.Outcome == matrix.NotRun {
			if ids[last.Reason] == nil {
				reasons = append(reasons, last.Reason)
			}
			ids[last.Reason] = append(ids[last.Reason], t.Case.ID)
		}
	}
	var out strings.Builder
	for _, r := range reasons {
		out.WriteString(s.paint(yellow, string(matrix.NotRun)) + "  " + counted(len(ids[r]), "case") + ": " + r + "\n")
		out.WriteString(wrap(strings.Join(few(ids[r]), ", "), "  ", s.width()))
	}
	return out.String()
}

// againText tells of a case that passed after attempts that gave no verdict, such as one whose machine was lost.
func againText(t matrix.Tally, s Style) string {
	out := ""
	for _, a := range t.Attempts {
		if a.Outcome == matrix.Broken || a.Outcome == matrix.NotRun {
			out += fmt.Sprintf("; attempt %d: %s: %s", a.Attempt, a.Outcome, a.Reason)
		}
	}
	if out == "" {
		return ""
	}
	return hang("", fmt.Sprintf("%s  %s: attempt %d counts%s", t.Last().Outcome, t.Case.ID, t.Last().Attempt, out), "  ", s)
}

// byFirmware counts cases by the firmwares in them.
func byFirmware(tallies []matrix.Tally, s Style) string {
	var names []string
	good, all := map[string]int{}, map[string]int{}
	for _, t := range tallies {
		name := "own"
		for _, a := range t.Case.Axes {
			if a.Name == "firmware" {
				name = a.Value
			}
		}
		if all[name]++; all[name] == 1 {
			names = append(names, name)
		}
		if t.Good() {
			good[name]++
		}
	}
	if len(names) < 2 {
		return ""
	}
	var out strings.Builder
	width := len("firmware")
	for _, n := range names {
		width = max(width, columns(n))
	}
	out.WriteString(s.paint(bold, pad("firmware", width)+"  as expected") + "\n")
	for _, n := range names {
		fmt.Fprintf(&out, "%s  %d of %d\n", pad(n, width), good[n], all[n])
	}
	return out.String() + "\n"
}

// matrixSummary is the matrix in one line.
func matrixSummary(name string, sum matrix.Summary) string {
	parts := []string{}
	for _, o := range outcomes {
		if n := sum.By[o]; n > 0 && (o != matrix.Passed || n < sum.Total) {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if sum.Flaky > 0 {
		parts = append(parts, fmt.Sprintf("%d flaky", sum.Flaky))
	}
	text := fmt.Sprintf("%s: %d of %s as expected", name, sum.Good, counted(sum.Total, "case"))
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text + " in " + rounded(sum.Took)
}
