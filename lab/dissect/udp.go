package dissect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const udpHead = 8

// The ports that name a protocol.
const (
	portServer  = 67
	portClient  = 68
	portTFTP    = 69
	portHTTP    = 80
	portClient6 = 546
	portServer6 = 547
	portMTFTP   = 1759 // customary for servers; clients listen on 1758
	portPXE     = 4011
)

var ports = map[uint64]string{portServer: "DHCP server", portClient: "DHCP client", portTFTP: "TFTP", portHTTP: "HTTP", 53: "DNS", 123: "NTP",
	portClient6: "DHCPv6 client", portServer6: "DHCPv6 server", 1758: "MTFTP client", portMTFTP: "MTFTP server", portPXE: "PXE boot server",
	5353: "mDNS", 5355: "LLMNR", 443: "HTTPS", 8080: "HTTP"}

// transport opens what an IP packet carries.
func (d *dissector) transport(at, end int) {
	d.segment, d.segmentEnd = at, end
	switch d.proto {
	case protoUDP:
		d.datagram(at, end)
	case protoTCP:
		d.tcp(at, end)
	case protoICMP:
		d.icmp(at, end)
	case protoICMPv6:
		d.icmp6(at, end)
	case protoIGMP:
		d.igmp(at, end)
	default:
		d.rest("data", "data", at, end)
	}
}

// datagram opens a UDP header, and goes on with what it carries.
func (d *dissector) datagram(at, end int) {
	if at+udpHead > end {
		d.cut = true
		d.fail("the packet ends within the UDP header")
		d.rest("cut", "UDP header, cut short", at, end)
		return
	}
	h := d.data[at:]
	d.sport, d.dport = binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:])
	n := int(binary.BigEndian.Uint16(h[4:]))
	d.udp = at
	d.src, d.dst = withPort(d.src, d.sport), withPort(d.dst, d.dport)
	f := d.field("udp", "UDP", at, udpHead).spec("RFC 768")
	f.Value = fmt.Sprintf("port %d to %d", d.sport, d.dport)
	port := named(kindWord, ports)
	f.with(d.fixed("udp.sport", "source port", port, at, 2),
		d.fixed("udp.dport", "destination port", port, at+2, 2).means(d.meansPort()),
		d.value("udp.length", "length", kindWord, at+4, 2),
		d.value("udp.checksum", "checksum", kindHex16, at+6, 2))
	f.Fields[0].Client = d.says("udp.sport", nil)
	for i := range f.Fields {
		f.Fields[i].Spec = "RFC 768"
	}
	d.payload, d.until = at+udpHead, at+n
	switch {
	case n < udpHead:
		f.Fields[2].flaw(fmt.Sprintf("less than the header has (%d)", udpHead))
		d.until = end
	case at+n > end:
		if !d.fragment {
			d.cut = true
			f.Fields[2].flaw(fmt.Sprintf("the packet ends %s before the datagram does", count(at+n-end, "octet")))
		}
		d.until = end
	}
	d.segmentEnd = d.until
	if d.whole() {
		d.sumUDP(&f.Fields[3])
	}
	d.layer(f)
	d.summarize("UDP %s to %s", d.src, d.dst)
	d.application(d.payload, d.until)
	if d.until < end {
		d.rest("udp.trailer", "octets behind the datagram", d.until, end)
	}
}

// whole tells whether all of the packet is in the frame.
func (d *dissector) whole() bool { return !d.cut && !d.fragment }

func withPort(addr string, port uint16) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	return netip.AddrPortFrom(a, port).String()
}

// sumUDP holds the checksum against the datagram.
func (d *dissector) sumUDP(f *Field) {
	h := d.data[d.udp:d.until]
	if binary.BigEndian.Uint16(h[6:]) == 0 {
		f.Meaning = "None: the sender computed no checksum, and the receiver checks none."
		if d.v6 {
			f.flaw("over IPv6 it must not be left out (RFC 8200 section 8.1): the receiver drops the datagram")
		}
		return
	}
	if right := d.transportSum(protoUDP, d.udp, d.until, 6); right != binary.BigEndian.Uint16(h[6:]) {
		f.flaw(wrongSum(right))
	}
}

// transportSum is the right checksum of a UDP datagram, a TCP segment or an ICMPv6 message, which holds it at this place.
func (d *dissector) transportSum(proto byte, at, end, field int) uint16 {
	sum := uint32(proto) + uint32(end-at)
	addrs := d.data[d.ip+12 : d.ip+20]
	if d.v6 {
		addrs = d.data[d.ip+8 : d.ip+40]
	}
	sum += uint32(checksum(0, addrs))
	v := d.data[at:end]
	was := binary.BigEndian.Uint16(v[field:])
	sum += uint32(^was)
	right := ^checksum(sum, v)
	if right == 0 && proto == protoUDP {
		right = 0xffff // nought says that there is none
	}
	return right
}

// meansPort says who is spoken to.
func (d *dissector) meansPort() string {
	switch {
	case d.dport == portServer && d.sport == portServer:
		return "A relay agent's port or a DHCP server's: relay agents and servers speak to each other on it."
	case d.dport == portServer:
		return "DHCP servers, relay agents and proxyDHCP services listen on it."
	case d.dport == portPXE:
		return "proxyDHCP services and PXE boot servers listen on it, beside any DHCP server (PXE 2.1 section 2.2)."
	case d.dport == portClient:
		return "DHCP clients listen on it."
	case d.dport == portTFTP:
		return "TFTP requests go to it. The server answers from a port of its own choice, which the rest of the transfer uses (RFC 1350 section 4)."
	case d.dport == portServer6:
		return "DHCPv6 servers and relay agents listen on it."
	case d.dport == portClient6:
		return "DHCPv6 clients listen on it."
	}
	return ""
}

// application opens what a datagram carries, by its port, and TFTP on other ports by what it looks like.
func (d *dissector) application(at, end int) {
	v := d.data[at:end]
	is := func(port uint16) bool { return d.sport == port || d.dport == port }
	switch {
	case is(portServer) || is(portClient) || is(portPXE):
		d.dhcp(at, end)
	case is(portClient6) || is(portServer6):
		d.dhcp6(at, end)
	case is(portTFTP) || is(portMTFTP) || is(portMTFTP-1) || looksLikeTFTP(v):
		d.tftp(at, end)
	default:
		d.rest("data", "data", at, end)
	}
}
