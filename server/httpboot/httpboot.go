// Package httpboot is a read-only HTTP/1.1 file server for UEFI HTTP boot and iPXE.
package httpboot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/pxelab/pxelab/server/socket"
)

// DefaultPort is HTTP's own (RFC 9110 section 4.2.1).
const DefaultPort = 80

// Outcomes of a request.
const (
	OK        = "ok"
	SizeProbe = "size-probe" // a HEAD: EDK2 asks for the size before it asks for the file
	NotFound  = "not-found"
	Refused   = "refused"
	Aborted   = "aborted"
)

// Config is one HTTP server's configuration.
type Config struct {
	Interface string
	Address   netip.Addr // zero means every IPv4 address of the interface
	Port      int        // zero means DefaultPort
	Root      string     // directory of the files served
	NoLength  bool       // never say how long a file is: the connection's end ends it (RFC 9112 section 6.3)
	Silent    bool       // take requests and never answer
}

// Decision is what became of a request, told when it has been answered.
type Decision struct {
	Client  netip.AddrPort
	Request string // "GET /probe-x64.efi"
	Reply   string // "200", "404"; empty for silence
	Reason  string
	File    string        // path below the root
	Bytes   int64         // octets of the body that were handed to TCP
	Took    time.Duration // from the request
	Outcome string
}

// Server serves the files of one directory on one interface.
type Server struct {
	cfg     Config
	observe func(Decision)
	ln      net.Listener
	root    *os.Root
	http    *http.Server

	mu    sync.Mutex
	conns map[net.Conn]*connection
}

// connection is what is known of a client's connection.
type connection struct {
	spoke bool // octets came that no request has been made of yet
}

// Listen opens the port and the root. observe may be called by several requests at once.
func Listen(cfg Config, observe func(Decision)) (*Server, error) {
	if cfg.Port == 0 {
		cfg.Port = DefaultPort
	}
	return listen(cfg, observe)
}

// listen takes port zero as any free one.
func listen(cfg Config, observe func(Decision)) (*Server, error) {
	root, err := os.OpenRoot(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("HTTP root: %w; make that folder, or name another one", err)
	}
	if !cfg.Address.IsValid() {
		cfg.Address = netip.IPv4Unspecified()
	}
	ln, err := socket.ListenTCP(cfg.Interface, netip.AddrPortFrom(cfg.Address, uint16(cfg.Port)))
	if err != nil {
		root.Close()
		return nil, err
	}
	s := &Server{cfg: cfg, observe: observe, ln: ln, root: root, conns: map[net.Conn]*connection{}}
	s.http = &http.Server{
		Handler:           s,
		ConnState:         s.connState,
		ConnContext:       s.connContext,
		ReadHeaderTimeout: time.Minute,
		IdleTimeout:       5 * time.Minute, // firmware that is paused or slow finds its connection again
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // the observer is told of what goes wrong
	}
	return s, nil
}

// Close gives up the sockets of a Server that is not served.
func (s *Server) Close() {
	s.ln.Close()
	s.root.Close()
}

// Serve answers until ctx ends; transfers under way are then broken off.
func (s *Server) Serve(ctx context.Context) error {
	defer s.root.Close()
	defer socket.CloseWith(ctx, s.http)()
	if err := s.http.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("taking HTTP connections: %w", err)
	}
	return nil
}

type connKey struct{}

// connContext gives requests the connection they came by.
func (s *Server) connContext(ctx context.Context, c net.Conn) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[c] == nil {
		s.conns[c] = &connection{}
	}
	return context.WithValue(ctx, connKey{}, s.conns[c])
}

// connState tells of connections that ended without a request: what is no HTTP is answered with 400 and never reaches
// the handler.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	k := s.conns[c]
	ignored := false
	switch {
	case k == nil:
	case state == http.StateActive:
		k.spoke = true
	case state == http.StateIdle:
		k.spoke = false
	case state == http.StateClosed || state == http.StateHijacked:
		ignored = k.spoke
		delete(s.conns, c)
	}
	s.mu.Unlock()
	if ignored {
		s.observe(Decision{Client: addrPort(c.RemoteAddr().String()), Request: "none", Reply: "400",
			Reason: "refused: no whole request of HTTP/1.0 or HTTP/1.1", Outcome: Refused})
	}
}

// addrPort reads the address of a peer, IPv4 in its own form.
func addrPort(s string) netip.AddrPort {
	a, _ := netip.ParseAddrPort(s)
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
