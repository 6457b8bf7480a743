package dissect

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const (
	tcpHead  = 20
	specTCP  = "RFC 9293 section 3.1"
	tcpFIN   = 0x01
	tcpSYN   = 0x02
	tcpRST   = 0x04
	tcpPSH   = 0x08
	tcpACK   = 0x10
	tcpURG   = 0x20
	tcpFlags = 0x3f
)

var flagNames = []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG"}

// tcp opens a TCP header, and an HTTP head if the segment begins with one.
func (d *dissector) tcp(at, end int) {
	if end-at < tcpHead {
		d.cut = true
		d.fail("the packet ends within the TCP header")
		d.rest("cut", "TCP header, cut short", at, end)
		return
	}
	h := d.data[at:end]
	head := int(h[12]>>4) * 4
	d.sport, d.dport = binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:])
	d.src, d.dst = withPort(d.src, d.sport), withPort(d.dst, d.dport)
	f := d.field("tcp", "TCP", at, min(max(head, tcpHead), end-at)).spec(specTCP)
	names := tcpNames(h[13])
	f.Value = fmt.Sprintf("port %d to %d, %s, %s", d.sport, d.dport, names, count(max(end-at-head, 0), "octet"))
	f.Meaning = tcpMeaning(h[13], end-at-head)
	port := named(kindWord, ports)
	f.with(d.value("tcp.sport", "source port", port, at, 2), d.value("tcp.dport", "destination port", port, at+2, 2),
		d.value("tcp.seq", "sequence number", kindLong, at+4, 4), d.value("tcp.ack", "acknowledgement number", kindLong, at+8, 4),
		d.value("tcp.flags", "data offset and flags", kindHex16, at+12, 2).means(names+"; the header has "+count(head, "octet")+"."),
		d.value("tcp.window", "window", kindWord, at+14, 2), d.value("tcp.checksum", "checksum", kindHex16, at+16, 2),
		d.value("tcp.urgent", "urgent pointer", kindWord, at+18, 2))
	if head > tcpHead && head <= end-at {
		f.with(d.octets("tcp.options", "options", at+tcpHead, at+head))
	}
	for i := range f.Fields {
		f.Fields[i].Spec = specTCP
	}
	d.summarize("TCP %s to %s, %s", d.src, d.dst, names)
	if head < tcpHead || head > end-at {
		f.Fields[4].flaw(fmt.Sprintf("the header cannot have %s", count(head, "octet")))
		d.layer(f)
		return
	}
	if d.whole() {
		if right := d.transportSum(protoTCP, at, end, 16); right != binary.BigEndian.Uint16(h[16:]) {
			f.Fields[6].flaw(wrongSum(right))
		}
	}
	d.layer(f)
	if head < end-at {
		d.http(at+head, end)
	}
}

func tcpNames(flags byte) string {
	var names []string
	for i, n := range flagNames {
		if flags&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "no flag"
	}
	return strings.Join(names, "+")
}

// tcpMeaning says what the segment is for.
func tcpMeaning(flags byte, octets int) string {
	switch flags & (tcpFlags &^ tcpPSH &^ tcpURG) {
	case tcpSYN:
		return "The client opens a connection."
	case tcpSYN | tcpACK:
		return "The server takes the connection."
	case tcpRST, tcpRST | tcpACK:
		return "The connection is refused or broken off: nobody listens on the port, or a program gave up."
	case tcpFIN | tcpACK:
		return "The sender has no more to send, and closes its side of the connection."
	}
	if octets > 0 {
		return "A part of what is sent over the connection."
	}
	return "An acknowledgement of what was received."
}
