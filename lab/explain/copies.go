package explain

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/wire"
)

// How soon the same packet must be seen again to be a copy of what was sent once. No client and no server repeats itself as fast:
// iPXE's shortest wait is a quarter of a second.
const (
	otherWay  = 50 * time.Millisecond // seen elsewhere: a bridge or a router passes frames on in less
	sameWay   = time.Millisecond      // nothing tells where: a mirror port that shows what comes in and what goes out
	maxRecent = 4096                  // packets of one generation, so that a flood takes no more memory than that
)

// copies finds frames that a capture holds twice: tcpdump -i any on a host with a bridge or a bond sees a frame on each interface it
// passes, a router sees it come and go, and so does a mirror port. Counted, such frames look like retransmissions.
type copies struct {
	seed  maphash.Seed
	young map[uint64]*sighting // since turned
	old   map[uint64]*sighting // of the time before
	since time.Duration
	count int
}

// sighting is a packet that was sent once.
type sighting struct {
	at   time.Duration
	ways []way
}

// way is how a packet was seen.
type way struct {
	side     Side
	vlan     int
	src, dst [6]byte // a router changes them
}

func newCopies() copies { return copies{seed: maphash.MakeSeed(), young: map[uint64]*sighting{}} }

// has tells whether a frame is a copy of an earlier one.
func (c *copies) has(f *Frame, h *wire.Head, at time.Duration) bool {
	c.turn(at)
	id := c.identity(f)
	s := c.young[id]
	if s == nil {
		s = c.old[id]
	}
	w := way{f.Side, f.VLAN, h.Src, h.Dst}
	if s != nil {
		apart, known := (at - s.at).Abs(), slices.Contains(s.ways, w)
		if !known && apart <= otherWay {
			s.ways = append(s.ways, w)
		}
		if !known && apart <= otherWay || f.Side.Port == 0 && apart <= sameWay {
			c.count++
			return true
		}
	}
	if c.forwarded(f, h, at) {
		c.count++
		return true
	}
	c.young[id] = &sighting{at, []way{w}}
	return false
}

// forwarded tells whether a frame is what a relay made of a client's message that was seen before: a capture on the relay has both.
// A relay changes hops and giaddr and may add an option (RFC 1542 section 4.1.1), so the rest of the header is what is compared.
func (c *copies) forwarded(f *Frame, h *wire.Head, at time.Duration) bool {
	op, _, kind, ok := h.BOOTP()
	if !ok || op != 1 {
		return false
	}
	var header [236]byte
	copy(header[:], h.UDP)
	relayed := [4]byte(header[24:28]) != [4]byte{}
	header[3] = 0
	clear(header[24:28])
	id := maphash.Bytes(c.seed, append(header[:], kind, byte(f.Card)))
	if !relayed {
		c.young[id] = &sighting{at: at}
		return false
	}
	s := c.young[id]
	if s == nil {
		s = c.old[id]
	}
	return s != nil && (at-s.at).Abs() <= otherWay
}

// turn forgets what is too long ago to be copied.
func (c *copies) turn(at time.Duration) {
	if at-c.since > otherWay || len(c.young) >= maxRecent {
		c.old, c.young, c.since = c.young, make(map[uint64]*sighting), at
	}
}

// identity is the same for copies of a packet, and different for its retransmission by all but the simplest senders: IP's
// identification is part of it. What a router changes is not: the addresses of the link, hop limit and header checksum.
func (c *copies) identity(f *Frame) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	var card [8]byte                                       // each interface of a pcapng file is a capture of its own
	binary.LittleEndian.PutUint64(card[:], uint64(f.Card)) //nolint:gosec // only told apart
	h.Write(card[:])
	switch packet := f.Data[14:]; {
	case f.Data[12] == 0x08 && f.Data[13] == 0x00 && len(packet) >= 20:
		packet = packet[:min(len(packet), max(20, int(binary.BigEndian.Uint16(packet[2:]))))] // a short frame is filled up on a cable
		h.Write(packet[:8])
		h.Write(packet[9:10])
		h.Write(packet[12:])
	case f.Data[12] == 0x86 && f.Data[13] == 0xdd && len(packet) >= 40:
		packet = packet[:min(len(packet), 40+int(binary.BigEndian.Uint16(packet[4:])))]
		h.Write(packet[:7])
		h.Write(packet[8:])
	default:
		h.Write(packet[:min(len(packet), 28)]) // ARP
	}
	return h.Sum64()
}
