package dissect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	specICMP  = "RFC 792"
	specICMP6 = "RFC 4443 section 2.1"
)

var icmpTypes = map[uint64]string{0: "echo reply", 3: "destination unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded",
	12: "parameter problem"}

// Names of destination unreachable codes, RFC 792 and RFC 1812 section 5.2.7.1; of ICMPv6, RFC 4443 section 3.1.
var (
	unreachable4 = map[uint64]string{0: "network", 1: "host", 2: "protocol", 3: "port", 4: "fragmentation needed", 9: "network (prohibited)",
		10: "host (prohibited)", 13: "communication (prohibited)"}
	unreachable6 = map[uint64]string{0: "no route", 1: "communication (prohibited)", 3: "address", 4: "port"}
)

// icmp opens an ICMP message of IPv4.
func (d *dissector) icmp(at, end int) {
	var codes map[uint64]string
	if at < end && d.data[at] == 3 {
		codes = unreachable4
	}
	f, ok := d.icmpHead("icmp", "ICMP", specICMP, icmpTypes, codes, at, end)
	if !ok {
		return
	}
	kind, code := uint64(d.data[at]), uint64(d.data[at+1])
	if sum := ^checksum(0, d.data[at:end]); sum != 0 && d.whole() {
		f.Fields[2].flaw(wrongSum(sum16(d.data[at:end], 2)))
	}
	switch kind {
	case 3:
		f.Fields[1].Meaning = "What cannot be reached."
		f.Meaning = "Somebody could not deliver the packet that is quoted here. " + unreachableMeans(code == 3)
		f.Fields[1].Client = d.says("icmp.code", d.data[at+1:at+2])
		d.quoted(&f, at+8, end)
	case 11:
		f.Meaning = "A router dropped the packet that is quoted here, as its time to live was over."
		d.quoted(&f, at+8, end)
	case 0, 8:
		f.Meaning = "A question whether a host is there, or the answer: a ping. Some DHCP servers send one to an address before they offer it."
	}
	d.finishICMP(f, at, end)
}

func unreachableMeans(port bool) string {
	if port {
		return "No program listens on that port."
	}
	return ""
}

// icmpHead opens type, code and checksum.
func (d *dissector) icmpHead(path, name, spec string, types, codes map[uint64]string, at, end int) (Field, bool) {
	if end-at < 4 {
		d.cut = true
		d.fail("the packet ends within the %s header", name)
		d.rest("cut", name+" header, cut short", at, end)
		return Field{}, false
	}
	f := d.field(path, name, at, end-at).spec(spec)
	f.with(d.value(path+".type", "type", named(kindByte, types), at, 1).spec(spec),
		d.value(path+".code", "code", named(kindByte, codes), at+1, 1).spec(spec),
		d.value(path+".checksum", "checksum", kindHex16, at+2, 2).spec(spec))
	f.Value = nameOf(types, uint64(d.data[at]))
	d.summarize("%s %s", name, f.Value)
	return f, true
}

// finishICMP shows what of the message was not opened.
func (d *dissector) finishICMP(f Field, at, end int) {
	from := at
	for _, c := range f.Fields {
		from = max(from, c.At+c.Len)
	}
	if from < end {
		f.with(d.octets(f.Path+".body", "body", from, end).spec(f.Spec))
	}
	d.layer(f)
}

func nameOf(names map[uint64]string, n uint64) string {
	if s := names[n]; s != "" {
		return s
	}
	return fmt.Sprintf("number %d", n)
}

func wrongSum(right uint16) string {
	return fmt.Sprintf("it is wrong (0x%04x is right): the receiver drops the packet, unless the frame was captured where the card had not computed it yet", right)
}

// quoted shows the packet that an ICMP error quotes.
func (d *dissector) quoted(f *Field, at, end int) {
	if at >= end {
		return
	}
	q := d.octets(f.Path+".quoted", "the packet that it answers", at, end).spec(f.Spec)
	if text := quotedPacket(d.data[at:end]); text != "" {
		q.Value = text
		d.summarize("%s, of %s", d.frame.Summary, text)
	}
	f.with(q)
}

