package dissect

import (
	"fmt"
)

var icmp6Types = map[uint64]string{1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem",
	128: "echo request", 129: "echo reply", 130: "multicast listener query", 131: "multicast listener report", 132: "multicast listener done",
	133: "router solicitation", 134: "router advertisement", 135: "neighbor solicitation", 136: "neighbor advertisement", 137: "redirect",
	143: "multicast listener report (version 2)"}

// icmp6 opens an ICMPv6 message: neighbour discovery in full.
func (d *dissector) icmp6(at, end int) {
	var codes map[uint64]string
	if at < end && d.data[at] == 1 {
		codes = unreachable6
	}
	f, ok := d.icmpHead("icmp6", "ICMPv6", specICMP6, icmp6Types, codes, at, end)
	if !ok {
		return
	}
	if d.whole() {
		if right := d.transportSum(protoICMPv6, at, end, 2); right != uint16(big(d.data[at+2:at+4])) {
			f.Fields[2].flaw(wrongSum(right))
		}
	}
	switch kind := d.data[at]; kind {
	case 1, 2, 3:
		f.Meaning = "Somebody could not deliver the packet that is quoted here."
		if kind == 1 {
			f.Fields[1].Meaning = "What cannot be reached."
			f.Meaning += " " + unreachableMeans(d.data[at+1] == 4)
		}
		d.quoted(&f, at+8, end)
	case 133:
		f.Spec, f.Meaning = "RFC 4861 section 4.1", "The sender asks the routers of its link to advertise themselves now."
		d.ndOptions(&f, at+8, end)
	case 134:
		d.routerAdvertisement(&f, at, end)
	case 135, 136:
		d.neighbor(&f, at, end)
	case 130, 131, 132:
		f.Spec, f.Meaning = "RFC 2710 section 3", "Who listens to which multicast group on this link."
		if end-at >= 24 {
			f.with(d.value("icmp6.group", "multicast address", kindAddress6, at+8, 16).spec("RFC 2710 section 3"))
		}
	case 143:
		f.Spec, f.Meaning = "RFC 3810 section 5.2", "The sender joins or leaves multicast groups: each address of IPv6 has a group that neighbour discovery asks."
		f.with(d.groups3("icmp6", kindAddress6, 16, f.Spec, at+4, end)...)
	}
	d.finishICMP(f, at, end)
}

// routerAdvertisement opens an RA.
func (d *dissector) routerAdvertisement(f *Field, at, end int) {
	const spec = "RFC 4861 section 4.2"
	f.Spec = spec
	f.Meaning = "A router says that it is there, and how machines of this link come to addresses."
	if end-at < 16 {
		f.flaw(fmt.Sprintf("it has %s, 16 at least", count(end-at, "octet")))
		return
	}
	flags := d.value("icmp6.flags", "flags", kindHex8, at+5, 1)
	m := d.data[at+5]
	switch {
	case m&0x80 != 0:
		flags.Meaning = "M: managed, so addresses and all else come from DHCPv6."
		f.Value += ", managed"
	case m&0x40 != 0:
		flags.Meaning = "O: other configuration comes from DHCPv6, addresses do not."
		f.Value += ", other"
	default:
		flags.Meaning = "Neither M nor O: there is nothing to be had from DHCPv6."
	}
	d.summarize("ICMPv6 %s", f.Value)
	flags.Client = d.says("icmp6.flags", d.data[at+5:at+6])
	life := d.value("icmp6.lifetime", "router lifetime", kindWord, at+6, 2).means("Seconds that it may be used as a default router.")
	if big(d.data[at+6:at+8]) == 0 {
		life.Meaning = "0: it is no default router; machines take the rest of the message all the same."
	}
	f.with(d.value("icmp6.hops", "hop limit", kindByte, at+4, 1), flags, life,
		d.value("icmp6.reachable", "reachable time", kindLong, at+8, 4).means("Milliseconds; 0: not said."),
		d.value("icmp6.retrans", "retransmission timer", kindLong, at+12, 4).means("Milliseconds; 0: not said."))
	for i := range f.Fields {
		f.Fields[i].Spec = spec
	}
	d.ndOptions(f, at+16, end)
}

