package dhcp6

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxelab/pxelab/server/lease"
)

// assign puts an answer for every identity association of the request into a reply, and says in a clause what it gave.
// The addresses are leased if commit is set, else only kept for a while.
func (x *exchange) assign(r *dhcpv6.Message, commit bool) (why string) {
	why = "it asks for no address"
	for _, ia := range x.req.Message.Options.IANA() {
		a, reason := x.leases.choose(x.req.key(ia.IaId), addresses(ia), x.cfg, x.now)
		if !x.cfg.First.IsValid() {
			a, reason = netip.Addr{}, "this server has no addresses to give"
		}
		why = reason
		if !a.IsValid() {
			r.AddOption(refused(ia, iana.StatusNoAddrsAvail, reason))
			continue
		}
		if commit {
			x.leases.Bind(x.req.key(ia.IaId), a, x.now.Add(x.cfg.lease()))
		} else {
			x.leases.Offer(x.req.key(ia.IaId), a, x.now)
		}
		x.grant(r, ia, a)
	}
	x.refuseOthers(r)
	return why
}

// refuseOthers answers the kinds of association that this server does not serve.
func (x *exchange) refuseOthers(r *dhcpv6.Message) {
	for _, ia := range x.req.Message.Options.IATA() {
		r.AddOption(&dhcpv6.OptIATA{IaId: ia.IaId, Options: statusOf(iana.StatusNoAddrsAvail, "no temporary addresses")})
	}
	for _, ia := range x.req.Message.Options.IAPD() {
		o := &dhcpv6.OptIAPD{IaId: ia.IaId}
		o.Options.Add(&dhcpv6.OptStatusCode{StatusCode: iana.StatusNoPrefixAvail, StatusMessage: "no prefixes"})
		r.AddOption(o)
	}
}

// grant adds an association with the address it is given. T1 and T2 are the recommended 0.5 and 0.8 of the preferred
// lifetime (RFC 8415 section 21.4).
func (x *exchange) grant(r *dhcpv6.Message, ia *dhcpv6.OptIANA, a netip.Addr, dead ...netip.Addr) {
	life := x.cfg.lease()
	o := &dhcpv6.OptIANA{IaId: ia.IaId, T1: life / 2, T2: life * 4 / 5}
	o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: a.AsSlice(), PreferredLifetime: life, ValidLifetime: life})
	addDead(o, dead)
	r.AddOption(o)
	if x.d.Address == "" {
		x.d.Address = a.String()
	}
}

// addDead tells a client to stop using addresses, by lifetimes of zero (RFC 8415 section 18.3.4).
func addDead(o *dhcpv6.OptIANA, dead []netip.Addr) {
	for _, a := range dead {
		o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: a.AsSlice()})
	}
}

// extend renews what a client has (RFC 8415 sections 18.3.4 and 18.3.5). Leases are kept in memory only, so an address
// that is free is given again although there is no record of it. A client that asks every server (REBIND) is not told
// of what this one does not know.
func (x *exchange) extend(rebind bool) *dhcpv6.Message {
	r := x.newReply(dhcpv6.MessageTypeReply)
	why, answered := "it renews nothing", false
	for _, ia := range x.req.Message.Options.IANA() {
		key := x.req.key(ia.IaId)
		keep, dead := x.sort(key, addresses(ia))
		switch _, known := x.leases.Of(key); {
		case keep.IsValid():
			why = "renewed"
			if !known {
				why = "renewed although there is no record of the lease: the address is free"
			}
			x.leases.Bind(key, keep, x.now.Add(x.cfg.lease()))
			x.grant(r, ia, keep, dead...)
		case rebind && !known && !x.offLink(dead):
			why = fmt.Sprintf("ignored: no record of %v, which may be another server's", dead)
			continue
		case len(dead) > 0:
			why = fmt.Sprintf("%v may no longer be used", dead)
			o := &dhcpv6.OptIANA{IaId: ia.IaId}
			addDead(o, dead)
			r.AddOption(o)
		default:
			why = "no record of the lease"
			r.AddOption(refused(ia, iana.StatusNoBinding, why))
		}
		answered = true
	}
	if rebind && !answered {
		return x.silent("%s", why)
	}
	x.refuseOthers(r)
	return x.configure(r, why)
}

