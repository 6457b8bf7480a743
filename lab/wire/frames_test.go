package wire

import (
	"net"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// The cast of the crafted frames.
var (
	guestMAC  = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	otherMAC  = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 2}
	serverMAC = net.HardwareAddr{0x02, 0, 0, 0, 0, 1}
	broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	guestIP   = "192.0.2.100"
	serverIP  = "192.0.2.1"
)

// frame is one frame of a script: what travels, and which way.
type frame struct {
	data  []byte
	guest bool
}

func build(ls ...gopacket.SerializableLayer) []byte {
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func ether(src, dst net.HardwareAddr, t layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: src, DstMAC: dst, EthernetType: t}
}

// ip gives the layers below a transport protocol; src and dst are "address:port" or an address.
func ip(src, dst netip.Addr, fromGuest bool, proto layers.IPProtocol) []gopacket.SerializableLayer {
	from, to := serverMAC, guestMAC
	if fromGuest {
		from, to = guestMAC, serverMAC
	}
	if dst == netip.MustParseAddr("255.255.255.255") || dst.IsMulticast() {
		to = broadcast
	}
	if src.Is4() {
		return []gopacket.SerializableLayer{ether(from, to, layers.EthernetTypeIPv4),
			&layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}}
	}
	return []gopacket.SerializableLayer{ether(from, to, layers.EthernetTypeIPv6),
		&layers.IPv6{Version: 6, HopLimit: 255, NextHeader: proto, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}}
}

func udp(src, dst string, fromGuest bool, payload []byte) frame {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	ls := ip(s.Addr(), d.Addr(), fromGuest, layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: layers.UDPPort(s.Port()), DstPort: layers.UDPPort(d.Port())}
	if err := u.SetNetworkLayerForChecksum(ls[1].(gopacket.NetworkLayer)); err != nil {
		panic(err)
	}
	return frame{build(append(ls, u, gopacket.Payload(payload))...), fromGuest}
}

func tcp(src, dst string, fromGuest bool, t layers.TCP, payload string) frame {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	ls := ip(s.Addr(), d.Addr(), fromGuest, layers.IPProtocolTCP)
	t.SrcPort, t.DstPort = layers.TCPPort(s.Port()), layers.TCPPort(d.Port())
	if err := t.SetNetworkLayerForChecksum(ls[1].(gopacket.NetworkLayer)); err != nil {
		panic(err)
	}
	return frame{build(append(ls, &t, gopacket.Payload(payload))...), fromGuest}
}

func icmp4(src, dst string, fromGuest bool, kind, code uint8, body []byte) frame {
	ls := ip(netip.MustParseAddr(src), netip.MustParseAddr(dst), fromGuest, layers.IPProtocolICMPv4)
	return frame{build(append(ls, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(kind, code)},
		gopacket.Payload(body))...), fromGuest}
}

func icmp6(src, dst string, fromGuest bool, kind, code uint8, body []byte) frame {
	ls := ip(netip.MustParseAddr(src), netip.MustParseAddr(dst), fromGuest, layers.IPProtocolICMPv6)
	i := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, code)}
	if err := i.SetNetworkLayerForChecksum(ls[1].(gopacket.NetworkLayer)); err != nil {
		panic(err)
	}
	return frame{build(append(ls, i, gopacket.Payload(body))...), fromGuest}
}

func arp(op uint16, src net.HardwareAddr, sender, target string, fromGuest bool) frame {
	dst := broadcast
	if op == layers.ARPReply {
		dst = guestMAC
	}
	return frame{build(ether(src, dst, layers.EthernetTypeARP), &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation: op, SourceHwAddress: src, SourceProtAddress: netip.MustParseAddr(sender).AsSlice(),
		DstHwAddress: dst, DstProtAddress: netip.MustParseAddr(target).AsSlice(),
	}), fromGuest}
}

// bootp makes a BOOTP message: its fixed part, then whatever follows it.
type bootp struct {
	op         byte
	xid        uint32
	flags      uint16
	ci, yi, si string
	gi         string
	mac        net.HardwareAddr
	sname      []byte
	file       []byte
	tail       []byte
}

var cookie = []byte{0x63, 0x82, 0x53, 0x63}

func (b bootp) bytes() []byte {
	m := make([]byte, bootpHeader)
	mac := b.mac
	if mac == nil {
		mac = guestMAC
	}
	m[0], m[1], m[2] = b.op, 1, byte(len(mac))
	m[4], m[5], m[6], m[7] = byte(b.xid>>24), byte(b.xid>>16), byte(b.xid>>8), byte(b.xid)
	m[10], m[11] = byte(b.flags>>8), byte(b.flags)
	for i, a := range []string{b.ci, b.yi, b.si, b.gi} {
		if a != "" {
			copy(m[12+4*i:], netip.MustParseAddr(a).AsSlice())
		}
	}
	copy(m[28:], mac)
	copy(m[snameAt:fileAt], b.sname)
	copy(m[fileAt:], b.file)
	return append(m, b.tail...)
}

// opts makes an options area: the cookie, then number and value in turn, then END.
func opts(pairs ...any) []byte {
	return append(append(append([]byte{}, cookie...), tlvs(pairs...)...), optEnd)
}

func tlvs(pairs ...any) []byte {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		var v []byte
		switch x := pairs[i+1].(type) {
		case string:
			v = []byte(x)
		case []byte:
			v = x
		case netip.Addr:
			v = x.AsSlice()
		}
		b = append(append(b, byte(pairs[i].(int)), byte(len(v))), v...)
	}
	return b
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// strs joins strings with a NUL after each, as TFTP requests have it.
func strs(op byte, s ...string) []byte {
	b := []byte{0, op}
	for _, x := range s {
		b = append(append(b, x...), 0)
	}
	return b
}

func block(op byte, n int, size int) []byte {
	return append([]byte{0, op, byte(n >> 8), byte(n)}, make([]byte, size)...)
}

// talk is a TFTP exchange between one client port and one server port.
type talk struct{ client, server string }

func (t talk) tx(payload []byte) frame { return udp(t.client, t.server, true, payload) }
func (t talk) rx(payload []byte) frame { return udp(t.server, t.client, false, payload) }

// run decodes a script with a fresh decoder.
func run(t testing.TB, script []frame) *Decoder {
	t.Helper()
	d := New(guestMAC)
	for i, f := range script {
		d.Frame(i+1, f.data, f.guest)
	}
	return d
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
