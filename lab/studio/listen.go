package studio

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
)

// Listener is where a studio is reached.
type Listener struct {
	net.Listener
	names      map[string]bool // hosts that are its own, in lower case, without a port
	port       string          // empty for a unix socket
	everywhere bool            // it listens on every address of this host
	Open       bool            // others than this host's users may reach it
}

// Listen opens what --listen names: "127.0.0.1:0", "[::1]:8080", "unix:/run/user/1000/studio.sock". A port of 0 is any free one. A unix
// socket is its user's alone, and goes when the listener is closed.
func Listen(address string) (*Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return listenUnix(path)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--listen %q: %w; write ADDRESS:PORT, such as 127.0.0.1:0, or unix:PATH", address, err)
	}
	if host == "" {
		return nil, fmt.Errorf("--listen %q names no address: write 127.0.0.1%s, or 0.0.0.0%[2]s for every address of this host", address, address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--listen %q: %w; choose another address or port (0: any free one)", address, err)
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	ip := at.Addr().Unmap()
	out := &Listener{Listener: l, names: map[string]bool{strings.ToLower(host): true, ip.String(): true}, port: fmt.Sprint(at.Port()),
		everywhere: ip.IsUnspecified(), Open: !ip.IsLoopback()}
	if ip.IsLoopback() {
		out.names["localhost"] = true
	}
	return out, nil
}

func listenUnix(path string) (*Listener, error) {
	if path == "" {
		return nil, errors.New("--listen unix: names no path; write unix:/PATH/OF/SOCKET")
	}
	if err := removeDead(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("--listen unix:%s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("--listen unix:%s: close it to others: %w", path, err)
	}
	return &Listener{Listener: l}, nil
}

// removeDead removes a socket that a studio left that was killed, and nothing else.
func removeDead(path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("--listen unix:%s: %w", path, err)
	}
	if st.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("--listen unix:%s: there is a file of that name already; choose another", path)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return fmt.Errorf("--listen unix:%s: somebody listens there already; choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("--listen unix:%s: %w", path, err)
	}
	return os.Remove(path)
}

// URL is the address of the page for a holder of that token, which stays in the browser: what follows # is not sent. Of a unix socket
// it is what stands behind the address of whatever leads there.
func (l *Listener) URL(token string) string {
	if l.port == "" {
		return "/#token=" + token
	}
	host := l.Addr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	if host.IsUnspecified() {
		host = netip.MustParseAddr("127.0.0.1")
	}
	return "http://" + net.JoinHostPort(host.String(), l.port) + "/#token=" + token
}

// Elsewhere are the addresses by which other hosts reach the page, of a studio that listens on every address of this one.
func (l *Listener) Elsewhere(token string) []string {
	if !l.everywhere {
		return nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil // it is a convenience
	}
	var out []string
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, "http://"+net.JoinHostPort(n.IP.String(), l.port)+"/#token="+token)
		}
	}
	return out
}
