package lesson

import (
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// Reached says that a checkpoint was reached.
type Reached struct {
	Section int           // of the lesson, from 0
	Seq     int           // of the event that it was reached by
	At      time.Duration // of that event
	Frame   int           // the packet that it was reached by, in wire.pcapng; zero: by none, or by one that has no number yet
	Held    bool          // the lab is held at that packet; once it goes on, the checkpoint is reached again, with its number
	Guest   string        // whose it is
	Boot    int
	// Facts are how the guest stood then, for questions: "stage", "address", "file", and once settled "reason" (why its boot stopped)
	// and "end" (the stage that it came to). Of a console line "console" is what matched, or the pattern's first group.
	Facts map[string]string
}

// Follower follows a run and tells which checkpoints are reached. It is not safe for use by several goroutines.
type Follower struct {
	lesson  *Lesson
	plan    *plan.Plan
	tracker *judge.Tracker
	points  []*point
	said    int // how many points have been told
}

// point is a checkpoint, and whether it was reached.
type point struct {
	*Checkpoint
	Reached
	done bool
}

// New follows a run of p, from its first event.
func New(l *Lesson, p *plan.Plan) *Follower {
	f := &Follower{lesson: l, plan: p, tracker: judge.NewTracker(p)}
	for i := range l.Sections {
		if c := l.Sections[i].Checkpoint; c != nil {
			f.points = append(f.points, &point{Checkpoint: c, Reached: Reached{Section: i}})
		}
	}
	return f
}

// Event takes the next event, and tells which checkpoints are reached by it: in the lesson's order, each once those before it are.
//
// What must come after what is meant for each guest by itself, as guests boot beside each other: a checkpoint of one guest is reached
// by the first event that fits after the one by which this guest's checkpoint before it was, whatever the others do meanwhile.
func (f *Follower) Event(e event.Event) []Reached {
	f.tracker.Feed(e)
	var out []Reached
	met := map[string]bool{} // guests for which this event has done its part
	for i, p := range f.points {
		switch {
		case p.done:
			if p.Held && f.travelled(p, e) {
				p.Held, p.Frame, p.Seq, p.At = false, e.Packet.Frame, e.Seq, e.At
				met[e.Guest] = true
				if i < f.said {
					out = append(out, p.Reached)
				}
			}
		case !met[e.Guest] && f.awaited(i) && f.fits(p.Checkpoint, e):
			p.done = true
			p.Reached = f.reached(p, e)
			met[e.Guest] = true
		}
	}
	for f.said < len(f.points) && f.points[f.said].done {
		out = append(out, f.points[f.said].Reached)
		f.said++
	}
	return out
}

// awaited tells whether all that must come before a point has: the points before it that are of the same guest, or where one of the
// two may be anybody's; but not those that it is beside.
func (f *Follower) awaited(i int) bool {
	first := i
	for first > 0 && f.points[first].Beside {
		first--
	}
	for _, before := range f.points[:first] {
		if !before.done && (before.Checkpoint.Guest == f.points[i].Checkpoint.Guest || before.Checkpoint.Guest == "" || f.points[i].Checkpoint.Guest == "") {
			return false
		}
	}
	return true
}

// reached notes how things stand.
func (f *Follower) reached(p *point, e event.Event) Reached {
	r := Reached{Section: p.Section, Seq: e.Seq, At: e.At, Guest: e.Guest, Boot: e.Boot, Held: e.Kind == event.LabHeld, Facts: map[string]string{}}
	if p.Checkpoint.Guest != "" {
		r.Guest = p.Checkpoint.Guest
	}
	if e.Packet != nil && p.Packet != "" {
		r.Frame = e.Packet.Frame
	}
	s := f.tracker.Guest(r.Guest)
	for key, value := range map[string]string{"stage": s.Stage.String(), "address": s.Address, "file": s.File} {
		if value != "" && r.Guest != "" {
			r.Facts[key] = value
		}
	}
	if s.Settled {
		r.Facts["end"] = s.Outcome.Stage.String()
		if s.Outcome.Reason != "" {
			r.Facts["reason"] = string(s.Outcome.Reason)
		}
	}
	if p.line != nil {
		m := p.line.FindStringSubmatch(e.Text)
		r.Facts["console"] = m[min(1, len(m)-1)]
	}
	return r
}

// Reached tells whether the checkpoint that a section's questions are about was reached: its own, or the one before it.
func (f *Follower) Reached(section int) (Reached, bool) {
	var last *point
	for _, p := range f.points {
		if p.Section <= section {
			last = p
		}
	}
	if last == nil || !last.done {
		return Reached{}, false
	}
	return last.Reached, true
}

// Next is the checkpoint that is awaited, the first that was not reached; nil if all were.
func (f *Follower) Next() *Checkpoint {
	for _, p := range f.points {
		if !p.done {
			return p.Checkpoint
		}
	}
	return nil
}

// Fits tells whether the lesson's checkpoints name guests and services that the plan has. The error is a topology.Problems.
func (l *Lesson) Fits(p *plan.Plan) error {
	r := &reader{file: l.file}
	var guests, services []string
	for _, g := range p.Guests {
		guests = append(guests, g.Name)
	}
	for _, s := range p.Services {
		services = append(services, s.Name)
	}
	for i, s := range l.Sections {
		c := s.Checkpoint
		if c == nil {
			continue
		}
		if c.Guest != "" && !slices.Contains(guests, c.Guest) {
			r.problem(c.at, "guest", "section %d: topology %q has no guest %q %s", i+1, l.Topology, c.Guest, topology.Hint(c.Guest, guests))
		}
		if c.From != "" && c.From != "guest" && !slices.Contains(services, c.From) {
			r.problem(c.who, "from", "section %d: topology %q has no service %q %s", i+1, l.Topology, c.From, topology.Hint(c.From, services))
		}
	}
	if len(r.problems) == 0 {
		return nil
	}
	return r.problems
}
