package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// Text is the closing report: a table of stage times, who served whom, and for each failure what was expected, what
// came instead, the evidence, and where to look next.
func (r Report) Text(s Style) string {
	var out strings.Builder
	out.WriteString(r.table(s))
	out.WriteString(s.paint(faint, cut("stages in seconds after power-on, by the host's clock", s.width())) + "\n")
	out.WriteString(r.served(s))
	for _, g := range r.Guests {
		if !g.Passed {
			out.WriteString("\n" + failure(g, s))
		}
	}
	out.WriteString(r.services(s))
	color := green
	if !r.Passed {
		color = red
	}
	out.WriteString("\n" + s.paint(color, cut(Visible(fmt.Sprintf("%s: %s in %s", r.Topology, r.summary(), seconds(r.Took))), s.width())) + "\n")
	if s.Bundle != "" {
		out.WriteString("again: pxelab judge " + Quote(s.Bundle) + "\n")
	}
	return out.String()
}

// seconds writes a time for people.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// dispensable are the stages a narrow table leaves out, in that order.
var dispensable = []event.Stage{event.StageOffer, event.StageReported, event.StageBootServer, event.StageProxy, event.StageDiscover,
	event.StageStarted, event.StageAddress, event.StageDownload}

// table shows when each guest reached each stage from its first DISCOVER on. Stages that no guest reached have no
// column; where the width does not suffice, those that tell least go first.
func (r Report) table(s Style) string {
	var stages []event.Stage
	for st := event.StageDiscover; st <= event.StageOff; st++ {
		if slices.ContainsFunc(r.Guests, func(g judge.Result) bool { return reachedAt(g, st) != "" }) {
			stages = append(stages, st)
		}
	}
	rows := r.rows(stages)
	for _, st := range dispensable {
		if rowWidth(rows) <= s.width() {
			break
		}
		stages = slices.DeleteFunc(stages, func(x event.Stage) bool { return x == st })
		rows = r.rows(stages)
	}
	widths := columnWidths(rows)
	var out strings.Builder
	for i, row := range rows {
		line := ""
		for k, cell := range row {
			if k > 2 && k < len(row)-1 { // times are flush right
				cell = strings.Repeat(" ", widths[k]-columns(cell)) + cell
			}
			line += pad(cell, widths[k]) + "  "
		}
		out.WriteString(s.paint(rowColor(r, i), cut(strings.TrimRight(line, " "), s.width())) + "\n")
	}
	return out.String()
}

func rowColor(r Report, row int) string {
	switch {
	case row == 0:
		return bold
	case r.Guests[row-1].Passed:
		return green
	}
	return red
}

// rows is the table as cells, the heading first.
func (r Report) rows(stages []event.Stage) [][]string {
	head := []string{"guest", "firmware", "clock"}
	for _, st := range stages {
		head = append(head, st.String())
	}
	rows := [][]string{append(head, "verdict")}
	for _, g := range r.Guests {
		row := []string{g.Guest, g.Firmware, clock(g)}
		for _, st := range stages {
			row = append(row, reachedAt(g, st))
		}
		rows = append(rows, append(row, verdict(g)))
	}
	return rows
}

func reachedAt(g judge.Result, st event.Stage) string {
	for _, at := range g.Stages {
		if at.Stage == st {
			return fmt.Sprintf("%.1f", at.After.Seconds())
		}
	}
	return ""
}

// verdict is a guest's last cell.
func verdict(g judge.Result) string {
	switch {
	case g.Passed && g.Outcome != nil && g.Outcome.Reason != "":
		return "pass (" + string(g.Outcome.Reason) + ")" // stopped, as expected
	case g.Passed:
		return "pass"
	case g.Outcome != nil && g.Outcome.Reason != "":
		return "FAIL " + string(g.Outcome.Reason)
	}
	return "FAIL"
}

func columnWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for k, cell := range row {
			widths[k] = max(widths[k], columns(cell))
		}
	}
	return widths
}

func rowWidth(rows [][]string) int {
	n := -2
	for _, w := range columnWidths(rows) {
		n += w + 2
	}
	return n
}