// neighbor opens an NS or an NA.
func (d *dissector) neighbor(f *Field, at, end int) {
	f.Spec = "RFC 4861 section 4.3"
	f.Meaning = "Who has this address? The answer gives the hardware address, as ARP's does for IPv4."
	if d.data[at] == 136 {
		f.Spec = "RFC 4861 section 4.4"
		f.Meaning = "The sender has this address; frames for it go to its hardware address."
	}
	if end-at < 24 {
		f.flaw(fmt.Sprintf("it has %s, 24 at least", count(end-at, "octet")))
		return
	}
	target := d.value("icmp6.target", "target address", kindAddress6, at+8, 16).spec(f.Spec)
	if d.data[at] == 136 {
		flags := d.value("icmp6.flags", "flags", kindHex8, at+4, 1).spec(f.Spec)
		flags.Meaning = "R (0x80): a router; S (0x40): an answer to a question; O (0x20): the address that was known before is to be forgotten."
		f.with(flags)
	} else if d.src == "::" {
		f.Meaning = "The sender wants to use this address, and asks whether somebody has it already (RFC 4862 section 5.4)."
	}
	f.with(target)
	f.Value += " " + target.Value
	d.summarize("ICMPv6 %s", f.Value)
	d.ndOptions(f, at+24, end)
}

var ndNames = map[byte]struct{ name, spec string }{1: {"source link-layer address", "RFC 4861 section 4.6.1"},
	2: {"target link-layer address", "RFC 4861 section 4.6.1"}, 3: {"prefix information", "RFC 4861 section 4.6.2"},
	5: {"MTU", "RFC 4861 section 4.6.4"}, 14: {"nonce", "RFC 3971 section 5.3.2"}, 25: {"recursive DNS server", "RFC 8106 section 5.1"},
	31: {"DNS search list", "RFC 8106 section 5.2"}}

// ndOptions opens the options of neighbour discovery, whose lengths count groups of 8 octets.
func (d *dissector) ndOptions(f *Field, at, end int) {
	for at < end && !d.full() {
		n := 0
		if end-at >= 2 {
			n = 8 * int(d.data[at+1])
		}
		if n == 0 || n > end-at {
			o := d.octets("icmp6.option", "option", at, end)
			o.flaw("its length leads out of the message, or is 0: receivers drop the message")
			f.with(o)
			return
		}
		kind := d.data[at]
		name, ok := ndNames[kind]
		if !ok {
			name.name, name.spec = "unknown", "RFC 4861 section 4.6"
		}
		o := d.octets(fmt.Sprintf("icmp6.option.%d", kind), fmt.Sprintf("option %d (%s)", kind, name.name), at, at+n).spec(name.spec)
		switch {
		case (kind == 1 || kind == 2) && n == 8:
			o.Value, _ = showMAC(d.data[at+2 : at+8])
		case kind == 3 && n == 32:
			d.prefix(&o, at)
		case kind == 5 && n == 8:
			o.Value = fmt.Sprint(big(d.data[at+4 : at+8]))
		case kind == 25 && n >= 24 && (n-8)%16 == 0:
			o.Value, _ = kindList6.show(d.data[at+8 : at+n])
		}
		f.with(o)
		at += n
	}
}

// prefix opens a prefix that addresses of this link begin with.
func (d *dissector) prefix(o *Field, at int) {
	p, _ := showAddress6(d.data[at+16 : at+32])
	o.Value = fmt.Sprintf("%s/%d", p, d.data[at+2])
	o.with(d.value(o.Path+".length", "prefix length", kindByte, at+2, 1).spec(o.Spec),
		d.value(o.Path+".flags", "flags", kindHex8, at+3, 1).spec(o.Spec),
		d.value(o.Path+".valid", "valid lifetime", kindLong, at+4, 4).spec(o.Spec),
		d.value(o.Path+".preferred", "preferred lifetime", kindLong, at+8, 4).spec(o.Spec),
		d.value(o.Path+".prefix", "prefix", kindAddress6, at+16, 16).spec(o.Spec))
	o.Meaning = "Addresses of this prefix are on this link."
	if d.data[at+3]&0x40 != 0 {
		o.Fields[1].Meaning = "A (0x40): machines may make themselves an address of this prefix."
	} else {
		o.Fields[1].Meaning = "Without A (0x40): machines must not make themselves an address of this prefix."
	}
}
