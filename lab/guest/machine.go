// Package guest runs one planned guest as a QEMU process: its monitor, its serial console and its end.
package guest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/guest/qmp"
	"github.com/pxelab/pxelab/lab/guest/serial"
)

// Config is one power-on.
type Config struct {
	// Argv is QEMU's command line as it is to be run, the binary first. It may name descriptor 3, the NIC
	// (-netdev dgram,id=n0,local.type=fd,local.str=3), descriptor 4, the monitor (-chardev socket,id=qmp,fd=4
	// -mon chardev=qmp,mode=control), and standard input and output, the serial port (-chardev
	// stdio,id=serial,signal=off -serial chardev:serial).
	Argv []string
	// Dir is the directory QEMU runs in; empty means this process's own.
	Dir string
	// NIC is the guest's end of its cable. It stays the caller's, who may close it once Start has returned.
	// nil leaves descriptor 3 closed.
	NIC *os.File
	// State is what the machine goes on from, read at descriptor 5 (-incoming fd:5); nil: it is powered on. It stays the caller's,
	// as NIC does.
	State *os.File
	// Start starts the process; nil means (*exec.Cmd).Start. It must not give it a Pdeathsig: that signal comes
	// when the *thread* that forked ends, and Go ends threads that were locked to enter a namespace.
	Start func(*exec.Cmd) error
	// Console says what becomes of the serial port. Nothing of it is called after Done.
	Console serial.Config
	// Broken is called, at most once, when QEMU says that the machine cannot go on ("internal-error",
	// "guest-panicked", "io-error"). QEMU itself stays; that it is gone, Done tells.
	Broken func(status string)
	// Grace is how long Kill waits after asking QEMU to quit, and again after SIGTERM; zero means 300 ms.
	Grace time.Duration
}

// Machine is a guest that is powered on. Its methods may be called from any goroutine, also after its end.
type Machine struct {
	*serial.Port
	config  Config
	cmd     *exec.Cmd
	monitor *qmp.Monitor
	kill    sync.Once
	workers sync.WaitGroup // readers of what QEMU writes
	done    chan struct{}

	freezing sync.Mutex // guards frozen
	frozen   bool       // by Freeze

	// Valid once done is closed.
	exit     event.Exit
	shutdown string
	err      error
}

// Start powers a guest on. It returns as soon as the process runs; the monitor connects meanwhile. The guest
// is killed when ctx ends.
func Start(ctx context.Context, config Config) (*Machine, error) {
	if len(config.Argv) == 0 {
		return nil, errors.New("start qemu: the command line is empty")
	}
	config = config.withDefaults()
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("start %q: %w", config.Argv[0], err)
	}
	p, err := openPipes()
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", config.Argv[0], err)
	}
	defer p.closeTheirs()
	m := &Machine{Port: serial.New(config.Console, p.stdout, p.stdin), config: config, done: make(chan struct{})}
	m.cmd = exec.Command(config.Argv[0], config.Argv[1:]...)
	m.cmd.Dir = config.Dir
	m.cmd.Stdin, m.cmd.Stdout, m.cmd.Stderr = p.theirs[0], p.theirs[1], p.theirs[2]
	m.cmd.ExtraFiles = []*os.File{config.NIC, p.theirs[3]}
	if config.State != nil {
		m.cmd.ExtraFiles = append(m.cmd.ExtraFiles, config.State)
	}
	// Its own process group: Ctrl-C at the terminal is for the lab, which ends its guests in order.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := config.Start(m.cmd); err != nil {
		p.closeOurs()
		return nil, fmt.Errorf("start %q: %w", config.Argv[0], err)
	}
	m.monitor = qmp.New(p.monitor)
	m.run(ctx, p)
	return m, nil
}

func (c Config) withDefaults() Config {
	if c.Start == nil {
		c.Start = (*exec.Cmd).Start
	}
	if c.Broken == nil {
		c.Broken = func(string) {}
	}
	if c.Grace == 0 {
		c.Grace = 300 * time.Millisecond
	}
	return c
}

// run starts everything that watches the process.
func (m *Machine) run(ctx context.Context, p *pipes) {
	m.workers.Go(func() { m.err = m.Read() })
	m.workers.Go(func() { m.exit.Stderr = lastWords(p.stderr) })
	events, err := m.monitor.Events(context.Background())
	if err == nil {
		m.workers.Go(func() { m.watch(events) })
	}
	m.monitor.Open()
	stop := context.AfterFunc(ctx, m.Kill)
	go m.reap(p, stop)
}

// PID is QEMU's process id, in the PID namespace it was started from.
func (m *Machine) PID() int { return m.cmd.Process.Pid }

// Monitor is QEMU's monitor. Commands wait until it is connected, and return qmp.ErrGone once QEMU has ended.
func (m *Machine) Monitor() *qmp.Monitor { return m.monitor }

// pipes are the channels between a QEMU and its Machine.
type pipes struct {
	stdin, stdout, stderr *os.File
	monitor               net.Conn
	theirs                []*os.File // stdin, stdout, stderr, monitor
}

func openPipes() (p *pipes, err error) {
	p = &pipes{}
	defer func() {
		if err != nil {
			p.closeTheirs()
			p.closeOurs()
		}
	}()
	theirStdin, stdin, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.stdin, p.theirs = stdin, append(p.theirs, theirStdin)
	for _, ours := range []**os.File{&p.stdout, &p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		*ours, p.theirs = r, append(p.theirs, w)
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	p.theirs = append(p.theirs, os.NewFile(uintptr(fds[1]), "monitor"))
	ours := os.NewFile(uintptr(fds[0]), "monitor")
	defer ours.Close()
	p.monitor, err = net.FileConn(ours)
	return p, err
}

func (p *pipes) closeTheirs() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
}

func (p *pipes) closeOurs() {
	for _, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		_ = f.Close() // of nil is an error, no panic
	}
	if p.monitor != nil {
		_ = p.monitor.Close()
	}
}