// sort picks the address an association may keep; the others it must stop using.
func (x *exchange) sort(key string, list []netip.Addr) (keep netip.Addr, dead []netip.Addr) {
	for _, a := range list {
		had, known := x.leases.Of(key)
		if own := !known || had == a; !keep.IsValid() && own && x.leases.mayHave(key, a, x.cfg, x.now) {
			keep = a
			continue
		}
		if a != keep {
			dead = append(dead, a)
		}
	}
	return keep, dead
}

// offLink reports whether some address is not of this link, which any server on it may say.
func (x *exchange) offLink(list []netip.Addr) bool {
	for _, a := range list {
		if !x.cfg.Address.Contains(a) {
			return true
		}
	}
	return false
}

// confirm says whether a client's addresses fit the link it woke up on (RFC 8415 section 18.3.3).
func (x *exchange) confirm() *dhcpv6.Message {
	var all []netip.Addr
	for _, ia := range x.req.Message.Options.IANA() {
		all = append(all, addresses(ia)...)
	}
	if len(all) == 0 {
		return x.silent("ignored: it names no address to confirm")
	}
	r := x.newReply(dhcpv6.MessageTypeReply)
	if x.offLink(all) {
		addStatus(r, iana.StatusNotOnLink, "not of this link")
		x.d.Reason = fmt.Sprintf("%v are not all of this link, %s", all, x.cfg.Address.Masked())
		return r
	}
	addStatus(r, iana.StatusSuccess, "all of this link")
	x.d.Reason, x.d.Address = "its addresses are of this link", all[0].String()
	return r
}

// release takes addresses back (RFC 8415 section 18.3.7).
func (x *exchange) release() *dhcpv6.Message {
	return x.giveUp("free again", func(key string, a netip.Addr) bool { return x.leases.Release(key, a, x.now) })
}

// decline takes note that addresses are in use by somebody else (RFC 8415 section 18.3.8).
func (x *exchange) decline() *dhcpv6.Message {
	return x.giveUp("in use by another machine; kept from everyone for "+lease.DeclineTime.String(),
		func(key string, a netip.Addr) bool { return x.leases.Gave(key, a) && x.leases.Decline(key, a, x.now) })
}

// giveUp ends leases and always confirms; associations of which there is no record are told so.
func (x *exchange) giveUp(what string, end func(key string, a netip.Addr) bool) *dhcpv6.Message {
	r := x.newReply(dhcpv6.MessageTypeReply)
	addStatus(r, iana.StatusSuccess, "")
	x.d.Reason = "it names no address of its own"
	for _, ia := range x.req.Message.Options.IANA() {
		known := false
		for _, a := range addresses(ia) {
			if end(x.req.key(ia.IaId), a) {
				known = true
				x.d.Reason, x.d.Address = a.String()+" is "+what, a.String()
			}
		}
		if !known {
			r.AddOption(refused(ia, iana.StatusNoBinding, "no record of the lease"))
		}
	}
	return r
}

// addresses lists what an association names.
func addresses(ia *dhcpv6.OptIANA) []netip.Addr {
	var out []netip.Addr
	for _, o := range ia.Options.Addresses() {
		if a, ok := netip.AddrFromSlice(o.IPv6Addr); ok && a.Is6() && !a.IsUnspecified() {
			out = append(out, a)
		}
	}
	return out
}

// refused is an association that gets nothing, and why.
func refused(ia *dhcpv6.OptIANA, code iana.StatusCode, why string) *dhcpv6.OptIANA {
	return &dhcpv6.OptIANA{IaId: ia.IaId, Options: statusOf(code, why)}
}

func statusOf(code iana.StatusCode, why string) dhcpv6.IdentityOptions {
	var o dhcpv6.IdentityOptions
	o.Add(&dhcpv6.OptStatusCode{StatusCode: code, StatusMessage: why})
	return o
}

func addStatus(r *dhcpv6.Message, code iana.StatusCode, why string) {
	r.AddOption(&dhcpv6.OptStatusCode{StatusCode: code, StatusMessage: why})
}

func ips(list []netip.Addr) []net.IP {
	var out []net.IP
	for _, a := range list {
		out = append(out, a.AsSlice())
	}
	return out
}
