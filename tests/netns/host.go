package netns

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Host is a further network namespace, with a thread that lives in it.
type Host struct {
	NS   netlink.NsPid // as netlink names it
	jobs chan func()
	gone chan struct{}
}

// NewHost makes a namespace without any interface that is up.
func NewHost() (*Host, error) {
	h := &Host{jobs: make(chan func()), gone: make(chan struct{})}
	made := make(chan error)
	go func() {
		defer close(h.gone)
		runtime.LockOSThread() // never unlocked: the thread and its namespace end with the goroutine
		h.NS = netlink.NsPid(unix.Gettid())
		err := unix.Unshare(unix.CLONE_NEWNET)
		made <- err
		if err != nil {
			return
		}
		for f := range h.jobs {
			f()
		}
	}()
	if err := <-made; err != nil {
		return nil, fmt.Errorf("making a network namespace: %w; run as root", err)
	}
	return h, nil
}

// Add makes a Host that is closed when the test ends, after what the test cleans up itself.
func Add(t testing.TB) *Host {
	t.Helper()
	h, err := NewHost()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// Do runs f in the namespace, to its end; a program that f starts lives there too.
func (h *Host) Do(f func()) {
	done := make(chan struct{})
	h.jobs <- func() {
		defer close(done)
		f()
	}
	<-done
}

// Close gives the namespace up, and with it its interfaces.
func (h *Host) Close() {
	close(h.jobs)
	<-h.gone
}

// Link finds an interface of the calling thread's namespace.
func Link(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Address gives an interface of the calling thread's namespace an address such as 192.0.2.1/24.
func Address(t testing.TB, l netlink.Link, a string) {
	t.Helper()
	parsed, err := netlink.ParseAddr(a)
	if err == nil {
		err = netlink.AddrAdd(l, parsed)
	}
	if err != nil {
		t.Fatal(err)
	}
}
