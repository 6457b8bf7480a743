package libvirt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"

	"github.com/pxelab/pxelab/lab/plan"
)

// Connection is a lab's connection to a libvirt daemon. The domains that it starts end with it, however that comes about: the
// daemon sees to that.
type Connection struct {
	hypervisor *plan.Hypervisor
	address    Address
	daemon     *golibvirt.Libvirt
	frames     *net.TCPListener
	console    *net.TCPListener
	starting   sync.Mutex // held from the moment a domain is made until its QEMU has called

	mu       sync.Mutex
	machines map[golibvirt.UUID]*Machine // those that are on, or about to be
}

// Limits on the daemon. The first domain of a daemon takes longest: it tries out its emulators (47 s where /dev/kvm may be opened by
// root and not by the user who runs QEMU, seen with libvirt 9.0).
const (
	createLimit = 2 * time.Minute
	callLimit   = 30 * time.Second
	sampleLimit = 2 * time.Second // of what is good to know
)

// Open takes over what Dial opened, in the process that is to hold the connection. The files are closed.
func Open(ctx context.Context, h *plan.Hypervisor, address Address, files []*os.File) (c *Connection, err error) {
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
		if err != nil {
			err = fmt.Errorf("connect to libvirt at %s: %w", h.URI, err)
		}
	}()
	if len(files) != 3 {
		return nil, fmt.Errorf("the lab was given %d files for it, not 3", len(files))
	}
	c = &Connection{hypervisor: h, address: address, machines: map[golibvirt.UUID]*Machine{}}
	for i, l := range []**net.TCPListener{&c.frames, &c.console} {
		taken, err := net.FileListener(files[i+1])
		if err != nil {
			return nil, fmt.Errorf("take over a listening socket: %w", err)
		}
		*l = taken.(*net.TCPListener)
	}
	conn, err := net.FileConn(files[0])
	if err != nil {
		return nil, err
	}
	c.daemon = golibvirt.NewWithDialer(dialers.NewAlreadyConnected(conn))
	if _, err := limited(ctx, callLimit, func() (any, error) { return nil, c.daemon.ConnectToURI(golibvirt.ConnectURI(h.Driver)) }); err != nil {
		_ = conn.Close()
		if errors.Is(err, errLost) {
			err = errors.New("it was cut before the daemon had answered")
		}
		return nil, err
	}
	events, err := c.daemon.LifecycleEvents(context.Background())
	if err != nil {
		return nil, fmt.Errorf("follow its events: %w", err)
	}
	go c.follow(events)
	return c, nil
}

// Close ends the connection, and with it every domain that is still on.
func (c *Connection) Close() {
	_, _ = limited(context.Background(), callLimit, func() (any, error) { return nil, c.daemon.Disconnect() })
	_ = c.frames.Close()
	_ = c.console.Close()
}

// errLost is why machines end when the daemon has gone.
var errLost = errors.New("the connection to libvirt's daemon is lost")

// follow hands out what happens to domains, until the connection ends.
func (c *Connection) follow(events <-chan golibvirt.DomainEventLifecycleMsg) {
	for e := range events {
		if m := c.machine(e.Dom.UUID); m != nil {
			m.happened(golibvirt.DomainEventType(e.Event), e.Detail)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.machines {
		m.end(errLost)
	}
}

func (c *Connection) machine(id golibvirt.UUID) *Machine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machines[id]
}

func (c *Connection) add(m *Machine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines[m.domain.UUID] = m
}

func (c *Connection) remove(m *Machine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.machines, m.domain.UUID)
}

// accept takes the call of the QEMU that was just started.
func (c *Connection) accept(l *net.TCPListener) (*net.TCPConn, error) {
	_ = l.SetDeadline(time.Now().Add(callLimit))
	for {
		conn, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		if from := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap(); from == c.address.Peer {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// drop forgets calls of domains that then could not be started.
func drop(l *net.TCPListener) {
	for {
		_ = l.SetDeadline(time.Now().Add(time.Millisecond))
		conn, err := l.AcceptTCP()
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

// limited bounds a call by ctx and a time: a daemon that hangs must not hang the lab.
func limited[T any](ctx context.Context, limit time.Duration, call func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("libvirt's daemon has not answered for %s", limit))
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		v, err := call()
		if errors.Is(err, golibvirt.ErrInterrupted) {
			err = errLost
		}
		answered <- answer{v, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
