package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/event"
)

func (d *Decoder) ipv4(p *event.Packet) bool {
	if err := d.ip4.DecodeFromBytes(d.eth.Payload, &d.cur); err != nil {
		p.Info, p.Error = "IPv4", "IPv4: "+err.Error()
		return true
	}
	src, _ := netip.AddrFromSlice(d.ip4.SrcIP)
	dst, _ := netip.AddrFromSlice(d.ip4.DstIP)
	d.cur.src, d.cur.dst = netip.AddrPortFrom(src, 0), netip.AddrPortFrom(dst, 0)
	if sum(0, d.ip4.Contents) != 0xffff {
		p.Info, p.Error = "IPv4", "wrong IPv4 header checksum: receivers drop it"
		return true
	}
	d.learn(src)
	if d.ip4.FragOffset > 0 {
		return false // the first fragment said all that can be told
	}
	d.cur.fragment = d.ip4.Flags&layers.IPv4MoreFragments != 0
	return d.transport(p, d.ip4.Protocol, d.ip4.Payload)
}

func (d *Decoder) ipv6(p *event.Packet) bool {
	if err := d.ip6.DecodeFromBytes(d.eth.Payload, &d.cur); err != nil {
		p.Info, p.Error = "IPv6", "IPv6: "+err.Error()
		return true
	}
	src, _ := netip.AddrFromSlice(d.ip6.SrcIP)
	dst, _ := netip.AddrFromSlice(d.ip6.DstIP)
	d.cur.src, d.cur.dst = netip.AddrPortFrom(src, 0), netip.AddrPortFrom(dst, 0)
	d.learn(src)
	next := d.ip6.NextHeader
	if d.ip6.HopByHop != nil {
		next = d.ip6.HopByHop.NextHeader
	}
	return d.transport(p, next, d.ip6.Payload)
}

func (d *Decoder) transport(p *event.Packet, proto layers.IPProtocol, payload []byte) bool {
	switch proto {
	case layers.IPProtocolUDP:
		return d.datagram(p, payload)
	case layers.IPProtocolTCP:
		return d.segment(p, payload)
	case layers.IPProtocolICMPv4:
		return d.icmpv4(p, payload)
	case layers.IPProtocolICMPv6:
		return d.icmpv6(p, payload)
	}
	p.Info = fmt.Sprintf("IP protocol %d", proto)
	return d.once(kind{what: "ip", number: int(proto), src: d.cur.src, dst: d.cur.dst})
}

// datagram decodes UDP.
func (d *Decoder) datagram(p *event.Packet, data []byte) bool {
	p.Proto = "udp"
	if err := d.udp.DecodeFromBytes(data, &d.cur); err != nil {
		p.Info, p.Error = "UDP", "UDP: "+err.Error()
		return true
	}
	src, dst := uint16(d.udp.SrcPort), uint16(d.udp.DstPort)
	d.cur.src = netip.AddrPortFrom(d.cur.src.Addr(), src)
	d.cur.dst = netip.AddrPortFrom(d.cur.dst.Addr(), dst)
	d.cur.ports = true
	payload, size := d.udp.Payload, len(d.udp.Payload)
	if d.udp.Length >= 8 {
		size = int(d.udp.Length) - 8
	}
	if d.cur.fragment {
		d.cur.cut = false // the rest follows in frames of its own
	} else if !d.cur.cut && !d.intact(data) {
		p.Info, p.Error = fmt.Sprintf("UDP %d octets", size), "wrong UDP checksum: receivers drop it"
		return true
	}
	keep := d.application(p, src, dst, payload, size)
	if p.Info == "" && (keep || d.cur.cut) {
		p.Info = fmt.Sprintf("UDP %d octets", size)
	}
	return keep
}

// application hands a payload to the protocol it belongs to. A TFTP payload begins with a zero octet and a
// DHCP one never does, so a transfer may use any port.
func (d *Decoder) application(p *event.Packet, src, dst uint16, payload []byte, size int) bool {
	switch {
	case d.mtftpData(src, dst, payload):
		return d.multicast(p, payload, size)
	case d.tftpPort(src, dst, payload):
		return d.tftp(p, payload, size)
	case dhcpPort(src) || dhcpPort(dst):
		return d.dhcpv4(p, payload)
	case src == 546 || src == 547 || dst == 546 || dst == 547: // RFC 8415 section 7.2
		return d.dhcpv6(p, payload)
	}
	return d.once(kind{what: "udp", src: d.cur.src, dst: d.cur.dst})
}

// intact verifies the UDP checksum (RFC 768, RFC 8200 section 8.1). A sender that leaves the sum to its
// network card puts the pseudo-header's sum there; on a virtual wire nobody completes it, and nobody minds.
func (d *Decoder) intact(data []byte) bool {
	if d.udp.Checksum == 0 && d.cur.src.Addr().Is4() {
		return true
	}
	n := min(max(int(d.udp.Length), 8), len(data))
	src, dst := d.cur.src.Addr().AsSlice(), d.cur.dst.Addr().AsSlice()
	pseudo := sum(sum(sum(0, src), dst), []byte{0, 17, byte(n >> 8), byte(n)})
	return sum(pseudo, data[:n]) == 0xffff || d.udp.Checksum == pseudo
}

// sum adds octets to a one's complement sum (RFC 1071).
func sum(from uint16, data []byte) uint16 {
	s := uint64(from)
	for ; len(data) >= 4; data = data[4:] {
		s += uint64(binary.BigEndian.Uint32(data))
	}
	if len(data) >= 2 {
		s += uint64(binary.BigEndian.Uint16(data))
		data = data[2:]
	}
	if len(data) == 1 {
		s += uint64(data[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
