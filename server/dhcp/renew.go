package dhcp

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/socket"
)

// request answers a DHCPREQUEST, whose four kinds differ by the fields that are filled in (RFC 2131 section 4.3.2).
func (x *exchange) request() *Reply {
	id := x.req.addrOption(optServerID)
	wish := x.req.addrOption(optRequestedAddr)
	ciaddr := addrField(x.req.Packet.ClientIPAddr)
	_, hasID := x.req.Packet.Options[optServerID]
	switch {
	case hasID && !x.names(id):
		return x.notChosen(id)
	case hasID:
		return x.selecting(wish)
	case wish.IsValid():
		return x.initReboot(wish)
	case ciaddr.IsValid():
		return x.renew(ciaddr)
	}
	return x.silent("ignored: it names no address")
}

// notChosen frees the address that another server's client will not take.
func (x *exchange) notChosen(id netip.Addr) *Reply {
	if x.leases.ForgetOffer(x.key, x.now) {
		return x.silent("ignored: it chose server %s; the address offered to it is free again", addrText(id))
	}
	return x.silent("ignored: it chose server %s", addrText(id))
}

// selecting confirms an offer. An offer that has expired, or was made before a restart, is good while its address is
// still free.
func (x *exchange) selecting(a netip.Addr) *Reply {
	if !a.IsValid() {
		return x.silent("ignored: it chose this server but names no address")
	}
	if why := x.refuses(a); why != "" {
		return x.nak(why)
	}
	return x.ack(a, "it chose this server")
}

// initReboot confirms the address that a client remembers. RFC 2131 demands silence about clients with no record, for
// another server may know them, and a DHCPNAK for an address of another network.
func (x *exchange) initReboot(a netip.Addr) *Reply {
	if !x.cfg.subnet().Contains(a) {
		return x.nak(a.String() + " is not on this network")
	}
	had, known := x.leases.Of(x.key)
	switch {
	case !known && x.fixed != a:
		return x.silent("ignored: it remembers %s, of which this server has no record", a)
	case known && had != a && x.fixed != a:
		return x.nak("it remembers " + a.String() + " but has " + had.String())
	}
	if why := x.refuses(a); why != "" {
		return x.nak(why)
	}
	return x.ack(a, "the address it remembers")
}

// renew extends a lease, or takes it up again if this server was restarted meanwhile: leases are kept in memory only.
func (x *exchange) renew(a netip.Addr) *Reply {
	if !x.cfg.subnet().Contains(a) {
		return x.silent("ignored: it renews %s, which is not on this network", a)
	}
	if why := x.refuses(a); why != "" {
		return x.nak(why)
	}
	if had, _ := x.leases.Of(x.key); had != a {
		return x.ack(a, "renewed although there is no record of the lease: the address is free")
	}
	return x.ack(a, "renewed")
}

// refuses says why the client may not have the address; empty if it may.
func (x *exchange) refuses(a netip.Addr) string {
	switch {
	case !x.leases.Free(x.key, a, x.now):
		return a.String() + " belongs to another client"
	case x.fixed == a:
		return ""
	case x.fixed.IsValid() && x.leases.Free(x.key, x.fixed, x.now):
		return a.String() + " is not the address reserved for it, " + x.fixed.String()
	case !x.cfg.inPool(a):
		return a.String() + " is not in this server's pool"
	}
	return ""
}

func (x *exchange) ack(a netip.Addr, why string) *Reply {
	x.leases.Bind(x.key, a, x.now.Add(x.cfg.lease()))
	return x.grant(dhcpv4.MessageTypeAck, a, why)
}

// nak refuses an address (RFC 2131 section 4.3.2): broadcast, since the client may have no usable address; through a
// relay with the broadcast flag set, so that the relay does the same.
func (x *exchange) nak(why string) *Reply {
	x.leases.ForgetOffer(x.key, x.now)
	r := x.newReply(dhcpv4.MessageTypeNak)
	r.Packet.Options[optMessage] = []byte(why)
	r.To = socket.EveryClient
	if relay := addrField(x.req.Packet.GatewayIPAddr); relay.IsValid() {
		r.To = netip.AddrPortFrom(relay, ServerPort)
		r.Packet.SetBroadcast()
	}
	x.d.Reason = why
	return r
}
