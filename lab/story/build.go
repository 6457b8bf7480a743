package story

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

// Story tells a run as its events come. It is not safe for use by several goroutines.
type Story struct {
	plan    *plan.Plan
	tracker *judge.Tracker
	log     []event.Event
	out     []Item // of what is being added
	n       int
	seq     int
	at      time.Duration
	lanes   lanes

	rows      int
	recent    map[string]*sighting // packets, by what they say and who sent them
	transfers map[string]*transfer // the latest of each client's address and port
	byFile    map[string]*transfer // the latest of each guest and file, for what comes by multicast
	early     map[string][]event.Event
	answers   map[string]*matching           // of servers, with their reasons
	spoilt    map[int]string                 // frames to which a fault did something
	lossy     map[string]*Row                // notes of faults that met a transfer
	guests    map[string]*guestState         // as last told
	services  map[string]Service             // as last told
	verdicts  map[string]Verdict             // as last told
	explained map[string]explain.Explanation // of a capture, by machine and boot; nil: of a run
	ended     map[string]int                 // the latest boot of each guest that the lab ended
	begun     map[string]int                 // where in the log each boot begins
	behind    map[int]*Row                   // rows that have changed since they were last told
	hold      Hold
	over      bool // the run is
}

// New begins the story of a run of p. Without a plan there are no guests to follow, and lanes are addresses.
func New(p *plan.Plan) *Story {
	if p == nil {
		p = &plan.Plan{}
	}
	s := &Story{plan: p, tracker: judge.NewTracker(p), recent: map[string]*sighting{}, transfers: map[string]*transfer{},
		byFile: map[string]*transfer{}, early: map[string][]event.Event{}, answers: map[string]*matching{}, spoilt: map[int]string{}, lossy: map[string]*Row{},
		ended: map[string]int{}, begun: map[string]int{}, behind: map[int]*Row{}, guests: map[string]*guestState{}, services: map[string]Service{}, verdicts: map[string]Verdict{}}
	s.lanes.begin(p)
	return s
}

// NewCapture begins the story of a capture from elsewhere: of its machines, and how each of their boots has been explained. A capture
// is judged by what it shows alone, as lab/explain does, not by what is expected of a lab.
func NewCapture(p *plan.Plan, boots []explain.Explanation) *Story {
	s := New(p)
	s.explained = map[string]explain.Explanation{}
	for _, x := range boots {
		s.explained[bootKey(x.Machine, x.Boot)] = x
	}
	return s
}

func bootKey(guest string, boot int) string { return fmt.Sprintf("%s %d", guest, boot) }

// Lanes lists the columns of the diagram in the order of drawing: guests, services that pass packets on, the other services, and
// addresses that are neither, as they came.
func (s *Story) Lanes() []Lane { return s.lanes.list[:len(s.lanes.list):len(s.lanes.list)] }

// Add takes the next event of the log, each once and in its order, and gives the items that come of it.
func (s *Story) Add(e event.Event) []Item {
	s.out = nil
	first := len(s.log) == 0
	s.log = append(s.log, e)
	s.seq, s.at = max(s.seq, e.Seq), max(s.at, e.At)
	if e.Kind == event.GuestPowered {
		s.begun[bootKey(e.Guest, e.Boot)] = len(s.log) - 1
	}
	s.tracker.Feed(e)
	if first {
		s.introduce()
	}
	switch {
	case e.Packet != nil:
		s.packet(e)
	case e.Decision != nil:
		s.decided(e)
	case e.Hold != nil:
		s.held(e)
	case e.Progress != nil:
		s.progress(e)
	default:
		s.happened(e)
	}
	s.follow(e)
	if e.Kind == event.RunEnded {
		s.over = true
		if s.hold.On {
			s.hold = Hold{}
			s.put(Item{Hold: &Hold{}})
		}
		s.catchUp("")
		s.conclude()
		s.put(Item{End: &End{Why: e.Text}})
	}
	return s.out
}

// Print tells that a guest wrote on its console, or was typed to, at that time since the run began.
func (s *Story) Print(at time.Duration, p Print) Item { return s.say(at, Item{Print: &p}) }

// Reached tells that a checkpoint of the lesson was reached.
func (s *Story) Reached(at time.Duration, r Reached) Item { return s.say(at, Item{Step: &r}) }

// say numbers an item that comes of no event.
func (s *Story) say(at time.Duration, i Item) Item {
	s.out, s.at = nil, max(s.at, at)
	s.put(i)
	return s.out[0]
}

// put adds an item.
func (s *Story) put(i Item) {
	s.n++
	i.N, i.Seq, i.At = s.n, s.seq, s.at
	s.out = append(s.out, i)
}

// row makes a new row.
func (s *Story) row(r Row) *Row {
	s.rows++
	r.ID = s.rows
	s.show(&r)
	return &r
}

// show tells a row as it is now.
func (s *Story) show(r *Row) {
	delete(s.behind, r.ID)
	now := *r
	s.put(Item{Row: &now})
}

// often tells a row that has changed, but not each time if it changes often.
func (s *Story) often(r *Row, count int) {
	if count < shownRepeats || count%shownRepeats == 0 {
		s.show(r)
	} else {
		s.behind[r.ID] = r
	}
}

// catchUp tells the rows of a guest, or all, that have changed since they were told.
func (s *Story) catchUp(guest string) {
	for _, id := range slices.Sorted(maps.Keys(s.behind)) {
		if r := s.behind[id]; guest == "" || r.Guest == guest {
			s.show(r)
		}
	}
}

// Printed is what a guest wrote, and when.
type Printed struct {
	At time.Duration
	Print
}

// Tell tells a whole run: its events, and among them what guests printed, by time.
func Tell(p *plan.Plan, events []event.Event, prints []Printed) []Item {
	s := New(p)
	var out []Item
	for _, e := range events {
		for len(prints) > 0 && prints[0].At < e.At {
			out = append(out, s.Print(prints[0].At, prints[0].Print))
			prints = prints[1:]
		}
		out = append(out, s.Add(e)...)
	}
	for _, p := range prints {
		out = append(out, s.Print(p.At, p.Print))
	}
	return out
}
