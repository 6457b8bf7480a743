package explain

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/wire"
)

// Bounds of what is kept of a capture.
const (
	maxStations = 256      // machines that are followed; DHCP clients beyond that are only counted
	maxEvents   = 20_000   // of one machine, which is a hundred boots
	maxKept     = 64 << 20 // octets that all events may take, as far as can be told: a thousand boots
	eventSize   = 1 << 10  // of one, without the texts it has of its frame
	bootPause   = time.Minute
)

// station is one machine that booted, or tried to, in a capture.
type station struct {
	mac       [6]byte
	decoder   *wire.Decoder
	addresses map[netip.Addr]bool // given to it
	grouped   bool                // it was told of multicast
	mark      int                 // of the crowd's last look
	events    []event.Event
	count     int // of events, also those that are not kept any more
	boot      int
	last      time.Duration // when it was last heard of
	vlans     map[int]bool
	ways      [2]map[int]bool        // VLAN tags of what it was sent, and of what it sent
	images    map[string]event.Image // boot files, by their name, as far as their first octets tell
	card      int                    // of the capture: where it was met, and is listened to
	midway    bool                   // a transfer of it was seen before it was met
	console   []string               // its lines, if they are known
	gaps      *gaps                  // of the boot that is under way
	periods   []period               // one of each boot
	dropped   bool                   // later events were left out
}

// solicits tells whether it is the begin of a DHCPv6 exchange (RFC 8415 section 18.2.1).
func solicits(h *wire.Head) bool { return h.DstPort == 547 && len(h.UDP) > 4 && h.UDP[0] == 1 }

// owns tells whether a frame is from or for this machine. Frames that went to all are for every machine; which concern it the
// decoder knows.
func (s *station) owns(h *wire.Head) (from, mine bool) {
	switch op, mac, _, ok := h.BOOTP(); {
	case ok && mac == s.mac:
		return op == 1, true
	case ok:
		return false, false // another's, though it may have heard it
	case h.Src == s.mac, s.addresses[h.From]:
		return true, true
	case h.Dst == s.mac, s.addresses[h.To]:
		return false, true
	}
	return false, h.ToAll()
}

// take decodes a frame that concerns the machine.
func (r *reader) take(s *station, f *Frame, h *wire.Head, from bool, at time.Duration) {
	if s.boot == 0 || at-s.last > bootPause && from {
		s.begin(at)
	}
	s.period(f, h, from, at)
	if f.VLAN != 0 {
		s.vlans[f.VLAN] = true
	}
	p, keep := s.decoder.Frame(f.Number, s.addressed(f.Data, h, from), from)
	if m, far := s.decoder.Moved(); far {
		s.add(event.Event{Kind: event.FileMoved, At: at, Progress: &m})
	}
	if f.Cut && p.DHCP == nil {
		p.Error = ""
	}
	if !keep {
		return
	}
	if r.kept += eventSize + 2*len(f.Data); r.kept > maxKept {
		s.dropped = true
		return
	}
	s.gaps.learn(&p)
	r.learn(s, &p, h)
	s.add(event.Event{Kind: event.PacketSeen, At: at, Packet: &p})
}

// period is what is known of one boot beside its events.
type period struct {
	heard   time.Duration // when the last message was seen, from the machine or to it alone
	acked   int           // the last block of a file that it acknowledged
	settled bool          // that is the last block that was seen
	lacks   string        // what shows that frames of it are not in the capture
}

// period notes that a frame was seen, whether or not an event comes of it.
func (s *station) period(f *Frame, h *wire.Head, from bool, at time.Duration) {
	s.gaps.frame(f, h, from)
	p := &s.periods[len(s.periods)-1]
	p.lacks = s.gaps.why
	if t := s.gaps.latest; t != nil {
		p.acked, p.settled = int(t.acked), t.answered && t.acked == t.next-1
	}
	if from || !h.ToAll() {
		s.last = at
		if h.UDP != nil || h.Proto == 6 {
			p.heard = at
		}
	}
}