// quotedPacket says where a packet was bound, of which the beginning is quoted.
func quotedPacket(v []byte) string {
	var src, dst netip.Addr
	var proto byte
	var transport []byte
	switch {
	case len(v) >= ipHead && v[0]>>4 == 4:
		src, dst, proto = netip.AddrFrom4([4]byte(v[12:16])), netip.AddrFrom4([4]byte(v[16:20])), v[9]
		transport = v[min(int(v[0]&15)*4, len(v)):]
	case len(v) >= ip6Head && v[0]>>4 == 6:
		src, dst, proto = netip.AddrFrom16([16]byte(v[8:24])), netip.AddrFrom16([16]byte(v[24:40])), v[6]
		transport = v[ip6Head:]
	default:
		return ""
	}
	if (proto == protoTCP || proto == protoUDP) && len(transport) >= 4 {
		return fmt.Sprintf("%s %s to %s", protoName(proto), netip.AddrPortFrom(src, binary.BigEndian.Uint16(transport)),
			netip.AddrPortFrom(dst, binary.BigEndian.Uint16(transport[2:])))
	}
	return fmt.Sprintf("%s %s to %s", protoName(proto), src, dst)
}

var igmpTypes = map[uint64]string{0x11: "membership query", 0x12: "membership report (version 1)", 0x16: "membership report (version 2)",
	0x17: "leave group", 0x22: "membership report (version 3)"}

// igmp opens an IGMP message.
func (d *dissector) igmp(at, end int) {
	if end-at < 8 {
		d.cut = true
		d.fail("the packet ends within the IGMP header")
		d.rest("cut", "IGMP header, cut short", at, end)
		return
	}
	const spec = "RFC 2236 section 2"
	f := d.field("igmp", "IGMP", at, end-at).spec(spec)
	kind := uint64(d.data[at])
	f.Value = nameOf(igmpTypes, kind)
	f.with(d.value("igmp.type", "type", named(kindHex8, igmpTypes), at, 1).spec(spec),
		d.value("igmp.time", "max response time", kindByte, at+1, 1).spec(spec),
		d.value("igmp.checksum", "checksum", kindHex16, at+2, 2).spec(spec))
	if kind == 0x22 {
		f.Spec = "RFC 3376 section 4.2"
		f.with(d.groups3("igmp", kindAddress, 4, "RFC 3376 section 4.2", at+4, end)...)
	} else {
		f.with(d.value("igmp.group", "group", kindAddress, at+4, 4).spec(spec))
	}
	switch kind {
	case 0x11:
		f.Meaning = "A router or switch asks who listens to multicast groups."
	case 0x12, 0x16, 0x22:
		f.Meaning = "The sender joins multicast groups, or says that it is in them (or leaves them): switches that mind it send the groups' packets there."
	case 0x17:
		f.Meaning = "The sender leaves the group."
	}
	d.summarize("IGMP %s", f.Value)
	d.finishICMP(f, at, end)
}

var recordTypes = map[uint64]string{1: "is include", 2: "is exclude", 3: "to include", 4: "to exclude", 5: "allow", 6: "block"}

// groups3 opens the group records of IGMPv3 or MLDv2, behind four octets whose last two are their number.
func (d *dissector) groups3(path string, addr kind, octets int, spec string, at, end int) []Field {
	if end-at < 4 {
		return nil
	}
	out := []Field{d.value(path+".records", "number of group records", kindWord, at+2, 2).spec(spec)}
	at += 4
	for n := 0; n < 64 && end-at >= 4+octets && !d.full(); n++ {
		size := 4 + octets + octets*int(binary.BigEndian.Uint16(d.data[at+2:])) + 4*int(d.data[at+1])
		r := d.field(path+".record", "group record", at, min(size, end-at)).spec(spec)
		r.with(d.value(r.Path+".type", "type", named(kindByte, recordTypes), at, 1).spec(spec),
			d.value(r.Path+".group", "group", addr, at+4, octets).spec(spec))
		r.Value = nameOf(recordTypes, uint64(d.data[at])) + " " + r.Fields[1].Value
		switch d.data[at] {
		case 2, 4:
			r.Meaning = "It listens to the group, whoever sends."
		case 3:
			r.Meaning = "It listens to none but the senders listed; with none listed it leaves the group."
		}
		out = append(out, r)
		at += size
	}
	return out
}
