package mtftp

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/tests/netns"
)

// sniff opens an AF_PACKET socket that sees every frame of an interface. Reading it fails with EAGAIN now and then, so
// that a reader can look up; a machine that is busy does not lose frames soon.
func sniff(t testing.TB, l netlink.Link) int {
	t.Helper()
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
	must(t, err)
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: l.Attrs().Index}))
	must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}))
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<24); err != nil { // root of the host may
		must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<24))
	}
	return fd
}

// datagram is a UDP datagram seen on the wire.
type datagram struct {
	src, dst netip.AddrPort
	payload  []byte
}

// isData tells whether it is a block.
func (d datagram) isData() bool { return len(d.payload) >= 4 && d.payload[1] == opDATA }

func (d datagram) block() int { return int(binary.BigEndian.Uint16(d.payload[2:])) }

// decode reads a frame; ok is false for what is not UDP over IPv4.
func decode(frame []byte) (d datagram, ok bool) {
	if len(frame) < 34 || binary.BigEndian.Uint16(frame[12:]) != 0x0800 {
		return d, false
	}
	ip := frame[14:]
	size := int(ip[0]&15) * 4
	src, dst := netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:]))
	if ip[9] != unix.IPPROTO_UDP || len(ip) < size+8 {
		return d, false
	}
	udp := ip[size:]
	d.src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(udp))
	d.dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(udp[2:]))
	d.payload = udp[8:binary.BigEndian.Uint16(udp[4:])]
	return d, true
}

// counter counts what the server puts on the wire, in the kernel's own view of its interface.
type counter struct {
	t  *testing.T
	fd int
	to int // sends marks: a socket is not shown what it sends itself

	mu    sync.Mutex
	more  *sync.Cond
	sum   total
	marks int // of our own frames
}

// total is what the server sent: octets of UDP payload, and how often each block went to a group and to one client.
type total struct {
	octets           int64
	toGroup, toAlone map[int]int
	ports            map[uint16]bool // it was sent from
}

// mark is a frame of an experimental ethertype (IEEE 802): all that was sent before it has been counted when it comes by.
var mark = append(make([]byte, 12), 0x88, 0xb5)

func (l *lan) count() *counter {
	l.t.Helper()
	c := &counter{t: l.t, fd: sniff(l.t, l.bridge),
		sum: total{toGroup: map[int]int{}, toAlone: map[int]int{}, ports: map[uint16]bool{}}}
	c.more = sync.NewCond(&c.mu)
	var err error
	c.to, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	must(l.t, err)
	must(l.t, unix.Bind(c.to, &unix.SockaddrLinklayer{Ifindex: l.bridge.Attrs().Index}))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go c.run(ctx, ended)
	l.t.Cleanup(func() {
		stop()
		<-ended
		unix.Close(c.fd)
		unix.Close(c.to)
	})
	return c
}

func (c *counter) run(ctx context.Context, ended chan<- struct{}) {
	defer close(ended)
	for buf := make([]byte, 2000); ctx.Err() == nil; {
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		d, ok := decode(buf[:max(n, 0)])
		c.mu.Lock()
		switch {
		case err != nil: // look up
		case n >= len(mark) && bytes.Equal(buf[:len(mark)], mark):
			c.marks++
		case ok && d.isData() && d.src.Addr() == serverIP && from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING:
			c.sum.add(d)
		}
		c.more.Broadcast()
		c.mu.Unlock()
	}
}

func (s *total) add(d datagram) {
	s.ports[d.src.Port()] = true
	s.octets += int64(len(d.payload))
	if d.dst.Addr().IsMulticast() {
		s.toGroup[d.block()]++
	} else {
		s.toAlone[d.block()]++
	}
}

// sent tells what the server has sent so far.
func (c *counter) sent() total {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.marks
	for c.marks == before {
		_, err := unix.Write(c.to, mark)
		must(c.t, err)
		c.more.Wait()
	}
	return c.sum
}

// uncheck clears a UDP checksum, which the sender left to a network card that is not there.
func uncheck(frame []byte) {
	if _, ok := decode(frame); ok {
		at := 14 + int(frame[14]&15)*4 + 6
		frame[at], frame[at+1] = 0, 0
	}
}

// relay passes frames between two links, those towards the host only if pass says so. It may wait.
func (l *lan) relay(pass func(d datagram) bool) *host {
	l.t.Helper()
	h := l.host(nil)
	wire := netns.Link(l.t, h.port)
	up := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up" + wire.Attrs().Name}, PeerName: "dn" + wire.Attrs().Name}
	must(l.t, netlink.LinkAdd(up))
	far, near := netns.Link(l.t, up.Name), netns.Link(l.t, up.PeerName)
	must(l.t, netlink.LinkSetMaster(far, l.bridge))
	must(l.t, netlink.LinkSetUp(far))
	must(l.t, netlink.LinkSetUp(near))
	a, b := sniff(l.t, near), sniff(l.t, wire)
	ctx, stop := context.WithCancel(context.Background())
	var both sync.WaitGroup
	both.Go(func() { forward(ctx, a, b, pass) })
	both.Go(func() { forward(ctx, b, a, func(datagram) bool { return true }) })
	l.t.Cleanup(func() {
		stop()
		both.Wait()
		unix.Close(a)
		unix.Close(b)
		must(l.t, netlink.LinkDel(far))
	})
	return h
}

// forward copies incoming frames until ctx ends.
func forward(ctx context.Context, from, to int, pass func(datagram) bool) {
	for buf := make([]byte, 2000); ctx.Err() == nil; {
		n, addr, err := unix.Recvfrom(from, buf, 0)
		if err != nil {
			continue
		}
		if ll, ok := addr.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
			continue // our own
		}
		if d, ok := decode(buf[:n]); ok && !pass(d) {
			continue
		}
		uncheck(buf[:n])
		_, _ = unix.Write(to, buf[:n]) // the link may be gone
	}
}
