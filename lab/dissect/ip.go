package dissect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	protoICMP   = 1
	protoIGMP   = 2
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58

	ipHead  = 20
	ip6Head = 40
)

var protocols = map[uint64]string{protoICMP: "ICMP", protoIGMP: "IGMP", protoTCP: "TCP", protoUDP: "UDP", 41: "IPv6", 47: "GRE",
	50: "ESP", protoICMPv6: "ICMPv6", 132: "SCTP", 0: "hop-by-hop options", 43: "routing", 44: "fragment", 59: "nothing", 60: "destination options"}

// ipv4 opens an IPv4 header, and goes on with what it carries.
func (d *dissector) ipv4(at int) {
	d.summarize("IPv4")
	if len(d.data) < at+ipHead {
		d.cutShort("IPv4 header", at, ipHead)
		return
	}
	h := d.data[at:]
	head, total := int(h[0]&15)*4, int(binary.BigEndian.Uint16(h[2:]))
	if h[0]>>4 != 4 || head < ipHead || len(h) < head {
		d.fail("the IPv4 header says version %d and %s of header", h[0]>>4, count(head, "octet"))
		d.rest("ip", "IPv4", at, len(d.data))
		return
	}
	d.ip = at
	f := d.field("ip", "IPv4", at, head).spec("RFC 791 section 3.1")
	d.src, _ = showAddress(h[12:16])
	d.dst, _ = showAddress(h[16:20])
	f.Value = d.src + " to " + d.dst
	d.proto = h[9]
	frag := binary.BigEndian.Uint16(h[6:])
	d.fragment = frag&0x3fff != 0
	f.with(d.header4(at, head, total)...)
	end := at + total
	switch {
	case total < head:
		f.flaw("its total length is less than its header")
		end = len(d.data)
	case end > len(d.data):
		d.cut = true
		f.flaw(fmt.Sprintf("the frame ends %s before the packet does", count(end-len(d.data), "octet")))
		end = len(d.data)
	}
	d.packetEnd = end
	d.layer(f)
	d.summarize("IPv4 %s to %s, %s", d.src, d.dst, protoName(d.proto))
	if frag&0x1fff != 0 {
		d.summarize("IPv4 %s to %s, %s: a further fragment of a datagram", d.src, d.dst, protoName(d.proto))
		d.rest("fragment", "fragment", at+head, end)
	} else {
		d.transport(at+head, end)
	}
	d.padding(end)
}

func protoName(proto byte) string {
	if n := protocols[uint64(proto)]; n != "" {
		return n
	}
	return fmt.Sprintf("protocol %d", proto)
}

// header4 opens the fields of an IPv4 header.
func (d *dissector) header4(at, head, total int) []Field {
	h := d.data[at:]
	const spec = "RFC 791 section 3.1"
	fields := []Field{
		d.value("ip.version", "version and header length", kindHex8, at, 1).means(fmt.Sprintf("Version %d; the header has %d octets.", h[0]>>4, head)),
		d.value("ip.tos", "type of service", kindHex8, at+1, 1),
		d.value("ip.length", "total length", kindWord, at+2, 2),
		d.value("ip.id", "identification", kindWord, at+4, 2),
		d.fragmentField(at + 6),
		d.fixed("ip.ttl", "time to live", kindByte, at+8, 1),
		d.value("ip.proto", "protocol", named(kindByte, protocols), at+9, 1),
		d.value("ip.checksum", "header checksum", kindHex16, at+10, 2),
		d.fixed("ip.src", "source address", kindAddress, at+12, 4),
		d.fixed("ip.dst", "destination address", kindAddress, at+16, 4),
	}
	fields[5].Meaning = "Each router on the way takes one off, and drops the packet at nought."
	if sum := ^checksum(0, h[:head]); sum != 0 {
		fields[7].flaw(fmt.Sprintf("it is wrong (0x%04x is right): the receiver drops the packet", sum16(h[:head], 10)))
	}
	fields[8].Meaning, fields[9].Meaning = meansAddress(d.src, true), meansAddress(d.dst, false)
	if head > ipHead {
		fields = append(fields, d.octets("ip.options", "options", at+ipHead, at+head))
	}
	for i := range fields {
		fields[i].Spec = spec
	}
	if total < head {
		fields[2].flaw("less than the header has")
	}
	return fields
}

// fragmentField says which part of a datagram this is.
func (d *dissector) fragmentField(at int) Field {
	f := d.value("ip.fragment", "flags and fragment offset", kindHex16, at, 2)
	v := binary.BigEndian.Uint16(d.data[at:])
	switch {
	case v&0x2000 != 0 && v&0x1fff == 0:
		f.Meaning = "The first part of a datagram that is longer than a frame: more fragments follow."
	case v&0x3fff != 0:
		f.Meaning = fmt.Sprintf("A further part of a datagram that is longer than a frame, from its octet %d on.", int(v&0x1fff)*8)
	case v&0x4000 != 0:
		f.Meaning = "A whole datagram, which routers may not cut in parts."
	default:
		f.Meaning = "A whole datagram."
	}
	return f
}

