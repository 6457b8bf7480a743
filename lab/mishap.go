package lab

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/plan"
)

// befall does what a fault does to a service or to the guest, for the sake of a frame that has not travelled on yet. It is called
// on the cable, which waits: what takes time goes on by itself.
func (m *machine) befall(p *powered, r fault.Rule) {
	switch {
	case r.OnService():
		m.lab.mishap(p.life, r)
	case r.OnGuest():
		m.cut(p, r)
	}
}

// cut takes the guest's power away. It is held at once, so that it does no more than it had until this frame; the director ends
// it, and has it powered on again.
func (m *machine) cut(p *powered, r fault.Rule) {
	p.qemu.Freeze()
	m.wasCut.Store(true)
	m.lab.soon(p.life, func() {
		if p.over() {
			return
		}
		m.end("a fault of its own: " + r.String())
		again := func() { m.lab.away--; m.lab.queue = append(m.lab.queue, m.guest) }
		m.lab.away++
		if r.For == 0 {
			again()
			return
		}
		go func() {
			if m.lab.pass(p.life, r.For, nil) {
				m.lab.soon(p.life, again)
			}
		}()
	})
}

// soon has the director do something, when it can.
func (l *lab) soon(ctx context.Context, f func()) {
	go func() {
		select {
		case l.commands <- f:
		case <-ctx.Done():
		}
	}()
}

// mishap does something to a service, of what takes no time.
func (l *lab) mishap(ctx context.Context, r fault.Rule) {
	s := l.running(r.Service)
	switch r.Do {
	case "stop":
		s.signal(syscall.SIGTERM)
	case "crash":
		s.signal(syscall.SIGKILL)
	case "pause":
		s.hold(r.For)
	case "slow":
		s.hold(r.By)
	case "restart", "lose-leases":
		s.replaced.Store(true)
		s.signal(syscall.SIGKILL)
		go l.startAgain(ctx, s, r)
	}
}

// running is the latest process of a service.
func (l *lab) running(name string) *service {
	l.serving.Lock()
	defer l.serving.Unlock()
	return l.services[name]
}

// startAgain starts a service anew once it has ended and the time of the fault is over.
func (l *lab) startAgain(ctx context.Context, s *service, r fault.Rule) {
	<-s.ended
	if !l.pass(ctx, r.For, nil) {
		return
	}
	if r.Do == "lose-leases" && s.plan.Exec != nil { // ours keep theirs in memory
		if err := os.RemoveAll(l.bundle.Work(s.plan.Name)); err != nil {
			l.stop(fmt.Errorf("remove what service %q had kept: %w", s.plan.Name, err))
			return
		}
		if err := l.bundle.WriteWork(s.plan); err != nil {
			l.stop(err)
			return
		}
	}
	if err := l.replace(ctx, s, s.restarts); err != nil && ctx.Err() == nil {
		l.stop(fmt.Errorf("start service %q again, as a fault says: %w", s.plan.Name, err))
	}
}

// politely is how long a service that is asked to end gets before the frame travels on: it may end later, or never.
const politely = 2 * time.Second

// signal sends a signal to a service's process, and to all that a program which is not ours has started, and waits until it has
// worked: the frame that it is sent for shall find it so. One that is gone is beyond all faults.
func (s *service) signal(sig syscall.Signal) {
	s.holding.Lock()
	defer s.holding.Unlock()
	pid := s.process()
	if pid == 0 {
		return
	}
	if sig == syscall.SIGSTOP || sig == syscall.SIGCONT {
		was := s.stopped || s.still
		s.stopped = sig == syscall.SIGSTOP
		if is := s.stopped || s.still; is != was { // who has stopped does not stop again
			s.halt(is)
		}
		return
	}
	if syscall.Kill(pid, sig) != nil {
		return
	}
	switch sig {
	case syscall.SIGKILL:
		awaitState(s.cmd.Process.Pid, unix.WEXITED|unix.WNOWAIT) // who started it reaps it
	case syscall.SIGTERM:
		select {
		case <-s.ended:
		case <-time.After(politely):
		}
	}
}

// process is what a signal to the service goes to: its process, or the group of one that is not ours, which startExec makes it lead; 0
// if there is none.
func (s *service) process() int {
	if s.cmd == nil || s.cmd.Process == nil {
		return 0
	}
	select {
	case <-s.ended: // its number may be another's by now
		return 0
	default:
	}
	if s.plan.Exec != nil {
		return -s.cmd.Process.Pid
	}
	return s.cmd.Process.Pid
}

// awaitState waits until a child of this process has stopped, or ended. Its last thread does so somewhat after the signal.
func awaitState(pid, options int) {
	for unix.Waitid(unix.P_PID, pid, nil, options, nil) == unix.EINTR {
	}
}

// hold stops a service's process for a time, counted anew from each call; zero is for good.
func (s *service) hold(d time.Duration) {
	s.signal(syscall.SIGSTOP)
	s.holding.Lock()
	defer s.holding.Unlock()
	switch {
	case d == 0:
	case s.held == nil:
		s.held = time.AfterFunc(d, func() { s.signal(syscall.SIGCONT) })
	default:
		s.held.Reset(d)
	}
}

// beforehand does what faults do before the guest is powered on, and keeps for its log what they did.
func (l *lab) beforehand(ctx context.Context, g plan.Guest) error {
	var did []event.Fault
	for i, r := range g.Faults {
		if !r.AtPowerOn() {
			continue
		}
		f := event.Fault{Rule: i + 1, Do: r.Do, Service: r.Service, Info: "power-on"}
		if r.Do == "fill-pool" {
			n, err := l.fillPool(ctx, g, r.Service)
			if err != nil {
				return fmt.Errorf("fill the pool of service %q: %w", r.Service, err)
			}
			if n == 0 {
				continue
			}
			f.Info = fmt.Sprintf("%d addresses leased", n)
		} else {
			l.calmly(ctx, r)
		}
		did = append(did, f)
	}
	l.guests[g.Name].before = did
	return nil
}

// calmly does something to a service and waits until it is done.
func (l *lab) calmly(ctx context.Context, r fault.Rule) {
	s := l.running(r.Service)
	switch r.Do {
	case "restart", "lose-leases":
		s.replaced.Store(true)
		s.signal(syscall.SIGKILL)
		l.startAgain(ctx, s, r)
		s = l.running(r.Service)
		select {
		case <-s.ready:
		case <-s.ended:
		case <-ctx.Done():
		}
		return
	}
	l.mishap(ctx, r)
	if r.Do != "pause" {
		select {
		case <-s.ended:
		case <-ctx.Done():
		}
	}
}

// spent tells which faults a guest's next power-on no longer meets: a power cut that befell every one of them would have no end.
func (m *machine) spent(r *fault.Rule) bool { return r.OnGuest() && m.wasCut.Load() }
