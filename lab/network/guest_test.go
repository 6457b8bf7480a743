package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// The two addresses of these tests: a host's and a guest's (RFC 5737 documentation range, and not the one
// that a host's real LAN uses here).
var (
	hostAddress = netip.MustParsePrefix("198.51.100.1/24")
	hostMAC     = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	guestMAC    = net.HardwareAddr{0x52, 0x54, 0, 0, 1, 1}
	guestIP     = net.IP{198, 51, 100, 100}
	broadcast   = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

func newBridge(t testing.TB) *Bridge {
	t.Helper()
	need(t)
	b, err := NewBridge("lan")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func addHost(t testing.TB, b *Bridge, name string, mac net.HardwareAddr, address netip.Prefix) *Host {
	t.Helper()
	h, err := b.AddHost(HostConfig{Name: name, MAC: mac, Address: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func plugIn(t testing.TB, b *Bridge, c CableConfig) *Cable {
	t.Helper()
	cable, err := b.Plug(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cable.Close(); err != nil {
			t.Error(err)
		}
		if err := cable.Err(); err != nil {
			t.Error(err)
		}
	})
	return cable
}

// listenUDP opens a UDP socket on a host.
func listenUDP(t testing.TB, h *Host, address string) *net.UDPConn {
	t.Helper()
	var conn net.PacketConn
	err := h.Do(func() (err error) {
		conn, err = net.ListenPacket("udp4", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second)) // a lost frame must not hang the test
	return conn.(*net.UDPConn)
}

// guest is a machine that is nothing but a NIC: it reads and writes frames as QEMU does.
type guest struct {
	t    testing.TB
	conn net.Conn
}

func connect(t testing.TB, c *Cable) *guest {
	t.Helper()
	end, err := c.Connect()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(end)
	end.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	return &guest{t, conn}
}

func (g *guest) send(frame []byte) {
	g.t.Helper()
	if _, err := g.conn.Write(frame); err != nil {
		g.t.Fatal(err)
	}
}

// udpFrame builds a datagram from the guest's port 68 to port 67.
func udpFrame(t testing.TB, dstMAC net.HardwareAddr, dst net.IP, payload string) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: guestMAC, DstMAC: dstMAC, EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: guestIP, DstIP: dst}
	udp := &layers.UDP{SrcPort: 68, DstPort: 67}
	udp.SetNetworkLayerForChecksum(ip)
	buf := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, options, eth, ip, udp, gopacket.Payload(payload)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// receive gives the payload of the next UDP datagram for the guest, whose checksum it checks, and answers ARP
// until then.
func (g *guest) receive() string {
	g.t.Helper()
	buf := make([]byte, 2048)
	for {
		n, err := g.conn.Read(buf)
		if err != nil {
			g.t.Fatal(err)
		}
		packet := gopacket.NewPacket(buf[:n], layers.LayerTypeEthernet, gopacket.Default)
		if arp, ok := packet.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
			g.answer(arp)
		}
		if udp, ok := packet.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
			udp.SetNetworkLayerForChecksum(packet.NetworkLayer())
			if err, result := udp.VerifyChecksum(); err != nil || !result.Valid {
				g.t.Errorf("UDP checksum %#x: %+v, %v", udp.Checksum, result, err)
			}
			return string(udp.Payload)
		}
	}
}

func (g *guest) answer(request *layers.ARP) {
	g.t.Helper()
	if request.Operation != layers.ARPRequest || !net.IP(request.DstProtAddress).Equal(guestIP) {
		return
	}
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{},
		&layers.Ethernet{SrcMAC: guestMAC, DstMAC: request.SourceHwAddress, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: layers.ARPReply, SourceHwAddress: guestMAC, SourceProtAddress: guestIP,
			DstHwAddress: request.SourceHwAddress, DstProtAddress: request.SourceProtAddress})
	if err != nil {
		g.t.Fatal(err)
	}
	g.send(buf.Bytes())
}

// log keeps what a cable observed.
type log struct {
	mu     sync.Mutex
	frames []Frame
	more   chan struct{} // has room for one: something came
}

func newLog() *log { return &log{more: make(chan struct{}, 1)} }

func (l *log) observe(f Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.Data = append([]byte(nil), f.Data...)
	l.frames = append(l.frames, f)
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *log) all() []Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Frame(nil), l.frames...)
}

// await waits until a frame like this was observed.
func (l *log) await(t testing.TB, what string, like func(Frame) bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		for _, f := range l.all() {
			if like(f) {
				return
			}
		}
		select {
		case <-l.more:
		case <-deadline:
			t.Fatalf("no %s among the %d frames observed:%s", what, len(l.all()), l)
		}
	}
}

func (l *log) String() (text string) {
	for _, f := range l.all() {
		p := gopacket.NewPacket(f.Data, layers.LayerTypeEthernet, gopacket.Default)
		text += fmt.Sprintf("\n%d fromGuest=%v %d octets", f.Number, f.FromGuest, len(f.Data))
		for _, layer := range p.Layers() {
			text += " " + layer.LayerType().String()
		}
	}
	return text
}

// tunOpens reports whether this user may open the tun device.
func tunOpens() bool {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err == nil {
		f.Close()
	}
	return !errors.Is(err, os.ErrPermission) && !errors.Is(err, os.ErrNotExist)
}
