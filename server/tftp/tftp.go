// Package tftp is a read-only TFTP server (RFC 1350, 2347, 2348, 2349) for network boot.
package tftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/pxelab/pxelab/server/socket"
)

// Port is where requests are received.
const Port = 69

// Outcomes of a request.
const (
	OK        = "ok"
	SizeProbe = "size-probe" // the client learned the size from the OACK and sent ERROR: EDK2 does so before each download
	NotFound  = "not-found"
	Refused   = "refused"
	Timeout   = "timeout"
	Aborted   = "aborted"
)

// Config is one TFTP server's configuration.
type Config struct {
	Interface string
	IPv6      bool   // serve IPv6 instead of IPv4
	Root      string // directory of the files served
	MaxBlk    int    // largest blksize granted, 512 at least; zero means what the interface's MTU carries
	Silent    bool   // take requests and never answer
}

// Decision is what became of a request: one when it is taken or refused, and for a transfer one more at its end, which
// has an Outcome.
type Decision struct {
	Client  netip.AddrPort
	Request string // "RRQ probe.0"
	Reply   string // "OACK", "DATA", "ERROR 1"; empty for silence and at the end of a transfer
	Reason  string
	File    string        // path below the root, as asked for
	Bytes   int64         // octets acknowledged
	Took    time.Duration // from the request
	Resent  int           // datagrams sent again
	Outcome string
}

// Server serves the files of one directory on one interface.
type Server struct {
	cfg     Config
	observe func(Decision)
	udp     *net.UDPConn
	root    *os.Root
	maxBlk  int

	retransmitAfter time.Duration

	mu   sync.Mutex
	live map[netip.AddrPort]*transfer // by client
	wg   sync.WaitGroup
}

// Listen opens the port and the root. Transfers use further sockets, so Serve must run in the same network namespace.
// observe may be called by several transfers at once.
func Listen(cfg Config, observe func(Decision)) (*Server, error) {
	return listen(cfg, Port, observe)
}

func listen(cfg Config, port uint16, observe func(Decision)) (*Server, error) {
	link, err := net.InterfaceByName(cfg.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", cfg.Interface, err)
	}
	root, err := os.OpenRoot(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("TFTP root: %w; make that folder, or name another one", err)
	}
	udp, err := socket.ListenUDP(cfg.Interface, netip.AddrPortFrom(cfg.unspecified(), port))
	if err != nil {
		root.Close()
		return nil, err
	}
	s := &Server{cfg: cfg, observe: observe, udp: udp, root: root,
		maxBlk: maxBlk(cfg.MaxBlk, cfg.mtu(link.MTU)), retransmitAfter: retransmitAfter, live: map[netip.AddrPort]*transfer{}}
	return s, nil
}

// unspecified is every address of the family served.
func (c Config) unspecified() netip.Addr {
	if c.IPv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// mtu is what remains of the interface's for an IPv4 header and what follows: IPv6's is 20 octets longer.
func (c Config) mtu(link int) int {
	if c.IPv6 {
		return link - 20
	}
	return link
}

// maxBlk gives the largest block whose datagram fits the MTU: IP 20, UDP 8 and TFTP 4 octets surround it.
func maxBlk(limit, mtu int) int {
	blk := min(max(mtu-32, defaultBlk), 65464)
	if limit > 0 {
		blk = min(blk, limit)
	}
	return blk
}

// Close gives up the sockets of a Server that is not served.
func (s *Server) Close() {
	s.udp.Close()
	s.root.Close()
}

// Serve takes requests until ctx ends; transfers under way are then aborted and their clients told.
func (s *Server) Serve(ctx context.Context) error {
	defer s.Close()
	defer s.abortAll()
	defer context.AfterFunc(ctx, func() { s.udp.Close() })()
	buf := make([]byte, 65536)
	for {
		n, client, local, err := socket.Receive(s.udp, buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("reading TFTP requests: %w", err)
		case err != nil:
			select { // a link that is down comes back: part of what the lab does
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		default:
			s.handle(buf[:n], client, local)
		}
	}
}

func (s *Server) abortAll() {
	s.mu.Lock()
	for _, t := range s.live {
		t.link.cancel(ending{outcome: Aborted, reason: "the server stops", code: codeUndefined, tell: "server stopped"})
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// handle decides on one datagram that came to the server's port.
func (s *Server) handle(datagram []byte, client netip.AddrPort, local netip.Addr) {
	req, err := parseRequest(datagram)
	d := Decision{Client: client, Request: "none"}
	if err != nil {
		d.Reason = "ignored: " + err.Error()
		s.observe(d)
		return
	}
	d.Request, d.File = req.String(), req.name
	switch {
	case s.cfg.Silent:
		d.Reason = "silent, as configured"
		s.observe(d)
	case local == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || local.IsMulticast():
		d.Reason = "ignored: sent to a broadcast address (RFC 1123 section 4.2.3.5)"
		s.observe(d)
	case s.repeated(client, datagram):
		d.Reason = "a repeated request: the first answer was sent again"
		s.observe(d)
	default:
		s.start(req, datagram, client, local, d)
	}
}

// repeated deals with a client that is being served. If it sends the same request before its first acknowledgement,
// then our answer got lost or is late, and goes out again from the same port; a second transfer would confuse it.
// Otherwise it began again, after a reset say, and the old transfer ends.
func (s *Server) repeated(client netip.AddrPort, datagram []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.live[client]
	if t == nil {
		return false
	}
	if string(t.opening) == string(datagram) && t.link.repeatFirst() {
		return true
	}
	t.link.cancel(ending{outcome: Aborted, reason: "the client began again"})
	return false
}
