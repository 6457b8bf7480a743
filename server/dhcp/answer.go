package dhcp

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/lease"
)

// Decision is what became of one request, and why.
type Decision struct {
	Client  string // MAC
	Request string // "DHCPDISCOVER"
	Reply   string // "DHCPOFFER"; empty when the server stays silent
	Reason  string
	XID     string // 8 hex digits
	Address string // address given or confirmed
	File    string // boot file named
}

// exchange is one request on its way to a reply.
type exchange struct {
	req    *Request
	cfg    *Config
	leases *Leases
	now    time.Time
	key    string
	fixed  netip.Addr // reserved address
	file   string     // reserved boot file
	stray  string     // why the server has nothing for the client's network

	serverID netip.Addr // option 54
	d        Decision
}

// Answer decides on one request. The reply is nil when the server stays silent; the Decision says why in any case.
// It reads no clock and no socket, and changes only leases.
func Answer(req *Request, cfg *Config, leases *Leases, now time.Time) (*Reply, Decision) {
	x := &exchange{req: req, cfg: cfg, leases: leases, now: now, key: req.key(), d: Decide(req)}
	x.locate()
	r := x.dispatch()
	if r != nil && x.tooLong(r) {
		r = x.silent("ignored: the reply with the options it wants echoed exceeds its maximum message size")
	}
	if r == nil {
		x.d.Address, x.d.File = "", ""
		return nil, x.d
	}
	x.d.Reply = replyName(r)
	return r, x.d
}

// Decide starts the Decision on a request: who asked, and for what.
func Decide(req *Request) Decision {
	p := req.Packet
	return Decision{Client: p.ClientHWAddr.String(), Request: messageName(p.MessageType()), XID: hex.EncodeToString(p.TransactionID[:])}
}

// Silent ends a Decision without a reply.
func (d Decision) Silent(format string, args ...any) (*Reply, Decision) {
	d.Reply, d.Address, d.File, d.Reason = "", "", "", fmt.Sprintf(format, args...)
	return nil, d
}

// With ends a Decision with a reply.
func (d Decision) With(r *Reply, why ...string) (*Reply, Decision) {
	d.Reply = replyName(r)
	for _, w := range why {
		d.Reason = join(d.Reason, w)
	}
	return r, d
}

// replyName is the RFC's name of a reply.
func replyName(r *Reply) string {
	if r.Packet.MessageType() == dhcpv4.MessageTypeNone {
		return "BOOTREPLY"
	}
	return messageName(r.Packet.MessageType())
}

func (x *exchange) dispatch() *Reply {
	p := x.req.Packet
	switch {
	case p.OpCode != dhcpv4.OpcodeBootRequest:
		return x.silent("ignored: not a BOOTREQUEST")
	case x.key == "":
		return x.silent("ignored: neither hardware address nor client identifier")
	case x.stray != "":
		return x.silent("ignored: %s", x.stray)
	case x.req.Client.Vendor.Item != nil:
		// By broadcast (PXE 2.1 section 2.2); a DHCPREQUEST with ciaddr would otherwise pass for a renewal.
		return x.silent("ignored: it asks for a boot server (option 43.71), not for an address")
	}
	switch p.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		return x.discover()
	case dhcpv4.MessageTypeRequest:
		return x.request()
	case dhcpv4.MessageTypeInform:
		return x.inform()
	case dhcpv4.MessageTypeDecline:
		return x.decline()
	case dhcpv4.MessageTypeRelease:
		return x.release()
	case dhcpv4.MessageTypeNone:
		return x.silent("ignored: no option 53: a BOOTP client, which this role does not serve")
	}
	return x.silent("ignored: not a message for servers")
}

// silent ends an exchange without a reply.
func (x *exchange) silent(format string, args ...any) *Reply {
	x.d.Reason = fmt.Sprintf(format, args...)
	return nil
}

// grant makes the OFFER or ACK that gives an address.
func (x *exchange) grant(typ dhcpv4.MessageType, a netip.Addr, why string) *Reply {
	r := x.newReply(typ)
	b := x.cfg.bootFor(x.req, x.file)
	x.addLease(r, a)
	x.configure(r, b)
	x.tellPXE(r, &b)
	if typ == dhcpv4.MessageTypeAck {
		r.Packet.ClientIPAddr = x.req.Packet.ClientIPAddr
	}
	x.route(r)
	x.d.Reason = join(why, b.why)
	return r
}

// discover offers an address (RFC 2131 section 4.3.1).
func (x *exchange) discover() *Reply {
	a, why := x.leases.choose(x.key, x.cfg, x.fixed, x.req.addrOption(optRequestedAddr), x.now)
	if !a.IsValid() {
		return x.silent("ignored: %s", why)
	}
	x.leases.Offer(x.key, a, x.now)
	return x.grant(dhcpv4.MessageTypeOffer, a, why)
}

// inform answers a client that has its address from elsewhere (RFC 2131 section 4.3.5): no yiaddr, no lease time.
func (x *exchange) inform() *Reply {
	p := x.req.Packet
	if !x.ciaddr().IsValid() {
		return x.silent("ignored: ciaddr %s is no address of a client on this network", p.ClientIPAddr)
	}
	r := x.newReply(dhcpv4.MessageTypeAck)
	b := x.cfg.bootFor(x.req, x.file)
	x.configure(r, b)
	x.tellPXE(r, &b)
	r.Packet.ClientIPAddr = p.ClientIPAddr
	x.route(r)
	x.d.Reason = join("configuration without an address", b.why)
	return r
}

// decline takes note that an address is in use by somebody else (RFC 2131 section 4.3.3).
func (x *exchange) decline() *Reply {
	if id := x.req.addrOption(optServerID); !x.names(id) {
		return x.silent("ignored: for server %s", addrText(id))
	}
	a := x.req.addrOption(optRequestedAddr)
	if !x.leases.Decline(x.key, a, x.now) {
		return x.silent("ignored: %s is not its address", addrText(a))
	}
	return x.silent("%s is in use by another machine; kept from everyone for %s", a, lease.DeclineTime)
}

// release takes an address back (RFC 2131 section 4.3.4).
func (x *exchange) release() *Reply {
	if id := x.req.addrOption(optServerID); !x.names(id) {
		return x.silent("ignored: for server %s", addrText(id))
	}
	a := addrField(x.req.Packet.ClientIPAddr)
	if !x.leases.Release(x.key, a, x.now) {
		return x.silent("ignored: %s is not its address", addrText(a))
	}
	return x.silent("%s is free again", a)
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return "(none)"
	}
	return a.String()
}

// join makes one clause of two.
func join(why, more string) string {
	if why == "" || more == "" {
		return why + more
	}
	return why + "; " + more
}

// messageName gives the RFC's name of a message type: "DHCPDISCOVER".
func messageName(t dhcpv4.MessageType) string {
	if t == dhcpv4.MessageTypeNone {
		return "BOOTREQUEST"
	}
	if s := t.String(); !strings.HasPrefix(s, "unknown") {
		return "DHCP" + s
	}
	return fmt.Sprintf("DHCP type %d", byte(t))
}