// tagged notes in which VLAN a DHCP message of the machine, or for it, was seen.
func (s *station) tagged(vlan int, h *wire.Head, from bool) {
	if _, mac, _, ok := h.BOOTP(); !ok || mac != s.mac || vlan == 0 {
		return
	}
	way := 0
	if from {
		way = 1
	}
	if s.ways[way] == nil {
		s.ways[way] = map[int]bool{}
	}
	s.ways[way][vlan] = true
}

// apart tells whether what it sent and what it was sent were seen in different VLANs alone.
func (s *station) apart() bool {
	for vlan := range s.ways[0] {
		if s.ways[1][vlan] {
			return false
		}
	}
	return len(s.ways[0]) > 0 && len(s.ways[1]) > 0
}

// addressed is a frame with the machine's own address on its side: a router or a relay puts its own there.
func (s *station) addressed(data []byte, h *wire.Head, from bool) []byte {
	at := 0
	switch {
	case from:
		at = 6
	case h.ToAll():
		return data
	}
	if [6]byte(data[at:]) == s.mac {
		return data
	}
	data = bytes.Clone(data)
	copy(data[at:], s.mac[:])
	return data
}

// begin begins a boot.
func (s *station) begin(at time.Duration) {
	s.boot++
	s.decoder, s.gaps, s.last = wire.New(s.mac[:]), newGaps(), at
	if s.boot == 1 && s.midway {
		s.gaps.note("it begins in the middle of a transfer")
	}
	s.periods = append(s.periods, period{heard: at, lacks: s.gaps.why})
	s.add(event.Event{Kind: event.GuestPowered, At: at, Power: &event.Power{Clock: "real"}})
}

func (s *station) add(e event.Event) {
	if len(s.events) >= maxEvents {
		s.dropped = true
		return
	}
	e.Guest, e.Boot = s.name(), s.boot
	s.count++
	s.events = append(s.events, e)
}

func (s *station) name() string { return net.HardwareAddr(s.mac[:]).String() }

// learn notes by what a machine is found from now on, and what its boot files are.
func (r *reader) learn(s *station, p *event.Packet, h *wire.Head) {
	if p.DHCP != nil && p.DHCP.Vendor != "" || p.TFTP != nil && p.TFTP.Options["multicast"] != "" {
		r.crowd.listens(s)
	}
	if d := p.DHCP; d != nil && !p.FromGuest && d.CHAddr == s.name() && d.Type != "OFFER" {
		if a, err := netip.ParseAddr(d.YIAddr); err == nil && !a.IsUnspecified() {
			r.crowd.holds(s, a)
		}
	}
	if p.FromGuest && p.DHCP6 != nil && h.From.Is6() {
		r.crowd.holds(s, h.From)
	}
	if t := p.TFTP; t != nil && t.Op == "DATA" && t.Block == 1 && t.File != "" && len(h.UDP) > 4 {
		if arch := programArch(h.UDP[4:]); arch != "" {
			s.images[t.File] = event.Image{Name: t.File, File: t.File, Arch: arch}
		}
	}
}

// biosBegins are the octets that boot programs for BIOS machines begin with: a jump, cli, cld, or an operand prefix. Nothing marks
// them, and a compressed kernel or a script is no program at all.
var biosBegins = []byte{0xe9, 0xea, 0xeb, 0xfa, 0xfc, 0x66}

// programArch tells by its first octets what machine a boot file is a program for, as people name architectures; empty if that
// cannot be told.
func programArch(data []byte) string {
	if len(data) < 64 {
		return ""
	}
	if data[0] != 'M' || data[1] != 'Z' {
		if slices.Contains(biosBegins, data[0]) {
			return "bios"
		}
		return ""
	}
	at := int(binary.LittleEndian.Uint32(data[60:]))
	if len(data) > 0x206 && string(data[0x202:0x206]) == "HdrS" || at < 0 || at+6 > len(data) || string(data[at:at+4]) != "PE\x00\x00" {
		return "" // Linux is a program for BIOS and EFI in one
	}
	return map[uint16]string{0x014c: "efi-ia32", 0x8664: "efi-x64", 0xaa64: "efi-aa64", 0x01c2: "efi-arm32"}[binary.LittleEndian.Uint16(data[at+4:])]
}
