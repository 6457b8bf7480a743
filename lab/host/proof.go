package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// proof is one short boot that shows whether an accelerator runs firmware.
type proof struct {
	binary   string
	accel    string
	firmware Firmware
	args     []string // beyond the bare machine
	want     string   // on the serial console
	limit    time.Duration
}

// verdict is what a proof showed. One that is only about time may come out otherwise on a calmer host.
type verdict struct {
	Fact
	timed bool
}

// errLimit ends a proof in which nothing happened for too long.
var errLimit = errors.New("time is up")

// run boots the firmware until it shows itself, the machine stops, or the limit passes.
func (p proof) run(ctx context.Context) verdict {
	no := func(err error) verdict {
		return verdict{Fact: Fact{Why: fmt.Sprintf("firmware probe (%s): %v", p.firmware.Title, err)}}
	}
	dir, err := p.prepare()
	defer os.RemoveAll(dir)
	if err != nil {
		return no(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.limit, errLimit)
	defer cancel()
	start := time.Now()
	err = p.boot(ctx, dir)
	took := time.Since(start).Round(10 * time.Millisecond)
	switch {
	case errors.Is(err, errLimit):
		v := no(fmt.Errorf("no %q on the console within %v", p.want, p.limit))
		v.timed = true
		return v
	case err != nil:
		return no(fmt.Errorf("%w after %v", err, took))
	}
	return verdict{Fact: Fact{OK: true, Why: fmt.Sprintf("%s boots (%q after %v)", p.firmware.Title, p.want, took)}}
}

// boot starts the emulator and waits for the first of: the wanted text, a machine that does not run any more,
// the emulator's end, the context's end. It leaves no process.
func (p proof) boot(ctx context.Context, dir string) error {
	// The emulator dies with us, whatever kills us. That signal is tied to the thread that starts it, which
	// therefore must not end before the emulator does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	monitor, theirs, err := socketpair()
	if err != nil {
		return err
	}
	defer monitor.Close()
	console := &watch{want: []byte(p.want), seen: make(chan struct{})}
	var stderr bytes.Buffer
	cmd := exec.Command(p.binary, p.argv()...)
	cmd.Dir, cmd.ExtraFiles = dir, []*os.File{theirs}
	cmd.Stdout, cmd.Stderr = console, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	left := make(chan error, 1)
	go func() { left <- watchStatus(ctx, monitor) }()
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }() // its status says nothing: it never ends well by itself
	defer func() { _ = cmd.Process.Kill(); <-exited }()
	select {
	case <-console.seen:
		return nil
	case err := <-left:
		if !errors.Is(err, errMonitorGone) {
			return err
		}
	case <-exited:
	case <-ctx.Done():
	}
	select { // a closed monitor is an emulator that is about to end: what it says then is the reason
	case <-exited:
		return fmt.Errorf("the emulator ended: %s", lastLine(stderr.String()))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// argv is the barest machine that boots, speaking on stdio, with its monitor on descriptor 3.
func (p proof) argv() []string {
	machine := p.firmware.Machine
	if p.firmware.Code == "" {
		machine += ",graphics=off" // makes SeaBIOS speak on the serial console
	}
	if p.firmware.SMM {
		machine += ",smm=on"
	}
	return append([]string{"-no-user-config", "-nodefaults", "-display", "none", "-machine", machine, "-accel", p.accel,
		"-m", "128", "-serial", "stdio", "-chardev", "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control"}, p.args...)
}

// watch is a console that notices a text. Write is called by one goroutine.
type watch struct {
	want []byte
	tail []byte
	seen chan struct{}
	done bool
}

func (w *watch) Write(b []byte) (int, error) {
	w.tail = append(w.tail, b...)
	if !w.done && bytes.Contains(w.tail, w.want) {
		w.done = true
		close(w.seen)
	}
	if keep := len(w.want) - 1; len(w.tail) > keep { // as much as a text that is cut in two needs
		w.tail = append(w.tail[:0], w.tail[len(w.tail)-keep:]...)
	}
	return len(b), nil
}

// lastLine is the end of what a program said, which is where it says why it ends.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return last
	}
	return "without a word"
}

// socketpair makes two connected stream sockets, as files.
func socketpair() (ours, theirs *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a monitor socket: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "qmp"), os.NewFile(uintptr(fds[1]), "qmp of the emulator"), nil
}
