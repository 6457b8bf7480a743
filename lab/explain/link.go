package explain

import (
	"encoding/binary"
	"fmt"

	"github.com/gopacket/gopacket/layers"
)

// Link types of captures that gopacket has no name for (tcpdump.org/linktypes.html).
const (
	linkRaw4  layers.LinkType = 228
	linkRaw6  layers.LinkType = 229
	linkSLL2  layers.LinkType = 276
	linkRaw12 layers.LinkType = 12
)

// Side is where a capture on all interfaces (tcpdump -i any) saw a frame: what passes a bridge, a bond or a router is in it once
// for each interface.
type Side struct {
	Port int  // the kernel's number of the interface; zero: not recorded
	Way  byte // what kind of packet it was there (packet(7)): for this host, broadcast, multicast, for others, outgoing
}

// ethernet gives a frame of any link type that is understood as an Ethernet frame without VLAN tags. Addresses that the link
// type does not record are zero.
func ethernet(link layers.LinkType, data []byte) (Frame, error) {
	switch link {
	case layers.LinkTypeEthernet:
		frame, vlan := untagged(data)
		return Frame{Data: frame, VLAN: vlan}, nil
	case layers.LinkTypeLinuxSLL: // 16 octets: type, ARPHRD, length, address (8), protocol
		return cooked(data, 16, 1, 6, 14)
	case linkSLL2: // 20 octets: protocol, reserved, interface, ARPHRD, type, length, address (8)
		f, err := cooked(data, 20, 10, 12, 0)
		if err == nil {
			f.Side.Port = int(binary.BigEndian.Uint32(data[4:]))
		}
		return f, err
	case layers.LinkTypeRaw, linkRaw4, linkRaw6, linkRaw12:
		return withHeader(data)
	}
	return Frame{}, fmt.Errorf("link type %d (%v) is not understood: capture on an Ethernet interface, or with tcpdump -i any", uint16(link), link)
}

// untagged takes the VLAN tags out of a frame; vlan is the outer one's number, zero if there is none.
func untagged(data []byte) (frame []byte, vlan int) {
	for len(data) >= 18 {
		t := layers.EthernetType(binary.BigEndian.Uint16(data[12:]))
		if t != layers.EthernetTypeDot1Q && t != layers.EthernetTypeQinQ {
			break
		}
		if vlan == 0 {
			vlan = int(binary.BigEndian.Uint16(data[14:]) & 0x0fff)
		}
		data = append(append(make([]byte, 0, len(data)-4), data[:12]...), data[16:]...)
	}
	return data, vlan
}

// How a cooked capture says that a frame went to everybody.
const (
	cookedBroadcast = 1
	cookedMulticast = 2
)

// cooked makes an Ethernet frame of one of Linux's cooked captures, which has the sender's address and not the receiver's. kind,
// address and proto are where in the header these are; of the kind the low octet.
func cooked(data []byte, header, kind, address, proto int) (Frame, error) {
	if len(data) < header {
		return Frame{}, fmt.Errorf("a frame of %d octets is shorter than its header of %d", len(data), header)
	}
	out := make([]byte, 14, 14+len(data)-header)
	if way := data[kind]; way == cookedBroadcast || way == cookedMulticast {
		copy(out, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	}
	copy(out[6:12], data[address:])
	copy(out[12:], data[proto:proto+2])
	frame, vlan := untagged(append(out, data[header:]...))
	return Frame{Data: frame, VLAN: vlan, Side: Side{Way: data[kind]}}, nil
}

// withHeader puts an Ethernet header before a bare IP packet.
func withHeader(data []byte) (Frame, error) {
	if len(data) == 0 {
		return Frame{}, fmt.Errorf("an IP packet of no octets")
	}
	out := make([]byte, 14, 14+len(data))
	inside := layers.EthernetTypeIPv4
	if data[0]>>4 == 6 {
		inside = layers.EthernetTypeIPv6
	}
	binary.BigEndian.PutUint16(out[12:], uint16(inside))
	return Frame{Data: append(out, data...)}, nil
}
