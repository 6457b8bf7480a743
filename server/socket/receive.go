package socket

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// oobRoom holds the one control message that ListenUDP asks the kernel for, of either family.
const oobRoom = 128

// Receive reads one datagram from a socket of ListenUDP. It gives its sender and the address it was sent to: one of
// the host's own, a broadcast address or a multicast group; the zero Addr if the kernel did not say.
func Receive(conn *net.UDPConn, b []byte) (n int, from netip.AddrPort, to netip.Addr, err error) {
	var oob [oobRoom]byte
	n, m, _, from, err := conn.ReadMsgUDPAddrPort(b, oob[:])
	if err != nil {
		return n, netip.AddrPort{}, netip.Addr{}, err
	}
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if from.Addr().Is4() {
		var cm ipv4.ControlMessage
		if cm.Parse(oob[:m]) == nil {
			to, _ = netip.AddrFromSlice(cm.Dst.To4())
		}
		return n, from, to, nil
	}
	var cm ipv6.ControlMessage
	if cm.Parse(oob[:m]) == nil {
		to, _ = netip.AddrFromSlice(cm.Dst.To16())
	}
	return n, from, to, nil
}

// Send sends one datagram from an address of the host's own; the zero Addr leaves the choice to the kernel.
func Send(conn *net.UDPConn, b []byte, from netip.Addr, to netip.AddrPort) error {
	var oob []byte
	switch {
	case from.Is4():
		oob = (&ipv4.ControlMessage{Src: from.AsSlice()}).Marshal()
	case from.Is6():
		oob = (&ipv6.ControlMessage{Src: from.AsSlice()}).Marshal()
	}
	_, _, err := conn.WriteMsgUDPAddrPort(b, oob, to)
	return err
}
