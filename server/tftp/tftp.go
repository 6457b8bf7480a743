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

	"golang.org/x/net/ipv4"

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
	conn    *ipv4.PacketConn
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
	udp, err := socket.ListenUDP(cfg.Interface, netip.AddrPortFrom(netip.IPv4Unspecified(), port))
	if err != nil {
		root.Close()
		return nil, err
	}
	s := &Server{cfg: cfg, observe: observe, udp: udp, conn: ipv4.NewPacketConn(udp), root: root,
		maxBlk: maxBlk(cfg.MaxBlk, link.MTU), retransmitAfter: retransmitAfter, live: map[netip.AddrPort]*transfer{}}
	// The option is on already; this makes ReadFrom look for what it delivers.
	if err := s.conn.SetControlMessage(ipv4.FlagDst, true); err != nil {
		s.Close()
		return nil, fmt.Errorf("asking for destination addresses: %w", err)
	}
	return s, nil
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
		n, cm, from, err := s.conn.ReadFrom(buf)
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
			client := from.(*net.UDPAddr).AddrPort()
			s.handle(buf[:n], netip.AddrPortFrom(client.Addr().Unmap(), client.Port()), localAddr(cm))
		}
	}
}

// localAddr gives the address a datagram was sent to; zero if the kernel did not say.
func localAddr(cm *ipv4.ControlMessage) netip.Addr {
	if cm == nil {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(cm.Dst.To4())
	return a
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
