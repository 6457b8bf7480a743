package pxeclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/pxe"
)

// Discover asks for offers and gives all that came. With a PXE offer, or an address and a proxy's, it stops when the
// wait that runs is over; with an address alone it waits for a proxy through the second one (PXE 2.1 section 2.2).
// What it returns besides an error came before it.
func (c *Client) Discover(ctx context.Context) ([]*Reply, error) {
	c.address(nil)
	c.xid, c.began = rand.Uint32(), time.Now() //nolint:gosec // an xid is no secret
	var all []*Reply
	return c.do(ctx, exchange{step: StepDiscover, conn: c.dhcp, to: everyServer, waits: c.cfg.Schedule.Discover,
		m: c.cfg.message(byte(dhcpv4.MessageTypeDiscover), c.xid, c.vendor(nil)...),
		take: func(r *Reply) (keep, enough bool) {
			if t := r.Type(); t != dhcpv4.MessageTypeOffer && t != dhcpv4.MessageTypeNone {
				return false, false
			}
			all = append(all, r)
			return true, c.cfg.Enough != nil && c.cfg.Enough(all)
		},
		patience: func(tries int, got []*Reply) bool {
			choice := Choose(got)
			return choice.Address != nil && (choice.Kind != PlainDHCP && choice.Kind != BOOTP || tries >= 2)
		}})
}

// Refused is the error of a request that a server answered with DHCPNAK.
type Refused struct{ Reply *Reply }

func (e *Refused) Error() string {
	text, _ := e.Reply.Get(optMessage)
	return fmt.Sprintf("%s refused the request (DHCPNAK) with message %q", e.Reply.Server(), text)
}

// Request takes up an offer and lives by it: the client has the address from now on. A BOOTP reply is taken as it is:
// BOOTP has no request.
func (c *Client) Request(ctx context.Context, offer *Reply) (*Reply, error) {
	if kind, why := offer.Kind(); kind == BOOTP {
		c.address(offer)
		return offer, nil
	} else if !offer.YIAddr.IsValid() {
		return nil, fmt.Errorf("%s: %s from %s offers no address %s", StepRequest, kind, offer.Server(), why)
	}
	more := []Option{{optServerID, offer.Server().AsSlice()}, {optRequestedAddr, offer.YIAddr.AsSlice()}}
	return c.acknowledged(ctx, exchange{step: StepRequest, conn: c.dhcp, to: everyServer, waits: c.cfg.Schedule.Request,
		m: c.cfg.message(byte(dhcpv4.MessageTypeRequest), c.xid, append(more, c.vendor(nil)...)...)}, offer.Server())
}

// acknowledged sends a request of the lease and takes the answer of one server, of any if server is zero.
func (c *Client) acknowledged(ctx context.Context, x exchange, server netip.Addr) (*Reply, error) {
	x.take = func(r *Reply) (keep, enough bool) {
		t := r.Type()
		mine := !server.IsValid() || r.Server() == server || !r.Addr(optServerID).IsValid()
		ok := mine && (t == dhcpv4.MessageTypeAck || t == dhcpv4.MessageTypeNak)
		return ok, ok
	}
	got, err := c.do(ctx, x)
	if err != nil {
		return nil, err
	}
	ack := got[0]
	if ack.Type() == dhcpv4.MessageTypeNak {
		c.address(nil)
		return nil, fmt.Errorf("%s: %w", x.step, &Refused{ack})
	}
	if !ack.YIAddr.IsValid() {
		return nil, fmt.Errorf("%s: DHCPACK of %s gives no address", x.step, ack.Server())
	}
	c.address(ack)
	return ack, nil
}

// leased starts a message of a client that has an address.
func (c *Client) leased(typ dhcpv4.MessageType, xid uint32, more ...Option) (*Message, error) {
	if c.lease == nil {
		return nil, errors.New("no address: call Request first")
	}
	m := c.cfg.message(byte(typ), xid, more...)
	m.CIAddr, m.Flags = c.lease.YIAddr, 0 // who has an address can be reached at it
	return m, nil
}

