package pxeclient_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server/pxeclient"
)

// inside is set in the process that has a network namespace of its own.
const inside = "PXELAB_TEST_NETNS"

// TestMain runs the tests in a network namespace of their own. Where the host does not allow that, tests that need it
// are skipped.
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

// lan is a bridge, lan0, in the namespace of the process, where our own servers run with address 192.0.2.1. Other hosts
// have namespaces of their own.
type lan struct {
	t      *testing.T
	bridge netlink.Link
	ports  int
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	if os.Getenv(inside) == "" {
		if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
			t.Fatal("needs a network namespace, and PXELAB_REQUIRE says that it must have one")
		}
		t.Skip("needs a network namespace: run as root, or allow user namespaces")
	}
	no := false // nobody sends the queries that snooping needs
	must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, MulticastSnooping: &no}))
	l := &lan{t: t, bridge: link(t, "lan0")}
	t.Cleanup(func() { must(t, netlink.LinkDel(l.bridge)) })
	must(t, netlink.AddrAdd(l.bridge, addr(t, "192.0.2.1/24")))
	must(t, netlink.LinkSetUp(l.bridge))
	return l
}

// host is a network namespace whose interface eth0 is on the LAN.
type host struct {
	t    *testing.T
	work chan func() // runs on a thread in the namespace
}

func (l *lan) host(addresses ...string) *host {
	l.t.Helper()
	h := &host{t: l.t, work: make(chan func())}
	tid, gone := make(chan int), make(chan struct{})
	go func() {
		defer close(gone)
		runtime.LockOSThread() // never unlocked: the thread and its namespace end with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			l.t.Error("unshare:", err)
		}
		tid <- unix.Gettid()
		for f := range h.work {
			f()
		}
	}()
	l.ports++
	name := fmt.Sprintf("port%d", l.ports)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, MasterIndex: l.bridge.Attrs().Index}, PeerName: "eth0",
		PeerNamespace: netlink.NsPid(<-tid)}
	must(l.t, netlink.LinkAdd(veth))
	must(l.t, netlink.LinkSetUp(link(l.t, name)))
	l.t.Cleanup(func() {
		must(l.t, netlink.LinkDel(veth))
		close(h.work)
		<-gone
	})
	h.in(func() {
		eth0 := link(l.t, "eth0")
		for _, a := range addresses {
			must(l.t, netlink.AddrAdd(eth0, addr(l.t, a)))
		}
		must(l.t, netlink.LinkSetUp(link(l.t, "lo")))
		must(l.t, netlink.LinkSetUp(eth0))
		awaitUp(l.t, "eth0")
	})
	awaitUp(l.t, name)
	return h
}

// in runs f in the host's namespace; a program that f starts lives there too.
func (h *host) in(f func()) {
	done := make(chan struct{})
	h.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// awaitUp waits until an interface carries frames: a port of a bridge drops them until somewhat after it was set up, and
// the first of a client that speaks at once would be lost.
func awaitUp(t *testing.T, name string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for link(t, name).Attrs().OperState != netlink.OperUp {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("interface %s did not come up", name)
		}
	}
}

// client puts a PXE client on the host's interface.
func (h *host) client(cfg pxeclient.Config) *pxeclient.Client {
	h.t.Helper()
	cfg.Interface = "eth0"
	var c *pxeclient.Client
	var err error
	h.in(func() { c, err = pxeclient.New(cfg) })
	must(h.t, err)
	h.t.Cleanup(func() { must(h.t, c.Close()) })
	return c
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
