// Package libvirt runs planned guests as domains of a libvirt daemon: transient ones that end with the lab's connection to it.
package libvirt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/pxelab/pxelab/lab/plan"
)

// Link is what a lab needs of the world outside its namespaces to have its guests run by libvirt: a connection to the daemon, and
// the doors at which each QEMU calls. Dial opens it there, and the lab gets its Files and its Address.
type Link struct {
	Address Address
	files   []*os.File
}

// Address is where QEMU finds the lab.
type Address struct {
	Here    string     `json:"here"`    // address, as the daemon's host knows it
	Frames  int        `json:"frames"`  // TCP port for NICs: each frame with its length before it, 4 octets, high one first
	Console int        `json:"console"` // TCP port for serial ports
	Peer    netip.Addr `json:"peer"`    // who calls there; calls of others are not taken
}

// Files are the connection and the two listening sockets, in the order in which Open takes them.
func (l *Link) Files() []*os.File { return l.files }

// Close closes this process's copies.
func (l *Link) Close() {
	for _, f := range l.files {
		_ = f.Close()
	}
}

// Dial connects to the daemon, in the network of this process. What a program it starts for that has to say goes to log. An
// error is an ErrHost of the plan: another host, or this one after the remedy, would not give it.
func Dial(ctx context.Context, h *plan.Hypervisor, log *os.File) (*Link, error) {
	link := &Link{}
	if err := link.dial(ctx, h, log); err != nil {
		link.Close()
		return nil, fmt.Errorf("connect to libvirt at %s: %w: %w", h.URI, plan.ErrHost, err)
	}
	return link, nil
}

func (l *Link) dial(ctx context.Context, h *plan.Hypervisor, log *os.File) (err error) {
	var conn *os.File
	here := netip.MustParseAddr("127.0.0.1")
	peer := here
	switch h.Transport {
	case "tcp":
		conn, here, peer, err = dialTCP(ctx, h)
	case "unix":
		conn, err = dialUnix(ctx, h)
	}
	if err != nil {
		return err
	}
	l.files = []*os.File{conn} // none yet for ssh, which has to be told of the doors
	ports := [2]int{}
	for i := range ports {
		door, port, err := listen(here)
		if err != nil {
			return err
		}
		l.files, ports[i] = append(l.files, door), port
	}
	if h.Transport == "ssh" {
		l.files[0], ports, err = dialSSH(h, ports, log)
	}
	l.Address = Address{Here: here.String(), Frames: ports[0], Console: ports[1], Peer: peer}
	return err
}

// listen opens a door at a port that is free.
func listen(at netip.Addr) (*os.File, int, error) {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		return nil, 0, fmt.Errorf("open a port for its guests: %w", err)
	}
	defer l.Close()
	f, err := l.File()
	return f, l.Addr().(*net.TCPAddr).Port, err
}

func dialUnix(ctx context.Context, h *plan.Hypervisor) (*os.File, error) {
	var d net.Dialer
	var first error
	for _, path := range sockets(h) {
		conn, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			defer conn.Close()
			return conn.(*net.UnixConn).File()
		}
		if first == nil || !errors.Is(err, syscall.ENOENT) {
			first = err
		}
	}
	if errors.Is(first, syscall.EACCES) {
		return nil, fmt.Errorf("%w: join the group that owns the socket (usually libvirt), or use qemu:///session", first)
	}
	return nil, fmt.Errorf("%w: install libvirt's daemon, and start it (virsh --connect %s uri does that for a session)", first, h.Driver)
}

// sockets are the places where the daemon of a URI may listen: the one for QEMU alone, and the one for everything.
func sockets(h *plan.Hypervisor) []string {
	if h.Socket != "" {
		return []string{h.Socket}
	}
	dir := "/run/libvirt"
	if h.Driver == "qemu:///session" {
		dir = filepath.Join(runtimeDir(), "libvirt")
	}
	return []string{filepath.Join(dir, "virtqemud-sock"), filepath.Join(dir, "libvirt-sock")}
}

// runtimeDir is where a user's programs keep their sockets, found as libvirt's clients find it (g_get_user_runtime_dir).
func runtimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return dir
	}
	return cacheDir()
}

func cacheDir() string {
	if dir, err := os.UserCacheDir(); err == nil {
		return dir
	}
	return os.TempDir()
}

// tcpPort is libvirt's for TCP without TLS.
const tcpPort = 16509

func dialTCP(ctx context.Context, h *plan.Hypervisor) (conn *os.File, here, peer netip.Addr, err error) {
	port := tcpPort
	if h.Port != 0 {
		port = h.Port
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(h.Host, strconv.Itoa(port)))
	if err != nil {
		return nil, here, peer, fmt.Errorf("%w: is the daemon told to listen there (libvirtd --listen, listen_tcp = 1)?", err)
	}
	defer c.Close()
	here = c.LocalAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().WithZone("")
	peer = c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().WithZone("")
	conn, err = c.(*net.TCPConn).File()
	return conn, here, peer, err
}