// ProxyRequest asks port 4011 of a server that said PXEClient and no more (PXE 2.1 section 2.2). Option 54 is
// left out, as EDK2 does.
func (c *Client) ProxyRequest(ctx context.Context, server netip.Addr) (*Reply, error) {
	m, err := c.leased(dhcpv4.MessageTypeRequest, rand.Uint32(), c.vendor(nil)...) //nolint:gosec // an xid is no secret
	if err != nil {
		return nil, fmt.Errorf("%s: %w", StepProxy, err)
	}
	got, err := c.do(ctx, exchange{step: StepProxy, conn: c.boot, to: netip.AddrPortFrom(server, BootPort),
		waits: c.cfg.Schedule.Boot, m: m, take: isAck})
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

func isAck(r *Reply) (keep, enough bool) {
	ok := r.Type() == dhcpv4.MessageTypeAck
	return ok, ok
}

// Discovery is a search for a boot server.
type Discovery struct {
	Item   pxe.Item
	By     *pxe.Vendor  // discovery options of the offer that named the type; nil allows everything
	Mode   Mode         // one mode by force; empty: those By allows, in turn
	To     []netip.Addr // servers to ask in mode Unicast; nil: those By lists
	Inform bool         // DHCPINFORM in place of DHCPREQUEST, which PXE 2.1 allows as well
}

// DiscoverBootServer looks for a boot server of one type and gives the first ACK it may listen to.
func (c *Client) DiscoverBootServer(ctx context.Context, d Discovery) (*Reply, error) {
	ways, err := d.ways()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.step(), err)
	}
	var last error
	for _, way := range ways {
		for _, to := range way.To {
			ack, err := c.askBootServer(ctx, d, to)
			if err == nil || !errors.Is(err, ErrNoAnswer) {
				return ack, err
			}
			last = errors.Join(last, err)
		}
	}
	return nil, last
}

// step is what the search's messages are sent for.
func (d *Discovery) step() Step {
	if d.Item.Layer&pxe.CredentialsLayer != 0 {
		return StepCredentials
	}
	return StepBootServer
}

// accepts reports whether a boot server may be listened to, by whichever of its addresses the list has.
func (d *Discovery) accepts(r *Reply) bool {
	return slices.ContainsFunc([]netip.Addr{r.Server(), r.SIAddr, r.From.Addr()},
		func(a netip.Addr) bool { return accepts(d.By, d.Item.Type, a) })
}

func (d *Discovery) ways() ([]Way, error) {
	if d.By == nil {
		d.By = &pxe.Vendor{}
	}
	switch d.Mode {
	case AsToldByServer:
		return Ways(d.By, d.Item.Type)
	case Multicast:
		if !d.By.Multicast.IsValid() {
			return nil, errors.New("discovery by multicast: tag 7 names no group")
		}
		return []Way{{Multicast, []netip.AddrPort{netip.AddrPortFrom(d.By.Multicast, BootPort)}}}, nil
	case Broadcast:
		return []Way{{Broadcast, []netip.AddrPort{everyServer}}}, nil
	case Unicast:
		way := Way{Mode: Unicast}
		to := d.To
		if to == nil {
			to = listedServers(d.By, d.Item.Type)
		}
		for _, a := range to {
			way.To = append(way.To, netip.AddrPortFrom(a, BootPort))
		}
		if way.To == nil {
			return nil, fmt.Errorf("discovery by unicast: no address of a boot server of type %s", typeText(d.Item.Type))
		}
		return []Way{way}, nil
	}
	return nil, fmt.Errorf("discovery by %q (have %q, %q, %q)", d.Mode, Multicast, Broadcast, Unicast)
}