// served is a line per guest that somebody gave something, after an empty one.
func (r Report) served(s Style) string {
	var out strings.Builder
	for _, g := range r.Guests {
		if line := Serving(g); line != "" {
			out.WriteString(wrap(g.Guest+": "+line, "  ", s.width()))
		}
	}
	if out.Len() > 0 {
		return "\n" + out.String()
	}
	return ""
}

// Serving tells who gave a guest its address and its files.
func Serving(g judge.Result) string {
	var parts []string
	if g.Address != "" {
		parts = append(parts, fmt.Sprintf("%s from %s", g.Address, g.From))
	}
	missed := 0
	for i, f := range g.Files {
		from := f.From
		if f.Over != "" {
			from += " over " + f.Over
		}
		switch {
		case f.Whole:
			parts = append(parts, fmt.Sprintf("%s from %s (%d bytes)", f.Name, from, f.Bytes))
		case i+1 < len(g.Files) && !g.Files[i+1].Whole && f.From == g.Files[i+1].From:
			missed++ // a boot program tries a dozen names for its configuration: the last speaks for them
		default:
			parts = append(parts, fmt.Sprintf("%s asked of %s, not got", f.Name, from)+others(missed))
			missed = 0
		}
	}
	return strings.Join(parts, ", ")
}

// others counts further names that were asked for in vain.
func others(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", nor 1 other name"
	}
	return fmt.Sprintf(", nor %d other names", n)
}

// failure explains one guest that is not as expected.
func failure(g judge.Result, s Style) string {
	var out strings.Builder
	head := g.Guest + " is not as expected"
	if g.Boots > 1 {
		head += fmt.Sprintf(" (boot %d of %d)", g.Boot, g.Boots)
	}
	out.WriteString(s.paint(red, head) + "\n")
	frames := unmet(&out, g.Verdicts, s)
	if s.Bundle != "" && g.Boot > 0 {
		out.WriteString("  look: less " + Quote(s.Bundle+"/guests/"+g.Guest+"/console.log") + "\n")
	}
	lookAt(&out, frames, s)
	return out.String()
}

// unmet writes each failed verdict with its evidence, and gives the frames among that.
func unmet(out *strings.Builder, verdicts []judge.Verdict, s Style) (frames []int) {
	for _, same := range alike(verdicts) {
		for _, v := range same {
			out.WriteString(s.paint(bold, strings.TrimSuffix(wrap("expected "+v.Expectation, "  ", s.width()), "\n")) + "\n")
		}
		out.WriteString(wrap(same[0].Sentence, "    ", s.width()))
		for _, e := range same[0].Evidence {
			out.WriteString(s.paint(faint, evidence(e, s.width())) + "\n")
			if e.Frame > 0 {
				frames = append(frames, e.Frame)
			}
		}
	}
	return frames
}

// lookAt writes how to see frames.
func lookAt(out *strings.Builder, frames []int, s Style) {
	if s.Bundle != "" && len(frames) > 0 {
		slices.Sort(frames)
		list := strings.Trim(strings.ReplaceAll(fmt.Sprint(slices.Compact(frames)), " ", ","), "[]")
		out.WriteString("  look: tshark -r " + Quote(s.Bundle+"/wire.pcapng") + " -Y 'frame.number in {" + list + "}'\n")
	}
}

// alike gathers the failures that one sentence and the same evidence explain: all of a boot that was cut short.
func alike(verdicts []judge.Verdict) [][]judge.Verdict {
	var groups [][]judge.Verdict
	for _, v := range verdicts {
		if v.Pass {
			continue
		}
		i := slices.IndexFunc(groups, func(g []judge.Verdict) bool {
			return g[0].Sentence == v.Sentence && slices.Equal(g[0].Evidence, v.Evidence)
		})
		if i < 0 {
			groups = append(groups, []judge.Verdict{v})
		} else {
			groups[i] = append(groups[i], v)
		}
	}
	return groups
}

// Quote makes a path safe to paste into a shell.
func Quote(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// evidence is one line, cut to the width.
func evidence(e judge.Evidence, width int) string {
	where := fmt.Sprintf("event %d", e.Seq)
	if e.Frame > 0 {
		where += fmt.Sprintf(", frame %d", e.Frame)
	}
	return shorten("      "+where+": "+strings.TrimSpace(Visible(e.Text)), width)
}
