package mtftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/pxelab/pxelab/server/quote"
	"github.com/pxelab/pxelab/server/socket"
)

// Source is where a client gets a file by MTFTP: what an offer says in siaddr, the file name and tags 1 to 5.
type Source struct {
	Interface  string     // that the client is on
	Server     netip.Addr // nobody else is listened to
	File       string
	Group      netip.Addr    // tag 1
	ClientPort uint16        // tag 2: nothing else on this host may hold it
	ServerPort uint16        // tag 3
	Timeout    time.Duration // tag 4: to listen before opening
	Delay      time.Duration // tag 5: of silence before opening again
}

// Received is a file and how it came.
type Received struct {
	Data         []byte
	Opened       int // how often this client opened a transmission
	Heard        int // blocks taken from transmissions that others acknowledged
	Acknowledged int // blocks that this client acknowledged and did not have before
}

// Receive gets a file as PXE 2.1 has it: it joins the group and listens; if nothing comes it opens the transmission
// and acknowledges it; what it then misses it gets after another silence. The error wraps ErrSilent if TFTP is worth
// trying instead, is a *RefusedError if the server refused, and is the context's if that ends first.
func Receive(ctx context.Context, s Source) (Received, error) {
	c, err := listenClient(s)
	if err != nil {
		return Received{}, err
	}
	defer c.udp.Close()
	defer context.AfterFunc(ctx, func() { c.udp.Close() })()
	r := &receiver{timeout: s.Timeout, delay: s.Delay}
	err = c.run(ctx, r)
	got := Received{Opened: r.opened, Heard: r.heard, Acknowledged: r.answered}
	if err != nil {
		return got, fmt.Errorf("MTFTP of %s from %s: %w", quote.Hidden(s.File), s.Server, err)
	}
	got.Data = r.file()
	return got, nil
}

// client is a receiver's socket.
type client struct {
	source Source
	udp    *net.UDPConn
	conn   *ipv4.PacketConn
	peer   netip.AddrPort // where the last datagram came from: servers need not send from the port that is asked
}

func listenClient(s Source) (*client, error) {
	link, err := net.InterfaceByName(s.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", s.Interface, err)
	}
	udp, err := socket.ListenUDP(s.Interface, netip.AddrPortFrom(netip.IPv4Unspecified(), s.ClientPort))
	if err != nil {
		return nil, err
	}
	c := &client{source: s, udp: udp, conn: ipv4.NewPacketConn(udp)}
	if err := errors.Join(c.conn.JoinGroup(link, &net.UDPAddr{IP: s.Group.AsSlice()}), c.conn.SetControlMessage(ipv4.FlagDst, true)); err != nil {
		udp.Close()
		return nil, fmt.Errorf("joining group %s on %q: %w", s.Group, s.Interface, err)
	}
	return c, nil
}

// run does what the receiver orders until it is done.
func (c *client) run(ctx context.Context, r *receiver) error {
	buf := make([]byte, 2048)
	for o := r.start(); ; {
		if o.err != nil {
			return o.err
		}
		c.send(o)
		if o.done {
			return nil
		}
		deadline := time.Now().Add(o.wait)
		for again := true; again; {
			_ = c.udp.SetReadDeadline(deadline) // fails only on a closed socket, which reading tells
			n, cm, from, err := c.conn.ReadFrom(buf)
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.Is(err, os.ErrDeadlineExceeded):
				o, again = r.silence(), false
			case err != nil:
				return err
			default:
				o, again = c.take(r, buf[:n], cm, from)
			}
		}
	}
}

// take hands the receiver a datagram; again says that it was none of its business.
func (c *client) take(r *receiver, b []byte, cm *ipv4.ControlMessage, from net.Addr) (o order, again bool) {
	src := from.(*net.UDPAddr).AddrPort()
	src = netip.AddrPortFrom(src.Addr().Unmap(), src.Port())
	if src.Addr() != c.source.Server || cm == nil {
		return order{}, true
	}
	dst, _ := netip.AddrFromSlice(cm.Dst.To4())
	toGroup := dst == c.source.Group
	p, err := parse(b)
	switch {
	case err != nil, dst.IsMulticast() && !toGroup:
		return order{}, true
	case p.op == opDATA:
		c.peer = src
		return r.received(p.block, p.data, toGroup), false
	case p.op == opERROR && !toGroup:
		return r.refused(p.code, p.message), false
	}
	return order{}, true
}

// send puts on the wire what is ordered. What cannot be sent is lost, and sent again like anything that is.
func (c *client) send(o order) {
	if o.request {
		to := netip.AddrPortFrom(c.source.Server, c.source.ServerPort)
		_, _ = c.udp.WriteToUDPAddrPort(requestPacket(c.source.File), to)
	}
	if o.ack > 0 {
		_, _ = c.udp.WriteToUDPAddrPort(ackPacket(o.ack), c.peer)
	}
}
