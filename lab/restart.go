package lab

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// policy has a program that has served and ended started again, if its topology says so.
func (l *lab) policy(ctx context.Context, s *service) {
	select {
	case <-s.ready:
	default:
		if s.restarts == 0 { // it has never served: that is the topology's mistake, and no crash
			return
		}
	}
	delay, again, spent := s.plan.Exec.Again(!s.cmd.ProcessState.Success(), s.restarts)
	most := s.plan.Exec.Restart.Times
	switch {
	case s.replaced.Load() || ctx.Err() != nil:
		return
	case spent:
		l.log.Append(event.Event{Kind: event.ServiceLost, Service: s.plan.Name, Text: fmt.Sprintf("it stays away: its policy has it started again %d times at most", most)})
		return
	case !again:
		return
	}
	l.log.Append(event.Event{Kind: event.ServiceRestart, Service: s.plan.Name, Text: fmt.Sprintf("it is started again in %s (%d of %d times)", delay, s.restarts+1, most)})
	if !l.pass(ctx, delay, nil) {
		return
	}
	if err := l.replace(ctx, s, s.restarts+1); err != nil && ctx.Err() == nil {
		l.stop(fmt.Errorf("start service %q again: %w", s.plan.Name, err))
	}
}

// replace starts the process of a service that has ended anew.
func (l *lab) replace(ctx context.Context, s *service, restarts int) error {
	anew := &service{plan: s.plan, host: s.host, ready: make(chan struct{}), ended: make(chan struct{}), restarts: restarts}
	if err := l.lockMoving(ctx); err != nil {
		return err
	}
	defer l.serving.Unlock()
	if err := l.startService(ctx, anew); err != nil {
		return err
	}
	l.services[s.plan.Name] = anew
	return nil
}

// stopInOrder stops the services that the topology puts in an order, the last started first. All others are ended when all is recorded.
func (l *lab) stopInOrder() {
	ordered := func(s plan.Service) bool {
		return s.Exec != nil && len(s.Exec.After) > 0 || slices.ContainsFunc(l.plan.Services, func(o plan.Service) bool {
			return o.Exec != nil && slices.Contains(o.Exec.After, s.Name)
		})
	}
	for _, wave := range slices.Backward(l.plan.Waves()) {
		for _, p := range slices.Backward(wave) {
			s := l.running(p.Name)
			if s == nil || s.process() == 0 || !ordered(p) {
				continue
			}
			s.replaced.Store(true)
			l.log.Append(event.Event{Kind: event.ServiceEnded, Service: p.Name, Text: "the lab is over: it is stopped"})
			s.signal(syscall.SIGCONT) // one that a fault holds hears nothing
			s.stand(false)
			s.signal(syscall.SIGTERM)
		}
	}
}

// reap ends all services for good and waits for them. They would go with the namespaces, but nobody is told then how long they kept a
// processor busy: a matrix would take that for somebody else's.
func (l *lab) reap() {
	l.recorded.Store(true)
	var all sync.WaitGroup
	for _, p := range l.plan.Services {
		s := l.running(p.Name)
		if s == nil || s.process() == 0 {
			continue
		}
		all.Go(func() {
			s.signal(syscall.SIGKILL)
			select {
			case <-s.ended:
			case <-time.After(reapIn):
			}
		})
	}
	all.Wait()
}

// reapIn bounds the wait for a program whose children, in groups of their own, hold what it writes to open.
const reapIn = 100 * time.Millisecond
