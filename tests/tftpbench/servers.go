package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	pxeserver "github.com/pxelab/pxelab/server"
)

// server is a TFTP server as it is started: it stays in the foreground and serves dir at address.
type server struct {
	name string
	argv []string
}

const address = "192.0.2.1"

func pxelabServer(binary, dir string) (server, error) {
	c := pxeserver.Config{Name: "bench", Interface: "srv0", Address: netip.MustParsePrefix(address + "/24"), TFTP: &pxeserver.TFTPConfig{Root: dir}}
	b, err := json.Marshal(c)
	if err != nil {
		return server{}, err
	}
	config := filepath.Join(dir, "serve.json")
	return server{"pxelab", []string{binary, "serve", "--config", config}}, os.WriteFile(config, b, 0o600)
}

func tftpdHPA(binary, dir string) server {
	return server{"tftpd-hpa", []string{binary, "--foreground", "--user", "root", "--address", address + ":69", "--secure", dir}}
}

func dnsmasqServer(binary, dir string) server {
	return server{"dnsmasq", []string{binary, "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=",
		"--enable-tftp", "--tftp-root=" + dir, "--interface=srv0", "--bind-interfaces"}}
}

// lan is two namespaces with a cable between them.
type lan struct{ server, client chan func() }

// newLAN makes the cable srv0 - cli0.
func newLAN() (*lan, error) {
	l := &lan{}
	var err error
	var tid int
	if l.server, _, err = namespace(); err != nil {
		return nil, err
	}
	if l.client, tid, err = namespace(); err != nil {
		return nil, err
	}
	in(l.server, func() {
		veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "srv0"}, PeerName: "cli0", PeerNamespace: netlink.NsPid(tid)}
		if err = netlink.LinkAdd(veth); err == nil {
			err = up("srv0", address+"/24")
		}
	})
	if err != nil {
		return nil, fmt.Errorf("joining the namespaces: %w", err)
	}
	in(l.client, func() { err = up("cli0", "192.0.2.2/24") })
	return l, err
}

// namespace makes a network namespace with a thread in it, and gives the thread's number.
func namespace() (chan func(), int, error) {
	calls, made := make(chan func()), make(chan error)
	var tid int
	go func() {
		runtime.LockOSThread() // never unlocked: the thread and its namespace end with the goroutine
		tid = unix.Gettid()
		made <- unix.Unshare(unix.CLONE_NEWNET)
		for f := range calls {
			f()
		}
	}()
	if err := <-made; err != nil {
		return nil, 0, fmt.Errorf("making a network namespace: %w; run as root", err)
	}
	return calls, tid, nil
}

// in runs f in a namespace; a program that f starts lives there too.
func in(ns chan func(), f func()) {
	done := make(chan struct{})
	ns <- func() {
		defer close(done)
		f()
	}
	<-done
}

func up(name, prefix string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(prefix)
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

func (l *lan) close() {
	close(l.server)
	close(l.client)
}

// start starts a server; stop ends it.
func (l *lan) start(ctx context.Context, s server) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, s.argv[0], s.argv[1:]...)
	var said bytes.Buffer
	cmd.Stderr = &said
	in(l.server, func() { err = cmd.Start() })
	if err != nil {
		cancel()
		return nil, err
	}
	return func() {
		cancel()
		_ = cmd.Wait() // killed
	}, nil
}
