package libvirt

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/guest/console"
	"github.com/pxelab/pxelab/lab/guest/serial"
	"github.com/pxelab/pxelab/lab/plan"
)

// Config is one power-on.
type Config struct {
	Guest plan.Guest
	Name  string // of its domain
	Dir   string // the run's directory for this guest
	// NIC is the guest's end of its cable, a datagram socket. It stays the caller's, who may close it once Start has returned.
	NIC *os.File
	// Console says what becomes of the serial port. Nothing of it is called after Done.
	Console serial.Config
	// Broken is called, at most once, when the machine cannot go on ("internal-error", "guest-panicked", "io-error").
	Broken func(status string)
}

// Machine is a guest that is powered on, as a domain. Its methods may be called from any goroutine, also after its end.
type Machine struct {
	*serial.Port
	config  Config
	c       *Connection
	domain  golibvirt.Domain
	nic     *cable
	console *net.TCPConn
	workers sync.WaitGroup
	kill    sync.Once
	ready   chan struct{} // closed once Start has all that the machine consists of
	asked   chan struct{} // closed by Kill
	broken  sync.Once
	ending  sync.Once
	over    chan struct{} // closed once the domain has ended, or will never be heard of again
	done    chan struct{}

	sampling sync.Mutex // guards exit until over is closed
	lost     error      // why it will not be heard of; valid once over is closed

	// Valid once done is closed.
	exit event.Exit
	err  error
}

