package studio

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/story"
)

// OpenLab shows a lab that runs, from its beginning, and follows it until it ends. The lesson, if there is one, is taught with it.
func OpenLab(ctx context.Context, c *control.Client, l *lesson.Lesson) (*Source, error) {
	info, err := c.Lab(ctx)
	if err != nil {
		return nil, err
	}
	p, err := c.Plan(ctx)
	if err != nil {
		return nil, err
	}
	past, err := c.Log(ctx, 1)
	if err != nil {
		return nil, err
	}
	s := ofRun(ofLab, info.Bundle, p)
	if err := s.teach(l); err != nil {
		return nil, err
	}
	s.lab, s.typing = c, newTyping(c)
	for _, e := range past {
		s.feed(e)
	}
	follow, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.follow(follow, len(past)+1) })
	return s, nil
}

// ofRun is a source with a bundle.
func ofRun(kind, dir string, p *plan.Plan) *Source {
	wire, tale := bundle.Folder(dir).Wire(), newTale()
	return &Source{kind: kind, plan: p, bundle: dir, path: wire, frames: &recorded{path: wire, grows: tale.live}, story: story.New(p), tale: tale, consoles: newConsoles(dir, p)}
}

// follow follows the lab from an event on until it ends. One that goes away without a word is over like any other.
func (s *Source) follow(ctx context.Context, from int) {
	defer s.tale.end()
	ctx, stop := context.WithCancel(ctx)
	var quiet sync.WaitGroup
	quiet.Go(func() {
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.listen()
			case <-ctx.Done():
				return
			}
		}
	})
	_ = s.lab.Events(ctx, from, func(e event.Event) error {
		s.feed(e)
		return nil
	})
	stop()
	quiet.Wait()
	s.listen()
}

// OpenBundle shows what a run has left, be it whole or not. The lesson, if there is one, is taught with it.
func OpenBundle(dir string, l *lesson.Lesson) (*Source, error) {
	p, events, err := bundle.Read(dir)
	if err != nil {
		return nil, err
	}
	s := ofRun(ofBundle, dir, p)
	if err := s.teach(l); err != nil {
		return nil, err
	}
	s.printed = s.consoles.more()
	s.consoles.whole = true
	for _, e := range events {
		s.feed(e)
	}
	s.listen()
	s.tale.end()
	return s, nil
}

// recorded are the frames of a bundle, whose capture may still grow, or may not be there yet.
type recorded struct {
	path  string
	grows func() bool
	mu    sync.Mutex
	index *capture.Index
}

// A lab tells of a frame at once, and writes it within a quarter of a second.
const (
	written = 2 * time.Second
	again   = 20 * time.Millisecond
)

// Frame waits for a frame that may be on its way to the disk.
func (r *recorded) Frame(number int) (frame, error) {
	f, err := r.written(number)
	if number < 1 || !errors.Is(err, fs.ErrNotExist) || !r.grows() {
		return f, err
	}
	tick := time.NewTicker(again)
	defer tick.Stop()
	for patience := written; patience > 0 && errors.Is(err, fs.ErrNotExist) && r.grows(); patience -= again {
		<-tick.C
		f, err = r.written(number)
	}
	return f, err
}

func (r *recorded) written(number int) (frame, error) {
	index, err := r.open()
	if err != nil {
		return frame{}, err
	}
	f, err := index.Frame(number)
	if err != nil {
		return frame{}, err
	}
	return frame{data: f.Data, guest: f.Interface, fromGuest: f.FromGuest}, nil
}

func (r *recorded) open() (*capture.Index, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	if r.index == nil {
		r.index, err = capture.OpenIndex(r.path)
	}
	return r.index, err
}

func (r *recorded) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.index == nil {
		return nil
	}
	return r.index.Close()
}
