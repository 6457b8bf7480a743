package network

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The ways in which a cable reaches its bridge.
const (
	ViaTap    = "tap"
	ViaPacket = "packet socket" // on a veth: slower, but needs no /dev/net/tun
)

// openPort makes a port of the bridge that one Read a frame leaves and one Write a frame enters. It says in
// why, in one clause, why the port is not a tap.
func (b *Bridge) openPort(name string, tunAllowed bool) (port io.ReadWriteCloser, via, why string, err error) {
	tapErr := errors.New("tap devices are switched off for this cable")
	if tunAllowed {
		var tap *os.File
		if tap, tapErr = b.openTap(name); tapErr == nil {
			return tap, ViaTap, "", nil
		}
	}
	port, err = b.openPacket(name)
	if err != nil {
		return nil, "", "", errors.Join(tapErr, err)
	}
	return port, ViaPacket, tapErr.Error(), nil
}

// openTap makes a tap device. It goes when the file is closed.
func (b *Bridge) openTap(name string) (*os.File, error) {
	const device = "/dev/net/tun"
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: device, Err: err}
	}
	ifname := interfaceName("c", name)
	request, err := unix.NewIfreq(ifname)
	if err == nil {
		request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make tap %q: %w", ifname, err)
	}
	tap := os.NewFile(uintptr(fd), device) // only now: the poller refuses a tun that is no device yet
	link, err := netlink.LinkByName(ifname)
	if err == nil {
		err = b.addPort(link, "cable "+name+" on "+b.name)
	}
	if err != nil {
		tap.Close()
		return nil, fmt.Errorf("add tap %q to bridge %q: %w", ifname, b.name, err)
	}
	return tap, nil
}

// packetPort is a packet socket on one end of a veth whose other end is on the bridge.
type packetPort struct {
	*os.File
	veth netlink.Link
}

// Close closes the socket and removes the veth.
func (p *packetPort) Close() error {
	return errors.Join(p.File.Close(), netlink.LinkDel(p.veth))
}

func (b *Bridge) openPacket(name string) (io.ReadWriteCloser, error) {
	outer, inner := interfaceName("c", name), interfaceName("p", name)
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: outer})
	veth.PeerName = inner
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("make veth %q: %w", outer, err)
	}
	port, err := func() (io.ReadWriteCloser, error) {
		peer, err := netlink.LinkByName(inner)
		if err != nil {
			return nil, err
		}
		err = errors.Join(finishFrames(outer), finishFrames(inner), keepQuiet(peer), netlink.LinkSetUp(peer),
			b.addPort(veth, "cable "+name+" on "+b.name), awaitUp(inner))
		if err != nil {
			return nil, err
		}
		socket, err := openPacketSocket(peer.Attrs().Index, false)
		if err != nil {
			return nil, err
		}
		return &packetPort{socket, veth}, nil
	}()
	if err != nil {
		netlink.LinkDel(veth)
		return nil, fmt.Errorf("add veth %q to bridge %q: %w", outer, b.name, err)
	}
	return port, nil
}

// openPacketSocket opens a socket for all frames that arrive at an interface (packet(7)), or pass it either way.
func openPacketSocket(index int, bothWays bool) (*os.File, error) {
	const protocol = unix.ETH_P_ALL>>8 | unix.ETH_P_ALL&0xff<<8 // network byte order
	// Protocol 0 receives nothing until bind says on which interface.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	// A burst of a windowed transfer must fit. More than the host allows everybody is refused in a user namespace: then
	// as much as that.
	const buffer = 4 << 20
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
	}
	if !bothWays {
		err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: index})
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("open packet socket on interface %d: %w", index, err)
	}
	return os.NewFile(uintptr(fd), "packet socket"), nil
}
