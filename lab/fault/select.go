package fault

import "github.com/pxelab/pxelab/lab/wire"

// Selection says which frames are meant: of which kind and sender, and which of these by their number. Each direction is numbered
// by itself, from 1. The zero Selection is all of them.
type Selection struct {
	Packet  string `json:"packet,omitempty"`  // one of Packets; empty: every frame
	From    string `json:"from,omitempty"`    // "guest", or the service that sent it; empty: either way
	MAC     string `json:"mac,omitempty"`     // of From, if it is a service
	Port    int    `json:"port,omitempty"`    // of UDP or TCP, at either end; zero: any
	Block   int    `json:"block,omitempty"`   // of TFTP data and ack; zero: any
	After   int    `json:"after,omitempty"`   // not these first ones; what follows numbers from there
	First   int    `json:"first,omitempty"`   // only so many
	Nth     int    `json:"nth,omitempty"`     // only this one
	Every   int    `json:"every,omitempty"`   // each so manieth
	Percent int    `json:"percent,omitempty"` // of all, picked by Seed
	Seed    int    `json:"seed,omitempty"`    //
}

// Packets are the kinds of frames that a selection can name.
var Packets = []string{"any", "arp", "icmp", "udp", "tcp", "http", "http-request", "http-response", "dhcp", "discover", "offer", "request", "ack", "nak", "decline",
	"release", "inform", "pxe", "dhcp6", "tftp", "rrq", "data", "tftp-ack", "oack", "tftp-error"}

// dhcpTypes are the message types of option 53 (RFC 2132 section 9.6).
var dhcpTypes = map[string]byte{"discover": 1, "offer": 2, "request": 3, "decline": 4, "ack": 5, "nak": 6, "release": 7, "inform": 8}

// tftpOps are the opcodes of RFC 1350 section 5, and RFC 2347's.
var tftpOps = map[string]uint16{"rrq": 1, "data": 3, "tftp-ack": 4, "tftp-error": 5, "oack": 6}

// The protocol numbers of IP, and the ports, that name a kind.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58

	portHTTP    = 80
	portDHCP6   = 546 // of clients; servers have the next (RFC 8415 section 7.2)
	portBootSrv = 4011
)

// matches tells whether a frame is of the kind that is meant.
func (s *Selection) matches(h *wire.Head, known bool) bool {
	if s.Port != 0 && (!known || !between(h, uint16(s.Port))) {
		return false
	}
	if s.Packet == "" || s.Packet == "any" {
		return true
	}
	if !known {
		return false
	}
	if is, ok := protocol(s.Packet, h); ok {
		return is
	}
	if s.Packet == "dhcp" || s.Packet == "pxe" || dhcpTypes[s.Packet] != 0 {
		_, _, kind, isDHCP := h.BOOTP()
		return isDHCP && (s.Packet == "dhcp" || s.Packet == "pxe" && between(h, portBootSrv) || kind != 0 && kind == dhcpTypes[s.Packet])
	}
	op, block, isTFTP := h.TFTP()
	return isTFTP && (s.Packet == "tftp" || op == tftpOps[s.Packet] && (s.Block == 0 || uint16(s.Block) == block))
}

// protocol tells whether a frame is of a protocol that its headers alone name; ok is false for kinds that are none.
func protocol(kind string, h *wire.Head) (is, ok bool) {
	switch kind {
	case "arp":
		return h.ARP != nil, true
	case "icmp":
		return h.Proto == protoICMP || h.Proto == protoICMPv6, true
	case "udp":
		return h.Proto == protoUDP, true
	case "tcp":
		return h.Proto == protoTCP, true
	case "http":
		return h.Proto == protoTCP && between(h, portHTTP), true
	case "http-request", "http-response":
		return "http-"+h.HTTP() == kind, true
	case "dhcp6":
		return h.Proto == protoUDP && (between(h, portDHCP6) || between(h, portDHCP6+1)), true
	}
	return false, false
}

// between tells whether a frame comes from or goes to a port.
func between(h *wire.Head, port uint16) bool { return h.SrcPort == port || h.DstPort == port }

// picks tells whether the nth frame of the kind is meant.
func (s *Selection) picks(nth int) bool {
	if nth -= s.After; nth <= 0 {
		return false
	}
	switch {
	case s.First != 0:
		return nth <= s.First
	case s.Nth != 0:
		return nth == s.Nth
	case s.Every != 0:
		return nth%s.Every == 0
	case s.Percent != 0:
		return int(s.draw(nth)%100) < s.Percent
	}
	return true
}

// draw is a number that looks like chance and is the same for this seed and this frame in every run.
func (s *Selection) draw(nth int) uint64 {
	return mix(uint64(s.Seed)<<32 + uint64(nth))
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): the same on
// every machine, and a number of its own for every frame.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Matches tells whether a frame is of the kind that is meant, whatever its number and its sender.
func (s *Selection) Matches(frame []byte) bool {
	h, known := wire.Peek(frame)
	return s.matches(&h, known)
}
