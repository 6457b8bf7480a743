package lab

import (
	"context"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopAll has everybody in the lab stand still: guests are frozen, services stopped. It returns when nobody moves any more.
func (l *lab) stopAll() {
	if l.still.Swap(true) {
		return
	}
	l.movement.stop(l.now())
	var all sync.WaitGroup
	for _, m := range l.guests {
		if p := m.now.Load(); m.alive && p != nil {
			all.Go(func() { p.freeze(l.life) })
		}
	}
	l.serving.Lock() // nothing is started anew meanwhile
	for _, s := range l.services {
		all.Go(func() { s.stand(true) })
	}
	l.serving.Unlock()
	all.Wait()
}

// moveAll has everybody go on: services first, then the gate opens, and then guests go on, who ask. It is the director's.
func (l *lab) moveAll() {
	var all sync.WaitGroup
	l.serving.Lock()
	for _, s := range l.services {
		all.Go(func() { s.stand(false) })
	}
	l.still.Store(false)
	l.movement.start(l.now())
	l.serving.Unlock()
	all.Wait()
	l.freezing.Lock()
	l.frozen = false
	l.freezing.Unlock()
	if l.gate.Open() { // at something that services had under way
		return
	}
	for _, m := range l.guests {
		if p := m.now.Load(); m.alive && p != nil {
			all.Go(func() { l.thaw(p) })
		}
	}
	all.Wait()
}

// thaw has a frozen guest go on, unless somebody has paused it, or the lab is to be held again already.
func (l *lab) thaw(p *powered) {
	l.freezing.Lock()
	if !l.frozen {
		p.qemu.Thaw()
	}
	l.freezing.Unlock()
	_ = p.settleClock(l.life) // one that is gone tells so itself
}

// warped tells of a guest whose clock is its processor's work, and whose QEMU is a process of this host: to stop that is to stop its
// clock, at once. One in real time reads the host's clock, so that its monitor must stop it.
func (p *powered) warped() bool { return p.warp && p.qemu.PID() != 0 }

// freeze has the guest's clock stand still. A QEMU whose monitor does not answer is stopped as it is.
func (p *powered) freeze(ctx context.Context) {
	if p.warped() {
		p.qemu.Freeze()
		return
	}
	if p.qemu.Pause(ctx) != nil {
		p.qemu.Freeze()
	}
	p.halted = true
}

// settleClock has the monitor let the guest run, or not if somebody has paused it. It is the director's.
func (p *powered) settleClock(ctx context.Context) (err error) {
	stop := p.stopped.Load()
	switch {
	case stop == p.halted:
		return nil
	case stop:
		err = p.qemu.Pause(ctx)
	default:
		err = p.qemu.Resume(ctx)
	}
	if err == nil {
		p.halted = stop
	}
	return err
}

// stand has a service's process stand still for as long as the lab is held, whatever its faults do.
func (s *service) stand(on bool) {
	s.holding.Lock()
	defer s.holding.Unlock()
	was := s.stopped || s.still
	s.still = on
	if is := s.stopped || s.still; is != was {
		s.halt(is)
	}
}

// halt stops the process, with all that a program which is not ours has started, or has it go on; under holding.
func (s *service) halt(on bool) {
	pid := s.process()
	switch {
	case pid == 0:
	case !on:
		_ = syscall.Kill(pid, syscall.SIGCONT)
	case syscall.Kill(pid, syscall.SIGSTOP) == nil:
		awaitState(s.cmd.Process.Pid, unix.WSTOPPED)
	}
}

// lockMoving locks serving once the lab is not held: what is started while everybody stands still would not.
func (l *lab) lockMoving(ctx context.Context) error {
	for {
		l.serving.Lock()
		if !l.still.Load() {
			return nil
		}
		_, moves := l.movement.moved(l.now())
		l.serving.Unlock()
		select {
		case <-moves:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
