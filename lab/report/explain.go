package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/explain"
)

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
	for _, a := range x.Answers {
		out.WriteString(wrap("to do: "+a.Do, "  ", s.width()))
		if a.See != "" {
			out.WriteString(s.paint(faint, strings.TrimSuffix(wrap("see: "+a.See, "  ", s.width()), "\n")) + "\n")
		}
		for _, e := range a.Evidence {
			out.WriteString(s.paint(faint, seen(e.Seq, e.Frame, e.Text, s.width())) + "\n")
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
func seen(seq, frame int, text string, width int) string {
	where := ""
	if frame > 0 {
		where = fmt.Sprintf("frame %d: ", frame)
	} else if seq > 0 {
		where = fmt.Sprintf("event %d: ", seq)
	}
	return shorten("    "+where+strings.TrimSpace(visible(text)), width)
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
		lines := wrap(text, indent, max(s.width(), len(indent)+20))
		out.WriteString(fmt.Sprintf("  %8.2f s %-11s", (step.At-begin).Seconds(), where) + strings.TrimPrefix(lines, indent))
	}
	return out.String()
}
