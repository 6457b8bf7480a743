package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
)

// MatrixList shows cases, what each is thought to take, and why combinations make none.
func MatrixList(p matrix.Plan, cases []matrix.Case, left []matrix.Left, s Style) string {
	var out strings.Builder
	index, id := len("index"), len("case")
	for _, c := range cases {
		index, id = max(index, len(fmt.Sprint(c.Index))), max(id, columns(c.ID))
	}
	id = min(id, max(20, s.width()-index-24))
	head := fmt.Sprintf("%*s  %s  %5s  %5s  %s", index, "index", pad("case", id), "cores", "MiB", "about")
	out.WriteString(s.paint(bold, head) + "\n")
	var work time.Duration
	for _, c := range cases {
		work += time.Duration(float64(c.Cost()) * max(c.Needs.Cores, 0.25))
		line := fmt.Sprintf("%*d  %s  %5.2f  %5d  %s", index, c.Index, pad(c.ID, id), c.Needs.Cores, c.Needs.Memory, seconds(c.Cost()))
		out.WriteString(line + "\n")
		if c.ExpectFail != "" {
			out.WriteString(hang(strings.Repeat(" ", index+2), "expected to fail: "+c.ExpectFail, strings.Repeat(" ", index+4), s))
		}
	}
	fmt.Fprintf(&out, "\n%s: %s, about %s on one core\n", p.Name, counted(len(cases), "case"), rounded(work))
	out.WriteString(leftOut(left, s))
	return out.String()
}

// few gives the first of some names, and how many there are more.
func few(names []string) []string {
	const most = 8
	if len(names) <= most+1 {
		return names
	}
	return append(names[:most:most], fmt.Sprintf("and %d more", len(names)-most))
}

// leftOut tells how many combinations make no case, by their reasons.
func leftOut(left []matrix.Left, s Style) string {
	var out strings.Builder
	var reasons []string
	where := map[string][]string{}
	count := map[string]int{}
	for _, l := range left {
		if count[l.Reason]++; count[l.Reason] == 1 {
			reasons = append(reasons, l.Reason)
		}
		for _, a := range l.Axes {
			if a.Name == "topology" && !slices.Contains(where[l.Reason], a.Value) {
				where[l.Reason] = append(where[l.Reason], a.Value)
			}
		}
	}
	for _, r := range reasons {
		out.WriteString(hang("", fmt.Sprintf("%s left out: %s: %s", counted(count[r], "combination"), r, strings.Join(few(where[r]), ", ")), "  ", s))
	}
	return out.String()
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// rounded writes a longer time for people.
func rounded(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	if d < time.Hour {
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}
