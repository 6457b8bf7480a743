package explain_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxelab/pxelab/lab/explain"
)

// The machines and servers of the captures that tests build.
var (
	machine = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	other   = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 2}
	dhcpMAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}
)

const (
	dhcpIP, proxyIP, leaseIP = "192.0.2.1", "192.0.2.2", "192.0.2.100"
	everybody                = "255.255.255.255"
)

// wire is a capture being built: one machine, and what it and the servers say.
type wire struct {
	t      testing.TB
	mac    net.HardwareAddr
	arch   uint16
	ipxe   bool
	now    time.Duration
	frames []explain.Frame
	port   uint16 // of the transfer
	vlan   int
}

func newWire(t testing.TB) *wire { return &wire{t: t, mac: machine, arch: 7, port: 2000} }

// in puts what follows into a VLAN.
func (w *wire) in(vlan int) *wire { w.vlan = vlan; return w }

func (w *wire) after(d time.Duration) *wire { w.now += d; return w }

// frame adds a frame.
func (w *wire) frame(data []byte) *wire {
	w.frames = append(w.frames, explain.Frame{Number: len(w.frames) + 1, At: time.Unix(1_700_000_000, 0).Add(w.now), Data: data, VLAN: w.vlan})
	return w
}

// udp adds a UDP datagram.
func (w *wire) udp(from, to net.HardwareAddr, src, dst string, payload []byte) *wire {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: s.Addr().AsSlice(), DstIP: d.Addr().AsSlice()}
	u := &layers.UDP{SrcPort: layers.UDPPort(s.Port()), DstPort: layers.UDPPort(d.Port())}
	return w.frame(w.serialize(&layers.Ethernet{SrcMAC: from, DstMAC: to, EthernetType: layers.EthernetTypeIPv4}, ip, u, gopacket.Payload(payload)))
}

func (w *wire) serialize(list ...gopacket.SerializableLayer) []byte {
	w.t.Helper()
	for i, l := range list {
		if u, ok := l.(*layers.UDP); ok {
			_ = u.SetNetworkLayerForChecksum(list[i-1].(gopacket.NetworkLayer))
		}
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, list...); err != nil {
		w.t.Fatal(err)
	}
	return bytes.Clone(b.Bytes())
}

var broadcast = net.HardwareAddr{255, 255, 255, 255, 255, 255}

// asks adds a DHCP message of the machine.
func (w *wire) asks(kind dhcpv4.MessageType, change ...dhcpv4.Modifier) *wire {
	w.t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithMessageType(kind), dhcpv4.WithHwAddr(w.mac), dhcpv4.WithTransactionID(dhcpv4.TransactionID(w.mac[2:6])),
		dhcpv4.WithBroadcast(!w.ipxe), dhcpv4.WithOption(dhcpv4.OptClientArch(iana.Arch(w.arch))), dhcpv4.WithGeneric(dhcpv4.GenericOptionCode(94), []byte{1, 3, 0}),
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003000"))}, change...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.ipxe {
		m.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionUserClassInformation, []byte("iPXE")))
	}
	src, dst, port := "0.0.0.0:68", everybody+":67", broadcast
	if !m.ClientIPAddr.IsUnspecified() {
		src, dst, port = leaseIP+":4011", dhcpIP+":4011", dhcpMAC
	}
	return w.udp(w.mac, port, src, dst, m.ToBytes())
}

func (w *wire) discovers() *wire { return w.asks(dhcpv4.MessageTypeDiscover) }

func (w *wire) requests() *wire {
	return w.asks(dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(dhcpIP))),
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(leaseIP))))
}

// told adds an answer of the DHCP server.
func (w *wire) told(kind dhcpv4.MessageType, file string, change ...dhcpv4.Modifier) *wire {
	return w.toldBy(dhcpMAC, dhcpIP+":67", kind, file, append([]dhcpv4.Modifier{dhcpv4.WithYourIP(net.ParseIP(leaseIP))}, change...)...)
}

func (w *wire) toldBy(mac net.HardwareAddr, from string, kind dhcpv4.MessageType, file string, change ...dhcpv4.Modifier) *wire {
	w.t.Helper()
	server := net.ParseIP(netip.MustParseAddrPort(from).Addr().String())
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithMessageType(kind), dhcpv4.WithHwAddr(w.mac), dhcpv4.WithTransactionID(dhcpv4.TransactionID(w.mac[2:6])),
		dhcpv4.WithServerIP(server), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(server))}, change...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	m.OpCode = dhcpv4.OpcodeBootReply
	if file != "" {
		m.UpdateOption(dhcpv4.OptBootFileName(file))
	}
	return w.udp(mac, broadcast, from, everybody+":68", m.ToBytes())
}

// leases is the whole of an exchange that gives the machine an address and a file.
func (w *wire) leases(file string, change ...dhcpv4.Modifier) *wire {
	return w.discovers().after(time.Millisecond).told(dhcpv4.MessageTypeOffer, file, change...).after(4*time.Second).
		requests().after(time.Millisecond).told(dhcpv4.MessageTypeAck, file, change...).after(10 * time.Millisecond)
}

// wants adds a read request to the DHCP server's host.
func (w *wire) wants(file string) *wire {
	w.port++
	return w.wantsAgain(file)
}

func (w *wire) wantsAgain(file string) *wire {
	return w.udp(w.mac, dhcpMAC, w.at(leaseIP), dhcpIP+":69", []byte("\x00\x01"+file+"\x00octet\x00tsize\x000\x00"))
}

func (w *wire) at(ip string) string {
	return netip.AddrPortFrom(netip.MustParseAddr(ip), w.port).String()
}

// has serves a file of one block that begins so.
func (w *wire) has(head []byte) *wire {
	block := append([]byte{0, 3, 0, 1}, head...)
	return w.after(time.Millisecond).udp(dhcpMAC, w.mac, dhcpIP+":3333", w.at(leaseIP), block).udp(w.mac, dhcpMAC, w.at(leaseIP), dhcpIP+":3333", []byte{0, 4, 0, 1})
}

// hasNot answers a read request with error 1.
func (w *wire) hasNot() *wire {
	return w.after(time.Millisecond).udp(dhcpMAC, w.mac, dhcpIP+":3333", w.at(leaseIP), []byte("\x00\x05\x00\x01File not found\x00"))
}

// program is how a program for a machine begins: an EFI one, with its type in the PE header.
func program(machine uint16) []byte {
	b := make([]byte, 200)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[60:], 128)
	copy(b[128:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[132:], machine)
	return b
}

// classic writes the frames as pcap of a link type, each changed by a function.
func (w *wire) classic(link layers.LinkType, snaplen int, change func([]byte) []byte) []byte {
	w.t.Helper()
	var out bytes.Buffer
	pw := pcapgo.NewWriter(&out)
	if err := pw.WriteFileHeader(1<<16, link); err != nil {
		w.t.Fatal(err)
	}
	for _, f := range w.frames {
		data := change(f.Data)
		whole := len(data)
		data = data[:min(len(data), snaplen)]
		if err := pw.WritePacket(gopacket.CaptureInfo{Timestamp: f.At, CaptureLength: len(data), Length: whole}, data); err != nil {
			w.t.Fatal(err)
		}
	}
	return out.Bytes()
}

func same(b []byte) []byte { return b }
