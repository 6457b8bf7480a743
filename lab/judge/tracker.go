package judge

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// Tracker follows a run event by event and knows at any moment how far each guest has come. It is not safe for
// use by several goroutines.
type Tracker struct {
	plan   *plan.Plan
	run    *event.Run              // nonce and images; empty until the run has started
	runEnd *event.Event            // why the run ended
	boots  map[string][]*boot      // per guest, in order of power-on
	armed  map[string][]armed      // the faults on each guest's cable, as they are now
	gone   map[string]*event.Event // services whose process has ended by itself

	held      holds           // when nobody moved
	heldAt    event.Event     // where the lab was held last
	dismissed map[string]bool // services that the lab itself stopped
	restarts  []event.Event   // services that are started again by their policy

	sockets map[string][]event.Socket // of services outside the lab: what they were given

	services map[string]*seen // those of which something is expected
	logged   []event.Event    // lines of programs that are not ours that say why they did not answer
	passed   []event.Event    // lines of relay agents that are not ours that say where they sent a request
	sought   []event.Event    // ARP packets at the cards of services: who has an address, and the answers
	astray   []event.Event    // answers to relayed requests that were sent where no relay hears them
}

// GuestState is how far one guest has come in its latest boot.
type GuestState struct {
	Boot    int                           // which power-on, from 1; 0 before the first
	Warp    bool                          // its clock is warped
	Warm    bool                          // it goes on from a snapshot of its firmware
	Stage   event.Stage                   // the furthest stage reached
	At      map[event.Stage]time.Duration // when each stage that was reached was first reached, since the run began
	Address string                        // the address it was last given
	File    string                        // the file it last asked for
	Took    time.Duration                 // from power-on to the latest event that counts, host time
	Settled bool                          // nothing more can change its verdicts
	Outcome Outcome                       // once settled
	Cut     bool                          // the lab ended it before it settled: it was switched off by hand
	Paused  bool                          // its clock stands still, alone or with the whole lab
	Held    bool                          // with the whole lab
	Budget  time.Duration                 // how long it may stay at its stage, host time; zero sets no end to it

	deadline time.Duration
	limited  bool
}

// Deadline is the moment (since the run began) at which the guest will have stayed too long at its stage: the
// stage's budget after the last progress. It is not ok when the guest is off, has settled, or its plan sets no
// budget for the stage. When it passes, the lab logs a GuestStalled and the guest settles.
//
// Progress is something this boot has not shown before. A retransmission is not, nor is the second round of a
// boot program that chain-loads itself; bytes of a transfer are, and so are console lines while firmware or a
// boot program speaks.
func (s GuestState) Deadline() (at time.Duration, stage event.Stage, ok bool) {
	return s.deadline, s.Stage, s.limited
}

// NewTracker follows a run of p, from its first event.
func NewTracker(p *plan.Plan) *Tracker {
	return &Tracker{plan: p, run: &event.Run{}, boots: map[string][]*boot{}, gone: map[string]*event.Event{}, dismissed: map[string]bool{},
		armed: planned(p), services: map[string]*seen{}, sockets: map[string][]event.Socket{}}
}

// Feed takes the next event of the log. Events must come in the log's order, each once; kinds and guests it
// does not know are ignored.
func (t *Tracker) Feed(e event.Event) {
	t.ofService(e)
	t.notice(e)
	switch e.Kind {
	case event.RunStarted:
		if e.Run != nil {
			t.run = e.Run
		}
	case event.RunEnded:
		t.runEnd = &e
	case event.FileMoved: // is for who looks on: what is judged rests on packets
	case event.LabHeld:
		t.held.take(e)
		t.byHand(e)
	case event.ServiceReady:
		delete(t.gone, e.Service)
	case event.ServiceEnded:
		t.dismissed[e.Service] = true
	case event.ServiceRestart:
		t.restarts = append(t.restarts, e)
	case event.ServiceExited:
		if !t.dismissed[e.Service] {
			t.gone[e.Service] = &e
		}
	case event.ServiceListens:
		if e.Socket != nil {
			t.sockets[e.Service] = append(t.sockets[e.Service], *e.Socket)
		}
	case event.ServerDecided:
		t.decided(e)
	case event.GuestPowered:
		t.powered(e)
	case event.FaultArmed, event.FaultCleared:
		t.rearmed(e)
	default:
		t.toBoot(e)
	}
}

// powered begins a boot.
func (t *Tracker) powered(e event.Event) {
	i := slices.IndexFunc(t.plan.Guests, func(g plan.Guest) bool { return g.Name == e.Guest })
	if i < 0 || t.boot(e.Guest, e.Boot) != nil {
		return
	}
	b := newBoot(t, poweredAs(t.plan.Guests[i], e), e)
	t.boots[e.Guest] = append(t.boots[e.Guest], b)
}

// poweredAs is the guest as it was powered on: whoever did that may have said what this boot is judged on.
func poweredAs(g plan.Guest, e event.Event) *plan.Guest {
	var list []topology.Expectation
	if e.Power != nil && len(e.Power.Expect) > 0 && json.Unmarshal(e.Power.Expect, &list) == nil {
		g.Expect = list
	}
	return &g
}

// toBoot hands an event to the boot it belongs to.
func (t *Tracker) toBoot(e event.Event) {
	b := t.boot(e.Guest, e.Boot)
	switch {
	case b == nil:
	case e.Kind == event.BootDiscarded:
		b.discarded = &e
	default:
		b.feed(e)
	}
}

// decided notes that a service chose to stay silent towards a guest: often the whole explanation.
func (t *Tracker) decided(e event.Event) {
	if e.Decision == nil || e.Decision.Reply != "" {
		return
	}
	for i := range t.plan.Guests {
		g := &t.plan.Guests[i]
		boots := t.boots[g.Name]
		// A service that was kept waiting for a processor may say so only after the boot has settled.
		if sameMAC(e.Decision.Client, g.MAC) && len(boots) > 0 {
			b := boots[len(boots)-1]
			b.silences = append(b.silences, e)
		}
		if serves := e.Decision.Role == "tftp" || e.Decision.Role == "http"; serves && e.Decision.Outcome == "" && len(boots) > 0 {
			if b := boots[len(boots)-1]; b.given[event.HostOf(e.Decision.Client)] {
				b.unserved = append(b.unserved, e)
			}
		}
	}
}

// boot finds one boot of a guest, nil if there is none.
func (t *Tracker) boot(guest string, number int) *boot {
	for _, b := range t.boots[guest] {
		if b.number == number {
			return b
		}
	}
	return nil
}

// last is the boot a guest is judged on: the latest that was not discarded, nil if there is none.
func (t *Tracker) last(guest string) *boot {
	for _, b := range slices.Backward(t.boots[guest]) {
		if b.discarded == nil {
			return b
		}
	}
	return nil
}

// Guest tells how far a guest has come in its latest boot.
func (t *Tracker) Guest(name string) GuestState {
	boots := t.boots[name]
	if len(boots) == 0 {
		return GuestState{}
	}
	return boots[len(boots)-1].state()
}