// meansAddress says whom a special address means.
func meansAddress(text string, source bool) string {
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return ""
	case a.IsUnspecified() && source:
		return "The sender has no address yet."
	case text == "255.255.255.255":
		return "Everybody on this network segment; routers do not pass it on."
	case text == "224.0.1.2":
		return "The group that boot servers customarily listen on for PXE discovery."
	case text == "ff02::1:2":
		return "All DHCPv6 servers and relay agents of this link (RFC 8415 section 7.1)."
	case text == "ff02::1":
		return "All machines of this link."
	case text == "ff02::2":
		return "All routers of this link."
	case text == "ff02::16":
		return "All routers that keep track of multicast listeners (MLDv2)."
	case a.Is6() && a.IsMulticast() && len(text) > 7 && text[:7] == "ff02::1":
		return "Machines whose address ends like this: neighbour discovery asks them in place of everybody (RFC 4291 section 2.7.1)."
	case a.IsMulticast():
		return "A multicast group: machines that have joined it."
	case a.Is6() && a.IsLinkLocalUnicast():
		return "An address of this link only, which the machine made itself."
	}
	return ""
}

// ipv6 opens an IPv6 header and its extension headers, and goes on with what they carry.
func (d *dissector) ipv6(at int) {
	d.summarize("IPv6")
	if len(d.data) < at+ip6Head {
		d.cutShort("IPv6 header", at, ip6Head)
		return
	}
	h := d.data[at:]
	if h[0]>>4 != 6 {
		d.fail("the IPv6 header says version %d", h[0]>>4)
		d.rest("ip", "IPv6", at, len(d.data))
		return
	}
	const spec = "RFC 8200 section 3"
	d.ip, d.v6 = at, true
	f := d.field("ip", "IPv6", at, ip6Head).spec(spec)
	d.src, _ = showAddress6(h[8:24])
	d.dst, _ = showAddress6(h[24:40])
	f.Value = d.src + " to " + d.dst
	f.with(d.value("ip.version", "version, traffic class, flow label", kindHex32, at, 4),
		d.value("ip.length", "payload length", kindWord, at+4, 2),
		d.value("ip.next", "next header", named(kindByte, protocols), at+6, 1),
		d.fixed("ip.ttl", "hop limit", kindByte, at+7, 1),
		d.fixed("ip.src", "source address", kindAddress6, at+8, 16).means(meansAddress(d.src, true)),
		d.fixed("ip.dst", "destination address", kindAddress6, at+24, 16).means(meansAddress(d.dst, false)))
	f.Fields[3].Meaning = "Each router on the way takes one off, and drops the packet at nought. Neighbour discovery must come with 255, so that it cannot come from another link."
	for i := range f.Fields {
		f.Fields[i].Spec = spec
	}
	end := at + ip6Head + int(binary.BigEndian.Uint16(h[4:]))
	if end > len(d.data) {
		d.cut = true
		f.flaw(fmt.Sprintf("the frame ends %s before the packet does", count(end-len(d.data), "octet")))
		end = len(d.data)
	}
	d.packetEnd = end
	d.layer(f)
	next, ok := d.extensions(h[6], at+ip6Head, end)
	d.summarize("IPv6 %s to %s, %s", d.src, d.dst, protoName(d.proto))
	if ok {
		d.transport(next, end)
	}
	d.padding(end)
}

// extensions opens the headers between IPv6's own and the transport's. It reports where that begins, if it does in this frame.
func (d *dissector) extensions(next byte, at, end int) (int, bool) {
	for i := 0; i < 8; i++ {
		d.proto = next
		if next != 0 && next != 43 && next != 44 && next != 60 {
			return at, true
		}
		if at+8 > end {
			break
		}
		n := 8 + 8*int(d.data[at+1])
		if next == 44 {
			n = 8
		}
		if at+n > end {
			break
		}
		f := d.octets("ip6.extension", protoName(next)+" header", at, at+n).spec("RFC 8200 section 4")
		d.layer(f)
		next = d.data[at]
		if f.Name == protocols[44]+" header" {
			d.fragment, d.proto = true, next
			if binary.BigEndian.Uint16(d.data[at+2:])&^7 != 0 {
				d.rest("fragment", "fragment", at+n, end)
				return 0, false
			}
		}
		at += n
	}
	if d.proto == 0 || d.proto == 43 || d.proto == 44 || d.proto == 60 {
		d.fail("the IPv6 extension headers do not end in this packet")
		d.rest("data", "data", at, end)
		return 0, false
	}
	return at, true
}

// checksum adds octets to a sum of RFC 1071.
func checksum(sum uint32, v []byte) uint16 {
	for ; len(v) >= 2; v = v[2:] {
		sum += uint32(v[0])<<8 | uint32(v[1])
	}
	if len(v) == 1 {
		sum += uint32(v[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// sum16 is the right checksum of octets that hold it at this place.
func sum16(v []byte, at int) uint16 {
	was := uint32(v[at])<<8 | uint32(v[at+1])
	return ^checksum(uint32(^uint16(was)), v)
}
