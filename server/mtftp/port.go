package mtftp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/pxelab/pxelab/server/socket"
)

// readBuffer has room for what comes while a client waits for a processor and its transmission goes on: the kernel charges
// more than twice the octets of a block.
const readBuffer = 1 << 20

// hostPort is a Port of this host.
type hostPort struct {
	udp  *net.UDPConn
	conn *ipv4.PacketConn
	buf  [2048]byte
}

// openPort opens a client's port and joins the group.
func openPort(s Source) (*hostPort, error) {
	link, err := net.InterfaceByName(s.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", s.Interface, err)
	}
	udp, err := socket.ListenUDP(s.Interface, netip.AddrPortFrom(netip.IPv4Unspecified(), s.ClientPort))
	if err != nil {
		return nil, err
	}
	_ = udp.SetReadBuffer(readBuffer) // the kernel gives what it may
	p := &hostPort{udp: udp, conn: ipv4.NewPacketConn(udp)}
	if err := errors.Join(p.conn.JoinGroup(link, &net.UDPAddr{IP: s.Group.AsSlice()}), p.conn.SetControlMessage(ipv4.FlagDst, true)); err != nil {
		udp.Close()
		return nil, fmt.Errorf("joining group %s on %q: %w", s.Group, s.Interface, err)
	}
	return p, nil
}

// Send is part of Port.
func (p *hostPort) Send(to netip.AddrPort, payload []byte) error {
	_, err := p.udp.WriteToUDPAddrPort(payload, to)
	return err
}

// Next is part of Port.
func (p *hostPort) Next(deadline time.Time) (Datagram, error) {
	_ = p.udp.SetReadDeadline(deadline) // fails only on a closed socket, which reading tells
	n, cm, from, err := p.conn.ReadFrom(p.buf[:])
	if err != nil {
		return Datagram{}, err
	}
	src := from.(*net.UDPAddr).AddrPort()
	d := Datagram{Src: netip.AddrPortFrom(src.Addr().Unmap(), src.Port()), Payload: p.buf[:n]}
	if cm != nil {
		d.Dst, _ = netip.AddrFromSlice(cm.Dst.To4())
	}
	return d, nil
}

// Close is part of Port.
func (p *hostPort) Close() error { return p.udp.Close() }
