package judge

import (
	"slices"

	"github.com/pxelab/pxelab/lab/event"
)

// tookUp tells whether the guest acted on an offer, and by which packet. Two servers that give one identifier (option 54) and offer
// one address are told apart by what came after; unsure is that nothing tells them apart.
func (b *boot) tookUp(offer event.Event) (by event.Event, taken, unsure bool) {
	for _, e := range b.events {
		if e.Seq <= offer.Seq || !takes(e, offer) {
			continue
		}
		if !event.IsSet(offer.Packet.DHCP.YIAddr) || e.Packet.DHCP == nil {
			return e, true, false
		}
		meant := b.meant(e)
		if !slices.ContainsFunc(meant, func(o event.Event) bool { return o.Sender() == offer.Sender() }) {
			continue // it was the other's
		}
		return e, true, slices.ContainsFunc(meant, func(o event.Event) bool { return o.Sender() != offer.Sender() })
	}
	return event.Event{}, false, false
}

// meant lists the offers of an address that a REQUEST can be for, all of one sender if something tells: who alone acknowledged, else
// whose boot file, or next server, the guest went on with.
func (b *boot) meant(request event.Event) []event.Event {
	offers := slices.DeleteFunc(b.dhcp(false, isOffer), func(o event.Event) bool {
		return o.Seq > request.Seq || !event.IsSet(o.Packet.DHCP.YIAddr) || !takes(request, o)
	})
	for _, tells := range []func(event.Event, event.Event) bool{b.acknowledged, b.wentOn} {
		if fit := slices.DeleteFunc(slices.Clone(offers), func(o event.Event) bool { return !tells(request, o) }); len(fit) > 0 {
			offers = fit
		}
	}
	return offers
}

// acknowledged tells whether the sender of an offer acknowledged a request.
func (b *boot) acknowledged(request, offer event.Event) bool {
	return slices.ContainsFunc(b.dhcp(false, gives), func(e event.Event) bool {
		return e.Seq > request.Seq && e.Packet.DHCP.XID == request.Packet.DHCP.XID && e.Sender() == offer.Sender()
	})
}

// wentOn tells whether the guest asked for the file of an offer, from the server that the offer means.
func (b *boot) wentOn(request, offer event.Event) bool {
	o := offer.Packet.DHCP
	return slices.ContainsFunc(b.events, func(e event.Event) bool {
		p := e.Packet
		if e.Seq < request.Seq || p == nil || !p.FromGuest || p.TFTP == nil || p.TFTP.Op != "RRQ" || !sameFile(p.TFTP.File, o.File) {
			return false
		}
		return event.HostOf(p.Dst) == event.AddressOr(o.SIAddr, o.ServerID)
	})
}

// takes tells whether a packet of the guest acts on an offer.
func takes(e, offer event.Event) bool {
	p, o := e.Packet, offer.Packet.DHCP
	if p == nil || !p.FromGuest {
		return false
	}
	if event.IsSet(o.YIAddr) {
		if p.DHCP != nil && isRequest(p.DHCP) {
			// Two servers may give one identifier: the address tells whose offer was meant (RFC 2131 section 4.3.2).
			return p.DHCP.ServerID == o.ServerID && (!event.IsSet(p.DHCP.Requested) || p.DHCP.Requested == o.YIAddr)
		}
		return o.Type == "BOOTREPLY" && event.HostOf(p.Src) == o.YIAddr // taken without a REQUEST (RFC 951)
	}
	if p.TFTP == nil && (p.DHCP == nil || p.DHCP.DstPort != portBINL) {
		return false
	}
	to := event.HostOf(p.Dst)
	return event.IsSet(to) && (to == o.ServerID || to == o.SIAddr || to == event.HostOf(offer.Packet.Src))
}
