package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
)

// service is one running service process in its own network namespace.
type service struct {
	plan  plan.Service
	host  *network.Host
	cmd   *exec.Cmd
	ready chan struct{} // closed when it listens
	once  sync.Once     // closes ready
	ended chan struct{} // closed when the process is gone
	err   error         // why it ended; read after ended
}

// readyIn bounds the start of a service of ours: it opens a few sockets, so more means that it hangs.
const readyIn = 20 * time.Second

// startServices starts all service processes at once and waits until each listens.
func (l *lab) startServices(ctx context.Context) error {
	for _, s := range l.plan.Services {
		host, err := l.hostOf(s)
		if err != nil {
			return fmt.Errorf("make the host of service %q: %w", s.Name, err)
		}
		l.senders.add(s)
		run := &service{plan: s, host: host, ready: make(chan struct{}), ended: make(chan struct{})}
		if err := l.startService(run); err != nil {
			return fmt.Errorf("start service %q: %w", s.Name, err)
		}
		l.services[s.Name] = run
	}
	slow := time.After(readyIn)
	for _, s := range l.plan.Services {
		run := l.services[s.Name]
		select {
		case <-run.ready:
		case <-run.ended:
			return fmt.Errorf("service %q ended before it was ready: %w", s.Name, run.err)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-slow:
			return fmt.Errorf("service %q is not ready after %s", s.Name, readyIn)
		}
	}
	return nil
}

// hostOf makes the host of a service, or gives the one that it shares, which is in the plan before it.
func (l *lab) hostOf(s plan.Service) (*network.Host, error) {
	if s.Host != "" {
		return l.services[s.Host].host, nil
	}
	mac, err := net.ParseMAC(s.MAC)
	if err != nil {
		return nil, err
	}
	return l.bridges[s.Network].AddHost(network.HostConfig{Name: s.Name, MAC: mac, Address: s.Address})
}

// startService starts this same binary as "pxelab serve": descriptor 3 brings its configuration, 4 takes
// what it decides.
func (l *lab) startService(s *service) error {
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
	s.cmd = exec.Command("/proc/self/exe", "serve", "--name", s.plan.Name, "--config", "/dev/fd/3", "--messages", "/dev/fd/4")
	s.cmd.ExtraFiles = []*os.File{configR, messagesW}
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
	l.log.Append(event.Event{Kind: event.ServiceExited, Service: s.plan.Name, Exit: exitOf(s.cmd), Text: s.cmd.ProcessState.String()})
	close(s.ended)
}

// serviceSaid records one message of a service of ours.
func (l *lab) serviceSaid(s *service, m server.Message) {
	if m.Ready {
		l.log.Append(event.Event{Kind: event.ServiceReady, Network: s.plan.Network, Service: s.plan.Name})
		s.once.Do(func() { close(s.ready) })
	}
	if d := m.Decision; d != nil {
		l.log.Append(event.Event{Kind: event.ServerDecided, Service: s.plan.Name, Decision: &event.Decision{
			Role: d.Role, Client: d.Client, Request: d.Request, Reply: d.Reply, Reason: d.Reason, XID: d.XID,
			Address: d.Address, File: d.File, Bytes: d.Bytes, Outcome: d.Outcome}})
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
