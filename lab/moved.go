package lab

import (
	"context"
	"sync"
	"time"
)

// movement is for how long everybody in the lab has stood still.
type movement struct {
	mu    sync.Mutex
	stood time.Duration // in all, until it last went on
	since time.Duration // of the run, when everybody stopped; negative: they move
	moves chan struct{} // closed when everybody goes on, and another then
}

func newMovement() *movement { return &movement{since: -1, moves: make(chan struct{})} }

// stop notes that everybody stands still.
func (m *movement) stop(now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since = now
}

// start notes that everybody goes on.
func (m *movement) start(now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stood += now - m.since
	m.since = -1
	close(m.moves)
	m.moves = make(chan struct{})
}

// moved is for how long everybody has moved, and what is closed when they do again; nil: they do.
func (m *movement) moved(now time.Duration) (time.Duration, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.since >= 0 {
		return m.since - m.stood, m.moves
	}
	return now - m.stood, nil
}

// pass waits for a time in which the lab moves. It is false if ctx was done first, or gone closed.
func (l *lab) pass(ctx context.Context, d time.Duration, gone <-chan struct{}) bool {
	began, _ := l.movement.moved(l.now())
	for {
		moved, moves := l.movement.moved(l.now())
		left := d - (moved - began)
		if moves == nil && left <= 0 {
			return true
		}
		timer := time.NewTimer(max(left, 0))
		due := timer.C
		if moves != nil {
			due = nil
		}
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-gone:
			timer.Stop()
			return false
		case <-moves:
		case <-due:
		}
		timer.Stop()
	}
}
