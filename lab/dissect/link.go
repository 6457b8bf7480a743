package dissect

import (
	"encoding/binary"
	"fmt"
	"net"
)

const (
	etherHead = 14 // two addresses and a type

	typeIPv4 = 0x0800
	typeARP  = 0x0806
	typeVLAN = 0x8100
	typeIPv6 = 0x86dd
)

var etherTypes = map[uint64]string{typeIPv4: "IPv4", typeARP: "ARP", typeVLAN: "VLAN tag", typeIPv6: "IPv6", 0x88cc: "LLDP",
	0x88a8: "service VLAN tag", 0x8863: "PPPoE discovery", 0x8864: "PPPoE", 0x888e: "EAP over LAN", 0x88a2: "ATA over Ethernet"}

const specEther = "IEEE 802.3 clause 3.2"

// ethernet opens the frame's header, and goes on with what it carries.
func (d *dissector) ethernet() {
	if len(d.data) < etherHead {
		d.fail("the frame has %s, an Ethernet header has %d", count(len(d.data), "octet"), etherHead)
		return
	}
	f := d.field("eth", "Ethernet", 0, etherHead).spec("IEEE 802.3")
	f.with(d.station("eth.dst", "destination", 0), d.station("eth.src", "source", 6))
	proto := int(binary.BigEndian.Uint16(d.data[12:]))
	if proto < 0x0600 {
		f.with(d.value("eth.length", "length", kindWord, 12, 2).spec(specEther).means("Below 1536 this is a length, and the frame one of IEEE 802.2 (LLC)."))
		f.Value = fmt.Sprintf("%s to %s", f.Fields[1].Value, f.Fields[0].Value)
		d.layer(f)
		d.summarize("LLC frame")
		d.rest("llc", "LLC", etherHead, min(etherHead+proto, len(d.data)))
		return
	}
	f.with(d.value("eth.type", "type", named(kindHex16, etherTypes), 12, 2).spec(specEther))
	f.Value = fmt.Sprintf("%s to %s", f.Fields[1].Value, f.Fields[0].Value)
	d.layer(f)
	at := etherHead
	for tags := 0; (proto == typeVLAN || proto == 0x88a8) && tags < 4; tags++ {
		if len(d.data) < at+4 {
			d.cutShort("VLAN tag", at, 4)
			return
		}
		d.layer(d.vlan(at))
		proto = int(binary.BigEndian.Uint16(d.data[at+2:]))
		at += 4
	}
	d.network(proto, at)
}

// network opens what a frame carries.
func (d *dissector) network(proto, at int) {
	switch proto {
	case typeARP:
		d.arp(at)
	case typeIPv4:
		d.ipv4(at)
	case typeIPv6:
		d.ipv6(at)
	default:
		d.summarize("ethertype 0x%04x", proto)
		d.rest("data", "data", at, len(d.data))
	}
}

// station is a hardware address, and whom it means.
func (d *dissector) station(path, name string, at int) Field {
	f := d.value(path, name, kindMAC, at, 6).spec(specEther)
	mac := d.data[at : at+6]
	switch {
	case allOnes(mac):
		f.Meaning = "Broadcast: every machine of the network segment reads the frame."
	case mac[0]&1 != 0 && mac[0] == 0x01 && mac[1] == 0x00 && mac[2] == 0x5e:
		f.Meaning = "An IPv4 multicast group: machines that have joined it read the frame."
	case mac[0] == 0x33 && mac[1] == 0x33:
		f.Meaning = "An IPv6 multicast group: machines that have joined it read the frame."
	case mac[0]&1 != 0:
		f.Meaning = "A group of machines."
	}
	return f
}

func allOnes(v []byte) bool {
	for _, b := range v {
		if b != 0xff {
			return false
		}
	}
	return true
}

func allZero(v []byte) bool {
	for _, b := range v {
		if b != 0 {
			return false
		}
	}
	return true
}

