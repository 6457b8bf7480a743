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

// ListenTCP opens a TCP listener on an interface, over IPv4 or IPv6 as the address says. It never shares a port:
// another program that holds it is an error that names the port.
func ListenTCP(ifname string, at netip.AddrPort) (net.Listener, error) {
	network := "tcp4"
	if at.Addr().Is6() {
		network = "tcp6"
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if cerr := raw.Control(func(fd uintptr) {
			err = os.NewSyscallError("setsockopt SO_BINDTODEVICE", unix.BindToDevice(int(fd), ifname))
		}); cerr != nil {
			return cerr
		}
		return err
	}}
	lc.SetMultipathTCP(false) // boot firmware does not speak it, and its options only fill the SYN ACK
	l, err := lc.Listen(context.Background(), network, at.String())
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return nil, fmt.Errorf("port %d on %q is in use by another program; stop it (ss -tlpn 'sport = :%d' names it) or use another port", at.Port(), ifname, at.Port())
	case err != nil:
		return nil, explain(ifname, at.Port(), err)
	}
	return l, nil
}
