package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/guest/libvirt"
	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/lab/plan"
)

// Options say how a plan is run.
type Options struct {
	Out     string // bundle folder; empty means a new one under DefaultRuns
	Stay    bool   // keep the lab up after every guest has settled, until it is stopped
	Await   bool   // power guests on only when they are asked for (control.Client.Boot), and keep the lab up until it is stopped
	Program string // path of pxelab, for services that run it; empty: this very program is it
	Version string // of pxelab, for the bundle and the control socket

	Say     func(string)   // is told what takes a while before the lab starts; nil: nobody is
	Repeats *Repeat        // the saved run whose plan it is; nil: a plan made for this run
	Name    string         // of the control socket, by which commands find the lab; empty means the plan's: several labs of one plan need several
	Hold    *control.Until // where it is held first, from before any guest is powered on (control.Client.Step); nil: nowhere
	Cores   []int          // the host's cores that the lab is kept on, by number; nil means all that this process may use
}

// Running is a lab seen from the outer process that started it. If that process dies before Detach, the lab
// ends too, and leaves nothing.
type Running struct {
	Bundle   string // the folder the run leaves
	Client   *control.Client
	process  *sandbox.Process
	lifeline *os.File
	log      string
	heard    atomic.Bool            // its events were asked for
	ended    atomic.Pointer[string] // why the run ended, by its last event; nil: not known
	wait     func() error
}

// The words the outer process may send down the lifeline. Its end without a word means that process died.
const detachWord = "detach\n"

// DefaultRuns is the folder under which runs leave their bundles: the user's state directory.
func DefaultRuns() string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "pxelab", "runs")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "pxelab-runs")
	}
	return filepath.Join(home, ".local", "state", "pxelab", "runs")
}

// Start brings the planned lab up in fresh namespaces and returns when its control socket answers. On error
// nothing is left behind but, if the lab had begun, its bundle.
func Start(ctx context.Context, p *plan.Plan, o Options) (*Running, error) {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if err := checkHold(p, o.Hold); err != nil {
		return nil, err
	}
	warm := snapshots(ctx, p, o)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	now := time.Now()
	job := &Job{Plan: p, Warm: warm, Nonce: NewNonce(), Started: now, Stay: o.Stay, Await: o.Await, Program: o.Program, Version: o.Version, Hold: o.Hold}
	if o.Name == "" {
		o.Name = p.Name
	}
	listener, err := control.Listen(o.Name)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	if o.Out == "" {
		o.Out = filepath.Join(DefaultRuns(), fmt.Sprintf("%s-%s", p.Name, now.Format("20060102-150405.000")))
	}
	folder, err := bundle.Create(o.Out, p, job.Nonce)
	if err != nil {
		_ = os.Remove(listener.Addr().String())
		return nil, err
	}
	if err = folder.AddPayloads(ctx, p, job.Nonce); err == nil {
		made := bundle.NewMade(p, o.Version)
		if o.Repeats != nil {
			made.Repeats, made.Differs = o.Repeats.Bundle, o.Repeats.Differs
		}
		err = errors.Join(folder.AddCredentials(p, now), folder.AddMade(made))
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(listener.Addr().String()), os.RemoveAll(string(folder)))
	}
	job.Bundle, job.Socket = string(folder), listener.Addr().String()
	r, err := spawn(ctx, job, listener, o.Cores)
	if err != nil {
		return nil, errors.Join(err, os.Remove(job.Socket), os.RemoveAll(job.Bundle))
	}
	if err := r.connect(ctx, o.Name); err != nil {
		r.Kill()
		return nil, err
	}
	return r, nil
}

// filer is a listener whose descriptor can be passed on.
type filer interface{ File() (*os.File, error) }

// spawn starts the supervisor in its namespaces, on these cores, and sends it the job.
func spawn(ctx context.Context, job *Job, listener filer, cores []int) (*Running, error) {
	socket, err := listener.File()
	if err != nil {
		return nil, fmt.Errorf("pass on the control socket: %w", err)
	}
	defer socket.Close()
	jobR, jobW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the job's pipe: %w", err)
	}
	defer jobR.Close()
	lifeR, lifeW, err := os.Pipe()
	if err != nil {
		jobW.Close()
		return nil, fmt.Errorf("make the lifeline: %w", err)
	}
	defer lifeR.Close()
	logPath := bundle.Folder(job.Bundle).Log()
	logFile, err := os.Create(logPath)
	if err != nil {
		jobW.Close()
		lifeW.Close()
		return nil, fmt.Errorf("make the lab's log: %w", err)
	}
	defer logFile.Close()
	inside := sandbox.Options{Args: []string{labWord}, Files: []*os.File{jobR, socket, lifeR}, Stdout: logFile, Stderr: logFile, Cores: cores}
	process, err := spawnLinked(ctx, job, inside, logFile)
	if err != nil {
		jobW.Close()
		lifeW.Close()
		return nil, err
	}
	r := &Running{Bundle: job.Bundle, process: process, lifeline: lifeW, log: logPath}
	r.wait = sync.OnceValue(func() error {
		state, err := process.Wait()
		_ = os.Remove(job.Socket) // the supervisor removes it, unless it was killed
		if err == nil && !state.Success() {
			err = errors.New(state.String())
		}
		return err
	})
	if err := writeJob(jobW, job); err != nil {
		r.Kill()
		return nil, err
	}
	return r, nil
}

