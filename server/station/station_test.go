package station

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var ownMAC = net.HardwareAddr{0x52, 0x54, 0, 9, 0, 1}

// deaf is a station whose frames are written to a file that nobody reads.
func deaf(t testing.TB, seen func(Datagram)) *Station {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	return &Station{mac: ownMAC, wire: null, seen: seen, done: make(chan struct{}), conns: map[uint16]*Conn{}, arp: map[netip.Addr]net.HardwareAddr{},
		asking: map[netip.Addr]chan struct{}{}, groups: map[netip.Addr]int{}}
}

func udpFrame(t testing.TB, mac net.HardwareAddr, to string, payload string, change func(*layers.IPv4)) []byte {
	t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 1, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4(192, 0, 2, 1), DstIP: net.ParseIP(to)}
	udp := &layers.UDP{SrcPort: 67, DstPort: 68}
	if change != nil {
		change(ip)
	}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4}, ip, udp, gopacket.Payload(payload))
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestWhatIsHeard: which frames are for a station, with and without an address.
func TestWhatIsHeard(t *testing.T) {
	own, other := netip.MustParsePrefix("192.0.2.7/25"), net.HardwareAddr{0x52, 0x54, 0, 9, 0, 2}
	for _, c := range []struct {
		name            string
		mac             net.HardwareAddr
		to              string
		before, settled bool // heard without and with the address
		change          func(*layers.IPv4)
	}{
		{"to the address", ownMAC, "192.0.2.7", true, true, nil},
		{"to another address", ownMAC, "192.0.2.8", true, false, nil},
		{"to another station", other, "192.0.2.7", false, false, nil},
		{"to everyone", everyone, "255.255.255.255", true, true, nil},
		{"to the subnet", everyone, "192.0.2.127", true, true, nil},
		{"to another subnet", everyone, "192.0.2.255", true, false, nil},
		{"to a group of others", net.HardwareAddr{1, 0, 0x5e, 0, 1, 2}, "224.0.1.2", false, false, nil},
		{"fragment", ownMAC, "192.0.2.7", false, false, func(ip *layers.IPv4) { ip.Flags = layers.IPv4MoreFragments }},
		{"rest of one", ownMAC, "192.0.2.7", false, false, func(ip *layers.IPv4) { ip.FragOffset = 3 }},
	} {
		for _, settled := range []bool{false, true} {
			heard := 0
			s := deaf(t, func(Datagram) { heard++ })
			if settled {
				s.SetAddresses(netip.Addr{}, own)
			}
			conn, err := s.ListenUDP(68)
			if err != nil {
				t.Fatal(err)
			}
			s.frame(udpFrame(t, c.mac, c.to, "hello", c.change))
			want := c.before
			if settled {
				want = c.settled
			}
			if (heard == 1) != want || (len(conn.queue) == 1) != want {
				t.Errorf("%s, address %v: heard %d, kept %d, want %v", c.name, settled, heard, len(conn.queue), want)
			}
		}
	}
}

func TestPorts(t *testing.T) {
	s := deaf(t, func(Datagram) {})
	a, err := s.ListenUDP(0)
	if err != nil || a.LocalAddr().(*net.UDPAddr).Port != 49152 {
		t.Fatalf("%v, %v", a.LocalAddr(), err)
	}
	if _, err := s.ListenUDP(49152); err == nil || !strings.Contains(err.Error(), "port 49152 of station 52:54:00:09:00:01 is in use") {
		t.Errorf("%v", err)
	}
	if b, err := s.ListenUDP(0); err != nil || b.port != 49153 {
		t.Errorf("%v", err)
	}
	a.Close()
	a.Close()
	if _, err := s.ListenUDP(49152); err != nil {
		t.Error(err)
	}
}

// TestReceiveEnds: a deadline that is moved, and Close, end a Receive that waits; what came before is given first.
func TestReceiveEnds(t *testing.T) {
	s := deaf(t, func(Datagram) {})
	c, err := s.ListenUDP(68)
	if err != nil {
		t.Fatal(err)
	}
	s.frame(udpFrame(t, ownMAC, "192.0.2.7", "late", nil))
	_ = c.SetReadDeadline(time.Unix(1, 0))
	b := make([]byte, 2)
	if n, from, err := c.ReadFrom(b); err != nil || n != 2 || from.String() != "192.0.2.1:67" {
		t.Errorf("%d %v %v", n, from, err)
	}
	if _, err := c.Receive(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	_ = c.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() { _, err := c.Receive(); ended <- err }()
	_ = c.SetReadDeadline(time.Unix(1, 0))
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	_ = c.SetDeadline(time.Time{})
	go func() { _, err := c.Receive(); ended <- err }()
	c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// TestWhereTo is about whom a datagram is given to on the link.
func TestWhereTo(t *testing.T) {
	s := deaf(t, func(Datagram) {})
	zero, own := netip.IPv4Unspecified(), netip.MustParseAddr("192.0.2.7")
	if _, err := s.resolve(zero, netip.MustParseAddr("192.0.2.1")); err == nil || !strings.Contains(err.Error(), "no address to reach 192.0.2.1 from") {
		t.Error(err)
	}
	s.SetAddresses(netip.Addr{}, netip.MustParsePrefix("192.0.2.7/24"))
	if _, err := s.resolve(own, netip.MustParseAddr("198.51.100.1")); err == nil || !strings.Contains(err.Error(), "on no subnet of this station") {
		t.Error(err)
	}
	gw := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	s.arp[netip.MustParseAddr("192.0.2.254")] = gw
	s.SetAddresses(netip.MustParseAddr("192.0.2.254"), netip.MustParsePrefix("192.0.2.7/24"))
	for to, want := range map[string]string{"255.255.255.255": everyone.String(), "192.0.2.255": everyone.String(),
		"198.51.100.1": gw.String(), "239.129.1.2": "01:00:5e:01:01:02"} {
		if mac, err := s.resolve(own, netip.MustParseAddr(to)); err != nil || mac.String() != want {
			t.Errorf("%s: %s, %v; want %s", to, mac, err, want)
		}
	}
}

// FuzzFrame: no frame makes a station stumble.
func FuzzFrame(f *testing.F) {
	f.Add(udpFrame(f, ownMAC, "192.0.2.7", "hello", nil))
	arp := gopacket.NewSerializeBuffer()
	_ = gopacket.SerializeLayers(arp, gopacket.SerializeOptions{FixLengths: true}, &layers.Ethernet{SrcMAC: ownMAC, DstMAC: everyone, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: layers.ARPRequest,
			SourceHwAddress: ownMAC, SourceProtAddress: []byte{192, 0, 2, 1}, DstHwAddress: nobody, DstProtAddress: []byte{192, 0, 2, 7}})
	f.Add(arp.Bytes())
	icmp := gopacket.NewSerializeBuffer()
	inner := udpFrame(f, ownMAC, "192.0.2.7", "hello", nil)[14:]
	_ = gopacket.SerializeLayers(icmp, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: ownMAC, DstMAC: ownMAC, EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: 1, Protocol: layers.IPProtocolICMPv4, SrcIP: net.IPv4(192, 0, 2, 1), DstIP: net.IPv4(192, 0, 2, 7)},
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4CodePort)}, gopacket.Payload(inner))
	f.Add(icmp.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		s := deaf(t, func(d Datagram) {
			if d.Sent || d.ICMP == "" && !d.Dst.Addr().Is4() {
				t.Errorf("%+v", d)
			}
		})
		s.SetAddresses(netip.Addr{}, netip.MustParsePrefix("192.0.2.7/24"))
		s.frame(b)
	})
}
