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

// Server answers DHCP requests on one interface.
type Server struct {
	cfg     Config
	observe func(Decision)
	udp     *net.UDPConn
	conn    *ipv4.PacketConn
	route   *netlink.Handle
	ifindex int
	leases  *Leases
}

// Listen opens the server's sockets on an interface, in the network namespace of the calling thread; Serve may run on
// any. observe is called for every request, in order, right after the reply has left.
func Listen(ifname string, cfg Config, observe func(Decision)) (*Server, error) {
	link, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", ifname, err)
	}
	udp, err := socket.ListenUDP(ifname, netip.AddrPortFrom(netip.IPv4Unspecified(), ServerPort))
	if err != nil {
		return nil, err
	}
	route, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		udp.Close()
		return nil, fmt.Errorf("opening a route socket for neighbour entries: %w", err)
	}
	return &Server{cfg: cfg, observe: observe, udp: udp, conn: ipv4.NewPacketConn(udp), route: route,
		ifindex: link.Index, leases: NewLeases()}, nil
}

// Close gives up the sockets of a Server that is not served.
func (s *Server) Close() {
	s.udp.Close()
	s.route.Close()
}

// Serve answers requests one after the other until ctx ends, then closes the sockets. A read error does not end it: a
// link that goes down and comes back is part of what the lab does.
func (s *Server) Serve(ctx context.Context) error {
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.udp.Close() })()
	buf := make([]byte, 65536)
	for failing := false; ; {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("reading DHCP requests: %w", err)
		case err != nil:
			if !failing {
				s.observe(Decision{Request: "none", Reason: "reading requests: " + err.Error() + "; trying again"})
			}
			failing = true
			pause(ctx)
		default:
			failing = false
			s.handle(buf[:n], from)
		}
	}
}

// pause keeps a socket that fails again and again from using up a processor.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(50 * time.Millisecond):
	}
}

func (s *Server) handle(datagram []byte, from netip.AddrPort) {
	req, err := ParseRequest(datagram, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	if err != nil {
		s.observe(Decision{Client: from.String(), Request: "BOOTREQUEST", Reason: "ignored: " + err.Error()})
		return
	}
	reply, d := Answer(req, &s.cfg, s.leases, time.Now())
	if reply != nil {
		if note := s.send(reply); note != "" {
			d.Reason += "; " + note
		}
	}
	s.observe(d)
}

// send delivers a reply and says what did not go as planned. To reach a station by its MAC before it can answer ARP,
// the kernel is given a neighbour entry; if it refuses, the reply is broadcast, which every known client accepts while
// it has no address.
func (s *Server) send(r *Reply) (note string) {
	to := r.To
	if r.MAC != nil {
		err := s.route.NeighSet(&netlink.Neigh{LinkIndex: s.ifindex, Family: netlink.FAMILY_V4, State: netlink.NUD_REACHABLE,
			IP: to.Addr().AsSlice(), HardwareAddr: r.MAC})
		if err != nil {
			to, note = broadcastClient, "broadcast, because the kernel took no neighbour entry: "+err.Error()
		}
	}
	// The source is named, because the interface may have further addresses.
	cm := &ipv4.ControlMessage{Src: s.cfg.Address.Addr().AsSlice(), IfIndex: s.ifindex}
	if _, err := s.conn.WriteTo(r.Packet.ToBytes(), cm, net.UDPAddrFromAddrPort(to)); err != nil {
		return "not sent: " + err.Error()
	}
	return note
}
