package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/event"
)

// Names of destination unreachable codes, RFC 792 and RFC 1812 section 5.2.7.1.
var unreachable4 = map[uint8]string{0: "network", 1: "host", 2: "protocol", 3: "port",
	9: "network (prohibited)", 10: "host (prohibited)", 13: "communication (prohibited)"}

// Names of destination unreachable codes, RFC 4443 section 3.1.
var unreachable6 = map[uint8]string{0: "route", 1: "communication (prohibited)", 3: "address", 4: "port"}

// icmpv4 keeps every error, as each answers a packet of the guest, and one echo of each kind.
func (d *Decoder) icmpv4(p *event.Packet, data []byte) bool {
	p.Proto, p.Info = "icmp", "ICMP"
	if err := d.icmp.DecodeFromBytes(data, &d.cur); err != nil {
		p.Error = "ICMP: " + err.Error()
		return true
	}
	t, code := d.icmp.TypeCode.Type(), d.icmp.TypeCode.Code()
	switch t {
	case layers.ICMPv4TypeEchoRequest, layers.ICMPv4TypeEchoReply:
		p.Info = "ICMP echo request"
		if t == layers.ICMPv4TypeEchoReply {
			p.Info = "ICMP echo reply"
		}
		return d.once(kind{what: "icmp", number: int(t), src: d.cur.src, dst: d.cur.dst})
	case layers.ICMPv4TypeDestinationUnreachable:
		p.Info = "ICMP " + name(unreachable4, code) + " unreachable"
		if code == layers.ICMPv4CodeFragmentationNeeded {
			p.Info = "ICMP fragmentation needed"
		}
	case layers.ICMPv4TypeTimeExceeded:
		p.Info = "ICMP time exceeded"
	default:
		p.Info = fmt.Sprintf("ICMP type %d code %d", t, code)
		return d.once(kind{what: "icmp", number: int(t)<<8 | int(code)})
	}
	p.Info += quoted4(d.icmp.Payload)
	return true
}

// icmpv6 keeps every error, the guest's Router Solicitations and the advertisement that answers them. The
// rest (neighbour discovery, multicast listener reports) is chatter.
func (d *Decoder) icmpv6(p *event.Packet, data []byte) bool {
	p.Proto, p.Info = "icmp6", "ICMP6"
	if err := d.ndp.DecodeFromBytes(data, &d.cur); err != nil {
		p.Error = "ICMP6: " + err.Error()
		return true
	}
	t, code := d.ndp.TypeCode.Type(), d.ndp.TypeCode.Code()
	k := kind{what: "icmp6", number: int(t)}
	switch t {
	case layers.ICMPv6TypeRouterSolicitation:
		p.Info = "RS"
		d.solicited = d.solicited || d.cur.fromGuest
		return d.cur.fromGuest || d.once(k)
	case layers.ICMPv6TypeRouterAdvertisement:
		p.Info = "RA"
		if flags := routerFlags(d.ndp.Payload); flags != "" {
			p.Info += " " + flags
			k.what += " " + flags // a router that changes its mind is no chatter
		}
		answer := d.solicited && !d.cur.fromGuest
		d.solicited = d.solicited && !answer
		k.src = d.cur.src
		return d.once(k) || answer
	case layers.ICMPv6TypeNeighborSolicitation, layers.ICMPv6TypeNeighborAdvertisement:
		return d.neighbour(p, k, d.ndp.Payload)
	case layers.ICMPv6TypeDestinationUnreachable:
		p.Info = "ICMP6 " + name(unreachable6, code) + " unreachable" + quoted6(d.ndp.Payload)
		return true
	case layers.ICMPv6TypePacketTooBig:
		p.Info = "ICMP6 packet too big" + quoted6(d.ndp.Payload)
		return true
	case layers.ICMPv6TypeTimeExceeded:
		p.Info = "ICMP6 time exceeded" + quoted6(d.ndp.Payload)
		return true
	case layers.ICMPv6TypeMLDv1MulticastListenerReportMessage, layers.ICMPv6TypeMLDv1MulticastListenerQueryMessage,
		layers.ICMPv6TypeMLDv1MulticastListenerDoneMessage, layers.ICMPv6TypeMLDv2MulticastListenerReportMessageV2:
		p.Info = "MLD"
		k.number = layers.ICMPv6TypeMLDv1MulticastListenerReportMessage // one event for all of them
	default:
		p.Info = fmt.Sprintf("ICMP6 type %d code %d", t, code)
		k.number = int(t)<<8 | int(code)
	}
	return d.once(k)
}

// routerFlags says where a Router Advertisement sends hosts for addresses and for other configuration: the M and O flags
// (RFC 4861 section 4.2). M includes O.
func routerFlags(body []byte) string {
	switch {
	case len(body) < 2:
		return ""
	case body[1]&0x80 != 0:
		return "managed"
	case body[1]&0x40 != 0:
		return "other"
	}
	return ""
}

// neighbour names the target of a Neighbor Solicitation or Advertisement (RFC 4861 sections 4.3 and 4.4).
func (d *Decoder) neighbour(p *event.Packet, k kind, body []byte) bool {
	if p.Info = "NS"; k.number == layers.ICMPv6TypeNeighborAdvertisement {
		p.Info = "NA"
	}
	if len(body) < 20 {
		p.Error = fmt.Sprintf("%s of %d octets has no target address", p.Info, len(body))
		return true
	}
	target := netip.AddrFrom16([16]byte(body[4:20]))
	k.dst = netip.AddrPortFrom(target, 0)
	p.Info += " " + target.String()
	return d.once(k)
}

func name(names map[uint8]string, code uint8) string {
	if n, ok := names[code]; ok {
		return n
	}
	return fmt.Sprintf("destination (code %d)", code)
}

// quoted4 says where the packet was bound that an ICMP error quotes, as " (192.0.2.1:4011)".
func quoted4(ip []byte) string {
	if len(ip) < 20 || ip[0]>>4 != 4 {
		return ""
	}
	dst := netip.AddrFrom4([4]byte(ip[16:20]))
	return quotedPort(dst, ip[9], ip[min(int(ip[0]&15)*4, len(ip)):])
}

// quoted6 does the same for ICMPv6, whose errors begin with a 32-bit field of their own (RFC 4443 section 3).
func quoted6(body []byte) string {
	if len(body) < 44 || body[4]>>4 != 6 {
		return ""
	}
	ip := body[4:]
	return quotedPort(netip.AddrFrom16([16]byte(ip[24:40])), ip[6], ip[40:])
}

func quotedPort(dst netip.Addr, proto uint8, transport []byte) string {
	if (proto == 6 || proto == 17) && len(transport) >= 4 {
		return " (" + netip.AddrPortFrom(dst, binary.BigEndian.Uint16(transport[2:])).String() + ")"
	}
	return " (" + dst.String() + ")"
}
