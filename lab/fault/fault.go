// Package fault decides what is done on purpose: to the frames of a cable, which are dropped, held up, sent twice or spoilt, and,
// when such a frame is met, to services and to the guest itself.
//
// A decision depends on the frames that came before, their order and the rule's seed, never on a clock: the same frames meet the
// same faults in every run. It does nothing itself; the cable does.
package fault

import (
	"fmt"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/wire"
)

// Rule is one fault: what it does, to which frames, and to which of these. The zero selection is all of them.
type Rule struct {
	Do      string        `json:"do"`                // one of Deeds
	Packet  string        `json:"packet,omitempty"`  // one of Packets; empty: every frame
	From    string        `json:"from,omitempty"`    // "guest", or the service that sent it; empty: either way
	MAC     string        `json:"mac,omitempty"`     // of From, if it is a service
	Block   int           `json:"block,omitempty"`   // of TFTP data and ack; zero: any
	First   int           `json:"first,omitempty"`   // only so many
	Nth     int           `json:"nth,omitempty"`     // only this one
	Every   int           `json:"every,omitempty"`   // each so manieth
	Percent int           `json:"percent,omitempty"` // of all, picked by Seed
	Seed    int           `json:"seed,omitempty"`    //
	By      time.Duration `json:"by,omitempty"`      // of delay, in nanoseconds
	To      int           `json:"to,omitempty"`      // of truncate: octets that are left

	Service string        `json:"service,omitempty"` // of a deed on a service: which
	For     time.Duration `json:"for,omitempty"`     // of a deed on a service or the guest: how long it lasts, in nanoseconds; zero: for good, or no time
}

// Packets are the kinds of frames that a rule can name.
var Packets = []string{"any", "arp", "dhcp", "discover", "offer", "request", "ack", "nak", "tftp", "rrq", "data", "tftp-ack", "oack", "tftp-error"}

// dhcpTypes are the message types of option 53 (RFC 2132 section 9.6).
var dhcpTypes = map[string]byte{"discover": 1, "offer": 2, "request": 3, "ack": 5, "nak": 6}

// tftpOps are the opcodes of RFC 1350 section 5, and RFC 2347's.
var tftpOps = map[string]uint16{"rrq": 1, "data": 3, "tftp-ack": 4, "tftp-error": 5, "oack": 6}

// String is the rule as it is written in a topology.
func (r Rule) String() string {
	words := []string{"do: " + r.Do}
	add := func(key string, value any, set bool) {
		if set {
			words = append(words, fmt.Sprintf("%s: %v", key, value))
		}
	}
	add("packet", r.Packet, r.Packet != "")
	add("from", r.From, r.From != "")
	add("block", r.Block, r.Block != 0)
	add("first", r.First, r.First != 0)
	add("nth", r.Nth, r.Nth != 0)
	add("every", r.Every, r.Every != 0)
	add("percent", r.Percent, r.Percent != 0)
	add("seed", r.Seed, r.Seed != 0)
	add("by", r.By, r.By != 0)
	add("to", r.To, r.To != 0)
	add("service", r.Service, r.Service != "")
	add("for", r.For, r.For != 0)
	return "{" + strings.Join(words, ", ") + "}"
}

// matches tells whether a frame is of the kind that the rule names.
func (r *Rule) matches(h *wire.Head, known bool) bool {
	switch {
	case r.Packet == "" || r.Packet == "any":
		return true
	case !known:
		return false
	case r.Packet == "arp":
		return h.ARP != nil
	}
	_, _, kind, isDHCP := h.BOOTP()
	op, block, isTFTP := h.TFTP()
	switch {
	case r.Packet == "dhcp":
		return isDHCP
	case r.Packet == "tftp":
		return isTFTP
	case dhcpTypes[r.Packet] != 0:
		return isDHCP && kind == dhcpTypes[r.Packet]
	}
	return isTFTP && op == tftpOps[r.Packet] && (r.Block == 0 || uint16(r.Block) == block) //nolint:gosec // checked with the topology
}

// picks tells whether the rule means the nth frame of its kind.
func (r *Rule) picks(nth int) bool {
	switch {
	case r.once() && r.First == 0 && r.Nth == 0 && r.Every == 0 && r.Percent == 0:
		return nth == 1
	case r.First != 0:
		return nth <= r.First
	case r.Nth != 0:
		return nth == r.Nth
	case r.Every != 0:
		return nth%r.Every == 0
	case r.Percent != 0:
		return int(mix(uint64(r.Seed)<<32+uint64(nth))%100) < r.Percent //nolint:gosec // any number will do as a seed
	}
	return true
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): the same on
// every machine, and a number of its own for every frame.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
