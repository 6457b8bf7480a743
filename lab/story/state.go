package story

import (
	"maps"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
)

// guestState is what was last told of a guest.
type guestState struct {
	told    Guest
	settled int // the boot whose settling was told
	off     bool
	passed  bool
}

// introduce tells of everybody before anything has happened.
func (s *Story) introduce() {
	for _, g := range s.plan.Guests {
		s.guests[g.Name] = &guestState{}
		s.tell(g.Name)
	}
	for _, x := range s.plan.Services {
		state := "starting"
		if x.Server == nil && x.Exec == nil && !x.External {
			state = "ready" // there is nothing to start
		}
		s.serves(Service{Name: x.Name, State: state})
	}
}

// follow tells what an event changed about a guest or a service.
func (s *Story) follow(e event.Event) {
	if e.Service != "" && e.Packet == nil {
		s.service(e)
	}
	if e.Kind == event.LabHeld {
		for _, g := range s.plan.Guests {
			s.tell(g.Name)
		}
		return
	}
	g := s.guests[e.Guest]
	if g == nil {
		return
	}
	switch e.Kind {
	case event.GuestPowered:
		g.off, g.passed = false, false
	case event.GuestExited:
		g.off = true
	}
	st := s.tracker.Guest(e.Guest)
	if st.Settled && g.settled != st.Boot {
		g.settled = st.Boot
		s.judge(e.Guest, st.Boot)
	}
	s.tell(e.Guest)
}

// tell tells how a guest stands, if that has changed.
func (s *Story) tell(name string) {
	g := s.guests[name]
	st := s.tracker.Guest(name)
	now := Guest{Name: name, Boot: st.Boot, State: s.word(g, st), Stage: st.Stage, At: st.At, Address: st.Address, File: st.File, Warm: st.Warm,
		Stopped: st.Settled && st.Outcome.Reason != "" || st.Cut, Passed: st.Settled && g.passed}
	if st.Settled {
		now.Stage = st.Outcome.Stage
	}
	if x, ok := s.explained[bootKey(name, st.Boot)]; ok && st.Settled {
		now.Stage, now.Stopped = x.Stage, x.End == explain.Stopped
	}
	if st.Boot > 0 {
		now.Clock = "real"
	}
	if st.Warp {
		now.Clock = "warp"
	}
	if g.told.Name != "" && same(&g.told, &now) {
		return
	}
	g.told = now
	s.put(Item{Guest: &now})
}

func same(a, b *Guest) bool {
	return a.Boot == b.Boot && a.State == b.State && a.Stage == b.Stage && a.Stopped == b.Stopped && a.Passed == b.Passed &&
		a.Address == b.Address && a.File == b.File && a.Clock == b.Clock && a.Warm == b.Warm && maps.Equal(a.At, b.At)
}

// word is a guest's state in one word.
func (s *Story) word(g *guestState, st judge.GuestState) string {
	switch {
	case st.Boot == 0:
		return "waiting"
	case st.Settled:
		return "settled"
	case g.off, s.over:
		return "off"
	case st.Paused || s.hold.On:
		return "held"
	}
	return "on"
}

// service tells what an event changed about a service.
func (s *Story) service(e event.Event) {
	now, known := s.services[e.Service]
	if !known {
		now.Name, now.State = e.Service, "starting"
	}
	switch e.Kind {
	case event.ServiceStarted:
		now.State = "starting"
	case event.ServiceReady, event.ServiceListens:
		now.State = "ready"
	case event.ServiceExited:
		now.State = "exited"
	case event.ServiceLost:
		now.State = "lost"
	case event.ServerDecided:
		if e.Decision != nil {
			now.Last = e.Decision.String()
		}
	}
	if e.Text != "" {
		now.Last = e.Text
	}
	s.serves(now)
}

func (s *Story) serves(now Service) {
	if was, ok := s.services[now.Name]; ok && was == now {
		return
	}
	s.services[now.Name] = now
	s.put(Item{Service: &now})
}
