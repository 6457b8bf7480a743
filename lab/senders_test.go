package lab

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
)

// TestOrigin tells who sent a packet from who passed it on.
func TestOrigin(t *testing.T) {
	prefix := netip.MustParsePrefix
	boot := plan.Service{Name: "boot", Network: "lan", Address: prefix("192.0.2.1/24"), MAC: "52:54:00:70:73:01",
		Server: &server.Config{DHCP: &server.DHCPConfig{}}}
	files := plan.Service{Name: "files", Network: "lan", Address: boot.Address, MAC: boot.MAC, Host: "boot",
		Server: &server.Config{TFTP: &server.TFTPConfig{}}}
	relay := plan.Service{Name: "relay", Network: "lan", Address: prefix("192.0.2.9/24"), MAC: "52:54:00:70:73:03", Links: []plan.Link{
		{Network: "lan", Interface: "eth0", Address: prefix("192.0.2.9/24"), MAC: "52:54:00:70:73:03"},
		{Network: "far", Interface: "eth1", Address: prefix("198.51.100.1/24"), MAC: "52:54:00:70:81:03"}}}
	s := senders{}
	s.add(boot, boot)
	s.add(files, boot)
	s.add(relay, relay)
	far, near := relay.Links[1].MAC, relay.Links[0].MAC
	reply := func(serverID string) *event.DHCP {
		return &event.DHCP{Type: "OFFER", ServerID: serverID, GIAddr: "198.51.100.1", Relayed: true}
	}
	for _, c := range []struct {
		name   string
		packet event.Packet
		want   string
	}{
		{"a server itself", event.Packet{SrcMAC: boot.MAC, Src: "192.0.2.1:67"}, "boot"},
		{"another process of its host", event.Packet{SrcMAC: boot.MAC, Src: "192.0.2.1:69"}, "files"},
		{"a relayed reply", event.Packet{SrcMAC: far, Src: "198.51.100.1:67", DHCP: reply("192.0.2.1")}, "boot via relay"},
		{"a relayed reply whose server goes by the relay's address", event.Packet{SrcMAC: far, Src: "198.51.100.1:67", DHCP: reply("198.51.100.1")}, "relay"},
		{"a relayed reply of a server that is not of the lab", event.Packet{SrcMAC: far, Src: "198.51.100.1:67", DHCP: reply("10.0.0.1")}, "relay"},
		{"a client's request to a server, relayed", event.Packet{SrcMAC: near, Src: "198.51.100.1:67",
			DHCP: &event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1", GIAddr: "198.51.100.1", Relayed: true}}, "relay"},
		{"a routed transfer", event.Packet{SrcMAC: far, Src: "192.0.2.1:40000", TFTP: &event.TFTP{Op: "DATA"}}, "files via relay"},
		{"a routed error", event.Packet{SrcMAC: far, Src: "192.0.2.1"}, "boot via relay"},
		{"of the relay itself", event.Packet{SrcMAC: far, Src: "198.51.100.1"}, "relay"},
		{"without addresses", event.Packet{SrcMAC: near}, "relay"},
		{"a guest", event.Packet{SrcMAC: "52:54:00:70:78:01", Src: "192.0.2.1:67"}, ""},
	} {
		service, via := s.origin(c.packet)
		if got := strings.TrimSuffix(service+" via "+via, " via "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", 3*maxLogLine)
	var got []string
	eachLine(strings.NewReader("one\n\n"+long+"\r\ntwo\xff\nlast"), func(s string) { got = append(got, s) })
	want := []string{"one", "", long[:maxLogLine], "two\uFFFD", "last"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
}
