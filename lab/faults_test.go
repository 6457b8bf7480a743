package lab

import (
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/network"
)

// TestLag: TFTP's first answer over IPv6 reaches a guest with a lag that much later, unless a fault has it.
func TestLag(t *testing.T) {
	buf := gopacket.NewSerializeBuffer()
	server, guest := net.HardwareAddr{0x52, 0x54, 0, 0x70, 0x73, 1}, net.HardwareAddr{0x52, 0x54, 0, 0x70, 0x78, 1}
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true},
		&layers.Ethernet{SrcMAC: server, DstMAC: guest, EthernetType: layers.EthernetTypeIPv6},
		&layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolUDP, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::100")},
		&layers.UDP{SrcPort: 40495, DstPort: 1850}, gopacket.Payload("\x00\x06tsize\x0013824\x00")); err != nil {
		t.Fatal(err)
	}
	oack := buf.Bytes()
	drop := fault.Rule{Do: "drop", Selection: fault.Selection{Packet: "oack", Nth: 1}}
	for _, c := range []struct {
		name      string
		lag       time.Duration
		fromGuest bool
		faults    []fault.Rule
		want      network.Action
	}{
		{"late", time.Millisecond, false, nil, network.Action{Delay: time.Millisecond}},
		{"without a lag", 0, false, nil, network.Action{}},
		{"of the guest", time.Millisecond, true, nil, network.Action{}},
		{"dropped", time.Millisecond, false, []fault.Rule{drop}, network.Action{Rule: 1, Do: "drop", Drop: true}},
	} {
		m := &machine{}
		m.now.Store(&powered{lag: c.lag, gone: make(chan struct{}), faults: newFaults(standingOf(c.faults).list, guest, func(*fault.Rule) bool { return false })})
		if diff := cmp.Diff(c.want, m.filter(network.Frame{Data: oack, FromGuest: c.fromGuest})); diff != "" {
			t.Errorf("%s: (- want, + got)\n%s", c.name, diff)
		}
	}
}
