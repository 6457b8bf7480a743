package mtftp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

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
	Blocks       int // of the file, the last one included; zero while that has not come
	Opened       int // how often this client opened a transmission
	Heard        int // blocks taken from transmissions that others acknowledged
	Acknowledged int // blocks that this client acknowledged and did not have before
}

// Port is a client's end of the transfer: UDP port Source.ClientPort of a host that is a member of Source.Group.
type Port interface {
	// Send puts a datagram on the wire. What cannot be sent is lost.
	Send(to netip.AddrPort, payload []byte) error
	// Next waits for a datagram; its error is os.ErrDeadlineExceeded once that time is past. The payload stays as it is
	// until Next is called again.
	Next(deadline time.Time) (Datagram, error)
	// Close ends a Next that waits.
	Close() error
}

// Datagram is what came to a Port. An invalid Dst is one that is not known.
type Datagram struct {
	Src     netip.AddrPort
	Dst     netip.Addr
	Payload []byte
}

// Receive is ReceiveOn over a socket of this host.
func Receive(ctx context.Context, s Source) (Received, error) {
	p, err := openPort(s)
	if err != nil {
		return Received{}, err
	}
	return ReceiveOn(ctx, p, s)
}

// ReceiveOn gets a file as PXE 2.1 has it: it listens to the group; if nothing comes it opens the transmission and
// acknowledges it; what it then misses it gets after another silence. The error wraps ErrSilent if TFTP is worth trying
// instead, is a *RefusedError if the server refused, and is the context's if that ends first. The port is closed.
func ReceiveOn(ctx context.Context, p Port, s Source) (Received, error) {
	defer socket.CloseWith(ctx, p)()
	c := &client{source: s, port: p}
	r := &receiver{timeout: s.Timeout, delay: s.Delay}
	err := c.run(ctx, r)
	got := Received{Blocks: r.last, Opened: r.opened, Heard: r.heard, Acknowledged: r.answered}
	if err != nil {
		return got, fmt.Errorf("MTFTP of %s from %s: %w", quote.Hidden(s.File), s.Server, err)
	}
	got.Data = r.file()
	return got, nil
}

// client is a receiver with its end of the wire.
type client struct {
	source Source
	port   Port
	peer   netip.AddrPort // where the last datagram came from: servers need not send from the port that is asked
}

// run does what the receiver orders until it is done.
func (c *client) run(ctx context.Context, r *receiver) error {
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
			d, err := c.port.Next(deadline)
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.Is(err, os.ErrDeadlineExceeded):
				o, again = r.silence(), false
			case err != nil:
				return err
			default:
				o, again = c.take(r, d)
			}
		}
	}
}

// take hands the receiver a datagram; again says that it was none of its business.
func (c *client) take(r *receiver, d Datagram) (o order, again bool) {
	if d.Src.Addr() != c.source.Server || !d.Dst.IsValid() {
		return order{}, true
	}
	toGroup := d.Dst == c.source.Group
	p, err := parse(d.Payload)
	switch {
	case err != nil, d.Dst.IsMulticast() && !toGroup:
		return order{}, true
	case p.op == opDATA:
		c.peer = d.Src
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
		_ = c.port.Send(to, requestPacket(c.source.File))
	}
	if o.ack > 0 {
		_ = c.port.Send(c.peer, ackPacket(o.ack))
	}
}
