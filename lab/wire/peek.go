package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/gopacket/gopacket/layers"
)

// Head is what the headers of a frame say, for who must know whose a frame is before it is decoded, or without decoding it.
type Head struct {
	Src, Dst         [6]byte
	From, To         netip.Addr // invalid without IP
	Proto            byte       // of IP
	SrcPort, DstPort uint16     // of UDP or TCP; zero in all but the first fragment
	UDP              []byte     // its payload; nil without UDP, and in all but the first fragment
	TCP              []byte     // its payload, with Ethernet's padding; nil without TCP, and in all but the first fragment
	ARP              []byte
	icmp6            byte // type of ICMPv6
}

// Advertises tells whether the frame is a Router Advertisement (RFC 4861 section 4.2).
func (h *Head) Advertises() bool { return h.Proto == 58 && h.icmp6 == 134 }

// Peek reads the headers of an Ethernet frame without VLAN tags; ok is false for what is neither IP nor ARP.
func Peek(data []byte) (h Head, ok bool) {
	if len(data) < minEthernet {
		return h, false
	}
	copy(h.Dst[:], data)
	copy(h.Src[:], data[6:])
	body := data[minEthernet:]
	switch layers.EthernetType(binary.BigEndian.Uint16(data[12:])) {
	case layers.EthernetTypeARP:
		h.ARP = body
		return h, len(body) >= 28
	case layers.EthernetTypeIPv4:
		if len(body) < 20 || body[0]&15 < 5 || len(body) < int(body[0]&15)*4 {
			return h, false
		}
		h.From, h.To = netip.AddrFrom4([4]byte(body[12:16])), netip.AddrFrom4([4]byte(body[16:20]))
		h.peekPorts(body[9], body[int(body[0]&15)*4:], binary.BigEndian.Uint16(body[6:])&0x1fff != 0)
		return h, true
	case layers.EthernetTypeIPv6:
		if len(body) < 40 {
			return h, false
		}
		h.From, h.To = netip.AddrFrom16([16]byte(body[8:24])), netip.AddrFrom16([16]byte(body[24:40]))
		h.peekPorts(body[6], body[40:], false)
		if body[6] == 58 && len(body) > 40 {
			h.icmp6 = body[40]
		}
		return h, true
	}
	return h, false
}

// minEthernet is the length of Ethernet's header.
const minEthernet = 14

func (h *Head) peekPorts(proto byte, body []byte, fragment bool) {
	h.Proto = proto
	if proto != 17 && proto != 6 || len(body) < 8 || fragment {
		return
	}
	h.SrcPort, h.DstPort = binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:])
	if proto == 17 {
		h.UDP = body[8:]
	} else if len(body) >= 20 {
		if head := int(body[12]>>4) * 4; head >= 20 && len(body) >= head {
			h.TCP = body[head:]
		}
	}
}

// ToAll reports whether Dst is a broadcast or multicast address.
func (h *Head) ToAll() bool { return h.Dst[0]&1 == 1 }

// BOOTP gives the op and the client's hardware address of a DHCP or BOOTP message (RFC 951 section 3), and its DHCP message type
// (option 53), zero if it has none.
func (h *Head) BOOTP() (op byte, client [6]byte, kind byte, ok bool) {
	isDHCP := func(p uint16) bool { return p == 67 || p == 68 || p == 4011 }
	if len(h.UDP) < 236 || !isDHCP(h.SrcPort) || !isDHCP(h.DstPort) || h.UDP[1] != 1 || h.UDP[2] != 6 {
		return 0, client, 0, false
	}
	copy(client[:], h.UDP[28:])
	op = h.UDP[0]
	if len(h.UDP) > 240 { // past the magic cookie
		kind = messageType(h.UDP[240:])
	}
	return op, client, kind, op == 1 || op == 2
}

// messageType finds option 53 among options.
func messageType(o []byte) byte {
	for len(o) >= 2 && o[0] != 255 {
		if o[0] == 0 {
			o = o[1:]
			continue
		}
		n := int(o[1])
		if o[0] == 53 && n == 1 && len(o) > 2 {
			return o[2]
		}
		o = o[min(len(o), 2+n):]
	}
	return 0
}

