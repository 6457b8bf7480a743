// Package tftp is a read-only TFTP server (RFC 1350, 2090, 2347, 2348, 2349, 7440) for network boot.
package tftp

import (
	"context"
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

// Config is one TFTP server's configuration. The last four make it a broken one.
type Config struct {
	Interface string
	IPv6      bool      // serve IPv6 instead of IPv4
	Root      string    // directory of the files served
	MaxBlk    int       // largest blksize granted, 8 at least; zero means what the interface's MTU carries
	MaxWindow int       // largest windowsize granted; 1 refuses that option; zero means 64
	Multicast Multicast // groups for option multicast; the zero value refuses it
	Silent    bool      // take requests and never answer
	NoOptions bool      // know no options (RFC 2347), as servers before 1998
	NoTsize   bool      // leave option tsize unanswered
	StopAfter int       // fall silent for good after so many blocks of a transfer; zero does not
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
	Sent    int64         // octets of UDP payload that DATA put on the wire, those to a group for the client that asked for them
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
	limits  limits
	link    *net.Interface
	most    int // transfers at a time

	mu     sync.Mutex
	live   map[netip.AddrPort]*transfer // by client
	groups []*group                     // multicast transfers
	wg     sync.WaitGroup
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
	return &Server{cfg: cfg, observe: observe, udp: udp, root: root, limits: cfg.limits(cfg.mtu(link.MTU)), link: link,
		most: mostTransfers, live: map[netip.AddrPort]*transfer{}}, nil
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

// limits gives what a server of this configuration grants.
func (c Config) limits(mtu int) limits {
	l := limits{blk: maxBlk(c.MaxBlk, mtu), window: c.MaxWindow, noOptions: c.NoOptions, noTsize: c.NoTsize,
		multicast: c.Multicast.First.IsValid() && c.StopAfter == 0, again: retransmitAfter}
	if l.window == 0 {
		l.window = defaultMaxWindow
	}
	return l
}

// maxBlk gives the largest block whose datagram fits the MTU: IP 20, UDP 8 and TFTP 4 octets surround it.
func maxBlk(limit, mtu int) int {
	blk := min(max(mtu-32, defaultBlk), maxBlksize)
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
	return socket.Serve(ctx, s.udp, "TFTP requests", s.handle)
}

func (s *Server) abortAll() {
	s.mu.Lock()
	for _, t := range s.live {
		t.halt(ending{outcome: Aborted, reason: "the server stops", code: codeUndefined, tell: "server stopped"})
	}
	for _, g := range s.groups {
		g.halt(ending{outcome: Aborted, reason: "the server stops", code: codeUndefined, tell: "server stopped"})
	}
	s.mu.Unlock()
	s.wg.Wait()
}
