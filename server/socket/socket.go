// Package socket opens UDP sockets that one interface alone can reach.
package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ListenUDP opens a UDP socket of the address's family on an interface. An unspecified IPv4 address also receives
// broadcasts; port zero is any free port. It never shares a port: another program that holds it is an error that names
// the port.
func ListenUDP(ifname string, at netip.AddrPort) (*net.UDPConn, error) {
	network, ip6 := "udp4", at.Addr().Is6()
	if ip6 {
		network = "udp6" // and no IPv4: Go sets IPV6_V6ONLY
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if cerr := raw.Control(func(fd uintptr) { err = prepare(int(fd), ifname, ip6) }); cerr != nil {
			return cerr
		}
		return err
	}}
	conn, err := lc.ListenPacket(context.Background(), network, at.String())
	if err != nil {
		return nil, explain(ifname, at.Port(), err)
	}
	return conn.(*net.UDPConn), nil
}

// prepare asks for each datagram's destination (IP_PKTINFO, IPV6_RECVPKTINFO) before the socket is bound: a datagram
// queued earlier would carry none.
func prepare(fd int, ifname string, ip6 bool) error {
	if err := os.NewSyscallError("setsockopt SO_BINDTODEVICE", unix.BindToDevice(fd, ifname)); err != nil {
		return err
	}
	if ip6 {
		return os.NewSyscallError("setsockopt IPV6_RECVPKTINFO", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1))
	}
	return os.NewSyscallError("setsockopt IP_PKTINFO", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1))
}

func explain(ifname string, port uint16, err error) error {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("port %d on %q is in use by another program; stop it (ss -ulpn 'sport = :%d' names it) or serve another interface", port, ifname, port)
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("interface %q does not exist; ip link lists those that do", ifname)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("opening port %d on %q: the address is not on that interface; add it with ip addr add: %w", port, ifname, err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Errorf("opening port %d on %q: run as root, or grant cap_net_bind_service and cap_net_raw: %w", port, ifname, err)
	}
	return fmt.Errorf("opening port %d on %q: %w", port, ifname, err)
}
