package tftp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/pxelab/pxelab/server/socket"
)

// ending is why a transfer stopped.
type ending struct {
	outcome    string
	reason     string
	fromClient bool
	code       uint16 // of the client's ERROR, or of ours
	tell       string // ERROR message for the client; empty sends none
}

// conn is the socket that a transfer is sent from. One goroutine reads and sends; any may stop it.
type conn struct {
	udp   *net.UDPConn
	batch interface { // of the address's family
		WriteBatch([]ipv4.Message, int) (int, error)
	}
	armed time.Time // the read deadline that is set
	stop  atomic.Pointer[ending]
	buf   [1024]byte
}

// openConn opens a port of its own on one interface, at the address that the client asked.
func openConn(ifname string, local netip.Addr) (*conn, error) {
	udp, err := socket.ListenUDP(ifname, netip.AddrPortFrom(local, 0))
	if err != nil {
		return nil, err
	}
	if local.Is6() {
		return &conn{udp: udp, batch: ipv6.NewPacketConn(udp)}, nil
	}
	return &conn{udp: udp, batch: ipv4.NewPacketConn(udp)}, nil
}

// receive gives the next datagram and its sender; nil once that time is past, or the transfer is to stop. The deadline
// is only moved when it has fired: mostly a datagram comes first, and the next wait ends later.
func (c *conn) receive(until time.Time) ([]byte, netip.AddrPort) {
	if c.armed.IsZero() || c.armed.After(until) {
		c.arm(until)
	}
	for {
		n, from, err := c.udp.ReadFromUDPAddrPort(c.buf[:])
		if err == nil {
			return c.buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		}
		if errors.Is(err, net.ErrClosed) || c.stop.Load() != nil || !time.Now().Before(until) {
			return nil, netip.AddrPort{}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) { // else the link went down, say, and comes back
			c.arm(until)
		}
	}
}

func (c *conn) arm(t time.Time) {
	c.armed = t
	_ = c.udp.SetReadDeadline(t) // fails only on a closed socket, which reading tells
	if c.stop.Load() != nil {
		_ = c.udp.SetReadDeadline(time.Now()) // halt may have set it just before
	}
}

// halt makes the transfer stop at its next wait. Of several reasons the first counts.
func (c *conn) halt(e ending) {
	if c.stop.CompareAndSwap(nil, &e) {
		_ = c.udp.SetReadDeadline(time.Now())
	}
}

// send sends one datagram. One that cannot be sent is lost like any other, and sent again like any other.
func (c *conn) send(b []byte, to netip.AddrPort) { _, _ = c.udp.WriteToUDPAddrPort(b, to) }

// sendAll sends several datagrams in as few system calls as the kernel allows.
func (c *conn) sendAll(batch []ipv4.Message) {
	for len(batch) > 0 {
		n, err := c.batch.WriteBatch(batch, 0)
		if err != nil || n <= 0 {
			return
		}
		batch = batch[n:]
	}
}

// sendError sends an ERROR.
func (c *conn) sendError(code uint16, message string, to netip.AddrPort) {
	c.send(errorPacket(code, message), to)
}

// unknown turns away a datagram from somebody whom this transfer is not with, without disturbing it (RFC 1350 section 4).
func (c *conn) unknown(from netip.AddrPort) { c.sendError(codeUnknownTID, "unknown transfer", from) }

func (c *conn) close() { c.udp.Close() }
