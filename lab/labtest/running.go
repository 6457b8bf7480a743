package labtest

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/event"
)

// running is a lab that is up, with its log as far as it has been heard.
type running struct {
	*lab.Running
	mu      sync.Mutex
	events  []event.Event
	more    chan struct{} // closed at the next event, or at the end of the log
	ended   bool          // no more events come
	closers []io.Closer   // the sockets that the test has
}

// start brings the lab up, once, and has the end of the test take it down.
func (l *Lab) start(t *testing.T) *running {
	t.Helper()
	l.read(t)
	l.raise.Do(func() {
		t.Helper()
		l.up = l.run(t, lab.Options{Await: true})
	})
	if l.up == nil {
		t.FailNow() // it has been said why, to another caller
	}
	return l.up
}

// run starts the lab and follows it.
func (l *Lab) run(t *testing.T, o lab.Options) *running {
	t.Helper()
	o.Out, o.Name, o.Program, o.Version = newFolder(l.t.ArtifactDir()), unique(l.plan.Name), l.program(t), version()
	o.Say = func(text string) { t.Log(text) }
	r, err := lab.Start(t.Context(), l.plan, o)
	if err != nil {
		t.Fatalf("labtest: bring the lab up: %v", err)
	}
	up := &running{Running: r, more: make(chan struct{})}
	followed := make(chan error, 1)
	go func() { followed <- up.follow() }()
	l.t.Cleanup(func() {
		up.closeSockets()
		err := errors.Join(r.Stop(), <-followed)
		if _, reports := lab.WriteReports(r.Bundle); err == nil {
			err = reports
		}
		if err != nil {
			l.t.Errorf("labtest: take the lab down: %v", err)
		}
	})
	return up
}

// follow keeps the lab's events until it ends.
func (r *running) follow() error {
	err := r.Events(context.Background(), func(e event.Event) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
		close(r.more)
		r.more = make(chan struct{})
		return nil
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	close(r.more)
	return err
}

// log gives the events so far, a channel that is closed when there is more to know, and whether no more will come.
func (r *running) log() (events []event.Event, more <-chan struct{}, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.events), r.more, r.ended
}

// all gives every event, once the lab is over.
func (r *running) all() []event.Event {
	for {
		events, more, ended := r.log()
		if ended {
			return events
		}
		<-more
	}
}

// closing has the end of the test close a socket. One that the test has closed itself stays so.
func (r *running) closing(c io.Closer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closers = append(r.closers, c)
}

func (r *running) closeSockets() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.closers {
		_ = c.Close()
	}
}

// version is that of this module in the program that was built with it.
func version() string {
	const path = "github.com/pxelab/pxelab"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "labtest"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == path && m.Version != "" {
			return "labtest " + m.Version
		}
	}
	return "labtest " + filepath.Base(path)
}