// vlan opens a tag of IEEE 802.1Q.
func (d *dissector) vlan(at int) Field {
	f := d.field("vlan", "802.1Q VLAN tag", at, 4).spec("IEEE 802.1Q")
	tci := binary.BigEndian.Uint16(d.data[at:])
	f.Value = fmt.Sprintf("VLAN %d, priority %d", tci&0xfff, tci>>13)
	f.Meaning = "The frame belongs to this virtual network. Firmware sends and takes frames without a tag, unless it is told of a VLAN."
	f.with(d.value(f.Path+".tag", "tag control", kindHex16, at, 2).spec("IEEE 802.1Q"),
		d.value(f.Path+".type", "type", named(kindHex16, etherTypes), at+2, 2).spec("IEEE 802.1Q"))
	return f
}

// rest shows octets that are not opened.
func (d *dissector) rest(path, name string, at, end int) {
	if at >= end {
		return
	}
	d.layer(d.octets(path, name, at, end))
}

// most octets of a value that is shown as such: what is longer is in the frame's octets anyhow.
const most = 64

func (d *dissector) octets(path, name string, at, end int) Field {
	f := d.field(path, name, at, end-at)
	f.Value = count(end-at, "octet")
	if end-at <= most {
		f.Value = hexed(d.data[at:end])
	}
	return f
}

// cutShort says that the frame ends within a header.
func (d *dissector) cutShort(what string, at, n int) {
	d.cut = true
	d.fail("the frame ends after %s of the %s, which has %d", count(max(len(d.data)-at, 0), "octet"), what, n)
	d.rest("cut", what+", cut short", at, len(d.data))
}

// arp opens an ARP packet for IPv4 over Ethernet.
func (d *dissector) arp(at int) {
	const size = 28
	d.summarize("ARP")
	if len(d.data) < at+size {
		d.cutShort("ARP packet", at, size)
		return
	}
	f := d.field("arp", "ARP", at, size).spec("RFC 826")
	op := binary.BigEndian.Uint16(d.data[at+6:])
	sender, _ := showAddress(d.data[at+14 : at+18])
	target, _ := showAddress(d.data[at+24 : at+28])
	mac := net.HardwareAddr(d.data[at+8 : at+14]).String()
	switch {
	case op == 1 && sender == target:
		f.Value, f.Meaning = "announcement of "+target, "The sender tells everybody its address, so that a machine with the same one is found out."
	case op == 1 && sender == "0.0.0.0":
		f.Value, f.Meaning = "probe for "+target, "The sender asks whether somebody has this address already, before it takes it."
	case op == 1:
		f.Value, f.Meaning = "who has "+target, "The sender wants to send to this IPv4 address, and asks for the hardware address that belongs to it."
	case op == 2:
		f.Value, f.Meaning = sender+" is at "+mac, "The answer: frames for this IPv4 address go to this hardware address."
	}
	d.summarize("ARP %s", f.Value)
	ops := map[uint64]string{1: "request", 2: "reply"}
	f.with(d.value("arp.htype", "hardware type", named(kindWord, map[uint64]string{1: "Ethernet"}), at, 2),
		d.value("arp.ptype", "protocol type", named(kindHex16, etherTypes), at+2, 2),
		d.value("arp.hlen", "hardware address length", kindByte, at+4, 1),
		d.value("arp.plen", "protocol address length", kindByte, at+5, 1),
		d.value("arp.op", "operation", named(kindWord, ops), at+6, 2),
		d.value("arp.sha", "sender hardware address", kindMAC, at+8, 6),
		d.value("arp.spa", "sender protocol address", kindAddress, at+14, 4),
		d.value("arp.tha", "target hardware address", kindMAC, at+18, 6),
		d.value("arp.tpa", "target protocol address", kindAddress, at+24, 4))
	for i := range f.Fields {
		f.Fields[i].Spec = "RFC 826"
	}
	if d.data[at+4] != 6 || d.data[at+5] != 4 || binary.BigEndian.Uint16(d.data[at+2:]) != typeIPv4 {
		f.flaw("it is not for IPv4 over Ethernet, so the addresses below mean nothing")
	}
	d.layer(f)
	d.padding(at + size)
}

// padding shows what stands behind the packet in the frame.
func (d *dissector) padding(at int) {
	if at >= len(d.data) {
		return
	}
	f := d.octets("padding", "Ethernet padding", at, len(d.data)).spec(specEther)
	f.Meaning = "Octets behind the packet, which no receiver reads: a frame on the wire has at least 60."
	d.layer(f)
}