// TFTP gives the opcode of a TFTP packet and the number of its block, for DATA and ACK (RFC 1350 section 5). Any port will do but
// those of DHCP, as transfers take any.
func (h *Head) TFTP() (op, block uint16, ok bool) {
	if _, _, _, dhcp := h.BOOTP(); dhcp || len(h.UDP) < 4 || h.UDP[0] != 0 || h.UDP[1] < 1 || h.UDP[1] > 6 {
		return 0, 0, false
	}
	return uint16(h.UDP[1]), binary.BigEndian.Uint16(h.UDP[2:]), true
}

// FirstAnswer6 tells whether a frame is what a TFTP server may answer a request with over IPv6: an OACK, an ERROR or the first block.
func FirstAnswer6(frame []byte) bool {
	h, ok := Peek(frame)
	if !ok || !h.From.Is6() {
		return false
	}
	op, block, ok := h.TFTP()
	return ok && (op == 6 || op == 5 || op == 3 && block == 1)
}

// Block names a DATA or ACK of TFTP, with its block; ok is false for other packets.
func (h *Head) Block() (name string, block uint16, ok bool) {
	op, block, ok := h.TFTP()
	switch {
	case ok && op == 3:
		return "DATA", block, true
	case ok && op == 4:
		return "ACK", block, true
	}
	return "", 0, false
}

// HTTP tells what message of HTTP/1 the frame's TCP segment begins, "request" or "response" (RFC 9112 section 2.1); empty: none. A
// segment from the middle of a body that happens to look like one is taken for one.
func (h *Head) HTTP() string {
	switch {
	case beginsRequest(h.TCP):
		return "request"
	case bytes.HasPrefix(h.TCP, []byte("HTTP/1.")):
		return "response"
	}
	return ""
}

// Segment is what the header of a TCP segment says (RFC 9293 section 3.1).
type Segment struct {
	SrcPort, DstPort uint16
	Seq, Acked       uint32
	SYN, ACK         bool
	FIN, RST         bool
	Len              int // octets that it carries, also those that were not captured
}

// Repeats tells whether a receiver that has had another segment of the same connection and direction learns nothing from this one.
func (s *Segment) Repeats(had Segment) bool {
	if s.RST != had.RST || s.SYN != had.SYN || s.ACK != had.ACK {
		return false
	}
	begins, size := s.Seq-had.Seq, s.space()
	if size == 0 {
		return begins == 0 && had.space() == 0 && s.Acked == had.Acked
	}
	return begins <= had.space() && begins+size <= had.space()
}

// space is how many sequence numbers the segment takes (RFC 9293 section 3.4).
func (s *Segment) space() uint32 {
	n := uint32(s.Len)
	if s.SYN {
		n++
	}
	if s.FIN {
		n++
	}
	return n
}

// PeekTCP reads the headers of an Ethernet frame that carries TCP; ok is false for others, and for fragments but the first.
func PeekTCP(data []byte) (s Segment, ok bool) {
	if len(data) < minEthernet+40 {
		return s, false
	}
	body, size := data[minEthernet:], 0
	switch layers.EthernetType(binary.BigEndian.Uint16(data[12:])) {
	case layers.EthernetTypeIPv4:
		head := int(body[0]&15) * 4
		if body[9] != 6 || head < 20 || binary.BigEndian.Uint16(body[6:])&0x1fff != 0 || len(body) < head+20 {
			return s, false
		}
		if size = int(binary.BigEndian.Uint16(body[2:])); size == 0 { // a card that cuts segments itself was given this one
			size = len(body)
		}
		size, body = size-head, body[head:]
	case layers.EthernetTypeIPv6:
		if body[6] != 6 || len(body) < 60 {
			return s, false
		}
		size, body = int(binary.BigEndian.Uint16(body[4:])), body[40:]
	default:
		return s, false
	}
	s = Segment{SrcPort: binary.BigEndian.Uint16(body), DstPort: binary.BigEndian.Uint16(body[2:]), Seq: binary.BigEndian.Uint32(body[4:]),
		Acked: binary.BigEndian.Uint32(body[8:]), SYN: body[13]&2 != 0, ACK: body[13]&16 != 0,
		FIN: body[13]&1 != 0, RST: body[13]&4 != 0}
	s.Len = max(0, size-int(body[12]>>4)*4)
	return s, true
}
