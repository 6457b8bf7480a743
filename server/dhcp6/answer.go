package dhcp6

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// Decision is what became of one request, and why.
type Decision struct {
	Client  string // MAC if it is known, else the client identifier in hex
	Request string // "SOLICIT"
	Reply   string // "ADVERTISE"; empty when the server stays silent
	Reason  string
	XID     string // 6 hex digits
	Address string // address given or confirmed, the first of several
	File    string // boot file URL named
}

// Reply is one message to send.
type Reply struct {
	Message *dhcpv6.Message
	To      netip.AddrPort
}

// exchange is one request on its way to a reply.
type exchange struct {
	req    *Request
	cfg    *Config
	leases *Leases
	now    time.Time
	d      Decision
}

// Answer decides on one request. The reply is nil when the server stays silent; the Decision says why in any case.
// It reads no clock and no socket, and changes only leases.
func Answer(req *Request, cfg *Config, leases *Leases, now time.Time) (*Reply, Decision) {
	m := req.Message
	x := &exchange{req: req, cfg: cfg, leases: leases, now: now, d: Decision{
		Client: req.name(), Request: messageName(m.MessageType), XID: hex.EncodeToString(m.TransactionID[:])}}
	r := x.dispatch()
	if r == nil {
		x.d.Address, x.d.File = "", ""
		return nil, x.d
	}
	x.d.Reply = messageName(r.MessageType)
	return &Reply{Message: r, To: netip.AddrPortFrom(req.From.Addr(), ClientPort)}, x.d
}

func (x *exchange) dispatch() *dhcpv6.Message {
	from := x.req.From.Addr()
	if !from.IsLinkLocalUnicast() && !x.cfg.Address.Contains(from.WithZone("")) {
		return x.silent("ignored: it comes from %s, which is not on this link", from)
	}
	if err := x.req.valid(x.cfg.ServerID); err != nil {
		return x.notForUs(err)
	}
	t := x.req.Message.MessageType
	if x.req.unicast() {
		return x.wasUnicast(t)
	}
	switch t {
	case dhcpv6.MessageTypeSolicit:
		return x.solicit()
	case dhcpv6.MessageTypeRequest:
		return x.request()
	case dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind:
		return x.extend(t == dhcpv6.MessageTypeRebind)
	case dhcpv6.MessageTypeConfirm:
		return x.confirm()
	case dhcpv6.MessageTypeRelease:
		return x.release()
	case dhcpv6.MessageTypeDecline:
		return x.decline()
	case dhcpv6.MessageTypeInformationRequest:
		return x.inform()
	}
	return x.silent("ignored: not a message for servers")
}

// notForUs stays silent about an invalid message. A client that takes another server's offer frees ours.
func (x *exchange) notForUs(err error) *dhcpv6.Message {
	if x.req.Message.MessageType == dhcpv6.MessageTypeRequest && errors.Is(err, errOther) {
		for _, ia := range x.req.Message.Options.IANA() {
			if x.leases.ForgetOffer(x.req.key(ia.IaId), x.now) {
				return x.silent("ignored: %w; the address offered to it is free again", err)
			}
		}
	}
	return x.silent("ignored: %w", err)
}

// wasUnicast refuses what this server, which never sends the Server Unicast option, was sent by unicast all the same
// (RFC 8415 sections 16 and 18.3): silence, or for those who have an address the status UseMulticast.
func (x *exchange) wasUnicast(t dhcpv6.MessageType) *dhcpv6.Message {
	switch t {
	case dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		r := x.newReply(dhcpv6.MessageTypeReply)
		addStatus(r, iana.StatusUseMulticast, "send it to "+AllServers.String())
		x.d.Reason = "refused: sent to this server alone, not to " + AllServers.String()
		return r
	}
	return x.silent("ignored: sent to %s, not to %s", x.req.To, AllServers)
}

// silent ends an exchange without a reply.
func (x *exchange) silent(format string, args ...any) *dhcpv6.Message {
	x.d.Reason = fmt.Errorf(format, args...).Error()
	return nil
}

// newReply starts a reply with the identifiers that each has (RFC 8415 section 18.3).
func (x *exchange) newReply(t dhcpv6.MessageType) *dhcpv6.Message {
	r := &dhcpv6.Message{MessageType: t, TransactionID: x.req.Message.TransactionID}
	r.AddOption(dhcpv6.OptServerID(x.cfg.ServerID))
	if id := x.req.Message.Options.ClientID(); id != nil {
		r.AddOption(dhcpv6.OptClientID(id))
	}
	return r
}

// configure adds what the client asked to be told, and to boot clients what to boot.
func (x *exchange) configure(r *dhcpv6.Message, why string) *dhcpv6.Message {
	if x.req.asks(dhcpv6.OptionDNSRecursiveNameServer) && len(x.cfg.DNS) > 0 {
		r.AddOption(dhcpv6.OptDNS(ips(x.cfg.DNS)...))
	}
	b := x.cfg.bootFor(x.req)
	x.addBoot(r, b)
	if x.d.Reason = why; b.why != "" {
		x.d.Reason += "; " + b.why
	}
	return r
}

// solicit advertises addresses (RFC 8415 section 18.3.1), or binds them at once for a client in a hurry.
func (x *exchange) solicit() *dhcpv6.Message {
	rapid := x.cfg.RapidCommit && x.req.Message.GetOneOption(dhcpv6.OptionRapidCommit) != nil
	if !rapid {
		r := x.newReply(dhcpv6.MessageTypeAdvertise)
		return x.configure(r, x.assign(r, false))
	}
	r := x.newReply(dhcpv6.MessageTypeReply)
	r.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionRapidCommit})
	return x.configure(r, x.assign(r, true)+", at once (rapid commit)")
}

// request leases addresses (RFC 8415 section 18.3.2).
func (x *exchange) request() *dhcpv6.Message {
	r := x.newReply(dhcpv6.MessageTypeReply)
	return x.configure(r, x.assign(r, true))
}

// inform gives configuration without an address (RFC 8415 section 18.3.6).
func (x *exchange) inform() *dhcpv6.Message {
	return x.configure(x.newReply(dhcpv6.MessageTypeReply), "configuration without an address")
}

// messageName gives the RFC's name of a message type: "SOLICIT".
func messageName(t dhcpv6.MessageType) string {
	if t == dhcpv6.MessageTypeInformationRequest {
		return "INFORMATION-REQUEST"
	}
	return strings.ToUpper(strings.ReplaceAll(t.String(), " ", ""))
}
