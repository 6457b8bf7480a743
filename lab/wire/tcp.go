package wire

import (
	"net/netip"

	"github.com/pxelab/pxelab/lab/event"
)

// segment keeps how a TCP connection begins and ends, and the steps of an HTTP exchange on it: UEFI HTTP boot and
// iPXE fetch boot files that way.
func (d *Decoder) segment(p *event.Packet, data []byte) bool {
	p.Proto, p.Info = "tcp", "TCP"
	if err := d.tcp.DecodeFromBytes(data, &d.cur); err != nil {
		p.Error = "TCP: " + err.Error()
		return true
	}
	d.cur.src = netip.AddrPortFrom(d.cur.src.Addr(), uint16(d.tcp.SrcPort))
	d.cur.dst = netip.AddrPortFrom(d.cur.dst.Addr(), uint16(d.tcp.DstPort))
	d.cur.ports = true
	if !d.cur.cut && !d.cur.fragment && !d.intactTCP(data) {
		p.Error = "wrong TCP checksum: receivers drop it"
		return true
	}
	switch {
	case d.tcp.RST:
		p.Info = "TCP RST"
		d.reset(p)
		return true
	case d.tcp.SYN && d.tcp.ACK:
		p.Info = "TCP SYN ACK"
		d.accepted()
		return true
	case d.tcp.SYN:
		p.Info = "TCP SYN"
		d.connect()
		return true
	}
	if d.follow(p) {
		return true
	}
	if d.tcp.FIN {
		p.Info = "TCP FIN"
		return d.once(kind{what: "fin", src: d.cur.src, dst: d.cur.dst})
	}
	return false
}

// intactTCP verifies the TCP checksum (RFC 9293 section 3.1), as intact does UDP's.
func (d *Decoder) intactTCP(data []byte) bool {
	src, dst := d.cur.src.Addr().AsSlice(), d.cur.dst.Addr().AsSlice()
	pseudo := sum(sum(sum(0, src), dst), []byte{0, 6, byte(len(data) >> 8), byte(len(data))})
	return sum(pseudo, data) == 0xffff || d.tcp.Checksum == pseudo
}

// A stream is one direction of a connection. It gives each octet once and in order, however TCP sent them.
type stream struct {
	begun bool
	next  uint32 // sequence number of the octet that comes next
	ahead map[uint32][]byte
	held  int // octets in ahead
}

// maxAhead bounds what is kept of octets that came before earlier ones: a window's worth.
const maxAhead = 1 << 20

// begin settles the sequence number of the first octet.
func (s *stream) begin(seq uint32) {
	if !s.begun {
		s.begun, s.next = true, seq
	}
}

// take hands over what a segment brings in order, and what had waited for it. It reports false when the stream cannot
// be followed any more: too much is missing.
func (s *stream) take(seq uint32, data []byte, deliver func([]byte)) bool {
	s.begin(seq)
	for {
		if late := int32(seq - s.next); late > 0 {
			return s.keep(seq, data)
		} else if -late < int32(len(data)) {
			data = data[-late:]
			s.next += uint32(len(data))
			deliver(data)
		}
		if data = s.ready(); data == nil {
			return true
		}
		seq = s.next
	}
}

// keep stores octets that came too early.
func (s *stream) keep(seq uint32, data []byte) bool {
	if len(data) <= len(s.ahead[seq]) {
		return true
	}
	if s.ahead == nil {
		s.ahead = map[uint32][]byte{}
	}
	s.held += len(data) - len(s.ahead[seq])
	s.ahead[seq] = append([]byte{}, data...)
	return s.held <= maxAhead
}

// ready gives stored octets whose turn has come, from the next one on; nil if there are none.
func (s *stream) ready() []byte {
	for seq, data := range s.ahead {
		skip := int32(s.next - seq)
		if skip < 0 {
			continue
		}
		delete(s.ahead, seq)
		s.held -= len(data)
		if int(skip) < len(data) {
			return data[skip:]
		}
	}
	return nil
}
