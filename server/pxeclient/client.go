package pxeclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/station"
)

// Client is a boot client on one interface. Its steps are called one after the other.
type Client struct {
	cfg   Config
	xid   uint32 // of discovery and what follows it
	seen  recorder
	host  *station.Station
	dhcp  *station.Conn // port 68
	boot  *station.Conn // cfg.SourcePort
	relay *station.Conn // port 67 of the relay; nil without one
	lease *Reply        // the ACK that the client lives by
	began time.Time     // of discovery
}

// ErrNoAnswer is wrapped by the error of a step whose last transmission was waited out.
var ErrNoAnswer = errors.New("no answer")

// New puts a client on an interface, in the network namespace of the calling thread; its methods may be called from any.
// The interface's own addresses and the host's routes are neither used nor changed.
func New(cfg Config) (*Client, error) {
	c := &Client{cfg: cfg.withDefaults(), xid: rand.Uint32()} //nolint:gosec // an xid is no secret
	c.seen.saw = cfg.Saw
	err := c.cfg.checkCredentials()
	if err != nil {
		return nil, fmt.Errorf("PXE client: %w", err)
	}
	if c.host, err = station.Open(cfg.Interface, cfg.MAC, c.seen.record); err != nil {
		return nil, fmt.Errorf("PXE client: %w", err)
	}
	c.cfg.MAC = c.host.MAC()
	c.dhcp = c.listen(ClientPort)
	c.boot = c.dhcp
	if c.cfg.SourcePort != ClientPort {
		c.boot = c.listen(c.cfg.SourcePort)
	}
	if r := c.cfg.Relay; r != nil {
		c.relay = c.listen(ServerPort)
		c.relay.SendFrom(r.Address.Addr())
	}
	c.address(nil)
	return c, nil
}

// listen opens a port of the client's own station, where nothing else is.
func (c *Client) listen(port uint16) *station.Conn {
	conn, err := c.host.ListenUDP(port)
	if err != nil {
		panic("PXE client: " + err.Error()) // two ports of one number: cfg.SourcePort is 67 with a relay
	}
	return conn
}

// Close takes the client off the interface. It sends nothing: see Release.
func (c *Client) Close() error { return c.host.Close() }

// Trace gives every datagram so far.
func (c *Client) Trace() Trace { return c.seen.all() }

// Station gives the client as a host, for protocols of the reader's own.
func (c *Client) Station() *station.Station { return c.host }

// address makes the client live by a lease; nil is none.
func (c *Client) address(ack *Reply) {
	var addrs []netip.Prefix
	var router netip.Addr
	if ack != nil {
		bits := defaultBits(ack.YIAddr)
		if v, _ := ack.Get(optSubnetMask); len(v) == 4 {
			bits, _ = net.IPMask(v).Size()
		}
		addrs = append(addrs, netip.PrefixFrom(ack.YIAddr, bits))
		if v, _ := ack.Get(optRouter); len(v) >= 4 {
			router = some(netip.AddrFrom4([4]byte(v)))
		}
	}
	if c.cfg.Relay != nil {
		addrs = append(addrs, c.cfg.Relay.Address)
	}
	c.lease = ack
	c.host.SetAddresses(router, addrs...)
	c.dhcp.SendFrom(netip.Addr{})
	if ack == nil {
		c.dhcp.SendFrom(netip.IPv4Unspecified())
	}
}

// defaultBits is the mask of an address whose server named none: that of its class.
func defaultBits(a netip.Addr) int {
	bits, _ := net.IP(a.AsSlice()).DefaultMask().Size()
	return bits
}

// exchange is one message, sent until it is answered.
type exchange struct {
	step  Step
	conn  *station.Conn
	to    netip.AddrPort
	m     *Message
	waits []time.Duration
	// take looks at each reply to the message: keep it, and perhaps wait for no more.
	take func(*Reply) (keep, enough bool)
	// patience says, each time a wait is over, whether what there is will do; nil: anything does.
	patience func(tries int, got []*Reply) bool
}

// do sends and collects. Nothing collected is ErrNoAnswer.
func (c *Client) do(ctx context.Context, x exchange) ([]*Reply, error) {
	c.relayed(&x)
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_ = x.conn.SetReadDeadline(time.Unix(1, 0))
	})
	defer func() {
		if !stop() {
			<-woken // else it would cut short the next exchange
		}
	}()
	var got []*Reply
	for try, wait := range x.waits {
		if err := c.transmit(&x); err != nil {
			return got, err
		}
		enough, err := c.collect(ctx, &x, time.Now().Add(wait), &got)
		if err != nil {
			return got, fmt.Errorf("%s: %w", x.step, err)
		}
		if enough || len(got) > 0 && (x.patience == nil || x.patience(try+1, got)) {
			return got, nil
		}
	}
	if len(got) > 0 {
		return got, nil
	}
	return nil, fmt.Errorf("%s: %s to %s, sent %d times: %w", x.step, x.m.Name(), x.to, len(x.waits), ErrNoAnswer)
}

// transmit sends the message once.
func (c *Client) transmit(x *exchange) error {
	if !c.began.IsZero() {
		x.m.Secs = uint16(min(time.Since(c.began)/time.Second, 0xffff)) //nolint:gosec // bounded
	}
	if c.cfg.Edit != nil {
		c.cfg.Edit(x.step, x.m)
	}
	if err := x.conn.Send(x.to, x.m.Marshal()); err != nil {
		return fmt.Errorf("%s: %w", x.step, err)
	}
	return nil
}

// collect reads replies until a deadline, or until there are enough.
func (c *Client) collect(ctx context.Context, x *exchange, until time.Time, got *[]*Reply) (enough bool, err error) {
	if err := x.conn.SetReadDeadline(until); err != nil {
		return false, err
	}
	for {
		if err := ctx.Err(); err != nil { // perhaps it ended before the deadline was set
			return false, err
		}
		d, err := x.conn.Receive()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, ctx.Err()
		}
		if err != nil {
			return false, err
		}
		m, _ := ParseMessage(d.Payload)
		if m == nil || !m.Reply || m.XID != x.m.XID || m.CHAddr.String() != x.m.CHAddr.String() {
			continue
		}
		keep, enough := x.take(newReply(m, d.Src, d.SrcMAC, d.Time))
		if keep {
			*got = append(*got, newReply(m, d.Src, d.SrcMAC, d.Time))
		}
		if enough {
			return true, nil
		}
	}
}

// relayed sends what would be broadcast through the relay, if there is one (RFC 1542 section 4.1.1).
func (c *Client) relayed(x *exchange) {
	r := c.cfg.Relay
	if r == nil || x.to != everyServer {
		return
	}
	x.conn, x.to = c.relay, netip.AddrPortFrom(r.Server, ServerPort)
	x.m.GIAddr, x.m.Hops = r.Address.Addr(), 1
	if r.Info != nil {
		x.m.Set(optRelayInfo, r.Info...) // the last option (RFC 3046 section 2.1)
	}
}

// vendor makes an option 43 of the client's own; nothing to say makes none.
func (c *Client) vendor(item *pxe.Item) []Option {
	v := pxe.Vendor{Item: item, Credentials: c.cfg.Credentials}
	if item == nil && v.Credentials == nil {
		return nil
	}
	b, err := v.Marshal()
	if err != nil {
		panic("PXE client: " + err.Error()) // more credential types than checkCredentials lets pass
	}
	return []Option{{optVendor, b}}
}
