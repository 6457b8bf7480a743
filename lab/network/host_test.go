package network

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// allowBroadcast lets a socket send to the broadcast address.
func allowBroadcast(t testing.TB, conn *net.UDPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1) })
	if err != nil {
		t.Fatal(err)
	}
}

func TestHostsTalk(t *testing.T) {
	b := newBridge(t)
	one := addHost(t, b, "one", hostMAC, hostAddress)
	two := addHost(t, b, "a service with a long name", net.HardwareAddr{0x52, 0x54, 0, 0, 0, 2}, netip.MustParsePrefix("198.51.100.2/24"))
	a, z := listenUDP(t, one, ":67"), listenUDP(t, two, ":67")
	allowBroadcast(t, a)
	buf := make([]byte, 100)
	for _, to := range []string{"198.51.100.2", "198.51.100.255", "255.255.255.255"} {
		if _, err := a.WriteToUDP([]byte("ping "+to), &net.UDPAddr{IP: net.ParseIP(to), Port: 67}); err != nil {
			t.Fatalf("to %s: %v", to, err)
		}
		n, from, err := z.ReadFromUDP(buf)
		if err != nil || string(buf[:n]) != "ping "+to || from.String() != "198.51.100.1:67" {
			t.Fatalf("got %q from %v, %v", buf[:n], from, err)
		}
		if _, err := z.WriteToUDP([]byte("pong"), from); err != nil {
			t.Fatal(err)
		}
		for string(buf[:n]) != "pong" { // a broadcast also comes back to its sender
			if n, _, err = a.ReadFromUDP(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestHostIsAsAsked(t *testing.T) {
	b := newBridge(t)
	h := addHost(t, b, "dhcp", hostMAC, hostAddress)
	err := h.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if ifi.HardwareAddr.String() != hostMAC.String() {
			t.Errorf("MAC %v, want %v", ifi.HardwareAddr, hostMAC)
		}
		if ifi.Flags&net.FlagUp == 0 || ifi.MTU != 1500 {
			t.Errorf("eth0 is %v with an MTU of %d", ifi.Flags, ifi.MTU)
		}
		addresses, err := ifi.Addrs()
		if err != nil {
			return err
		}
		if got, want := fmt.Sprint(addresses), "[198.51.100.1/24]"; got != want {
			t.Errorf("addresses %s, want %s", got, want)
		}
		if c, err := net.Dial("udp", "127.0.0.1:9"); err != nil {
			t.Errorf("lo: %v", err)
		} else {
			c.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []HostConfig{{Name: "x", Address: hostAddress}, {Name: "x", MAC: hostMAC}, {Name: "dhcp", MAC: hostMAC, Address: hostAddress}} {
		if h, err := b.AddHost(c); err == nil {
			h.Close()
			t.Errorf("no error for %+v", c)
		}
	}
}

// TestStartedProcessLives: a process started on a host runs in its namespace, and does not die with the thread
// that started it.
func TestStartedProcessLives(t *testing.T) {
	b := newBridge(t)
	h := addHost(t, b, "dhcp", hostMAC, hostAddress)
	cmd := exec.Command("sh", "-c", "cat /proc/net/dev; echo .; cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(cmd); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(stdout)
	devices, err := r.ReadString('.')
	if err != nil || !strings.Contains(devices, " eth0:") || strings.Contains(devices, "h-dhcp:") {
		t.Errorf("the process sees %s, %v", devices, err)
	}
	r.ReadString('\n')
	for range 10 { // threads come and go
		if err := h.Do(func() error { runtime.Gosched(); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	io.WriteString(stdin, "alive\n")
	if line, err := r.ReadString('\n'); line != "alive\n" {
		t.Errorf("the process answered %q, %v", line, err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	doomed := exec.Command("true")
	doomed.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := h.Start(doomed); err == nil || !strings.Contains(err.Error(), "Pdeathsig") {
		t.Errorf("got %v for a command with a parent death signal", err)
	}
	if err := h.Start(exec.Command("/nonexistent")); err == nil || !strings.Contains(err.Error(), `"/nonexistent" on host "dhcp"`) {
		t.Errorf("got %v for a command that is not there", err)
	}
}

// TestNamespaceOfTheProcessStays: whatever enters other namespaces, the process as a whole stays in the lab's.
func TestNamespaceOfTheProcessStays(t *testing.T) {
	b := newBridge(t)
	before, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		h := addHost(t, b, fmt.Sprint("h", i), net.HardwareAddr{0x52, 0x54, 0, 0, 2, byte(i)}, hostAddress)
		h.Do(func() error {
			if in, _ := os.Readlink("/proc/thread-self/ns/net"); in == before {
				t.Error("Do does not run inside the host")
			}
			return nil
		})
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		ns, err := os.Readlink("/proc/self/task/" + task.Name() + "/ns/net")
		if err == nil && ns != before && task.Name() == fmt.Sprint(os.Getpid()) {
			t.Errorf("the first thread is in %s, not in the lab's %s", ns, before)
		}
	}
}

// TestNoWayOut: from inside, there are only lo and the lab's interfaces, no route out, and the host, which can
// be reached from outside at these addresses, cannot be.
func TestNoWayOut(t *testing.T) {
	b := newBridge(t)
	h := addHost(t, b, "dhcp", hostMAC, hostAddress)
	plugIn(t, b, CableConfig{Name: "x64"})
	if got, want := fmt.Sprint(linkNames(t)), "[lo lan h-dhcp p-x64 c-x64]"; got != want {
		t.Errorf("links %s, want %s", got, want)
	}
	reachable := strings.Fields(os.Getenv(outsideVar))
	if len(reachable) == 0 {
		t.Fatal("no address of the host is known")
	}
	look := func() error {
		routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{}, 0)
		if err != nil {
			return err
		}
		for _, r := range routes {
			if ones, _ := r.Dst.Mask.Size(); ones == 0 || r.Gw != nil {
				t.Errorf("a way out: %v", r)
			}
		}
		for _, address := range reachable {
			conn, err := net.DialTimeout("tcp", address, 2*time.Second)
			if err == nil {
				conn.Close()
				t.Errorf("the host answers at %s", address)
			}
		}
		return nil
	}
	if err := look(); err != nil {
		t.Error(err)
	}
	if err := h.Do(look); err != nil {
		t.Error(err)
	}
}

// TestHostsKeepQuiet: a guest hears nothing that nobody meant to send.
func TestHostsKeepQuiet(t *testing.T) {
	b := newBridge(t)
	seen := newLog()
	connect(t, plugIn(t, b, CableConfig{Name: "x64", Tun: true, Observe: seen.observe}))
	var server *net.UDPConn
	for i := range 3 {
		h := addHost(t, b, fmt.Sprint("h", i), net.HardwareAddr{0x52, 0x54, 0, 0, 2, byte(i)}, hostAddress)
		server = listenUDP(t, h, ":67")
	}
	plugIn(t, b, CableConfig{Name: "ia32"})
	allowBroadcast(t, server)
	if _, err := server.WriteToUDP([]byte("marker"), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}); err != nil {
		t.Fatal(err)
	}
	seen.await(t, "marker", func(f Frame) bool { return bytes.Contains(f.Data, []byte("marker")) })
	if n := len(seen.all()); n != 1 {
		t.Errorf("%d frames, want only the marker:%s", n, seen)
	}
}
