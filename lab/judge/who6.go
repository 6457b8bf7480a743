package judge

import (
	"fmt"

	"github.com/pxelab/pxelab/lab/event"
)

// who6 adds whose word the boot followed over IPv6: what DHCPv6 servers advertised to its boot client, and who replied.
func (w *Who) who6(b *boot) {
	for _, e := range b.dhcp6(false, func(d *event.DHCP6) bool { return isAdvertise(d) || gives6(d) && d.RapidCommit }) {
		w.offer6(b, e)
	}
	if replies := b.dhcp6(false, gives6); len(replies) > 0 {
		w.Address6 = replies[len(replies)-1].Sender()
	}
}

// offer6 adds an advertisement, or counts it.
func (w *Who) offer6(b *boot, e event.Event) {
	d := e.Packet.DHCP6
	o := Offered{From: e.Sender(), What: what6(d), Kind: kind6(d), Times: 1, Frame: e.Packet.Frame}
	o.Taken, o.Unsure = b.took6(e)
	for i := range w.Offers6 {
		if have := &w.Offers6[i]; have.From == o.From && have.What == o.What && have.Kind == o.Kind {
			have.Times++
			have.Taken, have.Unsure = have.Taken || o.Taken, have.Unsure || o.Unsure
			return
		}
	}
	w.Offers6 = append(w.Offers6, o)
}

func what6(d *event.DHCP6) string {
	what := event.AddressOr(address6(d), "no address")
	if d.BootURL != "" {
		what += fmt.Sprintf(" with boot file %q", d.BootURL)
	}
	return what
}

// kind6 is what an advertisement is to a boot client (RFC 5970; UEFI 2.10 section 24.7 for HTTP boot).
func kind6(d *event.DHCP6) string {
	switch {
	case d.RapidCommit:
		return "DHCPv6, committed at once"
	case d.Status != "" && address6(d) == "":
		return "DHCPv6 that refuses: " + d.Status
	case isHTTP6(d):
		return "DHCPv6 for HTTP boot"
	case d.BootURL == "":
		return "DHCPv6 without a boot file"
	}
	return "DHCPv6"
}

// took6 tells whether the boot client took an advertisement: by a REQUEST that names its server (option 2) and, if it names
// addresses, one that was advertised. Of two servers that give one identifier and advertise one address the one that replied is
// taken to be meant; unsure is that both did, or neither.
func (b *boot) took6(offer event.Event) (taken, unsure bool) {
	if offer.Packet.DHCP6.RapidCommit {
		return true, false
	}
	for _, ask := range b.dhcp6(true, isRequest6) {
		if ask.Seq < offer.Seq || !fits6(ask, offer) {
			continue
		}
		rivals, replied := map[string]bool{}, map[string]bool{}
		for _, e := range b.dhcp6(false, isAdvertise) {
			if e.Seq < ask.Seq && fits6(ask, e) {
				rivals[e.Sender()] = true
			}
		}
		for _, e := range b.dhcp6(false, gives6) {
			if e.Packet.DHCP6.XID == ask.Packet.DHCP6.XID && rivals[e.Sender()] {
				replied[e.Sender()] = true
			}
		}
		switch {
		case len(rivals) == 1:
			return true, false
		case len(replied) != 1:
			return true, true
		case replied[offer.Sender()]:
			return true, false
		}
	}
	return false, false
}

// fits6 tells whether a REQUEST can be meant for the server of an advertisement.
func fits6(ask, offer event.Event) bool {
	a, o := ask.Packet.DHCP6, offer.Packet.DHCP6
	return a.ServerID == o.ServerID && (address6(a) == "" || address6(o) == "" || address6(a) == address6(o))
}
