package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// Booting over IPv6: DHCPv6 takes DHCP's place, and the stages keep their names. EDK2 runs a second DHCPv6 client
// beside that of PXE, with the same DUID; only the PXE client says its architecture (option 61), so its transactions
// are told by that.

// isPXE6 tells a message of the client that this guest is to boot by: PXE's, or that of HTTP boot.
func (b *boot) isPXE6(d *event.DHCP6) bool {
	return len(d.Archs) > 0 && isHTTP6(d) == b.bootsOverHTTP()
}

// isHTTP6 tells a message of UEFI HTTP boot, or to it: others it ignores.
func isHTTP6(d *event.DHCP6) bool { return strings.HasPrefix(d.VendorClass, "HTTPClient") }

func isSolicit(d *event.DHCP6) bool   { return d.Type == "SOLICIT" }
func isAdvertise(d *event.DHCP6) bool { return d.Type == "ADVERTISE" }
func isRequest6(d *event.DHCP6) bool  { return d.Type == "REQUEST" }

// gives6 tells whether a reply gives the guest its address.
func gives6(d *event.DHCP6) bool { return d.Type == "REPLY" && address6(d) != "" }

// address6 is the first address of a message.
func address6(d *event.DHCP6) string {
	for _, ia := range d.IAs {
		if len(ia.Addresses) > 0 {
			return ia.Addresses[0]
		}
	}
	return ""
}

// dhcp6Sent takes a DHCPv6 message of the guest.
func (b *boot) dhcp6Sent(e event.Event) {
	d := e.Packet.DHCP6
	if !b.isPXE6(d) {
		return
	}
	b.pxe6[d.XID] = true
	b.show(fmt.Sprint("dhcp6> ", d.Type, d.ServerID), e)
	if isSolicit(d) {
		b.reach(event.StageDiscover, e)
		b.secondStage(e, !isHTTP6(d))
	}
}

// dhcp6Received takes a DHCPv6 message to the guest. What the client beside PXE's is given is noted as well: the
// firmware may send from any of its addresses.
func (b *boot) dhcp6Received(e event.Event) {
	d := e.Packet.DHCP6
	if gives6(d) {
		b.given[address6(d)] = true
	}
	if !b.pxe6[d.XID] {
		return
	}
	b.show(fmt.Sprint("dhcp6< ", d.Type, e.Service, d.BootURL), e)
	switch {
	case isAdvertise(d):
		b.reach(event.StageOffer, e)
	case gives6(d):
		b.reach(event.StageOffer, e) // a rapid commit is offer and acknowledgement in one
		b.reach(event.StageAddress, e)
		b.address = address6(d)
	}
}

// dhcp6 picks the DHCPv6 messages of this boot's PXE client, in order.
func (b *boot) dhcp6(fromGuest bool, pick func(*event.DHCP6) bool) []event.Event {
	var out []event.Event
	for _, e := range b.events {
		if p := e.Packet; e.Kind == event.PacketSeen && p != nil && p.DHCP6 != nil && p.FromGuest == fromGuest &&
			b.pxe6[p.DHCP6.XID] && pick(p.DHCP6) {
			out = append(out, e)
		}
	}
	return out
}

// by6 tells whether what a service gave the guest came by DHCPv6, as its roles have it; one with both roles, or one
// whose roles are unknown, by what it sent.
func (b *boot) by6(service string) bool {
	i := slices.IndexFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Name == service })
	if i >= 0 && b.t.plan.Services[i].Server != nil {
		cfg := b.t.plan.Services[i].Server
		if cfg.DHCP6 == nil || cfg.DHCP == nil {
			return cfg.DHCP6 != nil
		}
	}
	from := func(e event.Event) bool { return e.Service == service }
	return slices.ContainsFunc(b.dhcp6(false, isAny6), from) && !slices.ContainsFunc(b.dhcp(false, gives), from)
}

func isAny6(*event.DHCP6) bool { return true }

// checkAddressFrom6 is checkAddressFrom for DHCPv6.
func (b *boot) checkAddressFrom6(service string) finding {
	replies := b.dhcp6(false, gives6)
	if len(replies) == 0 {
		return fail(fmt.Sprintf("no DHCPv6 REPLY with an address from %q reached %s", service, b.guest.Name))
	}
	for _, e := range replies {
		if e.Service != service {
			return fail(fmt.Sprintf("%s got its address %s from %s, not from %q", b.guest.Name, address6(e.Packet.DHCP6), b.sender(e), service), e)
		}
	}
	return b.used(service, address6(replies[len(replies)-1].Packet.DHCP6), replies)
}

// checkOffer6 is checkOffer for DHCPv6: an advertisement is taken by a REQUEST that names its server.
func (b *boot) checkOffer6(c *topology.Offer) finding {
	service := c.From
	all := b.dhcp6(false, func(d *event.DHCP6) bool { return isAdvertise(d) || gives6(d) && d.RapidCommit })
	offers := slices.DeleteFunc(slices.Clone(all), func(e event.Event) bool { return e.Service != service })
	if len(offers) == 0 {
		return fail(fmt.Sprintf("no offer from %q reached %s%s", service, b.guest.Name, b.offersSeen(all)), all...)
	}
	if other := offers[0]; c.File != "" {
		offers = slices.DeleteFunc(offers, func(e event.Event) bool { return e.Packet.DHCP6.BootURL != c.File })
		if len(offers) == 0 {
			return fail(fmt.Sprintf("%q offered %s boot file %q, not %q", service, b.guest.Name, other.Packet.DHCP6.BootURL, c.File), other)
		}
	}
	for _, o := range offers {
		what := event.AddressOr(address6(o.Packet.DHCP6), "a boot")
		for _, e := range b.dhcp6(true, isRequest6) {
			if e.Seq > o.Seq && e.Packet.DHCP6.ServerID == o.Packet.DHCP6.ServerID {
				return pass(fmt.Sprintf("%s was offered %s by %q and took it", b.guest.Name, what, service), o, e)
			}
		}
		if o.Packet.DHCP6.RapidCommit {
			return pass(fmt.Sprintf("%s was given %s by %q at once", b.guest.Name, what, service), o)
		}
	}
	return fail(fmt.Sprintf("%q made an offer to %s, and it did not act on it%s", service, b.guest.Name, b.offersSeen(all)), all...)
}

// checkStation compares what the firmware told the probe of its address over IPv6 with what crossed the wire.
func (b *boot) checkStation(r *report) string {
	var given []string
	for _, e := range b.dhcp6(false, gives6) {
		given = append(given, address6(e.Packet.DHCP6))
	}
	station, leased := r.pxebc["station"], r.packets["ack"]["address"]
	switch {
	case len(given) == 0:
		return fmt.Sprintf("the probe says its address is %s, and no DHCPv6 REPLY with one crossed the wire", station)
	case !slices.Contains(given, station):
		return fmt.Sprintf("the probe says its address is %s, and the wire %s", station, given[len(given)-1])
	case leased != "" && !slices.Contains(given, leased):
		return fmt.Sprintf("the probe saw a REPLY with address %s, and the wire one with %s", leased, given[len(given)-1])
	}
	return ""
}
