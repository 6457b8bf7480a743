package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/guest/console"
)

// drainLimit is how long after QEMU's end its last words may take. They are in pipes already; more time would
// only pass if another process had inherited the other end.
const drainLimit = time.Second

// Done is closed when the process is gone, all it wrote has been delivered, and Exit can be asked.
func (m *Machine) Done() <-chan struct{} { return m.done }

// Exit is how the process ended. Valid after Done. Its RSS counts at least this process's own, which Linux
// charges to a child until it has become another program.
func (m *Machine) Exit() event.Exit {
	<-m.done
	return m.exit
}

// Shutdown is why the machine was shut down, in QEMU's words: "guest-shutdown" if it powered itself off,
// "guest-reset", "guest-panic", "host-qmp-quit", "host-signal"; empty if QEMU did not say. Valid after Done.
func (m *Machine) Shutdown() string {
	<-m.done
	return m.shutdown
}

// Err is what went wrong in this process, such as a full disk under RawConsole. Valid after Done.
func (m *Machine) Err() error {
	<-m.done
	return m.err
}

// Kill ends the guest whatever it does: it asks QEMU to quit, then sends SIGTERM, then SIGKILL, with Grace in
// between. It returns at once; Done tells when the process is gone.
func (m *Machine) Kill() {
	m.kill.Do(func() { go m.escalate() })
}

// Freeze stops QEMU as it is now: it asks nothing of it, and returns when it has stopped. Its monitor does not answer any more. A clock
// that is warped stands still; one in real time is the host's, and goes on.
func (m *Machine) Freeze() {
	m.freezing.Lock()
	defer m.freezing.Unlock()
	pid := m.cmd.Process.Pid
	if m.frozen || syscall.Kill(pid, syscall.SIGSTOP) != nil { // who has stopped does not stop again
		return
	}
	m.frozen = true
	for unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED, nil) == unix.EINTR { // its last thread stops somewhat after the signal
	}
}

// Thaw has QEMU go on after Freeze.
func (m *Machine) Thaw() {
	m.freezing.Lock()
	defer m.freezing.Unlock()
	if m.frozen {
		m.frozen = false
		_ = syscall.Kill(m.cmd.Process.Pid, syscall.SIGCONT)
	}
}

func (m *Machine) escalate() {
	ctx, cancel := context.WithTimeout(context.Background(), m.config.Grace)
	defer cancel()
	if m.Quit(ctx) == nil {
		return
	}
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	if m.goneWithin(m.config.Grace) {
		return
	}
	_ = m.cmd.Process.Kill()
	<-m.done
}

func (m *Machine) goneWithin(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-m.done:
		return true
	case <-t.C:
		return false
	}
}

// reap waits for the process, then for all it left to read.
func (m *Machine) reap(p *pipes, stop func() bool) {
	err := m.cmd.Wait()
	late := time.AfterFunc(drainLimit, func() {
		p.closeOurs()
		m.monitor.Abort(errors.New("it has ended"))
	})
	<-m.monitor.Done() // not before: the SHUTDOWN event may still be on its way
	m.workers.Wait()
	late.Stop()
	p.closeOurs()
	if m.cmd.ProcessState == nil {
		m.exit.Code = -1
		m.err = errors.Join(m.err, fmt.Errorf("wait for qemu: %w", err))
	} else {
		m.account(m.cmd.ProcessState)
	}
	stop()
	close(m.done)
}

// account notes how the process ended and what it used.
func (m *Machine) account(state *os.ProcessState) {
	m.exit.Code = state.ExitCode()
	m.exit.CPU = state.UserTime() + state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		m.exit.RSSKiB = usage.Maxrss
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		m.exit.Signal = status.Signal().String()
	}
}

// describe words an end in one line.
func describe(e event.Exit) string {
	how := fmt.Sprintf("exit status %d", e.Code)
	if e.Signal != "" {
		how = e.Signal
	}
	if e.Stderr == "" {
		return how
	}
	lines := strings.Split(e.Stderr, "\n")
	return how + ": " + lines[len(lines)-1]
}

// stderrBytes is how much of what QEMU says is kept, from the end.
const stderrBytes = 4096

// lastWords reads to the end and returns the last lines, as printable text.
func lastWords(r *os.File) string {
	var tail []byte
	var buf [4096]byte
	for {
		n, err := r.Read(buf[:])
		tail = append(tail, buf[:n]...)
		if len(tail) > 2*stderrBytes {
			tail = append(tail[:0], tail[len(tail)-stderrBytes:]...)
		}
		if err != nil {
			break
		}
	}
	return console.LastLines(string(tail))
}
