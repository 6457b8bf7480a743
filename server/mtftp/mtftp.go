// Package mtftp is Intel's multicast TFTP for network boot (PXE 2.1, tags 1 to 5 of option 43): its server and its client.
package mtftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/pxelab/pxelab/server/socket"
)

// Ports that Intel's server and its configurations use; tags 2 and 3 may name any other.
const (
	ClientPort = 1758
	ServerPort = 1759
)

// Outcomes of a request.
const (
	OK       = "ok"
	NotFound = "not-found"
	Refused  = "refused"
	Timeout  = "timeout"
	Aborted  = "aborted"
)

// Config is one MTFTP server's configuration.
type Config struct {
	Interface  string
	Address    netip.Addr // that everything is sent from
	Root       string     // directory of the files served
	ClientPort uint16     // that clients listen on (tag 2)
	ServerPort uint16     // that requests are received on, and everything is sent from (tag 3)
	Files      []File
	Silent     bool // a mistake to make on purpose: take requests and never answer
}

// File is one file and the group it is sent to: a listener knows by the group alone what it receives, so no two files
// share one.
type File struct {
	Name  string     // as requests name it, relative to the root
	Group netip.Addr // 224.0.0.0/4
}

// Decision is what became of a request: one when a transmission begins, is joined or refused, and one at its end, which
// has an Outcome.
type Decision struct {
	Client  netip.AddrPort
	Request string // "RRQ probe.0"
	Reply   string // "DATA", "ERROR 1"; empty for silence and at the end of a transmission
	Reason  string
	File    string
	Bytes   int64         // octets of the file acknowledged
	Sent    int64         // octets of UDP payload that the transmission put on the wire
	Took    time.Duration // from the request
	Resent  int           // datagrams sent again
	Outcome string
}

// Server sends the files of one directory to their groups, on one interface.
type Server struct {
	cfg     Config
	observe func(Decision)
	udp     *net.UDPConn
	conn    *ipv4.PacketConn
	root    *os.Root
	running map[string]*running // by file

	retransmitAfter time.Duration
}

// Listen opens the port and the root.
func Listen(cfg Config, observe func(Decision)) (*Server, error) {
	link, err := net.InterfaceByName(cfg.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", cfg.Interface, err)
	}
	root, err := os.OpenRoot(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("MTFTP root: %w; make that folder, or name another one", err)
	}
	udp, err := socket.ListenUDP(cfg.Interface, netip.AddrPortFrom(netip.IPv4Unspecified(), cfg.ServerPort))
	if err != nil {
		root.Close()
		return nil, err
	}
	s := &Server{cfg: cfg, observe: observe, udp: udp, conn: ipv4.NewPacketConn(udp), root: root,
		running: map[string]*running{}, retransmitAfter: retransmitAfter}
	if err := errors.Join(s.conn.SetMulticastInterface(link), s.conn.SetMulticastLoopback(false),
		s.conn.SetControlMessage(ipv4.FlagDst, true)); err != nil {
		s.Close()
		return nil, fmt.Errorf("preparing the socket for multicast on %q: %w", cfg.Interface, err)
	}
	return s, nil
}

// Close gives up the socket of a Server that is not served.
func (s *Server) Close() {
	s.udp.Close()
	s.root.Close()
}

// Serve takes requests until ctx ends; transmissions under way are then aborted and their openers told.
func (s *Server) Serve(ctx context.Context) error {
	defer s.Close()
	defer s.abortAll()
	defer context.AfterFunc(ctx, func() { _ = s.udp.SetReadDeadline(time.Unix(1, 0)) })()
	buf := make([]byte, 65536)
	for {
		begun := time.Now()
		look := s.nextLook(begun)
		_ = s.udp.SetReadDeadline(look) // fails only on a closed socket, which reading tells
		if ctx.Err() != nil {           // after the deadline is set, lest it replace the one that ends us
			return nil
		}
		n, cm, from, err := s.conn.ReadFrom(buf)
		if asked, took := look.Sub(begun), time.Since(begun); !look.IsZero() && socket.Slept(asked, took, false) {
			s.later(took - asked)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.timeouts(time.Now())
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("reading MTFTP requests: %w", err)
		case err != nil:
			socket.Pause(ctx) // a link that is down comes back
		default:
			client := from.(*net.UDPAddr).AddrPort()
			s.handle(buf[:n], netip.AddrPortFrom(client.Addr().Unmap(), client.Port()), isMulticast(cm), time.Now())
			s.timeouts(time.Now()) // requests without end must not keep a dead opener's transmission alive
		}
	}
}

// isMulticast tells whether a datagram was sent to a group or to all.
func isMulticast(cm *ipv4.ControlMessage) bool {
	return cm != nil && (cm.Dst.IsMulticast() || cm.Dst.Equal(net.IPv4bcast))
}

// glance is how often the server looks whether it was stopped meanwhile.
const glance = 100 * time.Millisecond

// nextLook is when a read is to end: when the first transmission has waited long enough, or sooner, to find out whether the process
// was stopped; zero if none waits.
func (s *Server) nextLook(now time.Time) time.Time {
	next := s.nextTimeout()
	if soon := now.Add(glance); next.After(soon) {
		return soon
	}
	return next
}

// later puts off when blocks are sent again: for so long the process was stopped, and whoever is waited for perhaps, too.
func (s *Server) later(by time.Duration) {
	for _, r := range s.running {
		r.deadline = r.deadline.Add(by)
	}
}

// nextTimeout is when the first transmission has waited long enough; zero if none waits.
func (s *Server) nextTimeout() time.Time {
	var first time.Time
	for _, r := range s.running {
		if first.IsZero() || r.deadline.Before(first) {
			first = r.deadline
		}
	}
	return first
}
