package lab

import (
	"context"
	"fmt"
	"io"

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
	return capture.Tail(ctx, l.bundle.wire(), w)
}

// Power does one thing to a guest's power: on, off, reset, pause, resume.
func (l *lab) Power(ctx context.Context, name, action string) error {
	result := make(chan error, 1)
	select {
	case l.commands <- func() { result <- l.powerAction(ctx, name, action) }:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-result
}

// powerAction runs in the director's goroutine, which alone powers guests on.
func (l *lab) powerAction(ctx context.Context, name, action string) error {
	m, err := l.guest(name)
	if err != nil {
		return err
	}
	if action == "on" {
		if m.running() {
			return fmt.Errorf("guest %q is on already", name)
		}
		return l.power(context.WithoutCancel(ctx), m.guest)
	}
	if !m.running() {
		return fmt.Errorf("guest %q is off: power it on first", name)
	}
	qemu := m.now.Load().qemu
	switch action {
	case "off":
		m.end("powered off by hand")
		return nil
	case "reset":
		return qemu.Reset(ctx)
	case "pause":
		return qemu.Pause(ctx)
	case "resume":
		return qemu.Resume(ctx)
	}
	return fmt.Errorf("unknown power action %q (have on, off, reset, pause, resume)", action)
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
