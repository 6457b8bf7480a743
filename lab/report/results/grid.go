package results

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/matrix"
)

// mark is how an outcome is shown: its sign and word tell it without any colour.
type mark struct{ Sign, Word string }

var marks = map[matrix.Outcome]mark{
	matrix.Passed:          {"✓", "pass"},
	matrix.Failed:          {"✗", "FAIL"},
	matrix.Broken:          {"‼", "BROKEN"},
	matrix.ExpectedFailure: {"≈", "fails as expected"},
	matrix.UnexpectedPass:  {"?", "PASSES UNEXPECTEDLY"},
	matrix.NotRun:          {"–", "NOT RUN"},
}

func markOf(o matrix.Outcome) mark {
	if m, ok := marks[o]; ok {
		return m
	}
	return marks[matrix.Broken]
}

// shown is the order in which outcomes are told: what needs a look comes first.
var shown = []matrix.Outcome{matrix.Failed, matrix.Broken, matrix.UnexpectedPass, matrix.NotRun, matrix.ExpectedFailure, matrix.Passed}

// grid is the matrix in two dimensions: topologies down, the values of one axis across.
type grid struct {
	Axis    string // empty: there is one column for all
	Columns []string
	Rows    []gridRow
}

type gridRow struct {
	Topology string
	Cells    [][]*Case // one for each column, possibly empty
}

// topologies are those of the cases, in the order in which they come.
func (r *Report) topologies() []string {
	var out []string
	for i := range r.Cases {
		if t := r.Cases[i].Topology; !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// axisAcross picks the axis of the columns: the firmware, or else the first that has several values.
func (r *Report) axisAcross() string {
	values := map[string][]string{}
	var order []string
	for i := range r.Cases {
		for _, a := range r.Cases[i].Axes {
			if !slices.Contains(order, a.Name) {
				order = append(order, a.Name)
			}
			if !slices.Contains(values[a.Name], a.Value) {
				values[a.Name] = append(values[a.Name], a.Value)
			}
		}
	}
	if len(values["firmware"]) > 0 {
		return "firmware"
	}
	for _, name := range order {
		if name != "topology" && len(values[name]) > 1 {
			return name
		}
	}
	return ""
}

// grid lays the cases out.
func (r *Report) grid() grid {
	g := grid{Axis: r.axisAcross()}
	const own = "as written" // cases that leave the axis to their topology
	at := func(c *Case) string {
		for _, a := range c.Axes {
			if a.Name == g.Axis {
				return a.Value
			}
		}
		return own
	}
	for i := range r.Cases {
		if v := at(&r.Cases[i]); !slices.Contains(g.Columns, v) {
			g.Columns = append(g.Columns, v)
		}
	}
	for _, t := range r.topologies() {
		row := gridRow{Topology: t, Cells: make([][]*Case, len(g.Columns))}
		for i := range r.Cases {
			if c := &r.Cases[i]; c.Topology == t {
				k := slices.Index(g.Columns, at(c))
				row.Cells[k] = append(row.Cells[k], c)
			}
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// cellText tells the outcomes of a cell: "✓ pass", or "✗ FAIL 1, ✓ pass 4".
func cellText(cases []*Case) string {
	var parts []string
	for _, o := range shown {
		n := 0
		for _, c := range cases {
			if c.Outcome == o || !slices.Contains(shown, c.Outcome) && o == matrix.Broken {
				n++
			}
		}
		m := marks[o]
		switch {
		case n == 1 && len(cases) == 1:
			return m.Sign + " " + m.Word + flakyMark(cases)
		case n > 0:
			parts = append(parts, fmt.Sprintf("%s %s %d", m.Sign, m.Word, n))
		}
	}
	return strings.Join(parts, ", ") + flakyMark(cases)
}

func flakyMark(cases []*Case) string {
	if slices.ContainsFunc(cases, func(c *Case) bool { return c.Flaky }) {
		return " (flaky)"
	}
	return ""
}

// bad are the cases that keep the matrix from passing, in the order in which outcomes are shown.
func (r *Report) bad() []*Case {
	var out []*Case
	for i := range r.Cases {
		if !r.Cases[i].Outcome.Good() {
			out = append(out, &r.Cases[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *Case) int { return order(a.Outcome) - order(b.Outcome) })
	return out
}

func order(o matrix.Outcome) int {
	if i := slices.Index(shown, o); i >= 0 {
		return i
	}
	return order(matrix.Broken)
}

// summary is the matrix in one line.
func (r *Report) summary() string {
	n := r.Counts
	var parts []string
	for _, o := range shown {
		if k := *n.of(o); k > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", k, plain[o]))
		}
	}
	cases := fmt.Sprintf("%d cases", n.Cases)
	if n.Cases == 1 {
		cases = "1 case"
	}
	out := fmt.Sprintf("%s: %s: %s", r.Name, cases, strings.Join(parts, ", "))
	if n.Flaky > 0 {
		out += fmt.Sprintf("; %d flaky", n.Flaky)
	}
	return out + fmt.Sprintf("; in %.1f s", float64(r.Seconds))
}

// plain are outcomes within a sentence.
var plain = map[matrix.Outcome]string{matrix.Failed: "failed", matrix.Broken: "broken", matrix.UnexpectedPass: "passed unexpectedly",
	matrix.NotRun: "not run", matrix.ExpectedFailure: "failed as expected", matrix.Passed: "passed"}
