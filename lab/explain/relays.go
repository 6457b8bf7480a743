package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// whoHas begins the question of which host has an address (RFC 826), as the decoder words it.
const whoHas = "ARP who has "

// withRelays adds to the events of a boot what relay agents did with its requests, which its own cable does not show: where they passed
// them on to, and their questions for that address that nobody answered.
func withRelays(boot, log []event.Event) []event.Event {
	if len(boot) == 0 {
		return boot
	}
	out, to, answered := slices.Clone(boot), map[string]bool{}, map[string]bool{}
	mac, first := asksFirst(boot)
	last := boot[len(boot)-1].Seq
	for _, e := range log {
		if at, ok := passedTo(e, mac); ok && e.Seq > first && e.Seq < last {
			to[e.Service+" "+at] = true
			out = append(out, e)
		}
		if address, _, ok := strings.Cut(strings.TrimPrefix(arp(e), "ARP "), " is at "); ok {
			answered[address] = true
		}
	}
	for _, e := range log {
		address, asks := strings.CutPrefix(arp(e), whoHas)
		if asks && to[e.Watched+" "+address] && !answered[address] && e.Packet.FromGuest && e.Seq > first && e.Seq < last {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b event.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// asksFirst is the hardware address that a machine gives in its first DHCP message, and that event's number; empty if it sent none.
func asksFirst(boot []event.Event) (mac string, seq int) {
	for _, e := range boot {
		if p := e.Packet; p != nil && p.FromGuest && p.DHCP != nil {
			return p.DHCP.CHAddr, e.Seq
		}
	}
	return "", 0
}

// passedTo is where a relay agent says that it passed a request of this machine on to.
func passedTo(e event.Event, mac string) (address string, ok bool) {
	if e.Kind != event.ServiceLog || mac == "" {
		return "", false
	}
	whose, address, ok := judge.PassedOn(e.Text)
	return address, ok && strings.EqualFold(whose, mac)
}

// arp is an ARP packet at the card of a service, in words; empty if the event is none.
func arp(e event.Event) string {
	if e.Packet == nil || e.Watched == "" || e.Packet.Proto != "arp" {
		return ""
	}
	return e.Packet.Info
}
