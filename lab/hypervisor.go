package lab

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/guest"
	"github.com/pxelab/pxelab/lab/guest/libvirt"
	"github.com/pxelab/pxelab/lab/guest/serial"
	"github.com/pxelab/pxelab/lab/plan"
)

// emulator is the QEMU of one power-on, whoever started it: *guest.Machine and *libvirt.Machine have these methods. They may be called from any
// goroutine, also after its end.
type emulator interface {
	PID() int                         // as this process knows it; 0 where it does not
	CPU() (ran, waited time.Duration) // of the guest's processor since power-on; zero where nobody tells
	Status(ctx context.Context) (string, error)
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	Freeze()                // stops it as it is now, before this returns, and asks nothing of it
	Thaw()                  // has it go on after Freeze
	Type(keys []byte) error // on the serial console
	Attach(w io.Writer) (detach func(), done <-chan struct{})
	Kill()                 // returns at once
	Done() <-chan struct{} // closed when it is gone and all it wrote was delivered
	Exit() event.Exit      // valid after Done
	Err() error            // what went wrong in this process; valid after Done
}

// ignition is what one power-on needs beside the plan of its guest.
type ignition struct {
	dir     string   // the run's directory for the guest
	nic     *os.File // the guest's end of its cable
	held    bool     // it does not run until it is resumed
	from    *resumed // the snapshot that it goes on from; nil: it is powered on
	console serial.Config
	broken  func(status string)
}

// ignite starts the QEMU of one power-on, and gives what was started. What it gives as release is to be called once its power event
// is in the log.
func (l *lab) ignite(ctx context.Context, g plan.Guest, i ignition) (qemu emulator, power event.Power, release func() error, err error) {
	ctx = context.WithoutCancel(ctx) // the lab ends its guests itself, each with an event that says why
	if l.libvirt != nil {
		return l.define(ctx, g, i)
	}
	argv := g.Resolve(i.dir)
	if i.held {
		argv = append(argv, "-S")
	}
	config := guest.Config{Dir: i.dir, NIC: i.nic, Broken: i.broken, Grace: endGrace, Console: i.console}
	release = func() error { return nil }
	if i.from != nil {
		argv = i.from.argv(argv)
		config.State, config.Console.Said, power.Warm = i.from.state, i.from.Console, i.from.key
		release = func() error { return i.from.replay(i.nic) }
	}
	config.Argv = argv
	m, err := guest.Start(ctx, config)
	if err != nil {
		return nil, power, nil, err
	}
	power.PID, power.Argv = m.PID(), argv
	return m, power, release, nil
}

// define does so by libvirt.
func (l *lab) define(ctx context.Context, g plan.Guest, i ignition) (qemu emulator, power event.Power, release func() error, err error) {
	m, err := l.libvirt.Start(ctx, libvirt.Config{Guest: g, Name: plan.DomainName(l.plan.Name, g.Name), Dir: i.dir, NIC: i.nic, Broken: i.broken, Console: i.console})
	if err != nil {
		return nil, power, nil, err
	}
	release = func() error {
		if !i.held {
			m.Run(ctx)
		}
		return nil
	}
	return m, event.Power{Domain: m.Name(), Daemon: l.plan.Hypervisor.URI}, release, nil
}

// reachLibvirt takes over the connection to the daemon that runs the guests, if one does.
func (l *lab) reachLibvirt(ctx context.Context, link []*os.File) (err error) {
	if l.plan.Hypervisor == nil {
		return nil
	}
	l.libvirt, err = libvirt.Open(ctx, l.plan.Hypervisor, l.job.Link, link)
	return err
}
