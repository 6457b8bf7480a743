package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server"
)

// inside is set in the process that has a network namespace of its own.
const inside = "PXELAB_TEST_NETNS"

// TestMain runs the tests in a network namespace of their own, where every port is free and no other network can be
// reached. Where the host does not allow that, tests that need it are skipped.
func TestMain(m *testing.M) {
	if os.Getenv(inside) != "" {
		goleak.VerifyTestMain(m)
		return
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	runtime.LockOSThread() // the child is killed when the thread that started it ends
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no network namespace for the tests:", err)
		os.Exit(m.Run())
	}
}

// lan is a cable between the server's interface svc0, in the namespace of the process, and cli0 in the client's.
type lan struct {
	t      *testing.T
	svc    netlink.Link
	client chan func() // runs on a thread in the client's namespace
}

func newLAN(t *testing.T, addresses ...string) *lan {
	t.Helper()
	needNamespaces(t)
	l := &lan{t: t}
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "svc0"}, PeerName: "cli0", PeerNamespace: netlink.NsPid(l.newClient())}
	must(t, netlink.LinkAdd(veth))
	l.svc = link(t, "svc0")
	t.Cleanup(func() { must(t, netlink.LinkDel(l.svc)) })
	for _, a := range append(addresses, "192.0.2.1/24") {
		must(t, netlink.AddrAdd(l.svc, addr(t, a)))
	}
	must(t, netlink.LinkSetUp(l.svc))
	l.inClient(func() { must(t, netlink.LinkSetUp(link(t, "cli0"))) })
	return l
}

func needNamespaces(t *testing.T) {
	t.Helper()
	if os.Getenv(inside) != "" {
		return
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
		t.Fatal("needs a network namespace, and PXELAB_REQUIRE says that it must have one")
	}
	t.Skip("needs a network namespace: run as root, or allow user namespaces")
}

// newClient makes the client's namespace and gives the thread that lives there, as netlink names it.
func (l *lan) newClient() (tid int) {
	l.client = make(chan func())
	started, gone := make(chan int), make(chan struct{})
	go func() {
		defer close(gone)
		runtime.LockOSThread() // never unlocked: the thread and its namespace end with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			l.t.Error("unshare:", err)
		}
		started <- unix.Gettid()
		for f := range l.client {
			f()
		}
	}()
	l.t.Cleanup(func() {
		close(l.client)
		<-gone
	})
	return <-started
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	must(t, err)
	return l
}

func addr(t *testing.T, s string) *netlink.Addr {
	t.Helper()
	a, err := netlink.ParseAddr(s)
	must(t, err)
	return a
}

// inClient runs f in the client's namespace; a program that f starts lives there too.
func (l *lan) inClient(f func()) {
	done := make(chan struct{})
	l.client <- func() {
		defer close(done)
		f()
	}
	<-done
}

// clientAddress gives cli0 an address by hand.
func (l *lan) clientAddress(a string) {
	l.inClient(func() { must(l.t, netlink.AddrAdd(link(l.t, "cli0"), addr(l.t, a))) })
}

// run runs a client program to its end and gives its output.
func (l *lan) run(program string, args ...string) string {
	l.t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		l.t.Skipf("needs %s: %v", program, err)
	}
	var out []byte
	l.inClient(func() { out, err = exec.CommandContext(l.t.Context(), path, args...).CombinedOutput() })
	if err != nil {
		l.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// serving is a running server and what it decides.
type serving struct {
	t         *testing.T
	decisions chan server.Decision
	stop      func()
}

// Observe keeps a decision for expect.
func (s *serving) Observe(d server.Decision) { s.decisions <- d }

func (l *lan) serve(c server.Config) *serving {
	l.t.Helper()
	s := &serving{t: l.t, decisions: make(chan server.Decision, 1000)}
	ctx, cancel := context.WithCancel(l.t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- server.Run(ctx, c, s, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		l.t.Fatal(err)
	}
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
		ended <- nil
	}
	l.t.Cleanup(s.stop)
	return s
}

// expect gives the next decision that answers a request of this name.
func (s *serving) expect(request, reply string) server.Decision {
	s.t.Helper()
	d := <-s.decisions
	if d.Request != request || d.Reply != reply || d.Reason == "" || d.Time.IsZero() {
		s.t.Fatalf("decision %+v\nwant %q answered with %q", d, request, reply)
	}
	return d
}

// config is a server with all roles at 192.0.2.1.
func config(t *testing.T) server.Config {
	t.Helper()
	root := t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, "x64.efi"), make([]byte, 5000), 0o600))
	return server.Config{
		Name: "all", Interface: "svc0", Address: netip.MustParsePrefix("192.0.2.1/24"),
		DHCP: &server.DHCPConfig{First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"),
			Router: netip.MustParseAddr("192.0.2.254"), DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
			Boot: &server.BootConfig{Files: map[string]string{"efi-x64": "x64.efi"}}},
		TFTP: &server.TFTPConfig{Root: root},
		Echo: &server.EchoConfig{Port: 7777},
	}
}
