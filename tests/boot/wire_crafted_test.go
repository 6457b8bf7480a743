package boot

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
)

// The senders of crafted frames.
const (
	guestMAC  = "52:54:00:70:78:01"
	serverMAC = "52:54:00:70:73:01"
	routerMAC = "52:54:00:70:73:02"
	otherMAC  = "52:54:00:70:73:04" // a host whose program is not ours

	guestIP, serverIP, otherIP = "198.51.100.100", "192.0.2.1", "192.0.2.4"
)

func craftedPlan() *plan.Plan {
	at := netip.MustParsePrefix
	return &plan.Plan{Services: []plan.Service{
		{Name: "boot", MAC: serverMAC, Address: at(serverIP + "/24"), Server: &server.Config{
			TFTP: &server.TFTPConfig{Multicast: &server.MulticastConfig{Port: 1758}}, MTFTP: &server.MTFTPConfig{ClientPort: 5001,
				Files: []server.MTFTPFile{{Name: "f", Group: netip.MustParseAddr("239.255.1.1")}}}}},
		{Name: "router", MAC: routerMAC, Links: []plan.Link{{Address: at("192.0.2.9/24"), MAC: routerMAC},
			{Address: at("198.51.100.1/24"), MAC: "52:54:00:70:73:03"}}},
		{Name: "other", MAC: otherMAC, Address: at(otherIP + "/24"), Exec: &plan.Exec{}},
	}}
}

// crafted is one frame and the protocols that tshark is to fault it for.
type crafted struct {
	name    string
	mac     string // of the sender
	from    string // source address and port
	to      string
	payload string
	want    string // protocols, in order; empty: no fault
}

// bootReply is a DHCPOFFER with these further options.
func bootReply(options string) string {
	head := "\x02\x01\x06\x00\x01\x02\x03\x04" + strings.Repeat("\x00", 20) + "\x52\x54\x00\x70\x78\x01" + strings.Repeat("\x00", 202)
	return head + "\x63\x82\x53\x63\x35\x01\x02" + options
}

var craftedFrames = []crafted{
	{"offer", serverMAC, serverIP + ":67", "255.255.255.255:68", bootReply("\x36\x04\xc0\x00\x02\x01\xff"), ""},
	{"lease time of 3 octets", serverMAC, serverIP + ":67", "255.255.255.255:68", bootReply("\x33\x03\x00\x00\x0e\xff"), "dhcp"},
	{"the same through a router", routerMAC, serverIP + ":67", guestIP + ":68", bootReply("\x33\x03\x00\x00\x0e\xff"), "dhcp"},
	{"the same on port 4011", serverMAC, serverIP + ":4011", guestIP + ":4011", bootReply("\x33\x03\x00\x00\x0e\xff"), "dhcp"},
	{"the same of a guest", guestMAC, guestIP + ":67", "255.255.255.255:68", bootReply("\x33\x03\x00\x00\x0e\xff"), ""},
	{"the same of a guest, through a router", routerMAC, guestIP + ":67", serverIP + ":68", bootReply("\x33\x03\x00\x00\x0e\xff"), ""},
	{"the same of a program that is not ours", otherMAC, otherIP + ":67", "255.255.255.255:68", bootReply("\x33\x03\x00\x00\x0e\xff"), ""},
	{"options cut short, of a guest", guestMAC, guestIP + ":67", "255.255.255.255:68", bootReply("\x33\x04\x00"), "_ws.malformed"},
	{"read request", guestMAC, guestIP + ":1024", serverIP + ":69", "\x00\x01f\x00octet\x00blksize\x0070000\x00", ""},
	{"blocks of 70000 octets", serverMAC, serverIP + ":3000", guestIP + ":1024", "\x00\x06blksize\x0070000\x00", "tftp"},
	{"no such file", serverMAC, serverIP + ":3000", guestIP + ":1024", "\x00\x05\x00\x01file not found\x00", ""},
	{"MTFTP, blocks of 70000 octets", serverMAC, serverIP + ":1759", guestIP + ":5001", "\x00\x06blksize\x0070000\x00", "tftp"},
	{"multicast block from a port that another protocol has", serverMAC, serverIP + ":54328", "239.255.17.1:1758",
		"\x00\x03\x00\x01" + strings.Repeat("\xa5", 512), ""},
	{"advertisement of an address of 4 octets", serverMAC, "[fe80::1]:547", "[fe80::2]:546",
		"\x02\x01\x02\x03\x00\x03\x00\x04\x00\x00\x00\x01", "dhcpv6"},
}

// TestFaults holds the check of captures to frames that it must fault, and to those that it must not.
func TestFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.pcapng")
	file, err := capture.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	cable := file.AddInterface("bios", "")
	for _, f := range craftedFrames {
		if _, err := cable.Write(f.bytes(t), time.Now(), f.mac == guestMAC, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	remarks := opinion(t, path, craftedPlan())
	if remarks == nil && !t.Failed() {
		t.Skip("tshark is not there, or says nothing at all")
	}
	var want, got []string
	for i, f := range craftedFrames {
		if f.want != "" {
			want = append(want, fmt.Sprintf("%d %s: %s", i+1, f.name, f.want))
		}
	}
	for _, r := range faults(remarks) {
		t.Log(r)
		line := fmt.Sprintf("%d %s: %s", r.frame, craftedFrames[r.frame-1].name, r.proto)
		if len(got) == 0 || got[len(got)-1] != line {
			got = append(got, line)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("faults (- want, + got):\n%s\nall remarks:\n%v", d, remarks)
	}
}

// bytes encodes the frame.
func (f crafted) bytes(t *testing.T) []byte {
	t.Helper()
	mac, err := net.ParseMAC(f.mac)
	if err != nil {
		t.Fatal(err)
	}
	from, to := netip.MustParseAddrPort(f.from), netip.MustParseAddrPort(f.to)
	udp := &layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())}
	eth := &layers.Ethernet{SrcMAC: mac, DstMAC: layers.EthernetBroadcast, EthernetType: layers.EthernetTypeIPv4}
	stack := []gopacket.SerializableLayer{eth, nil, udp, gopacket.Payload(f.payload)}
	var network gopacket.NetworkLayer
	if from.Addr().Is6() {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolUDP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		stack[1], network = ip, ip
	} else {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		stack[1], network = ip, ip
	}
	if err := udp.SetNetworkLayerForChecksum(network); err != nil {
		t.Fatal(err)
	}
	out := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(out, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, stack...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
