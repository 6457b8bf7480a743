package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
)

// service is one process of a service in its own network namespace. One that is started anew is another.
type service struct {
	plan  plan.Service
	host  *network.Host
	cmd   *exec.Cmd
	ready chan struct{}          // closed when it listens
	once  sync.Once              // closes ready
	ended chan struct{}          // closed when the process is gone
	err   error                  // why it ended; read after ended
	last  atomic.Pointer[string] // the last line of a program that is not ours

	restarts int         // how often its policy had it started again
	replaced atomic.Bool // the lab itself ends it, so no policy has a say

	holding sync.Mutex  // puts signals in order; guards what follows
	stopped bool        // by a fault, and not continued since
	still   bool        // with everybody in the lab
	held    *time.Timer // ends its pause; nil: none has begun
}

// readyIn bounds the start of a service of ours: it opens a few sockets, so more means that it hangs.
const readyIn = 20 * time.Second

// startServices starts all service processes, wave by wave where they name others to come after, and waits until each listens.
// Programs that end by themselves come after that: they ask once, perhaps, and what they ask shall be there.
func (l *lab) startServices(ctx context.Context) error {
	for _, s := range l.plan.Services { // all of them before the first packet
		l.senders.add(s, l.ownerOf(s))
	}
	for _, s := range l.plan.Services {
		host, err := l.hostOf(s)
		if err != nil {
			return fmt.Errorf("make the host of service %q: %w", s.Name, err)
		}
		l.services[s.Name] = &service{plan: s, host: host, ready: make(chan struct{}), ended: make(chan struct{})}
	}
	for _, wave := range l.plan.Waves() {
		if err := l.startWave(ctx, wave); err != nil {
			return err
		}
	}
	for _, s := range l.plan.Services {
		if s.EndsByItself() {
			if err := l.startService(ctx, l.running(s.Name)); err != nil {
				return fmt.Errorf("start service %q: %w", s.Name, err)
			}
		}
	}
	return nil
}

// startWave starts services at once, and waits until each of them serves. One that has served, and ended since, has another in its place.
func (l *lab) startWave(ctx context.Context, wave []plan.Service) error {
	started := time.Now()
	var all []*service
	for _, s := range wave {
		x := l.running(s.Name)
		if err := l.startService(ctx, x); err != nil {
			return fmt.Errorf("start service %q: %w", s.Name, err)
		}
		all = append(all, x)
	}
	for _, x := range all {
		if err := x.awaitReady(ctx, started); err != nil {
			return err
		}
	}
	return nil
}

// awaitReady waits until a service that was started serves.
func (s *service) awaitReady(ctx context.Context, started time.Time) error {
	within := readyIn
	if s.plan.Exec != nil {
		within = time.Duration(s.plan.Exec.Within)
	}
	select {
	case <-s.ready:
		return nil
	default:
	}
	slow := time.After(within - time.Since(started))
	select {
	case <-s.ready:
		return nil
	case <-s.ended:
		select {
		case <-s.ready: // it served, and crashed at once
			return nil
		default:
		}
		return fmt.Errorf("service %q ended before it was ready: %w", s.plan.Name, s.err)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-slow:
		return fmt.Errorf("service %q is not ready after %s%s", s.plan.Name, within, s.said())
	}
}

// ownerOf is the service whose host a service runs on.
func (l *lab) ownerOf(s plan.Service) plan.Service {
	for _, host := range l.plan.Services {
		if host.Name == s.Host {
			return host
		}
	}
	return s
}

// said quotes the last line of a program that is not ours.
func (s *service) said() string {
	if text := s.last.Load(); text != nil {
		return fmt.Sprintf("; the last it wrote is %q", *text)
	}
	return ""
}

// startService starts the process of a service, if it has one: a router alone is a host and no more.
func (l *lab) startService(ctx context.Context, s *service) error {
	switch {
	case s.plan.Exec != nil:
		return l.startExec(ctx, s)
	case s.plan.Server != nil:
		return l.startOurs(s)
	case s.plan.External: // what serves there the lab does not start, and its sockets say when
		s.once.Do(func() { close(s.ready) })
		return nil
	}
	l.isReady(s)
	return nil
}