// spawnLinked starts the supervisor with a connection to libvirt, if the plan has one: inside there is no way to any daemon.
func spawnLinked(ctx context.Context, job *Job, inside sandbox.Options, log *os.File) (*sandbox.Process, error) {
	if job.Plan.Hypervisor != nil {
		link, err := libvirt.Dial(ctx, job.Plan.Hypervisor, log)
		if err != nil {
			return nil, err
		}
		defer link.Close() // only the supervisor holds it: its domains end with it
		job.Link = link.Address
		inside.Args = append(inside.Args, linkWord)
		inside.Files = append(inside.Files, link.Files()...)
	}
	return sandbox.Spawn(inside)
}

// connect waits until the supervisor answers on its control socket, or has ended.
func (r *Running) connect(ctx context.Context, name string) error {
	ended := make(chan error, 1)
	go func() { ended <- r.wait() }()
	reaching, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		client *control.Client
		err    error
	}
	reached := make(chan answer, 1)
	go func() {
		c, err := control.Reach(reaching, name)
		reached <- answer{c, err}
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case a := <-reached:
		if r.Client = a.client; a.err == nil {
			return nil
		}
		_ = r.lifeline.Close() // who cannot be reached is to end, if he has not
		if why := <-ended; why != nil {
			return r.failure(why)
		}
		return a.err
	case err := <-ended:
		return r.failure(err)
	}
}

// Wait returns when the lab is over: nil if it ended in good order, else what broke the harness.
func (r *Running) Wait() error {
	if !r.heard.Load() { // it waits for that
		_ = r.Events(context.Background(), func(event.Event) error { return nil })
	}
	if err := r.wait(); err != nil {
		return r.failure(err)
	}
	return nil
}

// failure words the end of a supervisor by what it wrote, or else by what its last event said: on a full disk
// only that could be heard.
func (r *Running) failure(err error) error {
	text, _ := os.ReadFile(r.log)
	said := strings.TrimSpace(string(text))
	for _, mark := range []string{"panic: ", "pxelab: "} {
		if i := strings.LastIndex(said, mark); i >= 0 {
			said, _, _ = strings.Cut(strings.TrimPrefix(said[i:], "pxelab: "), "\n\n")
			break
		}
	}
	if why := r.ended.Load(); said == "" && why != nil {
		said = *why
	}
	if said == "" {
		said = "it said nothing"
	}
	if err == nil {
		err = errors.New("it ended at once")
	}
	if strings.Contains(said, syscall.ENOSPC.Error()) {
		said += "; make room there, or name another place with --out"
	}
	return fmt.Errorf("the lab's supervisor broke (%w): %s; what it recorded is in %s", err, said, r.Bundle)
}

// Events calls fn with every event of the run from its first, as it happens, until the lab ends (then it returns
// nil), ctx ends or fn gives an error.
func (r *Running) Events(ctx context.Context, fn func(event.Event) error) error {
	r.heard.Store(true)
	return r.Client.Events(ctx, 1, func(e event.Event) error {
		if e.Kind == event.RunEnded {
			r.ended.Store(&e.Text)
		}
		return fn(e)
	})
}

// Detach lets the lab outlive this process.
func (r *Running) Detach() error {
	_, err := r.lifeline.WriteString(detachWord)
	if err != nil {
		return fmt.Errorf("detach from the lab: %w", err)
	}
	return r.lifeline.Close()
}

// Stop asks the lab to end in good order, by closing the lifeline, and waits for it.
func (r *Running) Stop() error {
	_ = r.lifeline.Close()
	return r.Wait()
}

// Kill ends the lab at once and waits until it is gone.
func (r *Running) Kill() {
	_ = r.process.Kill()
	_ = r.lifeline.Close()
	_ = r.wait()
}
