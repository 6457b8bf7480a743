// Package qmp speaks the QEMU Machine Protocol over one connection.
//
// It offers the Monitor interface and the types of digitalocean/go-qemu over a transport of its own: messages of
// any length, replies matched by id and owned by the caller, a context for each call, events that never hold up
// a reply, and a typed error once QEMU is gone.
package qmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
)

// The types of go-qemu, so that callers need one import.
type (
	// Event is something QEMU tells unasked.
	Event = qmp.Event
	// Command is what Run takes, as JSON.
	Command = qmp.Command
	// Version is QEMU's own.
	Version = qmp.Version
)

// ErrGone is wrapped by every error that comes from QEMU having ended or closed the connection. What follows it
// in the message is the reason.
var ErrGone = errors.New("qemu is gone")

// errDisconnected is the reason after Disconnect.
var errDisconnected = errors.New("disconnected")

// Limit is how long Connect and Run wait, as they have no context of their own.
const Limit = 30 * time.Second

var _ qmp.Monitor = (*Monitor)(nil)

// Monitor is one QMP session. Its methods may be called from any goroutine.
type Monitor struct {
	conn  net.Conn
	once  sync.Once     // starts the session
	ready chan struct{} // closed once QEMU accepts commands
	done  chan struct{} // closed once it will not answer any more
	write chan struct{} // holds one token: the right to write

	mu       sync.Mutex
	greeting chan Version // room for one
	version  Version
	calls    []*call // in the order sent
	lastID   uint64
	events   map[*subscriber]struct{}
	dropped  int64
	reason   error // why it is done
}

// New makes a monitor that owns conn. Nothing is read or written before Connect or Open.
func New(conn net.Conn) *Monitor {
	m := &Monitor{conn: conn, ready: make(chan struct{}), done: make(chan struct{}), write: make(chan struct{}, 1),
		greeting: make(chan Version, 1), events: map[*subscriber]struct{}{}}
	m.write <- struct{}{}
	return m
}

// Open begins the session without waiting for QEMU. Calls made meanwhile wait until it is established.
func (m *Monitor) Open() {
	m.once.Do(func() {
		go m.read()
		go m.negotiate()
	})
}

// Connect begins the session and waits, for Limit at most, until QEMU accepts commands.
func (m *Monitor) Connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	return m.ConnectContext(ctx)
}

// ConnectContext is Connect with a context.
func (m *Monitor) ConnectContext(ctx context.Context) error {
	m.Open()
	return m.wait(ctx)
}

// wait waits until the session is established.
func (m *Monitor) wait(ctx context.Context) error {
	select {
	case <-m.done:
		return m.Err()
	default:
	}
	select {
	case <-m.ready:
		return nil
	case <-m.done:
		return m.Err()
	case <-ctx.Done():
		return fmt.Errorf("wait for qemu's monitor: %w", context.Cause(ctx))
	}
}

// negotiate takes the greeting and leaves capabilities negotiation mode (QMP specification, section 4).
func (m *Monitor) negotiate() {
	select {
	case v := <-m.greeting:
		m.mu.Lock()
		m.version = v
		m.mu.Unlock()
	case <-m.done:
		return
	}
	if _, err := m.send(context.Background(), []byte(`{"execute":"qmp_capabilities"}`)); err != nil {
		m.Abort(err)
		return
	}
	close(m.ready)
}

// Version is QEMU's, known once the session is established.
func (m *Monitor) Version() Version {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version
}

// Disconnect ends the session and closes the connection. Calls under way return ErrGone.
func (m *Monitor) Disconnect() error {
	m.Abort(errDisconnected)
	return nil
}

// Abort ends the session for the given reason, which later errors will name. The first reason stays.
func (m *Monitor) Abort(reason error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reason != nil {
		return
	}
	m.reason = reason
	if !errors.Is(reason, ErrGone) {
		m.reason = fmt.Errorf("%w: %w", ErrGone, reason)
	}
	close(m.done)
	_ = m.conn.Close()
	for s := range m.events {
		m.unsubscribe(s)
	}
}

// Done is closed when the session has ended.
func (m *Monitor) Done() <-chan struct{} { return m.done }

// Err is nil while the session lives, then ErrGone with its reason.
func (m *Monitor) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reason
}
