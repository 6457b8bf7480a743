package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

func TestMain(m *testing.M) {
	if os.Getenv(supervisorEnv) != "" {
		superviseForTest()
		return
	}
	goleak.VerifyTestMain(m)
}

// memoryLab is a lab without machines: its log grows as the test says, its console echoes.
type memoryLab struct {
	name     string
	mu       sync.Mutex
	log      []event.Event
	more     chan struct{}
	power    []string
	faults   []Fault
	hold     Holding
	captured chan []byte // what Capture writes; closed at the end of the capture
	stopped  chan string
	detached chan error // one result per console that ended
}

func newLab(name string) *memoryLab {
	return &memoryLab{name: name, more: make(chan struct{}), captured: make(chan []byte, 8), stopped: make(chan string, 1),
		detached: make(chan error, 8)}
}

func (l *memoryLab) Plan() *plan.Plan {
	return &plan.Plan{Version: plan.Version, Name: l.name, About: "a lab in memory", Networks: []plan.Network{{Name: "lan"}},
		Services: []plan.Service{{Name: "dhcp"}}, Guests: []plan.Guest{{Name: "x64"}, {Name: "off"}}}
}

// add appends n events, each with that text.
func (l *memoryLab) add(n int, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		l.log = append(l.log, event.Event{Seq: len(l.log) + 1, Kind: event.Console, Guest: "x64", Text: text})
	}
	close(l.more)
	l.more = make(chan struct{})
}

func (l *memoryLab) Events(from int) ([]event.Event, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log[min(max(from-1, 0), len(l.log)):], l.more
}

func (l *memoryLab) Power(_ context.Context, guest, action string) error {
	if guest == "off" && action == "reset" {
		return errors.New(`guest "off" is off: power it on first`)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.power = append(l.power, guest+" "+action)
	return nil
}

func (l *memoryLab) Boot(_ context.Context, guest string, expect []topology.Expectation) error {
	if guest == "off" {
		return errors.New(`guest "off" is on, or about to be`)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.power = append(l.power, fmt.Sprintf("%s boot %v", guest, expect))
	return nil
}

// Listen opens a socket on this very host.
func (l *memoryLab) Listen(_ context.Context, service, network, address string) (*os.File, error) {
	if service != "mine" {
		return nil, fmt.Errorf("service %q is not one of servers outside the lab", service)
	}
	switch network {
	case "udp4":
		c, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return c.File()
	}
	c, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.File()
}

func (l *memoryLab) Faults(context.Context) ([]Fault, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults, nil
}

func (l *memoryLab) Arm(_ context.Context, guest, fault string) (Fault, error) {
	if fault == "" {
		return Fault{}, errors.New("fault:1:1: is empty; write a fault")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := Fault{Guest: guest, Rule: len(l.faults) + 1, Fault: fault, Sent: true, Waits: "it is off"}
	l.faults = append(l.faults, f)
	return f, nil
}

func (l *memoryLab) Clear(_ context.Context, guest string, rule int) ([]Fault, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rule > len(l.faults) {
		return nil, fmt.Errorf("guest %q has no fault %d", guest, rule)
	}
	gone := l.faults
	if rule > 0 {
		gone = gone[rule-1 : rule]
	}
	return gone, nil
}

func (l *memoryLab) Hold(context.Context) (Holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold, nil
}

func (l *memoryLab) Step(_ context.Context, s Step) (Holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Do == "drop" && l.hold.Data == nil {
		return Holding{}, errors.New("no packet is held")
	}
	l.hold = Holding{Until: s.Until.Packet, Data: s.Data}
	return l.hold, nil
}

func (l *memoryLab) Console(ctx context.Context, guest string, rw io.ReadWriter) error {
	if guest == "off" {
		return errors.New(`guest "off" is off: it has no console`)
	}
	if _, err := fmt.Fprintln(rw, "console of "+guest); err != nil {
		return err
	}
	_, err := io.Copy(rw, rw)
	l.detached <- err
	return err
}

func (l *memoryLab) Capture(ctx context.Context, w io.Writer) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b, ok := <-l.captured:
			if !ok {
				return nil
			}
			if b == nil {
				return errors.New("the capture file is gone")
			}
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
	}
}

func (l *memoryLab) Files() string      { return "/runs/" + l.name }
func (l *memoryLab) Stop(reason string) { l.stopped <- reason }

var since = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// runtimeDir gives the test an empty folder for sockets, with a short path.
func runtimeDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	return dir + "/pxelab"
}

// up serves a lab under its name until the test ends, or until what it returns is called.
func up(t testing.TB, l *memoryLab, tune ...func(*Server)) (down func()) {
	t.Helper()
	listener, err := Listen(l.name)
	if err != nil {
		t.Fatal(err)
	}
	s := New(l, "v0.test", since)
	for _, f := range tune {
		f(s)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	down = sync.OnceFunc(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(down)
	return down
}

func dial(t testing.TB, name string) *Client {
	t.Helper()
	c, err := Dial(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