// startOurs starts this same binary as one of our servers (see Main), which gets its configuration by one pipe and tells by another
// what it decides.
func (l *lab) startOurs(s *service) error {
	cfg := *s.plan.Server
	if cfg.TFTP != nil {
		tftp := *cfg.TFTP
		tftp.Root = filepath.Join(string(l.bundle), tftp.Root)
		cfg.TFTP = &tftp
	}
	if cfg.MTFTP != nil {
		mtftp := *cfg.MTFTP
		mtftp.Root = filepath.Join(string(l.bundle), mtftp.Root)
		cfg.MTFTP = &mtftp
	}
	if cfg.HTTP != nil {
		http := *cfg.HTTP
		http.Root = filepath.Join(string(l.bundle), http.Root)
		cfg.HTTP = &http
	}
	var err error
	if cfg.BootServer, err = l.bundle.WithCredentials(cfg.BootServer); err != nil {
		return fmt.Errorf("read the certificate of its credentials: %w", err)
	}
	configR, configW, err := os.Pipe()
	if err != nil {
		return err
	}
	messagesR, messagesW, err := os.Pipe()
	if err != nil {
		return err
	}
	stderrR, stderrW, err := os.Pipe()
	if err != nil {
		return err
	}
	s.cmd = exec.Command("/proc/self/exe", serveWord, s.plan.Name)
	s.cmd.Env = append(os.Environ(), ServiceVariable+"="+s.plan.Name)
	s.cmd.ExtraFiles = []*os.File{configR, messagesW} // fdConfig, fdMessages
	s.cmd.Stdout, s.cmd.Stderr = stderrW, stderrW
	err = s.host.Start(s.cmd)
	configR.Close()
	messagesW.Close()
	stderrW.Close()
	if err != nil {
		return err
	}
	l.log.Append(event.Event{Kind: event.ServiceStarted, Network: s.plan.Network, Service: s.plan.Name})
	go l.watchService(s, messagesR, stderrR)
	if err := json.NewEncoder(configW).Encode(cfg); err != nil {
		return fmt.Errorf("send its configuration: %w", err)
	}
	return configW.Close()
}

// watchService turns what a service says into events until it is gone.
func (l *lab) watchService(s *service, messages, stderr io.ReadCloser) {
	var readers sync.WaitGroup
	readers.Go(func() {
		defer messages.Close()
		_ = server.ReadMessages(messages, func(m server.Message) { l.serviceSaid(s, m) })
	})
	readers.Go(func() {
		defer stderr.Close()
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			l.log.Append(event.Event{Kind: event.ServiceLog, Service: s.plan.Name, Text: lines.Text()})
		}
	})
	readers.Wait()
	s.err = s.cmd.Wait()
	l.exited(s)
	close(s.ended)
}

// exited records the end of a service's process, which has been waited for, unless the lab itself is over.
func (l *lab) exited(s *service) {
	if !l.recorded.Load() {
		l.log.Append(event.Event{Kind: event.ServiceExited, Service: s.plan.Name, Exit: exitOf(s.cmd), Text: s.cmd.ProcessState.String()})
	}
}

// serviceSaid records one message of a service of ours.
func (l *lab) serviceSaid(s *service, m server.Message) {
	if m.Ready {
		l.isReady(s)
	}
	if d := m.Decision; d != nil {
		l.log.Append(event.Event{Kind: event.ServerDecided, Service: s.plan.Name, Decision: &event.Decision{
			Role: d.Role, Client: d.Client, Request: d.Request, Reply: d.Reply, Reason: d.Reason, Port: int(d.Port), XID: d.XID,
			Address: d.Address, File: d.File, Bytes: d.Bytes, Sent: d.Sent, Resent: d.Resent, Outcome: d.Outcome}})
	}
}

// exitOf describes the end of a process that has been waited for.
func exitOf(cmd *exec.Cmd) *event.Exit {
	exit := &event.Exit{Code: cmd.ProcessState.ExitCode(), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		exit.Signal = status.Signal().String()
	}
	return exit
}
