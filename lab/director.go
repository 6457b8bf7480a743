package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

// errDone ends the director's loop: every guest has settled and the lab need not stay.
var errDone = errors.New("every guest has settled")

// direct follows the log and decides, in one goroutine: it powers guests on as cores come free, declares a
// stage stalled when its budget is over, and ends guests that can tell no more. It returns when ctx is done
// or, unless the lab stays or awaits orders, when every guest has settled.
func (l *lab) direct(ctx context.Context) error {
	if !l.job.Await {
		l.queue = slices.Clone(l.plan.Guests)
	}
	next := 1
	for {
		events, more := l.log.From(next)
		for _, e := range events {
			l.tracker.Feed(e)
			if e.Kind == event.GuestExited {
				l.guests[e.Guest].alive = false
			}
			if e.Kind == event.ServiceExited {
				delete(l.programs, e.Service)
			}
		}
		if next += len(events); len(events) > 0 {
			l.stages.look()
			continue
		}
		if err := l.act(ctx); err != nil {
			return err
		}
		timer, stall := l.nextStall()
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-more:
		case f := <-l.commands:
			f()
		case <-timer.C:
			if fresh, _ := l.log.From(next); len(fresh) == 0 && !l.spare(stall) { // else there may have been progress
				l.log.Append(stall)
			}
		}
		timer.Stop()
	}
}

// act does what the state of the guests now asks for.
func (l *lab) act(ctx context.Context) error {
	if err := errors.Join(l.log.Err(), context.Cause(ctx)); err != nil { // what broke the lab may also have ended its last guest
		return err
	}
	for _, g := range l.plan.Guests {
		m := l.guests[g.Name]
		if p := m.now.Load(); p == nil || p.settled || !l.tracker.Guest(g.Name).Settled {
			continue
		}
		l.settle(m)
	}
	if err := l.powerQueued(ctx); err != nil {
		return err
	}
	if !l.job.Stay && !l.job.Await && len(l.queue)+l.away+l.active() == 0 && len(l.programs) == 0 {
		return errDone
	}
	return nil
}

// settle ends a guest that can tell no more, unless its warped boot proved nothing: then it boots again in
// real time.
func (l *lab) settle(m *machine) {
	events, _ := l.log.From(1)
	name, p := m.name, m.now.Load()
	p.settled = true
	if m.guest.Clock == "warp" && !l.passed(name, events) {
		if calm, why := judge.Calm(l.plan, events, name); !calm {
			l.log.Append(event.Event{Kind: event.BootDiscarded, Guest: name, Boot: p.boot, Text: why})
			m.end("its warped boot proves nothing: " + why)
			l.queue = append(l.queue, m.guest.InRealTime())
			return
		}
	}
	l.log.Append(event.Event{Kind: event.GuestSettled, Guest: name, Boot: p.boot})
	if !l.job.Stay && m.alive {
		m.end("it has settled")
	}
}

// passed tells whether every expectation of the guest holds as of these events.
func (l *lab) passed(guest string, events []event.Event) bool {
	for _, v := range judge.Judge(l.plan, events) {
		if v.Guest == guest && !v.Pass {
			return false
		}
	}
	return true
}

// powerQueued powers on waiting guests while there are cores for them. Those that are to be powered on in one instant count as one:
// they wait for each other, and then for no more cores.
func (l *lab) powerQueued(ctx context.Context) error {
	if l.still.Load() { // they are powered on when the lab goes on
		return nil
	}
	for i := 0; i < len(l.queue) && l.active() < l.plan.AtOnce; {
		g := l.queue[i]
		if l.guests[g.Name].alive || l.awaits(g) { // its last boot is still on its way out
			i++
			continue
		}
		if l.prepares(ctx, g) {
			continue
		}
		var group []plan.Guest
		l.queue = slices.DeleteFunc(l.queue, func(o plan.Guest) bool {
			mine := o.Name == g.Name || g.Together != "" && o.Together == g.Together
			if mine {
				group = append(group, o)
			}
			return mine
		})
		if err := l.powerGroup(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// awaits tells whether a guest waits for one that is to be powered on in the same instant and is not ready: by its last boot, which
// goes on, or by what its faults do before.
func (l *lab) awaits(g plan.Guest) bool {
	return g.Together != "" && slices.ContainsFunc(l.plan.Guests, func(o plan.Guest) bool {
		return o.Together == g.Together && l.guests[o.Name].preparing
	})
}

// powerGroup powers guests on, several of them in one instant.
func (l *lab) powerGroup(ctx context.Context, group []plan.Guest) error {
	held := len(group) > 1
	for _, g := range group {
		if err := l.power(ctx, g, held); err != nil || !held {
			return err
		}
	}
	for _, g := range group { // their monitors answer from then on
		if _, err := l.guests[g.Name].now.Load().qemu.Status(ctx); err != nil {
			return nil //nolint:nilerr // it is gone, which its own events tell
		}
	}
	for _, g := range group {
		_ = l.guests[g.Name].now.Load().settleClock(ctx)
	}
	return nil
}

// prepares tells whether faults of a guest are to be done before it is powered on, and has that done: it comes back to the queue
// then.
func (l *lab) prepares(ctx context.Context, g plan.Guest) bool {
	m := l.guests[g.Name]
	if m.prepared || !slices.ContainsFunc(g.Faults, func(r fault.Rule) bool { return r.AtPowerOn() }) {
		return false
	}
	m.prepared, m.preparing = true, true
	l.queue = slices.DeleteFunc(l.queue, func(o plan.Guest) bool { return o.Name == g.Name })
	l.away++
	go func() {
		if err := l.beforehand(ctx, g); err != nil && ctx.Err() == nil {
			l.stop(fmt.Errorf("before guest %q is powered on: %w", g.Name, err))
			return
		}
		l.soon(ctx, func() {
			l.away--
			m.preparing = false
			l.queue = slices.Insert(l.queue, 0, g)
		})
	}()
	return true
}

// active counts the guests whose QEMU runs and that may still change.
func (l *lab) active() int {
	n := 0
	for _, m := range l.guests {
		if m.alive && !(l.job.Stay && m.now.Load().settled) {
			n++
		}
	}
	return n
}

// nextStall is the earliest moment at which a guest overruns its stage's budget, as a timer, and the event
// to append then. Without any, the timer never fires.
func (l *lab) nextStall() (*time.Timer, event.Event) {
	var at time.Duration
	var stall event.Event
	for _, g := range l.plan.Guests {
		m := l.guests[g.Name]
		if !m.alive || m.now.Load().settled {
			continue
		}
		state := l.tracker.Guest(g.Name)
		when, stage, ok := state.Deadline()
		budget := state.Budget
		if ok && m.spared.deadline == when {
			budget += m.spared.until - when
			when = m.spared.until
		}
		if ok && (stall.Kind == "" || when < at) {
			at = when
			stall = event.Event{Kind: event.GuestStalled, Guest: g.Name, Boot: m.now.Load().boot,
				Stall: &event.Stall{Stage: stage, Budget: budget}}
		}
	}
	if stall.Kind == "" {
		t := time.NewTimer(time.Hour)
		t.Stop()
		return t, stall
	}
	return time.NewTimer(max(at-l.now(), 0)), stall
}
