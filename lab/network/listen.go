package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Listen hands every frame that passes an interface of this host to see, one at a time, until ctx is done. It sends nothing. The
// card is set to take frames for other machines, too, for as long as that lasts. Once nothing is missed any more, ready is called.
func Listen(ctx context.Context, ifname string, ready func(), see func(data []byte, at time.Time)) error {
	link, err := net.InterfaceByName(ifname)
	if err != nil {
		return fmt.Errorf("listen on interface %q: %w; ip link lists those that exist", ifname, err)
	}
	socket, err := openPacketSocket(link.Index, true)
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("listen on interface %q: %w; run it as root, or with the capability cap_net_raw", ifname, err)
	} else if err != nil {
		return fmt.Errorf("listen on interface %q: %w", ifname, err)
	}
	defer socket.Close()
	if err := promiscuous(socket, link.Index); err != nil {
		return fmt.Errorf("listen on interface %q for frames of other machines: %w", ifname, err)
	}
	stop := context.AfterFunc(ctx, func() { socket.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	ready()
	buf := make([]byte, readSize)
	for {
		n, err := socket.Read(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("listen on interface %q: %w", ifname, err)
		}
		see(buf[:n], time.Now())
	}
}

// promiscuous has the card of a packet socket take what is for others (packet(7)). The kernel undoes it with the socket.
func promiscuous(socket *os.File, index int) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	err = raw.Control(func(fd uintptr) {
		refused = unix.SetsockoptPacketMreq(int(fd), unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}) //nolint:gosec // the kernel numbers from 1
	})
	return errors.Join(err, refused)
}
