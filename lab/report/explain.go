package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
)

// Record prints what was found in a capture or a run: each boot, and what is to be said of the whole.
func Record(r *explain.Record, withSteps bool, s Style) string {
	var out strings.Builder
	for i, x := range r.Boots {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(Explained(x, withSteps, s))
	}
	if r.Nothing != "" {
		out.WriteString(wrap(r.Nothing, "", s.width()))
	}
	if r.Others > 0 {
		fmt.Fprintf(&out, "\nnot explained: %d other DHCP clients, which do not boot from the network\n", r.Others)
	}
	for _, n := range r.Said {
		out.WriteString(wrap("note: "+n, "", s.width()))
	}
	return out.String()
}

// Explained prints what became of a boot: its summary, why it stopped and what to do, the evidence, what else is worth knowing,
// and with steps also how it came there.
func Explained(x explain.Explanation, withSteps bool, s Style) string {
	var out strings.Builder
	color := green
	switch x.End {
	case explain.Stopped:
		color = red
	case explain.Unclear:
		color = yellow
	}
	out.WriteString(s.paint(color, strings.TrimSuffix(wrap(x.Summary, "", s.width()), "\n")) + "\n")
	for i, a := range x.Answers {
		if i > 0 {
			out.WriteString(wrap("also possible: "+a.What, "  ", s.width()))
		}
		if a.For != "" {
			out.WriteString(wrap("for it: "+a.For, "  ", s.width()))
		}
		if a.Against != "" {
			out.WriteString(wrap("against it: "+a.Against, "  ", s.width()))
		}
		out.WriteString(wrap("to do: "+a.Do, "  ", s.width()))
		if a.See != "" {
			out.WriteString(s.paint(faint, strings.TrimSuffix(wrap("see: "+a.See, "  ", s.width()), "\n")) + "\n")
		}
		for _, e := range a.Evidence {
			out.WriteString(s.paint(faint, seen(e, s.width())) + "\n")
		}
	}
	for _, n := range x.Notes {
		out.WriteString(wrap("note: "+n, "  ", s.width()))
	}
	if withSteps {
		out.WriteString(told(x, s))
	}
	return out.String()
}

// seen is one line of evidence: by its frame, as readers of captures count, or else by its event.
func seen(e judge.Evidence, width int) string {
	where := ""
	if e.Frame > 0 {
		where = fmt.Sprintf("frame %d: ", e.Frame)
	} else if e.Seq > 0 {
		where = fmt.Sprintf("event %d: ", e.Seq)
	}
	return shorten("    "+where+strings.TrimSpace(Visible(e.Text)), width)
}

// told is the boot step by step.
func told(x explain.Explanation, s Style) string {
	about := x.Machine
	if x.Arch != "" {
		about += fmt.Sprintf(" (%s, %s)", x.Arch, x.Client)
	}
	var out strings.Builder
	out.WriteString("\n" + s.paint(bold, shorten("  "+about+", step by step", s.width())) + "\n")
	var begin time.Duration
	if len(x.Steps) > 0 {
		begin = x.Steps[0].At
	}
	const indent = "                       "
	for _, step := range x.Steps {
		where := ""
		if step.Frame > 0 {
			where = fmt.Sprintf("frame %d", step.Frame)
		}
		text := step.Text
		if step.Times > 1 {
			text += fmt.Sprintf(" (%d times)", step.Times)
		}
		out.WriteString(hang(fmt.Sprintf("  %8.2f s %-11s", (step.At-begin).Seconds(), where), text, indent, s))
	}
	return out.String()
}
