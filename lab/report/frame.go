package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

// View is what the live display shows at one moment.
type View struct {
	Topology string
	Rows     []Row // one per guest, in the plan's order
	Color    bool
}

// Row is one guest of the live display.
type Row struct {
	Guest, Firmware string
	State           judge.GuestState
	Passed          bool // once settled: every expectation holds
}

// NewView takes the state of every guest from a tracker.
func NewView(p *plan.Plan, t *judge.Tracker, color bool) View {
	v := View{Topology: p.Name, Color: color}
	for _, r := range t.Results() {
		v.Rows = append(v.Rows, Row{Guest: r.Guest, Firmware: r.Firmware, State: t.Guest(r.Guest), Passed: r.Passed})
	}
	return v
}

// Frame draws the live display: a heading and one line per guest, each at most width columns and ended by a line
// feed, so that the writer can go up as many lines and draw the next frame over it. elapsed is the time since the
// run began.
//
// A guest's bar has one mark per stage: "=" reached, ">" where it is, "-" passed by without being seen, "." to come,
// "x" where it stopped.
func Frame(v View, width int, elapsed time.Duration) string {
	s := Style{Width: width, Color: v.Color}
	settled, names, firmware := 0, len("guest"), 0
	for _, r := range v.Rows {
		if r.State.Settled {
			settled++
		}
		names, firmware = max(names, columns(r.Guest)), max(firmware, columns(r.Firmware))
	}
	head := fmt.Sprintf("%s  %d of %d settled  %s", v.Topology, settled, len(v.Rows), seconds(elapsed))
	out := s.paint(bold, shorten(Visible(head), s.width())) + "\n"
	for _, r := range v.Rows {
		out += r.line(s, min(names, 20), min(firmware, 14), elapsed) + "\n"
	}
	return out
}

// line draws one guest.
func (r Row) line(s Style, names, firmware int, elapsed time.Duration) string {
	first := "  " + pad(shorten(r.Guest, names), names) + "  "
	if s.width() >= 72+names {
		first += pad(shorten(r.Firmware, firmware), firmware) + "  "
	}
	bar := r.bar()
	rest := fmt.Sprintf("  %-11s %7s  %s", r.word(), r.time(elapsed), r.detail())
	rest = shorten(strings.TrimRight(Visible(rest), " "), s.width()-columns(first)-columns(bar))
	return first + s.paint(r.color(), bar) + rest
}

// bar shows how far the guest has come.
func (r Row) bar() string {
	st := r.State
	var marks strings.Builder
	for i := event.StagePower; i <= event.StageOff; i++ {
		_, seen := st.At[i]
		switch {
		case st.Boot == 0 || i > st.Stage:
			marks.WriteByte('.')
		case i == st.Stage && st.Settled && st.Outcome.Reason != "":
			marks.WriteByte('x')
		case i == st.Stage && st.Cut:
			marks.WriteByte('x')
		case i == st.Stage && !st.Settled:
			marks.WriteByte('>')
		case seen:
			marks.WriteByte('=')
		default:
			marks.WriteByte('-')
		}
	}
	return "[" + marks.String() + "]"
}

func (r Row) color() string {
	switch {
	case r.State.Boot == 0 || r.State.Cut || r.State.Paused:
		return faint
	case !r.State.Settled:
		return cyan
	case r.Passed:
		return green
	}
	return red
}

// word is the guest's state in one word.
func (r Row) word() string {
	switch {
	case r.State.Boot == 0:
		return "waiting"
	case r.State.Cut:
		return "cut short"
	case r.State.Held:
		return "held"
	case r.State.Paused:
		return "paused"
	case !r.State.Settled:
		return r.State.Stage.String()
	case r.Passed:
		return "pass"
	}
	return "FAIL"
}

// time is how long the boot has run, or ran until it settled.
func (r Row) time(elapsed time.Duration) string {
	if r.State.Boot == 0 {
		return ""
	}
	if r.State.Settled || r.State.Cut || r.State.Paused {
		return seconds(r.State.Took)
	}
	return seconds(max(0, elapsed-r.State.At[event.StagePower]))
}

// detail is what else there is room for.
func (r Row) detail() string {
	st := r.State
	if st.Settled {
		return strings.TrimPrefix(st.Outcome.Sentence, r.Guest+" ")
	}
	var parts []string
	if st.Warp {
		parts = append(parts, "warp")
	}
	if st.Warm {
		parts = append(parts, "warm")
	}
	if st.Boot > 1 {
		parts = append(parts, fmt.Sprintf("boot %d", st.Boot))
	}
	for _, p := range []string{st.Address, st.File} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " ")
}
