package lab

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// stageNext is the stage to be held at that is any further one (control.Until.Stage).
const stageNext = "next"

// stages has the lab held once a guest reaches a stage. Unlike the director, which follows the log when it can, it looks before the
// packet travels on that shows the stage.
type stages struct {
	armed atomic.Bool // frames must be looked at
	lab   *lab

	mu      sync.Mutex
	until   control.Until
	tracker *judge.Tracker
	next    int // event to feed
	before  map[string]judge.GuestState
	reached string // what it was held for, for people
}

// watch begins to look for what a Step says, if that is a stage; else it looks for none.
func (s *stages) watch(l *lab, u control.Until) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed.Store(false)
	s.reached = ""
	if s.lab = l; u.Stage == "" {
		return
	}
	s.until, s.tracker, s.next, s.before = u, judge.NewTracker(l.plan), 1, map[string]judge.GuestState{}
	s.feed()
	s.reached = ""
	s.armed.Store(true)
}

// rest has it look for nothing, and says what the lab is held for, if it is for a stage.
func (s *stages) rest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed.Store(false)
	return s.reached
}

// look is called when the log has more. Whoever called it has not let the packet travel on yet.
func (s *stages) look() {
	if !s.armed.Load() {
		return
	}
	s.mu.Lock()
	reached := s.armed.Load() && s.feed()
	if reached {
		s.armed.Store(false)
	}
	s.mu.Unlock()
	if reached {
		s.lab.gate.Shut()
	}
}

// feed tells whether the stage was reached in what the log has more.
func (s *stages) feed() (reached bool) {
	events, _ := s.lab.log.From(s.next)
	s.next += len(events)
	for _, e := range events {
		s.tracker.Feed(e)
		if e.Guest == "" || s.until.Guest != "" && s.until.Guest != e.Guest {
			continue
		}
		is, was := s.tracker.Guest(e.Guest), s.before[e.Guest]
		s.before[e.Guest] = is
		if stage, ok := s.further(is, was); ok && !reached {
			reached, s.reached = true, fmt.Sprintf("%s has reached stage %s", e.Guest, stage)
		}
	}
	return reached
}

// further tells whether a guest has come to the stage that is asked for.
func (s *stages) further(is, was judge.GuestState) (event.Stage, bool) {
	if is.Boot == 0 {
		return 0, false
	}
	if is.Boot != was.Boot {
		was.At = nil
	}
	for stage := range is.At {
		if _, had := was.At[stage]; !had && (s.until.Stage == stageNext || s.until.Stage == stage.String()) {
			return stage, true
		}
	}
	return 0, false
}

// happened records an event of a guest, and has the lab held if that shows the stage it is to be held at.
func (l *lab) happened(e event.Event) {
	l.log.Append(e)
	l.stages.look()
}
