package lab

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// execPath is what programs that are not ours find others by: daemons start helpers from sbin.
const execPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// ServiceVariable is in the environment of each process of a service, with the service's name.
const ServiceVariable = "PXELAB_SERVICE"

// startExec starts a program that is not ours on its host. What it writes goes to the log, line by line.
func (l *lab) startExec(ctx context.Context, s *service) error {
	x, dir := s.plan.Exec.Resolve(string(l.bundle)), l.bundle.Work(s.plan.Name)
	said, out, err := os.Pipe()
	if err != nil {
		return err
	}
	s.cmd = exec.Command(x.Argv[0], x.Argv[1:]...)
	if x.Argv[0] == topology.Ourselves {
		s.cmd = &exec.Cmd{Path: cmp.Or(l.job.Program, "/proc/self/exe"), Args: x.Argv}
	}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, out, out
	s.cmd.Env = append([]string{execPath, "HOME=" + dir, "LANG=C.UTF-8", ServiceVariable + "=" + s.plan.Name}, x.Env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = s.host.Start(s.cmd)
	out.Close()
	if err != nil {
		said.Close()
		return err
	}
	l.log.Append(event.Event{Kind: event.ServiceStarted, Network: s.plan.Network, Service: s.plan.Name, Text: strings.Join(x.Argv, " ")})
	var ready *regexp.Regexp
	if x.Ready.Log != "" {
		ready = regexp.MustCompile(x.Ready.Log) // parsed with the topology
	}
	go l.watchExec(ctx, s, said, ready)
	switch {
	case x.Once:
		l.isReady(s)
		go l.endLate(ctx, s)
	case x.Ready.UDP != 0:
		go l.awaitPort(ctx, s, "udp", x.Ready.UDP)
	case x.Ready.TCP != 0:
		go l.awaitPort(ctx, s, "tcp", x.Ready.TCP)
	}
	return nil
}

// isReady records once that a service serves.
func (l *lab) isReady(s *service) {
	s.once.Do(func() {
		l.log.Append(event.Event{Kind: event.ServiceReady, Network: s.plan.Network, Service: s.plan.Name})
		close(s.ready)
	})
}

// watchExec turns what a program writes into events until it, and all that it has started, is gone.
func (l *lab) watchExec(ctx context.Context, s *service, said io.ReadCloser, ready *regexp.Regexp) {
	defer said.Close()
	eachLine(said, func(text string) {
		l.log.Append(event.Event{Kind: event.ServiceLog, Service: s.plan.Name, Text: text})
		if ready != nil && ready.MatchString(text) {
			l.isReady(s)
		}
		s.last.Store(&text)
	})
	s.err = s.cmd.Wait()
	if s.err == nil {
		s.err = errors.New(s.cmd.ProcessState.String())
	}
	if text := s.last.Load(); text != nil {
		s.err = fmt.Errorf("%w, saying %q", s.err, *text)
	}
	l.exited(s)
	close(s.ended)
	l.policy(ctx, s)
}

// maxLogLine is the longest line of a program that is kept whole, in octets.
const maxLogLine = 4096

// eachLine gives the lines of r, without their ends; one that is too long is cut, and its rest is left out.
func eachLine(r io.Reader, f func(string)) {
	lines := bufio.NewReaderSize(r, maxLogLine)
	for {
		line, more, err := lines.ReadLine()
		if err != nil {
			return
		}
		f(strings.ToValidUTF8(string(line), "\uFFFD"))
		for more && err == nil {
			_, more, err = lines.ReadLine()
		}
	}
}

// portPause is the time between two looks at a program's ports.
const portPause = 20 * time.Millisecond

// awaitPort waits until a program has its port open.
func (l *lab) awaitPort(ctx context.Context, s *service, proto string, port int) {
	tick := time.NewTicker(portPause)
	defer tick.Stop()
	for {
		open, err := s.host.Listens(proto, port)
		switch {
		case err != nil:
			l.stop(fmt.Errorf("service %q: %w", s.plan.Name, err))
			return
		case open:
			l.isReady(s)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.ended:
			return
		case <-tick.C:
		}
	}
}

// endLate ends a program that should have ended by itself, when its time is over.
func (l *lab) endLate(ctx context.Context, s *service) {
	within := time.Duration(s.plan.Exec.Within)
	if l.pass(ctx, within, s.ended) {
		l.log.Append(event.Event{Kind: event.ServiceEnded, Service: s.plan.Name, Text: fmt.Sprintf("it had not ended by itself after %s", within)})
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	}
}
