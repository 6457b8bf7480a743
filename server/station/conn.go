package station

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server/socket"
)

// Conn is one UDP port of a station. It is a net.PacketConn whose addresses are *net.UDPAddr.
type Conn struct {
	s      *Station
	port   uint16
	groups []netip.Addr
	queue  chan Datagram
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	deadline time.Time
	moved    chan struct{} // closed when the deadline is set anew
	from     netip.Addr    // source address; zero: whatever the station has
}

// backlog is how many datagrams a Conn keeps for a reader that is late: a second of a multicast transmission, which waits
// for one client only while the others may be waiting for a processor.
const backlog = 4096

// ListenUDP opens a port; zero is a free one from 49152 up. groups are multicast groups to be a member of until the
// Conn is closed.
func (s *Station) ListenUDP(port uint16, groups ...netip.Addr) (*Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := uint16(49152); port == 0 && p != 0; p++ {
		if s.conns[p] == nil {
			port = p
		}
	}
	if s.conns[port] != nil || port == 0 {
		return nil, fmt.Errorf("port %d of station %s is in use", port, s.mac)
	}
	for _, g := range groups {
		if s.groups[g] == 0 {
			mreq := &unix.IPMreqn{Multiaddr: g.As4(), Ifindex: int32(s.link)}
			if err := unix.SetsockoptIPMreqn(s.join, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, mreq); err != nil {
				return nil, fmt.Errorf("joining multicast group %s: %w", g, err)
			}
		}
		s.groups[g]++
	}
	c := &Conn{s: s, port: port, groups: groups, queue: make(chan Datagram, backlog), closed: make(chan struct{}), moved: make(chan struct{})}
	s.conns[port] = c
	return c, nil
}

// Close gives up the port and leaves the groups.
func (c *Conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		delete(c.s.conns, c.port)
		for _, g := range c.groups {
			if c.s.groups[g]--; c.s.groups[g] == 0 {
				mreq := &unix.IPMreqn{Multiaddr: g.As4(), Ifindex: int32(c.s.link)}
				_ = unix.SetsockoptIPMreqn(c.s.join, unix.IPPROTO_IP, unix.IP_DROP_MEMBERSHIP, mreq)
			}
		}
	})
	return nil
}

// SendFrom sets the source address of what is sent from now on; 0.0.0.0 is one, the zero Addr the station's own.
func (c *Conn) SendFrom(a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = a
}

// Send sends a datagram.
func (c *Conn) Send(to netip.AddrPort, payload []byte) error {
	c.mu.Lock()
	from := c.from
	c.mu.Unlock()
	if !from.IsValid() {
		from = c.s.Address()
	}
	if !from.IsValid() {
		from = netip.IPv4Unspecified()
	}
	if err := c.s.send(netip.AddrPortFrom(from, c.port), to, payload); err != nil {
		return fmt.Errorf("sending to %s: %w", to, err)
	}
	return nil
}

// Receive waits for a datagram, until the deadline (os.ErrDeadlineExceeded) or Close (net.ErrClosed). What has come
// already is given, however late it is.
func (c *Conn) Receive() (Datagram, error) {
	for {
		select {
		case d := <-c.queue:
			return d, nil
		default:
		}
		c.mu.Lock()
		deadline, moved := c.deadline, c.moved
		c.mu.Unlock()
		begun := time.Now()
		late, stop := alarm(deadline)
		select {
		case d := <-c.queue:
			stop()
			return d, nil
		case <-late:
			if asked := deadline.Sub(begun); socket.Slept(asked, time.Since(begun), false) && c.anew(deadline, asked) {
				continue
			}
			return Datagram{}, os.ErrDeadlineExceeded
		case <-c.closed:
			stop()
			return Datagram{}, net.ErrClosed
		case <-moved:
			stop()
		}
	}
}

// anew lets a wait begin anew through which the process was stopped: who is waited for may have been, too. It is false if the deadline
// is another by now.
func (c *Conn) anew(deadline time.Time, wait time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.deadline.Equal(deadline) {
		return false
	}
	c.deadline = time.Now().Add(wait)
	return true
}

// alarm gives a channel that speaks at a time; never, if that is zero.
func alarm(at time.Time) (<-chan time.Time, func() bool) {
	if at.IsZero() {
		return nil, func() bool { return true }
	}
	t := time.NewTimer(time.Until(at))
	return t.C, t.Stop
}

// ReadFrom is Receive in the form of net.PacketConn.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	d, err := c.Receive()
	if err != nil {
		return 0, nil, err
	}
	return copy(b, d.Payload), net.UDPAddrFromAddrPort(d.Src), nil
}

// WriteTo is Send in the form of net.PacketConn.
func (c *Conn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, fmt.Errorf("%v is no UDP address", to)
	}
	ap := udp.AddrPort()
	if err := c.Send(netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// LocalAddr gives the station's address and the port.
func (c *Conn) LocalAddr() net.Addr {
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.s.Address(), c.port))
}

// SetDeadline is SetReadDeadline: sending waits for nothing but ARP.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline bounds Receive, one that waits already too.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	close(c.moved)
	c.moved = make(chan struct{})
	return nil
}
