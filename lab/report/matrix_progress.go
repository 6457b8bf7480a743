package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/matrix"
)

// MatrixProgress follows a matrix on its way. Times are since it began.
type MatrixProgress struct {
	Name  string
	Color bool

	total, done int
	by          map[matrix.Outcome]int
	running     []*runningCase
	waiting     time.Duration // what the cases that have not begun are thought to cost
	thought     time.Duration // what those that have ended were thought to cost,
	took        time.Duration // and what they did
	cores       int           // that the matrix may use
	why         string        // of that
}

// runningCase is one attempt that runs.
type runningCase struct {
	c       matrix.Case
	attempt int
	since   time.Duration
	at      map[string]string // guest to stage
	guests  []string          // in the order in which they were first heard of
}

// NewMatrixProgress begins to follow attempts at cases on a machine with so many cores. What was kept from before is done.
func NewMatrixProgress(name string, cases []matrix.Case, attempts, cores int, kept []matrix.Result) *MatrixProgress {
	p := &MatrixProgress{Name: name, total: max(attempts, len(kept)), done: len(kept), by: map[matrix.Outcome]int{}, cores: cores}
	for _, r := range kept {
		p.by[r.Outcome]++
	}
	for _, c := range cases {
		if !slices.ContainsFunc(kept, func(r matrix.Result) bool { return r.Index == c.Index }) {
			p.waiting += work(c)
		}
	}
	if len(cases) > 0 && attempts > len(cases) {
		p.waiting *= time.Duration(attempts / len(cases))
	}
	return p
}

// work is what a case is thought to cost: time by the cores that it keeps from others.
func work(c matrix.Case) time.Duration {
	return time.Duration(float64(c.Cost()) * max(c.Needs.Cores, 0.25))
}

// Started takes notice of an attempt.
func (p *MatrixProgress) Started(c matrix.Case, attempt int, at time.Duration) {
	p.waiting = max(0, p.waiting-work(c))
	p.running = append(p.running, &runningCase{c: c, attempt: attempt, since: at, at: map[string]string{}})
}

// Event takes notice of what happens in an attempt.
func (p *MatrixProgress) Event(c matrix.Case, e event.Event) {
	for _, r := range p.running {
		if r.c.Index != c.Index || e.Guest == "" {
			continue
		}
		stage := r.at[e.Guest]
		switch {
		case e.Kind == event.GuestPowered:
			stage = "boot"
		case e.Kind == event.GuestSettled:
			stage = "done"
		case e.Kind == event.BootDiscarded:
			stage = "again"
		case e.Packet != nil && e.Packet.DHCP != nil:
			stage = strings.ToLower(e.Packet.DHCP.Type)
		case e.Packet != nil && (e.Packet.TFTP != nil || e.Packet.HTTP != nil):
			stage = "download"
		}
		if stage != "" && !slices.Contains(r.guests, e.Guest) {
			r.guests = append(r.guests, e.Guest)
		}
		r.at[e.Guest] = stage
	}
}

// Ended takes notice of the end of an attempt, and gives the line that tells it. Where it is not as it should be, the reason
// follows.
func (p *MatrixProgress) Ended(c matrix.Case, r matrix.Result, at time.Duration, s Style) string {
	p.running = slices.DeleteFunc(p.running, func(x *runningCase) bool { return x.c.Index == c.Index && x.attempt == r.Attempt })
	p.done++
	p.by[r.Outcome]++
	p.thought, p.took = p.thought+c.Cost(), p.took+r.Took
	number := len(fmt.Sprint(p.total))
	id := c.ID
	if r.Attempt > 1 {
		id += fmt.Sprintf(" (attempt %d)", r.Attempt)
	}
	head := fmt.Sprintf("%8s  %*d/%d  ", seconds(at), number, p.done, p.total)
	line := head + s.paint(outcomeColor(r.Outcome), pad(string(r.Outcome), len(matrix.ExpectedFailure))) + fmt.Sprintf("  %7s  %s\n", seconds(r.Took), id)
	if r.Reason != "" && !r.Outcome.Good() {
		indent := strings.Repeat(" ", 10)
		line += hang(indent, r.Reason, indent, s)
	}
	return line
}

