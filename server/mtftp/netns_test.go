package mtftp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// inside is set in the process that has a network namespace of its own, serves in the one that is to be a server.
const (
	inside = "PXELAB_TEST_NETNS"
	serves = "PXELAB_TEST_MTFTP_ROOT"
)

// TestMain runs the tests in a network namespace of their own. Where the host does not allow that, tests that need it
// are skipped.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(serves) != "":
		serveProcess(os.Getenv(serves))
		return
	case os.Getenv(inside) != "":
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

// serverIP is the address of the bridge, where the server is.
var serverIP = netip.MustParseAddr("192.0.2.1")

// lan is a bridge with an address, and hosts plugged into it.
type lan struct {
	t      *testing.T
	bridge netlink.Link
	n      int
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	if os.Getenv(inside) == "" {
		if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
			t.Fatal("needs a network namespace, and PXELAB_REQUIRE says that it must have one")
		}
		t.Skip("needs a network namespace: run as root, or allow user namespaces")
	}
	snooping := false
	must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}, MulticastSnooping: &snooping}))
	l := &lan{t: t, bridge: link(t, "br0")}
	t.Cleanup(func() { must(t, netlink.LinkDel(l.bridge)) })
	address(t, l.bridge, serverIP)
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	must(t, err)
	return l
}

// address gives a link an address, and takes it up.
func address(t testing.TB, l netlink.Link, a netip.Addr) {
	t.Helper()
	must(t, netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(24, 32)}}))
	must(t, netlink.LinkSetUp(l))
}

// host is a network namespace of its own with one interface, eth0.
type host struct {
	t    *testing.T
	addr netip.Addr
	jobs chan func() // run on a thread in the namespace
	port string      // the other end of its wire
}

// plug adds a host, wired to the bridge.
func (l *lan) plug() *host { return l.host(l.bridge) }

// host adds a host; with a nil bridge the other end of its wire, named pN, is left for a relay.
func (l *lan) host(bridge netlink.Link) *host {
	l.t.Helper()
	l.n++
	h := &host{t: l.t, jobs: make(chan func()), addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + l.n)})}
	tid, gone := make(chan int), make(chan struct{})
	go func() {
		defer close(gone)
		runtime.LockOSThread() // never unlocked: the thread and its namespace end with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			l.t.Error("unshare:", err)
		}
		tid <- unix.Gettid()
		for f := range h.jobs {
			f()
		}
	}()
	name := fmt.Sprint("p", l.n)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: netlink.NsPid(<-tid)}
	must(l.t, netlink.LinkAdd(veth))
	h.port = name
	port := link(l.t, name)
	l.t.Cleanup(func() {
		must(l.t, netlink.LinkDel(port))
		close(h.jobs)
		<-gone
	})
	if bridge != nil {
		must(l.t, netlink.LinkSetMaster(port, bridge))
	}
	must(l.t, netlink.LinkSetUp(port))
	h.do(func() { address(l.t, link(l.t, "eth0"), h.addr) })
	return h
}

// do runs f in the host's namespace, to its end.
func (h *host) do(f func()) {
	done := make(chan struct{})
	h.jobs <- func() {
		defer close(done)
		f()
	}
	<-done
}
