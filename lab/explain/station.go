package explain

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/wire"
)

// Bounds of what is kept of a capture.
const (
	maxStations = 256    // machines that are followed; DHCP clients beyond that are only counted
	maxEvents   = 20_000 // of one machine, which is a hundred boots
	bootPause   = time.Minute
)

// station is one machine that booted, or tried to, in a capture.
type station struct {
	mac       [6]byte
	decoder   *wire.Decoder
	addresses map[netip.Addr]bool // given to it
	events    []event.Event
	boot      int
	last      time.Duration // when it was last heard of
	vlans     map[int]bool
	images    map[string]event.Image // boot files, by their name, as far as their first octets tell
	card      int                    // of the capture: where it was met, and is listened to
	console   []string               // its lines, if they are known
	dropped   bool                   // events beyond maxEvents were left out
}

// heads are what of a frame says whose it is.
type heads struct {
	src, dst     [6]byte
	from, to     netip.Addr
	sport, dport uint16
	udp          []byte // payload of UDP over IPv4 or IPv6
	arp          []byte
}

// parse reads the heads of a frame; ok is false for frames that are none of a boot's.
func parse(data []byte) (h heads, ok bool) {
	if len(data) < 14 {
		return h, false
	}
	copy(h.dst[:], data)
	copy(h.src[:], data[6:])
	body := data[14:]
	switch binary.BigEndian.Uint16(data[12:]) {
	case 0x0806:
		h.arp = body
		return h, len(body) >= 28
	case etherIPv4:
		if len(body) < 20 || len(body) < int(body[0]&15)*4 || body[0]&15 < 5 {
			return h, false
		}
		h.from, h.to = netip.AddrFrom4([4]byte(body[12:16])), netip.AddrFrom4([4]byte(body[16:20]))
		h.ports(body[9], body[int(body[0]&15)*4:], binary.BigEndian.Uint16(body[6:])&0x1fff != 0)
		return h, true
	case etherIPv6:
		if len(body) < 40 {
			return h, false
		}
		h.from, h.to = netip.AddrFrom16([16]byte(body[8:24])), netip.AddrFrom16([16]byte(body[24:40]))
		h.ports(body[6], body[40:], false)
		return h, true
	}
	return h, false
}

func (h *heads) ports(proto byte, body []byte, fragment bool) {
	if proto != 17 || len(body) < 8 || fragment {
		return
	}
	h.sport, h.dport, h.udp = binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:]), body[8:]
}

// bootp gives the message type and the client's hardware address of a DHCP or BOOTP message (RFC 951).
func (h *heads) bootp() (op byte, mac [6]byte, ok bool) {
	isDHCP := func(p uint16) bool { return p == 67 || p == 68 || p == 4011 }
	if len(h.udp) < 236 || !isDHCP(h.sport) || !isDHCP(h.dport) || h.udp[1] != 1 || h.udp[2] != 6 {
		return 0, mac, false
	}
	copy(mac[:], h.udp[28:])
	return h.udp[0], mac, h.udp[0] == 1 || h.udp[0] == 2
}

// solicits tells whether it is the begin of a DHCPv6 exchange (RFC 8415 section 18.2.1).
func (h *heads) solicits() bool { return h.dport == 547 && len(h.udp) > 4 && h.udp[0] == 1 }

// owns tells whether a frame is from or for this machine. Frames that went to all are for every machine; which concern it the
// decoder knows.
func (s *station) owns(h *heads) (from, mine bool) {
	switch op, mac, ok := h.bootp(); {
	case ok && mac == s.mac:
		return op == 1, true
	case ok:
		return false, op == 2 && h.dst[0]&1 == 1 // another's answer, which it may have heard
	case h.src == s.mac, s.addresses[h.from]:
		return true, true
	case h.dst == s.mac, s.addresses[h.to]:
		return false, true
	}
	return false, h.dst[0]&1 == 1 && h.dst != [6]byte{}
}

// take decodes a frame that concerns the machine.
func (s *station) take(f *Frame, h *heads, from bool, at time.Duration) {
	if s.boot == 0 || at-s.last > bootPause && from {
		s.begin(at)
	}
	if f.VLAN != 0 {
		s.vlans[f.VLAN] = true
	}
	data := f.Data
	if from { // a router's or a relay's frames carry what the machine sent
		copy(data[6:12], s.mac[:])
	} else if data[0]&1 == 0 {
		copy(data[0:6], s.mac[:])
	}
	p, keep := s.decoder.Frame(f.Number, data, from)
	if f.Cut && p.DHCP == nil {
		p.Error = ""
	}
	if !keep {
		return
	}
	if from || h.dst == s.mac {
		s.last = at
	}
	s.learn(&p, h)
	s.add(event.Event{Kind: event.PacketSeen, At: at, Packet: &p})
}

// begin begins a boot.
func (s *station) begin(at time.Duration) {
	s.boot++
	s.decoder, s.last = wire.New(s.mac[:]), at
	s.add(event.Event{Kind: event.GuestPowered, At: at, Power: &event.Power{Clock: "real"}})
}

func (s *station) add(e event.Event) {
	if len(s.events) >= maxEvents {
		s.dropped = true
		return
	}
	e.Guest, e.Boot = s.name(), s.boot
	s.events = append(s.events, e)
}

func (s *station) name() string { return net.HardwareAddr(s.mac[:]).String() }

// learn notes the addresses that the machine is given, and what its boot files are.
func (s *station) learn(p *event.Packet, h *heads) {
	if d := p.DHCP; d != nil && !p.FromGuest && d.CHAddr == s.name() && d.Type != "OFFER" {
		if a, err := netip.ParseAddr(d.YIAddr); err == nil && !a.IsUnspecified() {
			s.addresses[a] = true
		}
	}
	if p.FromGuest && p.DHCP6 != nil && h.from.Is6() {
		s.addresses[h.from] = true
	}
	if t := p.TFTP; t != nil && t.Op == "DATA" && t.Block == 1 && t.File != "" && len(h.udp) > 4 {
		if arch := programArch(h.udp[4:]); arch != "" {
			s.images[t.File] = event.Image{Name: t.File, File: t.File, Arch: arch}
		}
	}
}

// programArch tells by its first octets what machine a boot file is a program for, as people name architectures; empty if that
// cannot be told. A file that is no EFI program is one for BIOS machines, unless it is text.
func programArch(data []byte) string {
	if len(data) < 64 {
		return ""
	}
	if data[0] != 'M' || data[1] != 'Z' {
		for _, c := range data[:64] {
			if c < 9 || c > 126 {
				return "bios"
			}
		}
		return "" // a script
	}
	at := int(binary.LittleEndian.Uint32(data[60:]))
	if len(data) > 0x206 && string(data[0x202:0x206]) == "HdrS" || at < 0 || at+6 > len(data) || string(data[at:at+4]) != "PE\x00\x00" {
		return "" // Linux is a program for BIOS and EFI in one
	}
	return map[uint16]string{0x014c: "efi-ia32", 0x8664: "efi-x64", 0xaa64: "efi-arm64", 0x0ebc: "efi-bc", 0x01c2: "efi-arm32"}[binary.LittleEndian.Uint16(data[at+4:])]
}

// String is for test failures.
func (s *station) String() string {
	return fmt.Sprintf("%s: %d boots, %d events", s.name(), s.boot, len(s.events))
}
