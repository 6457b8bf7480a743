package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/guest/libvirt"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/plan"
)

// lab is one running lab, inside its namespaces.
type lab struct {
	job      *Job
	plan     *plan.Plan
	bundle   bundle.Folder
	now      func() time.Duration // since the run began
	log      *event.Log
	capture  *capture.File
	bridges  map[string]*network.Bridge
	serving  sync.Mutex // guards services once the first has started
	services map[string]*service
	guests   map[string]*machine
	libvirt  *libvirt.Connection // nil: the lab runs QEMU itself
	senders  senders
	watches  []*network.Watch
	programs map[string]bool // those that end by themselves and have not yet; the director's alone
	tracker  *judge.Tracker  // the director's alone
	queue    []plan.Guest    // guests waiting for a core; the director's alone
	away     int             // guests that a fault keeps from the queue for a while; the director's alone
	commands chan func()     // run by the director, for the control socket
	over     chan struct{}   // closed when the director decides no more
	recorded atomic.Bool     // the log has its last event

	life     context.Context // of the run, for what a step begins
	gate     *network.Gate   // on all guests' cables
	stages   stages
	still    atomic.Bool // nobody moves; changed by the director, with serving locked or before anything runs
	movement *movement
	freezing sync.Mutex // guards frozen, and what is done to guests by it
	frozen   bool       // the gate is shut, and warped guests are not to run

	held   bool          // the lab is held, until a step; the director's alone
	told   int           // the latest event about it; the director's alone
	until  string        // where it is to be held next, for people; the director's alone
	raised chan struct{} // closed when all but the guests is up
	stop   context.CancelCauseFunc
}

// Supervise runs the lab that the job read from jobFile describes, and serves control calls on listener,
// until it is over: every guest has settled (unless the lab stays), it is told to stop, or lifeline ends
// without the word that lets it outlive its outer process. It runs inside the lab's namespaces, started by
// Start. Of link are the files of a libvirt.Link, if the plan has a hypervisor. An error means that the harness broke.
func Supervise(ctx context.Context, jobFile, lifeline *os.File, listener *net.UnixListener, link ...*os.File) error {
	job, err := readJob(jobFile)
	if err != nil {
		return err
	}
	told := ctx.Done() // to end at once
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	alone := make(chan struct{}) // closed when nobody holds the lifeline any more
	go func() {
		defer close(alone)
		watchLifeline(lifeline, stop)
	}()
	base, read := time.Since(job.Started), time.Now()
	l := &lab{job: job, plan: job.Plan, bundle: bundle.Folder(job.Bundle), stop: stop,
		now:     func() time.Duration { return base + time.Since(read) },
		bridges: map[string]*network.Bridge{}, services: map[string]*service{}, guests: map[string]*machine{},
		senders: senders{}, programs: map[string]bool{}, tracker: judge.NewTracker(job.Plan), commands: make(chan func()), raised: make(chan struct{}),
		over: make(chan struct{}), movement: newMovement(), life: ctx}
	l.gate = network.NewGate(l.shut)
	for _, s := range l.plan.Services {
		if s.EndsByItself() {
			l.programs[s.Name] = true
		}
	}
	for _, g := range l.plan.Guests {
		l.guests[g.Name] = &machine{lab: l, name: g.Name, mac: g.MAC, firmware: g.Firmware, guest: g, faults: standingOf(g.Faults)}
	}
	events, err := os.OpenFile(l.bundle.Events(), os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("start the event log: %w", err)
	}
	defer events.Close()
	l.log = event.NewLog(events, l.now)
	remote := control.New(l, job.Version, job.Started)
	served := make(chan error, 1)
	go func() { served <- remote.Serve(listener) }()
	if err = l.reachLibvirt(ctx, link); err == nil {
		err = l.run(ctx)
	}
	if l.libvirt != nil {
		l.libvirt.Close()
	}
	// A lab can be over before the process that started it, on a busy host, has come to listen.
	select {
	case <-remote.Followed():
	case <-alone:
	case <-told:
	}
	return errors.Join(err, remote.Close(), <-served)
}

// watchLifeline stops the lab when the outer process dies before it detached.
func watchLifeline(lifeline *os.File, stop context.CancelCauseFunc) {
	line, err := bufio.NewReader(lifeline).ReadString('\n')
	if err != nil || line != detachWord {
		stop(errOuterGone)
	}
}

// errOuterGone and errAsked are the causes of a lab that ends before its time.
var (
	errOuterGone = errors.New("the process that started the lab is gone")
	errAsked     = errors.New("asked to stop")
)

