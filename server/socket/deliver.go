package socket

import (
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/ipv4"
)

// EveryClient is where the DHCP clients of a link listen that have no address.
var EveryClient = netip.MustParseAddrPort("255.255.255.255:68")

// Link is an interface over which clients are answered that may have no address yet.
type Link struct {
	Conn    *ipv4.PacketConn
	Route   *netlink.Handle // for neighbour entries
	Index   int             // of the interface
	Address netip.Addr      // own address there, that datagrams are sent from: the interface may have further ones
}

// Deliver sends a datagram and says what did not go as planned. To reach a station by its MAC before it can answer ARP,
// the kernel is given a neighbour entry; if it refuses, the datagram is broadcast, which every known client accepts while
// it has no address. Without a MAC the kernel asks for one, or broadcasts, as the address demands.
func (l Link) Deliver(b []byte, to netip.AddrPort, mac net.HardwareAddr) (note string) {
	if mac != nil {
		err := l.Route.NeighSet(&netlink.Neigh{LinkIndex: l.Index, Family: netlink.FAMILY_V4, State: netlink.NUD_REACHABLE,
			IP: to.Addr().AsSlice(), HardwareAddr: mac})
		if err != nil {
			to, note = EveryClient, "broadcast, because the kernel took no neighbour entry: "+err.Error()
		}
	}
	cm := &ipv4.ControlMessage{Src: l.Address.AsSlice(), IfIndex: l.Index}
	if _, err := l.Conn.WriteTo(b, cm, net.UDPAddrFromAddrPort(to)); err != nil {
		return "not sent: " + err.Error()
	}
	return note
}
