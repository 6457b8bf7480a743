// Package sandbox starts this program again in fresh user, mount, pid, ipc, uts and network namespaces,
// under a PID 1 of its own, so that the kernel takes away whatever it leaves behind.
package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/pxelab/pxelab/lab/affinity"
)

// Options says what runs in a new sandbox and what it shares with its starter.
type Options struct {
	Args       []string   // this program's arguments inside, its name left out
	Files      []*os.File // descriptors 3, 4, 5 ... inside; the caller still owns its own copies
	Stdout     io.Writer  // nil discards; without Foreground it must be nil or an *os.File
	Stderr     io.Writer  // as Stdout
	Env        []string   // nil means this process's environment
	Dir        string     // working directory; empty means this process's
	Cores      []int      // numbers of the host's cores that everything inside is kept on; nil means those of this process
	Foreground bool       // true: dies with this process, however that ends; false: outlives it in a session of its own
}

// Process is a running sandbox.
type Process struct {
	PID      int      // of its PID 1, as this process sees it; for nsenter
	Warnings []string // what the host did not allow and the sandbox does without

	process  *os.Process
	wait     func() (*os.ProcessState, error)
	lifeline *os.File // closed, by us or by our death, it ends a foreground sandbox
}

const (
	initWord   = "__init"
	foreground = "foreground"
	detached   = "detached"
)

// report is what PID 1 tells Spawn once, when the program inside has been started or could not be.
type report struct {
	Warnings []string      `json:"warnings,omitempty"`
	Error    string        `json:"error,omitempty"`
	Errno    syscall.Errno `json:"errno,omitempty"`
}

// Spawn starts this program inside a new sandbox and returns once it runs there. The program's main must
// call Main first. A host that does not allow the namespaces gives a *Refused.
//
// Foreground sandboxes get a process group of their own: Ctrl-C reaches the caller alone, which decides.
func Spawn(o Options) (*Process, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	news, reportEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	defer news.Close()
	lifelineEnd, lifeline, err := os.Pipe()
	if err != nil {
		reportEnd.Close()
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	cmd := o.command(reportEnd, lifelineEnd)
	start := cmd.Start
	if o.Cores != nil {
		start = func() error { return affinity.On(o.Cores, cmd.Start) }
	}
	if o.Foreground {
		begin := start
		start = func() error { return onLastingThread(begin) }
	}
	err = start()
	reportEnd.Close()
	lifelineEnd.Close()
	if err != nil {
		lifeline.Close()
		return nil, fmt.Errorf("start sandbox: %w", refusal(err))
	}
	p := &Process{PID: cmd.Process.Pid, process: cmd.Process, lifeline: lifeline}
	p.wait = sync.OnceValues(func() (*os.ProcessState, error) { return waitFor(cmd, lifeline) })
	if p.Warnings, err = readReport(news); err != nil {
		p.process.Kill()
		state, _ := p.Wait()
		return nil, fmt.Errorf("start sandbox: %w (its PID 1: %v)", err, state)
	}
	go p.Wait() // holds the lifeline even if the caller drops p
	return p, nil
}

func (o Options) check() error {
	for _, w := range []io.Writer{o.Stdout, o.Stderr} {
		if _, isFile := w.(*os.File); w != nil && !isFile && !o.Foreground {
			return errors.New("output of a sandbox that outlives its starter must go to a file")
		}
	}
	if o.Dir == "" {
		return nil
	}
	const search = 1 // X_OK
	if err := syscall.Access(o.Dir, search); err != nil {
		return fmt.Errorf("enter directory %q: %w", o.Dir, err)
	}
	return nil
}

// command is PID 1's command line. Its descriptors: 3 the report, 4 the lifeline, 5... the program's.
func (o Options) command(reportEnd, lifelineEnd *os.File) *exec.Cmd {
	mode := detached
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		GidMappingsEnableSetgroups: maySetGroups(),
	}
	if o.Foreground {
		mode = foreground
		attr.Setpgid = true
		attr.Pdeathsig = syscall.SIGKILL
	} else {
		attr.Setsid = true
	}
	args := append([]string{initWord, mode, strconv.Itoa(len(o.Files))}, o.Args...)
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0] // for people reading ps
	cmd.ExtraFiles = append([]*os.File{reportEnd, lifelineEnd}, o.Files...)
	cmd.Stdout, cmd.Stderr = o.Stdout, o.Stderr
	cmd.Env, cmd.Dir = o.Env, o.Dir
	cmd.SysProcAttr = attr
	return cmd
}

// readReport waits for PID 1's only message.
func readReport(news io.Reader) (warnings []string, err error) {
	var r report
	if err := json.NewDecoder(news).Decode(&r); err != nil {
		return nil, fmt.Errorf("it ended before its program ran: %w", err)
	}
	if r.Error == "" {
		return r.Warnings, nil
	}
	if r.Errno == 0 {
		return nil, errors.New(r.Error)
	}
	return nil, refusal(&setupError{r.Error, r.Errno})
}

// setupError is an error of PID 1, carried over a pipe.
type setupError struct {
	text  string
	errno syscall.Errno
}

func (e *setupError) Error() string { return e.text }
func (e *setupError) Unwrap() error { return e.errno }

func waitFor(cmd *exec.Cmd, lifeline *os.File) (*os.ProcessState, error) {
	err := cmd.Wait()
	lifeline.Close()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil // how it ended is the state's to say
	}
	return cmd.ProcessState, err
}

// Wait waits until nothing of the sandbox is left. The state holds the exit status of the program inside;
// 128+n if signal n ended it. It may be called more than once and from several goroutines.
func (p *Process) Wait() (*os.ProcessState, error) { return p.wait() }

// Kill ends everything in the sandbox at once. Wait then returns when it is gone.
func (p *Process) Kill() error { return p.process.Kill() }

// Signal passes a signal on to the program inside: hang-up, interrupt, quit, terminate, user 1 and 2.
// SIGKILL ends the whole sandbox.
func (p *Process) Signal(s os.Signal) error { return p.process.Signal(s) }

// lastingThread runs functions on one thread that lives as long as the process. The kernel sends a parent
// death signal when the *thread* that forked ends, and Go ends threads.
var lastingThread = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

func onLastingThread(f func() error) error {
	result := make(chan error)
	lastingThread() <- func() { result <- f() }
	return <-result
}

// maySetGroups tells whether the sandbox can let its programs set their groups (user_namespaces(7)): servers that give up
// privileges do, and tftpd-hpa exits if it may not. Only root can allow that, unless it is root of a namespace where it is
// denied.
func maySetGroups() bool {
	said, err := os.ReadFile("/proc/self/setgroups")
	return os.Geteuid() == 0 && err == nil && strings.TrimSpace(string(said)) == "allow"
}