// run brings the lab up, directs it to its end and takes it down.
func (l *lab) run(ctx context.Context) error {
	err := l.up(ctx)
	if err == nil {
		close(l.raised)
		if err = l.armFirst(); err == nil {
			err = l.direct(ctx)
		}
	}
	close(l.over)
	return l.down(err)
}

// up makes everything but the guests: log, capture, networks, services, cables.
func (l *lab) up(ctx context.Context) error {
	images, err := l.bundle.ServedImages(l.plan)
	if err != nil {
		return err
	}
	if err := l.bundle.WriteSums(l.plan); err != nil {
		return err
	}
	l.log.Append(event.Event{Kind: event.RunStarted, Run: &event.Run{Nonce: l.job.Nonce, Topology: l.plan.Name, Images: images, Started: l.job.Started}})
	if l.capture, err = capture.Create(l.bundle.Wire()); err != nil {
		return err
	}
	for _, n := range l.plan.Networks {
		bridge, err := network.NewBridge(n.Bridge)
		if err != nil {
			return fmt.Errorf("make network %q: %w", n.Name, err)
		}
		l.bridges[n.Name] = bridge
		if n.RA {
			go l.advertise(ctx, n, bridge)
		}
		l.log.Append(event.Event{Kind: event.NetworkUp, Network: n.Name})
	}
	if err := l.startServices(ctx); err != nil {
		return err
	}
	for _, g := range l.plan.Guests {
		if err := l.plug(g); err != nil {
			return err
		}
	}
	go l.watchHost(ctx)
	return nil
}

// advertise plays the router of a network until the lab ends.
func (l *lab) advertise(ctx context.Context, n plan.Network, bridge *network.Bridge) {
	play := bridge.AdvertiseRouter
	if n.Managed {
		play = func(ctx context.Context) error { return bridge.AdvertiseManaged(ctx, n.Subnet6) }
	}
	if err := play(ctx); err != nil {
		l.stop(fmt.Errorf("advertise a router on network %q: %w", n.Name, err))
	}
}

// down ends every guest and closes what was recorded. It gives back why the lab ended, if that is an error.
// Networks need no care: they go with the namespaces.
func (l *lab) down(why error) error {
	for _, g := range l.plan.Guests {
		if p := l.guests[g.Name].now.Load(); p != nil && !p.over() {
			l.guests[g.Name].end(why.Error())
		}
	}
	for _, g := range l.plan.Guests {
		if p := l.guests[g.Name].now.Load(); p != nil {
			<-p.gone
		}
	}
	l.stopInOrder()
	l.stop(why) // what still watches the host and the services has nothing more to tell
	err := l.closeWatches()
	l.log.Append(event.Event{Kind: event.RunEnded, Text: why.Error()})
	if l.capture != nil {
		err = errors.Join(err, l.capture.Close())
	}
	l.reap()
	if errors.Is(why, errDone) || errors.Is(why, errAsked) || errors.Is(why, errOuterGone) || errors.Is(why, context.Canceled) {
		why = nil
	}
	return errors.Join(why, err, l.log.Err(), l.cleanConsoles())
}

// cleanConsoles writes each guest's console as clean lines beside the raw bytes.
func (l *lab) cleanConsoles() error {
	events, _ := l.log.From(1)
	files := map[string]*os.File{}
	for _, e := range events {
		if e.Kind != event.Console {
			continue
		}
		f := files[e.Guest]
		if f == nil {
			var err error
			if f, err = os.Create(filepath.Join(l.bundle.Guest(e.Guest), "console.log")); err != nil {
				return fmt.Errorf("write a console log: %w", err)
			}
			defer f.Close()
			files[e.Guest] = f
		}
		if _, err := fmt.Fprintf(f, "%10.3f %s\n", e.At.Seconds(), e.Text); err != nil {
			return fmt.Errorf("write a console log: %w", err)
		}
	}
	return nil
}

// The host is late when a timer of watchPeriod runs by more than lateBy after its time.
const (
	watchPeriod = 20 * time.Millisecond
	lateBy      = 30 * time.Millisecond
)

// watchHost records each moment at which the lab itself had to wait for a processor: its servers waited too,
// and a warped guest did not.
func (l *lab) watchHost(ctx context.Context) {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if by := now.Sub(last) - watchPeriod; by > lateBy && !l.still.Load() {
			l.log.Append(event.Event{Kind: event.HostLate, Late: &event.Late{By: by}})
		}
		last = now
	}
}
