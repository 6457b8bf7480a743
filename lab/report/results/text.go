package results

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/report"
)

// Text is the closing report of a matrix, for people: the table, then each case that is not as it should be with its reason and
// the command that repeats it, then what changed since earlier runs.
func (r *Report) Text(s report.Style) string {
	var out strings.Builder
	r.table(&out, s)
	for _, c := range r.bad() {
		m := markOf(c.Outcome)
		out.WriteString("\n" + s.Red(m.Sign+" "+m.Word+" "+report.Visible(c.ID)) + flakyMark([]*Case{c}) + "\n")
		out.WriteString(s.Wrap(c.Reason, "  "))
		for i, a := range c.Attempts {
			if len(c.Attempts) > 1 {
				out.WriteString(s.Wrap(strings.TrimSuffix(fmt.Sprintf("attempt %d: %s: %s", i+1, a.Outcome, a.Reason), ": "), "  "))
			}
		}
		if c.Rerun != "" {
			out.WriteString("  again: " + c.Rerun + "\n")
		}
	}
	r.expected(&out, s)
	r.repeated(&out, s)
	if h := r.History; h != nil {
		for _, section := range h.sections() {
			out.WriteString("\n" + section.Title + "\n")
			for _, line := range section.Lines {
				out.WriteString(s.Wrap(line, "  "))
			}
		}
	}
	for _, n := range r.Notes {
		out.WriteString("\n" + s.Wrap("note: "+n, ""))
	}
	end := s.Red
	if r.Passed {
		end = s.Green
	}
	out.WriteString("\n" + end(strings.TrimSuffix(s.Wrap(r.summary(), ""), "\n")) + "\n")
	return out.String()
}

// expected lists the failures that the matrix says would come.
func (r *Report) expected(out *strings.Builder, s report.Style) {
	if r.Counts.ExpectedFailure == 0 {
		return
	}
	out.WriteString("\nfail as expected\n")
	for i := range r.Cases {
		if c := &r.Cases[i]; c.Outcome == matrix.ExpectedFailure {
			out.WriteString(s.Wrap(fmt.Sprintf("%s: %s", c.ID, c.ExpectFail), "  "))
		}
	}
}

// repeated lists the cases that are as they should be after attempts that gave no verdict, such as one whose machine was lost.
func (r *Report) repeated(out *strings.Builder, s report.Style) {
	lost := ""
	for _, c := range r.Cases {
		if !c.Outcome.Good() || c.Flaky {
			continue
		}
		for i, a := range c.Attempts {
			if a.Outcome == matrix.Broken || a.Outcome == matrix.NotRun {
				lost += s.Wrap(fmt.Sprintf("%s: attempt %d counts; attempt %d: %s: %s", c.ID, c.Decided, i+1, a.Outcome, a.Reason), "  ")
			}
		}
	}
	if lost != "" {
		out.WriteString("\nrepeated\n" + lost)
	}
}

// table writes the grid; where it is wider than the text may be, a line for each cell that is not all passed.
func (r *Report) table(out *strings.Builder, s report.Style) {
	g := r.grid()
	rows := [][]string{append([]string{"topology"}, g.Columns...)}
	for _, row := range g.Rows {
		cells := []string{report.Visible(row.Topology)}
		for _, c := range row.Cells {
			cells = append(cells, cellText(c))
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(rows[0]))
	total := -2
	for k := range widths {
		for _, row := range rows {
			widths[k] = max(widths[k], utf8.RuneCountInString(row[k]))
		}
		total += widths[k] + 2
	}
	if total > s.Columns() {
		for _, row := range rows[1:] {
			for k, cell := range row[1:] {
				if cell != "" {
					out.WriteString(s.Wrap(fmt.Sprintf("%s, %s: %s", row[0], g.Columns[k], cell), ""))
				}
			}
		}
		return
	}
	for _, row := range rows {
		line := ""
		for k, cell := range row {
			line += cell + strings.Repeat(" ", widths[k]-utf8.RuneCountInString(cell)+2)
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