func outcomeColor(o matrix.Outcome) string {
	switch {
	case o == matrix.NotRun:
		return yellow
	case o.Good():
		return green
	}
	return red
}

// Gone takes notice that what runs of a case does so no longer.
func (p *MatrixProgress) Gone(c matrix.Case) {
	p.running = slices.DeleteFunc(p.running, func(x *runningCase) bool { return x.c.Index == c.Index })
}

// Width takes notice of how many cores may be used from now on.
func (p *MatrixProgress) Width(cores int, why string) { p.cores, p.why = cores, why }

// Left guesses how long the rest takes; 0 before anything has ended.
func (p *MatrixProgress) Left(at time.Duration) time.Duration {
	if p.thought == 0 {
		return 0
	}
	rest := p.waiting
	for _, r := range p.running {
		rest += max(0, work(r.c)-(at-r.since))
	}
	slower := min(10, max(0.1, p.took.Seconds()/p.thought.Seconds()))
	return time.Duration(float64(rest) * slower / float64(max(1, p.cores)))
}

// Frame draws the display of a moment: a heading, and a line for each attempt that runs; each at most width columns and ended by a
// line feed.
func (p *MatrixProgress) Frame(width int, at time.Duration) string {
	s := Style{Width: width, Color: p.Color}
	head := fmt.Sprintf("%s  %d of %d", p.Name, p.done, p.total)
	for _, o := range outcomes {
		if n := p.by[o]; n > 0 && (o != matrix.Passed || n < p.done) {
			head += fmt.Sprintf("  %d %s", n, o)
		}
	}
	tail := "  " + stopwatch(at)
	if left := p.Left(at); left > 0 && len(p.running) > 0 {
		tail += ", about " + rounded(left) + " left"
	}
	bar := p.bar(s.width() - columns(head) - columns(tail) - 4)
	out := s.paint(bold, shorten(Visible(head), s.width()-columns(tail))) + bar + s.paint(faint, tail) + "\n"
	if p.why != "" {
		out += s.paint(yellow, shorten(fmt.Sprintf("  on %s only: %s", counted(p.cores, "core"), p.why), s.width())) + "\n"
	}
	ids := 0
	for _, r := range p.running {
		ids = max(ids, columns(r.id()))
	}
	for _, r := range p.running {
		out += r.line(s, min(ids, 64, s.width()-30), at) + "\n"
	}
	return out
}

// outcomes is the order in which they are counted.
var outcomes = []matrix.Outcome{matrix.Passed, matrix.Failed, matrix.Broken, matrix.ExpectedFailure, matrix.UnexpectedPass, matrix.NotRun}

// bar shows how much is done, if there is room for it.
func (p *MatrixProgress) bar(room int) string {
	room = min(room, 42)
	if room < 10 || p.total == 0 {
		return ""
	}
	full := (room - 2) * p.done / p.total
	return "  [" + strings.Repeat("=", full) + strings.Repeat(".", room-2-full) + "]"
}

// stopwatch writes a time that goes on.
func stopwatch(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// id names the attempt.
func (r *runningCase) id() string {
	if r.attempt > 1 {
		return fmt.Sprintf("%s (attempt %d)", r.c.ID, r.attempt)
	}
	return r.c.ID
}

// line draws one attempt: what it is, how long it runs, and how far its guests are.
func (r *runningCase) line(s Style, ids int, at time.Duration) string {
	var stages []string
	for _, g := range r.guests {
		stages = append(stages, g+" "+r.at[g])
	}
	line := fmt.Sprintf("  %s  %7s  %s", pad(shorten(r.id(), ids), ids), seconds(max(0, at-r.since)), strings.Join(stages, ", "))
	return shorten(strings.TrimRight(Visible(line), " "), s.width())
}
