package dhcp6

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"golang.org/x/net/ipv6"

	"github.com/pxelab/pxelab/server/socket"
)

// Server answers DHCPv6 requests on one interface.
type Server struct {
	cfg     Config
	observe func(Decision)
	udp     *net.UDPConn
	leases  *Leases
}

// Listen opens the server's socket on an interface and joins the group that clients send to. observe is called for
// every request, in order, right after the reply has left.
func Listen(ifname string, cfg Config, observe func(Decision)) (*Server, error) {
	link, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", ifname, err)
	}
	if cfg.ServerID == nil {
		if len(link.HardwareAddr) != 6 {
			return nil, fmt.Errorf("interface %q has no Ethernet address to make a server identifier of; serve another one", ifname)
		}
		cfg.ServerID = &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: link.HardwareAddr}
	}
	udp, err := socket.ListenUDP(ifname, netip.AddrPortFrom(netip.IPv6Unspecified(), ServerPort))
	if err != nil {
		return nil, err
	}
	if err := ipv6.NewPacketConn(udp).JoinGroup(link, &net.UDPAddr{IP: AllServers.AsSlice()}); err != nil {
		udp.Close()
		return nil, fmt.Errorf("joining %s on %q: %w", AllServers, ifname, err)
	}
	return &Server{cfg: cfg, observe: observe, udp: udp, leases: NewLeases()}, nil
}

// Close gives up the socket of a Server that is not served.
func (s *Server) Close() { s.udp.Close() }

// Serve answers requests one after the other until ctx ends, then closes the socket.
func (s *Server) Serve(ctx context.Context) error {
	return socket.Serve(ctx, s.udp, "DHCPv6 requests", s.handle)
}

func (s *Server) handle(datagram []byte, from netip.AddrPort, to netip.Addr) {
	req, err := ParseRequest(datagram, from, to)
	if err != nil {
		s.observe(Decision{Client: from.String(), Request: "DHCPv6", Reason: "ignored: " + err.Error()})
		return
	}
	reply, d := Answer(req, &s.cfg, s.leases, time.Now())
	if reply != nil {
		if err := socket.Send(s.udp, reply.Message.ToBytes(), netip.Addr{}, reply.To); err != nil {
			d.Reason += "; not sent: " + err.Error()
		}
	}
	s.observe(d)
}
