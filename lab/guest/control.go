package guest

import (
	"context"
	"errors"
	"fmt"

	"github.com/pxelab/pxelab/lab/guest/qmp"
)

// nicID is the id under which every plan gives QEMU the guest's cable.
const nicID = "n0"

// Pause stops the guest's processor and its clock; nothing in it times out meanwhile.
func (m *Machine) Pause(ctx context.Context) error { return m.execute(ctx, "stop", nil, nil) }

// Resume lets a paused guest go on.
func (m *Machine) Resume(ctx context.Context) error { return m.execute(ctx, "cont", nil, nil) }

// Reset presses the reset button.
func (m *Machine) Reset(ctx context.Context) error { return m.execute(ctx, "system_reset", nil, nil) }

// PowerButton presses the power button: an ACPI event, to which firmware need not react.
func (m *Machine) PowerButton(ctx context.Context) error {
	return m.execute(ctx, "system_powerdown", nil, nil)
}

// SetLink plugs the network cable in or pulls it out.
func (m *Machine) SetLink(ctx context.Context, up bool) error {
	return m.execute(ctx, "set_link", map[string]any{"name": nicID, "up": up}, nil)
}

// Status is QEMU's run state: "running", "paused", "internal-error", "shutdown" ... (RunState in QEMU's QAPI).
func (m *Machine) Status(ctx context.Context) (string, error) {
	var reply struct {
		Status string `json:"status"`
	}
	err := m.execute(ctx, "query-status", nil, &reply)
	return reply.Status, err
}

// Quit asks QEMU to end and waits until it has.
func (m *Machine) Quit(ctx context.Context) error {
	err := m.monitor.Execute(ctx, "quit", nil, nil)
	if err != nil && !errors.Is(err, qmp.ErrGone) {
		return err
	}
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for qemu to quit: %w", context.Cause(ctx))
	}
}

// execute runs a command. If QEMU is gone, the error says how it ended, which the monitor cannot know.
func (m *Machine) execute(ctx context.Context, name string, args, out any) error {
	err := m.monitor.Execute(ctx, name, args, out)
	if !errors.Is(err, qmp.ErrGone) {
		return err
	}
	select {
	case <-m.done:
		return fmt.Errorf("qmp %s: %w: %s", name, qmp.ErrGone, describe(m.exit))
	case <-ctx.Done():
		return err
	}
}

// watch follows QEMU's events for what ends a boot: a machine that cannot go on, and why it was shut down.
func (m *Machine) watch(events <-chan qmp.Event) {
	reported := false
	for e := range events {
		switch e.Event {
		case "SHUTDOWN":
			m.shutdown, _ = e.Data["reason"].(string)
		case "STOP", "GUEST_PANICKED", "BLOCK_IO_ERROR":
			// An internal error of KVM has no event but STOP.
			status, err := m.statusNow()
			if err == nil && broken[status] && !reported {
				reported = true
				m.config.Broken(status)
			}
		}
	}
}

// broken are the run states out of which a guest does not come by itself.
var broken = map[string]bool{"internal-error": true, "guest-panicked": true, "io-error": true}

// statusNow asks the monitor without waiting for QEMU's end, of which this goroutine is a part.
func (m *Machine) statusNow() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), qmp.Limit)
	defer cancel()
	var reply struct {
		Status string `json:"status"`
	}
	err := m.monitor.Execute(ctx, "query-status", nil, &reply)
	return reply.Status, err
}
