package station

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var (
	everyone = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	nobody   = net.HardwareAddr{0, 0, 0, 0, 0, 0}
)

// read takes frames off the wire until the station is closed. A link that goes down is no reason to end.
func (s *Station) read() {
	defer close(s.done)
	buf := make([]byte, 65536)
	for {
		n, err := s.wire.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err == nil {
			s.frame(buf[:n])
		}
	}
}

// frame sorts one frame by what is in it. IP fragments are left to lie: no message of a boot protocol needs them.
func (s *Station) frame(b []byte) {
	p := gopacket.NewPacket(append([]byte(nil), b...), layers.LayerTypeEthernet, gopacket.DecodeOptions{NoCopy: true})
	eth, ok := p.LinkLayer().(*layers.Ethernet)
	if !ok || eth.DstMAC[0]&1 == 0 && eth.DstMAC.String() != s.mac.String() {
		return
	}
	if arp, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
		s.heardARP(arp)
		return
	}
	ip, ok := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	if !ok || ip.Flags&layers.IPv4MoreFragments != 0 || ip.FragOffset != 0 {
		return
	}
	src, dst := address(ip.SrcIP), address(ip.DstIP)
	if icmp, ok := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); ok {
		s.heardICMP(src, eth, icmp)
		return
	}
	udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if !ok || int(udp.Length) != 8+len(udp.Payload) {
		return
	}
	s.deliver(Datagram{Time: time.Now(), Src: netip.AddrPortFrom(src, uint16(udp.SrcPort)), SrcMAC: eth.SrcMAC,
		Dst: netip.AddrPortFrom(dst, uint16(udp.DstPort)), DstMAC: eth.DstMAC, Payload: udp.Payload})
}

func address(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip.To4())
	return a
}

// deliver hands a datagram to the Conn of its port. One that nobody waits for is seen all the same, because a reply to
// the wrong port is what a test wants to know of.
func (s *Station) deliver(d Datagram) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mine(d.Dst.Addr()) {
		return
	}
	s.seen(d)
	if c := s.conns[d.Dst.Port()]; c != nil {
		select {
		case c.queue <- d:
		default: // as a socket whose buffer is full
		}
	}
}

// heardICMP tells of a destination that is unreachable, and where the datagram went that did not arrive.
func (s *Station) heardICMP(src netip.Addr, eth *layers.Ethernet, icmp *layers.ICMPv4) {
	if icmp.TypeCode.Type() != layers.ICMPv4TypeDestinationUnreachable {
		return
	}
	quoted := gopacket.NewPacket(icmp.Payload, layers.LayerTypeIPv4, gopacket.Default)
	ip, ok := quoted.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	if !ok || ip.Protocol != layers.IPProtocolUDP || len(ip.Payload) < 4 {
		return
	}
	port := uint16(ip.Payload[2])<<8 | uint16(ip.Payload[3])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen(Datagram{Time: time.Now(), Src: netip.AddrPortFrom(src, 0), SrcMAC: eth.SrcMAC, DstMAC: eth.DstMAC,
		Dst: netip.AddrPortFrom(address(ip.DstIP), port), ICMP: fmt.Sprint(icmp.TypeCode)})
}

// heardARP learns who has an address, and answers for the station's own.
func (s *Station) heardARP(arp *layers.ARP) {
	if arp.Protocol != layers.EthernetTypeIPv4 || len(arp.SourceProtAddress) != 4 || len(arp.SourceHwAddress) != 6 {
		return
	}
	from, target := address(arp.SourceProtAddress), address(arp.DstProtAddress)
	s.mu.Lock()
	s.arp[from] = append(net.HardwareAddr(nil), arp.SourceHwAddress...)
	if c := s.asking[from]; c != nil {
		close(c)
		delete(s.asking, from)
	}
	answer := false
	for _, p := range s.addrs {
		answer = answer || p.Addr() == target
	}
	s.mu.Unlock()
	if answer && arp.Operation == layers.ARPRequest {
		_ = s.sendARP(layers.ARPReply, target, arp.SourceHwAddress, from) // who asked will ask again
	}
}

func (s *Station) sendARP(operation uint16, own netip.Addr, mac net.HardwareAddr, target netip.Addr) error {
	to := net.HardwareAddr(mac)
	if operation == layers.ARPRequest {
		to, mac = everyone, nobody
	}
	return s.write(&layers.Ethernet{SrcMAC: s.mac, DstMAC: to, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: operation, SourceHwAddress: s.mac, SourceProtAddress: own.AsSlice(),
			DstHwAddress: mac, DstProtAddress: target.AsSlice()})
}

// write sends one frame.
func (s *Station) write(l ...gopacket.SerializableLayer) error {
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...); err != nil {
		return err
	}
	frame := buf.Bytes()
	if short := 60 - len(frame); short > 0 { // Ethernet's minimum, without the checksum
		frame = append(frame, make([]byte, short)...)
	}
	_, err := s.wire.Write(frame)
	return err
}

// send sends one datagram. from may be zero: RFC 2131 section 4.1 has a client without an address send from 0.0.0.0.
func (s *Station) send(from, to netip.AddrPort, payload []byte) error {
	mac, err := s.resolve(from.Addr(), to.Addr())
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.lastID++
	id := s.lastID
	s.seen(Datagram{Time: time.Now(), Sent: true, Src: from, Dst: to, SrcMAC: s.mac, DstMAC: mac, Payload: payload})
	s.mu.Unlock()
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: id, Protocol: layers.IPProtocolUDP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	udp := &layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		return err
	}
	return s.write(&layers.Ethernet{SrcMAC: s.mac, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4}, ip, udp, gopacket.Payload(payload))
}
