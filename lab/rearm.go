package lab

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
)

// standing is a fault on a guest's cable in this and all later power-ons.
type standing struct {
	number int // from 1, and never used again
	rule   fault.Rule
	sent   bool // to the running lab; otherwise it is the plan's
}

// standingFaults are those of one guest.
type standingFaults struct {
	list []standing
	last int // the number given last
}

func standingOf(rules []fault.Rule) standingFaults {
	var f standingFaults
	for _, r := range rules {
		f.add(r, false)
	}
	return f
}

func (f *standingFaults) add(r fault.Rule, sent bool) standing {
	f.last++
	s := standing{number: f.last, rule: r, sent: sent}
	f.list = append(f.list, s)
	return s
}

// timed tells whether any of them reckons in seconds, so that the guest's clock may not be warped.
func (f *standingFaults) timed() bool {
	return slices.ContainsFunc(f.list, func(s standing) bool { return s.rule.Timed() })
}

// Faults lists the faults on all cables.
func (l *lab) Faults(ctx context.Context) ([]control.Fault, error) {
	list := []control.Fault{}
	err := l.command(ctx, func() error {
		for _, g := range l.plan.Guests {
			m := l.guests[g.Name]
			for _, s := range m.faults.list {
				list = append(list, m.told(s))
			}
		}
		return nil
	})
	return list, err
}

// told is what a client is told of a fault.
func (m *machine) told(s standing) control.Fault {
	f := control.Fault{Guest: m.name, Rule: s.number, Fault: s.rule.String(), Sent: s.sent}
	if p := m.now.Load(); p != nil {
		f.Boot, f.Hits = p.boot, p.faults.met(s.number)
	}
	return f
}

// Arm puts a fault on a guest's cable. It acts at once, or if the guest is off or in warped time, where it needs seconds, from the
// next power-on.
func (l *lab) Arm(ctx context.Context, guest, text string) (f control.Fault, err error) {
	m, err := l.guest(guest)
	if err != nil {
		return f, err
	}
	err = l.command(ctx, func() error {
		r, err := l.plan.ParseFault("fault", text, m.guest)
		if err != nil {
			return err
		}
		if r.AtPowerOn() {
			return fmt.Errorf("fault:1:1: says no frame, so it is done before a guest is first powered on, which is too late here; write a packet, such as packet: discover")
		}
		if r.OnGuest() {
			m.wasCut.Store(false) // that was another fault's doing
		}
		s := m.faults.add(r, true)
		first, waits := m.rearm(s)
		l.log.Append(event.Event{Kind: event.FaultArmed, Guest: m.name, Boot: first, Text: r.String(), Fault: &event.Fault{Rule: s.number, Do: r.Do, Service: r.Service}})
		f = m.told(s)
		f.Waits = waits
		return nil
	})
	return f, err
}

// rearm has a fault act in the power-on under way, if it can. It gives the power-on that it first acts in, and why that is not this one.
func (m *machine) rearm(s standing) (first int, waits string) {
	p := m.now.Load()
	switch {
	case p == nil:
		return 1, m.name + " is off"
	case !m.alive:
		return p.boot + 1, m.name + " is off"
	case s.rule.Timed() && m.guest.Clock == "warp":
		return p.boot + 1, m.name + "'s clock is warped, and this fault reckons in seconds"
	}
	p.faults.add(s)
	return p.boot, ""
}

// Clear takes a fault of a guest away, or with number 0 all of them. A frame that it has put aside or held up still comes.
func (l *lab) Clear(ctx context.Context, guest string, rule int) ([]control.Fault, error) {
	m, err := l.guest(guest)
	if err != nil {
		return nil, err
	}
	gone := []control.Fault{}
	err = l.command(ctx, func() error {
		means := func(s standing) bool { return rule == 0 || s.number == rule }
		if !slices.ContainsFunc(m.faults.list, means) {
			return m.lacks(rule)
		}
		for _, s := range m.faults.list {
			if !means(s) {
				continue
			}
			gone = append(gone, m.told(s))
			if p := m.now.Load(); p != nil {
				p.faults.remove(s.number)
			}
			l.log.Append(event.Event{Kind: event.FaultCleared, Guest: m.name, Text: s.rule.String(), Fault: &event.Fault{Rule: s.number, Do: s.rule.Do, Service: s.rule.Service}})
		}
		m.faults.list = slices.DeleteFunc(m.faults.list, means)
		return nil
	})
	return gone, err
}

// lacks says that a guest has no such fault.
func (m *machine) lacks(rule int) error {
	if len(m.faults.list) == 0 {
		return fmt.Errorf("guest %q has no fault on its cable", m.name)
	}
	var have []string
	for _, s := range m.faults.list {
		have = append(have, strconv.Itoa(s.number))
	}
	return fmt.Errorf("guest %q has no fault %d (have %s)", m.name, rule, strings.Join(have, ", "))
}
