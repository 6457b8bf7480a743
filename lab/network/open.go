package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Open opens a socket on the host, for a program that cannot enter its namespace: a bound one where network is "udp", "udp4" or
// "udp6", a listening one where it is "tcp", "tcp4" or "tcp6". The address is as for net.Listen, an IP address and a port:
// "192.0.2.1:69", or ":67" for all addresses of the host. A datagram socket may broadcast.
//
// It gives the address that the socket is bound to. The caller closes the file.
func (h *Host) Open(network, address string) (socket *os.File, at net.Addr, err error) {
	err = h.Do(func() error {
		config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			var refused error
			err := c.Control(func(fd uintptr) {
				refused = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
					unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1))
			})
			return errors.Join(err, refused)
		}}
		var open interface {
			Close() error
			File() (*os.File, error)
		}
		switch network {
		case "udp", "udp4", "udp6":
			c, err := config.ListenPacket(context.Background(), network, address)
			if err != nil {
				return err
			}
			udp := c.(*net.UDPConn)
			open, at = udp, udp.LocalAddr()
		case "tcp", "tcp4", "tcp6":
			l, err := config.Listen(context.Background(), network, address)
			if err != nil {
				return err
			}
			tcp := l.(*net.TCPListener)
			open, at = tcp, tcp.Addr()
		default:
			return fmt.Errorf("unknown network %q (have udp, udp4, udp6, tcp, tcp4, tcp6)", network)
		}
		defer open.Close()
		socket, err = open.File()
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("open a socket on host %q: %w", h.name, err)
	}
	return socket, at, nil
}