func (c *Client) askBootServer(ctx context.Context, d Discovery, to netip.AddrPort) (*Reply, error) {
	typ, conn, step := dhcpv4.MessageTypeRequest, c.boot, d.step()
	if d.Inform {
		typ = dhcpv4.MessageTypeInform
	}
	if to == everyServer {
		conn = c.dhcp
	}
	m, err := c.leased(typ, rand.Uint32(), c.vendor(&d.Item)...) //nolint:gosec // an xid is no secret
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	if to == everyServer && c.cfg.Broadcast {
		m.Flags = FlagBroadcast
	}
	got, err := c.do(ctx, exchange{step: step, conn: conn, to: to, waits: c.cfg.Schedule.Boot, m: m,
		take: func(r *Reply) (keep, enough bool) {
			// To a DHCP server, what is broadcast looks like a lease to be rebound, and it may well acknowledge that.
			ok := r.Type() == dhcpv4.MessageTypeAck && (r.isPXE() || to != everyServer) && d.accepts(r)
			return ok, ok
		}})
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

// Inform asks for options without an address (RFC 2131 section 3.4).
func (c *Client) Inform(ctx context.Context) (*Reply, error) {
	m, err := c.leased(dhcpv4.MessageTypeInform, rand.Uint32()) //nolint:gosec // an xid is no secret
	if err != nil {
		return nil, fmt.Errorf("%s: %w", StepInform, err)
	}
	got, err := c.do(ctx, exchange{step: StepInform, conn: c.dhcp, to: everyServer, waits: c.cfg.Schedule.Request, m: m, take: isAck})
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

// Renew asks the server of the lease for more time, by unicast (RFC 2131 section 4.4.5).
func (c *Client) Renew(ctx context.Context) (*Reply, error) {
	m, err := c.leased(dhcpv4.MessageTypeRequest, rand.Uint32()) //nolint:gosec // an xid is no secret
	if err != nil {
		return nil, fmt.Errorf("%s: %w", StepRenew, err)
	}
	server := c.lease.Server()
	return c.acknowledged(ctx, exchange{step: StepRenew, conn: c.dhcp, to: netip.AddrPortFrom(server, ServerPort),
		waits: c.cfg.Schedule.Request, m: m}, server)
}

// Release gives the address back. No server answers that.
func (c *Client) Release() error {
	m, err := c.leased(dhcpv4.MessageTypeRelease, rand.Uint32()) //nolint:gosec // an xid is no secret
	if err != nil {
		return fmt.Errorf("%s: %w", StepRelease, err)
	}
	server := c.lease.Server()
	m.Options = c.only(m, Option{optServerID, server.AsSlice()})
	if err := c.tell(StepRelease, netip.AddrPortFrom(server, ServerPort), m); err != nil {
		return err
	}
	c.address(nil)
	return nil
}

// Decline tells a server that the address it gave is in use already (RFC 2131 section 4.4.4).
func (c *Client) Decline(why string) error {
	if c.lease == nil {
		return fmt.Errorf("%s: no address: call Request first", StepDecline)
	}
	lease := c.lease
	c.address(nil)
	m := c.cfg.message(byte(dhcpv4.MessageTypeDecline), rand.Uint32()) //nolint:gosec // an xid is no secret
	m.Options = c.only(m, Option{optServerID, lease.Server().AsSlice()}, Option{optRequestedAddr, lease.YIAddr.AsSlice()},
		Option{optMessage, []byte(why)})
	return c.tell(StepDecline, everyServer, m)
}

// only keeps of a message's options what RFC 2131 table 5 allows in DECLINE and RELEASE.
func (c *Client) only(m *Message, more ...Option) []Option {
	kept := append([]Option{}, m.Options[0])
	if id, ok := m.Get(optClientID); ok {
		kept = append(kept, Option{optClientID, id})
	}
	return append(kept, more...)
}

// tell sends a message that has no answer.
func (c *Client) tell(step Step, to netip.AddrPort, m *Message) error {
	x := exchange{step: step, conn: c.dhcp, to: to, m: m}
	c.relayed(&x)
	return c.transmit(&x)
}
