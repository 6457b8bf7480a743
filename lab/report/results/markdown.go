package results

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/report"
)

// summaryFailures is how many cases a step summary tells in full: GitHub refuses one above 1 MiB.
const summaryFailures = 100

// Markdown is the report as a GitHub step summary: the table of topologies and firmware, then each case that is not as it should
// be with its reason and the command that repeats it, then what changed since earlier runs.
func (r *Report) Markdown() []byte {
	var out strings.Builder
	verdict := "✗ failed"
	if r.Passed {
		verdict = "✓ passed"
	}
	fmt.Fprintf(&out, "## pxelab %s: %s\n\n%s\n\n", markdown(r.Name), verdict, markdown(r.summary()))
	r.markdownTable(&out)
	bad := r.bad()
	if len(bad) > 0 {
		out.WriteString("\n### Not as it should be\n\n")
	}
	for i, c := range bad {
		if i == summaryFailures {
			fmt.Fprintf(&out, "\n... and %d more: see the HTML page or junit.xml.\n", len(bad)-i)
			break
		}
		m := markOf(c.Outcome)
		fmt.Fprintf(&out, "- **%s %s** %s%s: %s\n", m.Sign, m.Word, code(c.ID), flakyMark([]*Case{c}), markdown(c.Reason))
		if c.Rerun != "" {
			fmt.Fprintf(&out, "  again: %s\n", code(c.Rerun))
		}
	}
	if h := r.History; h != nil {
		for _, s := range h.sections() {
			fmt.Fprintf(&out, "\n### %s%s\n\n", strings.ToUpper(s.Title[:1]), s.Title[1:])
			for _, line := range s.Lines {
				fmt.Fprintf(&out, "- %s\n", markdown(line))
			}
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&out, "\nNote: %s\n", markdown(n))
	}
	return []byte(out.String())
}

func (r *Report) markdownTable(out *strings.Builder) {
	g := r.grid()
	row := func(cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	head := []string{"topology"}
	for _, c := range g.Columns {
		head = append(head, markdown(c))
	}
	row(head)
	row(strings.Split(strings.Repeat("--- ", len(head)-1)+"---", " "))
	for _, x := range g.Rows {
		cells := []string{markdown(x.Topology)}
		for _, c := range x.Cells {
			cells = append(cells, cellText(c))
		}
		row(cells)
	}
}

// markdown writes text as itself: no sign in it means anything, whoever it comes from.
func markdown(s string) string {
	var out strings.Builder
	for _, r := range report.Visible(s) {
		switch {
		case r == '<':
			out.WriteString("&lt;")
			continue
		case r == '&':
			out.WriteString("&amp;")
			continue
		case strings.ContainsRune("\\`*_[]>|~#$@!", r):
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// code writes text as code: between more backticks than it has in a row.
func code(s string) string {
	s = report.Visible(s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// maxAnnotations is how many annotations of one level GitHub shows of one step.
const maxAnnotations = 10

// Annotations are GitHub's workflow commands: an error for each case that is not as it should be, a warning for each flaky one that
// is. What comes after ten is told in the tenth.
func (r *Report) Annotations() []byte {
	var errors, warnings []string
	for _, c := range r.bad() {
		errors = append(errors, annotation("error", c.ID+": "+strings.ReplaceAll(string(c.Outcome), "-", " "), c.annotated()))
	}
	for i := range r.Cases {
		if c := &r.Cases[i]; c.Flaky && c.Outcome.Good() {
			warnings = append(warnings, annotation("warning", c.ID+": flaky", "its attempts gave different verdicts"))
		}
	}
	if h := r.History; h != nil {
		for _, x := range h.Flaky {
			if !x.Attempts {
				warnings = append(warnings, annotation("warning", x.ID+": flaky", fmt.Sprintf("%d of %d runs with the same inputs were not as they should be", x.Failed, x.Runs)))
			}
		}
	}
	return []byte(strings.Join(few("error", errors), "") + strings.Join(few("warning", warnings), ""))
}

func (c *Case) annotated() string {
	if c.Rerun == "" || c.Outcome == matrix.NotRun {
		return c.Reason
	}
	return c.Reason + "\nagain: " + c.Rerun
}

// few cuts a list of annotations to what is shown, and says so.
func few(level string, list []string) []string {
	if len(list) <= maxAnnotations {
		return list
	}
	rest := len(list) - maxAnnotations + 1
	return append(list[:maxAnnotations-1:maxAnnotations-1], annotation(level, "and more", fmt.Sprintf("%d more: see the step summary", rest)))
}

// annotation is one workflow command. GitHub's toolkit (packages/core/src/command.ts) says what is escaped: in the message % and
// line ends, in properties : and , too.
func annotation(level, title, message string) string {
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var lines []string
	for line := range strings.SplitSeq(message, "\n") {
		lines = append(lines, report.Visible(line))
	}
	return fmt.Sprintf("::%s title=%s::%s\n", level, property.Replace(report.Visible(title)), escape.Replace(strings.Join(lines, "\n")))
}