// Start powers a guest on. Its machine is paused until Run or Resume, so that nothing of it is missed. It does not end with ctx.
func (c *Connection) Start(ctx context.Context, config Config) (*Machine, error) {
	m := &Machine{config: config, c: c, ready: make(chan struct{}), asked: make(chan struct{}), over: make(chan struct{}), done: make(chan struct{})}
	if err := m.start(ctx); err != nil {
		return nil, fmt.Errorf("start domain %q at %s: %w", config.Name, c.hypervisor.URI, err)
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context) error {
	m.c.starting.Lock()
	defer m.c.starting.Unlock()
	if err := m.create(ctx); err != nil {
		m.c.remove(m)
		drop(m.c.frames)
		drop(m.c.console)
		if emulatorEnded(err) { // that is the guest's end and not the lab's
			m.stillborn(err.Error())
			return nil
		}
		return m.c.advise(err)
	}
	if err := m.connect(); err != nil {
		m.c.remove(m)
		_ = m.destroy()
		m.nic.close()
		if m.console != nil {
			_ = m.console.Close()
		}
		return err
	}
	close(m.ready)
	m.workers.Go(func() { m.err = m.Read() })
	m.workers.Go(m.nic.fromGuest)
	go m.nic.toGuest()
	go m.reap()
	return nil
}

// stillborn makes it a machine whose QEMU ended before it ran.
func (m *Machine) stillborn(said string) {
	m.Port = serial.New(m.config.Console, ended{}, ended{})
	m.ending.Do(func() {
		m.exit.Code, m.exit.Stderr = -1, console.LastLines(said)
		close(m.over)
	})
	close(m.ready)
	m.workers.Go(func() { m.err = m.Read() })
	go m.reap()
}

// ended is the serial port of a machine that never had one.
type ended struct{}

func (ended) Read([]byte) (int, error)           { return 0, io.EOF }
func (ended) Write([]byte) (int, error)          { return 0, os.ErrClosed }
func (ended) SetReadDeadline(t time.Time) error  { return nil }
func (ended) SetWriteDeadline(t time.Time) error { return nil }

// create has the daemon make the domain, paused: nothing of it happens before the lab listens. A name that another lab's domain has
// gets an addition.
func (m *Machine) create(ctx context.Context) error {
	for {
		m.domain.UUID = newUUID()
		m.c.add(m) // its events may come before the answer
		xml := m.config.Guest.DomainXML(plan.Place{Domain: m.config.Name, UUID: uuidText(m.domain.UUID), Dir: m.config.Dir,
			Here: m.c.address.Here, Frames: m.c.address.Frames, Console: m.c.address.Console})
		domain, err := limited(ctx, createLimit, func() (golibvirt.Domain, error) {
			return m.c.daemon.DomainCreateXML(xml, golibvirt.DomainStartPaused|golibvirt.DomainStartAutodestroy)
		})
		if err == nil {
			m.domain = domain
			return nil
		}
		m.c.remove(m)
		if taken := strings.Contains(err.Error(), "already exists with uuid"); !taken || strings.Contains(m.config.Name, "+") {
			return err
		}
		m.config.Name += fmt.Sprintf("+%x", m.domain.UUID[:3])
	}
}

func newUUID() (id golibvirt.UUID) {
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

func uuidText(id golibvirt.UUID) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// connect takes the two calls of the domain's QEMU.
func (m *Machine) connect() error {
	frames, err := m.c.accept(m.c.frames)
	if err != nil {
		return fmt.Errorf("wait for its network card: %w", err)
	}
	m.nic = &cable{stream: frames}
	if m.nic.frames, err = net.FileConn(m.config.NIC); err != nil {
		return err
	}
	if m.console, err = m.c.accept(m.c.console); err != nil {
		return fmt.Errorf("wait for its serial console: %w", err)
	}
	m.Port = serial.New(m.config.Console, m.console, m.console)
	return nil
}

// Name is that of its domain.
func (m *Machine) Name() string { return m.config.Name }

// PID is 0: its QEMU is the daemon's child, of another PID namespace if not of another host.
func (m *Machine) PID() int { return 0 }

// Pause stops the guest's processor and its clock; nothing in it times out meanwhile.
func (m *Machine) Pause(ctx context.Context) error {
	return m.do(ctx, "pause", func() error { return m.c.daemon.DomainSuspend(m.domain) })
}

// Resume lets a paused guest go on.
func (m *Machine) Resume(ctx context.Context) error {
	return m.do(ctx, "resume", func() error { return m.c.daemon.DomainResume(m.domain) })
}

// Run has the machine begin to run. If that fails, the machine ends, for that reason.
func (m *Machine) Run(ctx context.Context) {
	if err := m.Resume(ctx); err != nil && !gone(err) {
		m.end(err)
		_ = m.destroy()
	}
}

// Freeze stops the machine as it is now.
func (m *Machine) Freeze() { _ = m.Pause(context.Background()) }

// Thaw is what Resume does after Freeze, which is a pause here.
func (m *Machine) Thaw() {}

// Status is QEMU's run state, as its monitor tells it through libvirt: "running", "paused", "internal-error" ... (RunState in QEMU's
// QAPI).
func (m *Machine) Status(ctx context.Context) (status string, err error) {
	err = m.do(ctx, "ask the state of", func() error {
		text, err := m.c.daemon.QEMUDomainMonitorCommand(m.domain, `{"execute":"query-status"}`, 0)
		if err != nil {
			return err
		}
		var reply struct{ Return struct{ Status string } }
		if err := json.Unmarshal([]byte(text), &reply); err != nil {
			return err
		}
		status = reply.Return.Status
		return nil
	})
	return status, err
}

func (m *Machine) do(ctx context.Context, what string, call func() error) error {
	_, err := limited(ctx, callLimit, func() (any, error) { return nil, call() })
	if err != nil {
		return fmt.Errorf("%s domain %q: %w", what, m.config.Name, err)
	}
	return nil
}

// Of connectGetAllDomainStats: VIR_DOMAIN_STATS_VCPU, and VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT.
const (
	statsVCPU   = 1 << 3
	statsNoWait = 1 << 29
)

// CPU tells how long the machine's processor has run since power-on, and how long it was ready to and waited for a core of
// its host. Both are zero once it is gone, or where the daemon does not tell.
func (m *Machine) CPU() (ran, waited time.Duration) {
	records, err := limited(context.Background(), callLimit, func() ([]golibvirt.DomainStatsRecord, error) {
		return m.c.daemon.ConnectGetAllDomainStats([]golibvirt.Domain{m.domain}, statsVCPU, statsNoWait)
	})
	if err != nil || len(records) == 0 {
		return 0, 0
	}
	for _, p := range records[0].Params {
		value, ok := p.Value.I.(uint64)
		switch {
		case !ok:
		case p.Field == "vcpu.0.time":
			ran = time.Duration(value)
		case p.Field == "vcpu.0.delay":
			waited = time.Duration(value)
		}
	}
	return ran, waited
}

// emulatorEnded tells whether a domain could not be made because its QEMU ended of itself: it refused its command line, or crashed.
func emulatorEnded(err error) bool {
	said := err.Error()
	ended := strings.Contains(said, "process exited while connecting to monitor") || strings.Contains(said, "unexpectedly closed the monitor")
	return ended && !strings.Contains(said, "Permission denied") // which is for the user to mend
}

// advise adds to what the daemon says what to do about it.
func (c *Connection) advise(err error) error {
	said := err.Error()
	switch {
	case strings.Contains(said, "Permission denied") && !c.hypervisor.Remote():
		return fmt.Errorf("%w; the user who runs QEMU for %s must reach the bundle: choose a place for it with --out, or use qemu:///session", err, c.hypervisor.URI)
	case strings.Contains(said, "already exists"):
		return fmt.Errorf("%w; end the lab whose domain that is, or virsh destroy it", err)
	case errors.Is(err, golibvirt.ErrInterrupted):
		return errLost
	}
	return err
}
