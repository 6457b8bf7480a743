package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/plan"
)

// The methods below are what the control socket asks of a running lab (control.Lab).

// Plan gives what the lab runs.
func (l *lab) Plan() *plan.Plan { return l.plan }

// Events gives the log from an event on, and a channel closed when there are more.
func (l *lab) Events(from int) ([]event.Event, <-chan struct{}) { return l.log.From(from) }

// Files names the bundle.
func (l *lab) Files() string { return string(l.bundle) }

// Stop ends the lab in good order.
func (l *lab) Stop(reason string) { l.stop(fmt.Errorf("%w: %s", errAsked, reason)) }

// Capture streams the wire from the beginning of the run, as pcapng.
func (l *lab) Capture(ctx context.Context, w io.Writer) error {
	return capture.Tail(ctx, l.bundle.Wire(), w)
}

// Power does one thing to a guest's power: on, off, reset, pause, resume. It returns when it is done.
func (l *lab) Power(ctx context.Context, name, action string) error {
	m, err := l.guest(name)
	if err != nil {
		return err
	}
	if err := l.command(ctx, func() error { return l.powerAction(ctx, m, action) }); err != nil || action != "off" {
		return err
	}
	p := m.now.Load()
	if p == nil { // it was only to be powered on
		return nil
	}
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// command has the director do something, and waits until it is done.
func (l *lab) command(ctx context.Context, do func() error) error {
	result := make(chan error, 1)
	select {
	case l.commands <- func() { result <- do() }:
		return <-result
	case <-l.over:
		return errOver
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// errOver is why nothing more can be asked of the lab.
var errOver = errors.New("the lab is over")

// OffByHand is why the lab ended a guest that somebody switched off, as the log has it.
const OffByHand = "powered off by hand"

// powerAction runs in the director's goroutine, which alone powers guests on and off.
func (l *lab) powerAction(ctx context.Context, m *machine, action string) error {
	if action == "on" {
		if m.alive {
			return fmt.Errorf("guest %q is on already", m.name)
		}
		l.unqueue(m)
		return l.power(ctx, m.guest, l.still.Load())
	}
	if waited := action == "off" && l.unqueue(m); waited && !m.alive { // it was to be powered on again, and is not
		return nil
	}
	if !m.alive {
		return fmt.Errorf("guest %q is off: power it on first", m.name)
	}
	p := m.now.Load()
	var err error
	switch action {
	case "off":
		m.end(OffByHand)
		return nil
	case "reset": // a boot of its own, with a number of its own
		m.end("reset by hand")
		l.queue = append(l.queue, m.guest)
		return nil
	case "pause", "resume":
		p.stopped.Store(action == "pause")
		if !l.still.Load() { // else it does so when the lab goes on
			err = p.settleClock(ctx)
		}
	default:
		return fmt.Errorf("unknown power action %q (have %s)", action, strings.Join(control.Actions, ", "))
	}
	if err == nil {
		l.log.Append(event.Event{Kind: event.GuestHeld, Guest: m.name, Boot: p.boot, Text: action})
	}
	return err
}

// unqueue has a guest wait no more to be powered on, and tells whether it did.
func (l *lab) unqueue(m *machine) bool {
	had := len(l.queue)
	l.queue = slices.DeleteFunc(l.queue, func(g plan.Guest) bool { return g.Name == m.name })
	return len(l.queue) < had
}

// Console attaches rw to the guest's serial console until either ends. What the console showed so far comes
// first.
func (l *lab) Console(ctx context.Context, name string, rw io.ReadWriter) error {
	m, err := l.guest(name)
	if err != nil {
		return err
	}
	return m.console(ctx, rw)
}
