package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server/socket"
)

// Role is one server behind a port: it decides on each request that comes there, for itself alone. Several roles may
// answer the same request, as they would from hosts of their own.
type Role struct {
	Name    string // for decisions: "dhcp", "proxydhcp"
	Answer  func(*Request, time.Time) (*Reply, Decision)
	Observe func(Decision) // called for every request, right after the reply has left
}

// Port is a UDP port of one interface with the roles behind it.
type Port struct {
	Interface string
	Address   netip.Addr   // own address there, from which replies are sent
	Number    uint16       // ServerPort or PXEPort
	Groups    []netip.Addr // multicast groups to join
	Roles     []Role
}

// Server answers the requests that come to one port.
type Server struct {
	port Port
	udp  *net.UDPConn
	link socket.Link
}

// Listen opens the sockets of a port, in the network namespace of the calling thread; Serve may run on any.
func Listen(p Port) (*Server, error) {
	link, err := net.InterfaceByName(p.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", p.Interface, err)
	}
	udp, err := socket.ListenUDP(p.Interface, netip.AddrPortFrom(netip.IPv4Unspecified(), p.Number))
	if err != nil {
		return nil, err
	}
	conn := ipv4.NewPacketConn(udp)
	// The option is on already; this makes ReadFrom look for what it delivers.
	err = conn.SetControlMessage(ipv4.FlagDst, true)
	for _, group := range p.Groups {
		if e := conn.JoinGroup(link, &net.UDPAddr{IP: group.AsSlice()}); e != nil {
			err = errors.Join(err, fmt.Errorf("joining multicast group %s on %q: %w", group, p.Interface, e))
		}
	}
	if err != nil {
		udp.Close()
		return nil, err
	}
	route, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		udp.Close()
		return nil, fmt.Errorf("opening a route socket for neighbour entries: %w", err)
	}
	return &Server{port: p, udp: udp, link: socket.Link{Conn: conn, Route: route, Index: link.Index, Address: p.Address}}, nil
}

// Close gives up the sockets of a Server that is not served.
func (s *Server) Close() {
	s.udp.Close()
	s.link.Route.Close()
}

// Serve answers requests one after the other until ctx ends, then closes the sockets. A read error does not end it: a
// link that goes down and comes back is part of what the lab does.
func (s *Server) Serve(ctx context.Context) error {
	defer s.Close()
	defer socket.CloseWith(ctx, s.udp)()
	buf := make([]byte, 65536)
	for failing := false; ; {
		n, cm, from, err := s.link.Conn.ReadFrom(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("reading requests to port %d: %w", s.port.Number, err)
		case err != nil:
			if !failing {
				s.observeAll(Decision{Request: "none", Reason: "reading requests: " + err.Error() + "; trying again"})
			}
			failing = true
			socket.Pause(ctx)
		default:
			failing = false
			s.handle(buf[:n], from.(*net.UDPAddr).AddrPort(), cm)
		}
	}
}

func (s *Server) handle(datagram []byte, from netip.AddrPort, cm *ipv4.ControlMessage) {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	to := netip.AddrPortFrom(netip.Addr{}, s.port.Number)
	if cm != nil {
		a, _ := netip.AddrFromSlice(cm.Dst.To4())
		to = netip.AddrPortFrom(a, s.port.Number)
	}
	req, err := ParseRequest(datagram, from, to)
	if err != nil {
		s.observeAll(Decision{Client: from.String(), Request: "BOOTREQUEST", Reason: "ignored: " + err.Error()})
		return
	}
	now := time.Now()
	for _, role := range s.port.Roles {
		reply, d := role.Answer(req, now)
		if reply != nil {
			if note := s.link.Deliver(reply.Bytes(), reply.To, reply.MAC); note != "" {
				d.Reason += "; " + note
			}
		}
		role.Observe(d)
	}
}

func (s *Server) observeAll(d Decision) {
	for _, role := range s.port.Roles {
		role.Observe(d)
	}
}
