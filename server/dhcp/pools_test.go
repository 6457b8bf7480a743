package dhcp

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// farther adds two networks behind relays.
func farther(c *Config) {
	c.Pools = []Pool{
		{Subnet: netip.MustParsePrefix("198.51.100.0/25"), First: ip("198.51.100.100"), Last: ip("198.51.100.101"), Router: ip("198.51.100.1")},
		{Subnet: netip.MustParsePrefix("203.0.113.0/24"), First: ip("203.0.113.10"), Last: ip("203.0.113.10")},
	}
	c.Reservations = []Reservation{{MAC: mac(8), Address: ip("198.51.100.8"), File: "eight.0"}}
}

// sub82 is an option 82 of these sub-options.
func sub82(sub ...byte) set { return opt(82, sub...) }

// TestPools: which network a client is on decides what it is given there.
func TestPools(t *testing.T) {
	link := sub82(1, 2, 'e', '1', 5, 4, 198, 51, 100, 1) // circuit, link selection
	override := sub82(11, 4, 198, 51, 100, 1)            // server identifier override
	called := optAddr(54, ip("198.51.100.1"))            // what the client then says
	far, farther2, unknown := giaddr("198.51.100.1"), giaddr("203.0.113.1"), giaddr("10.0.0.1")
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"by giaddr", []step{
			{message(discover, 1, far), 0, "OFFER 198.51.100.100 - 198.51.100.1:67", "next free address"},
			{message(discover, 2, farther2, broadcast), 0, "OFFER 203.0.113.10 - 203.0.113.1:67", ""},
			{message(discover, 3, broadcast), 0, "OFFER 192.0.2.100 - " + bc, ""},
			{message(request, 1, far, ours, want50("198.51.100.100")), 0, "ACK 198.51.100.100 - 198.51.100.1:67", "it chose this server"},
			{message(discover, 4, far), 0, "OFFER 198.51.100.101 - 198.51.100.1:67", "next free address"},
			{message(discover, 5, far), 0, "silent", "no address is free"},
			{message(discover, 6, unknown), 0, "silent", "ignored: relayed from 10.0.0.1, a network this server has no addresses for"},
		}},
		{"a pool of another network refuses", []step{
			{message(request, 1, far, ours, want50("192.0.2.100")), 0, "NAK - - 198.51.100.1:67", "192.0.2.100 is not in this server's pool"},
			{message(request, 1, far, want50("192.0.2.100")), 0, "NAK - - 198.51.100.1:67", "192.0.2.100 is not on this network"},
			{message(request, 1, ours, want50("198.51.100.100"), broadcast), 0, "NAK - - " + bc, "is not in this server's pool"},
		}},
		{"a machine that moves", []step{
			{message(request, 1, far, ours, want50("198.51.100.100")), 0, "ACK 198.51.100.100 - 198.51.100.1:67", ""},
			{message(discover, 1, broadcast), 0, "OFFER 192.0.2.100 - " + bc, "next free address"},
			{message(discover, 2, far, want50("198.51.100.100")), 0, "OFFER 198.51.100.100 - 198.51.100.1:67", "the address it asked for"},
		}},
		{"link selection is stronger than giaddr", []step{
			{message(discover, 1, giaddr("192.0.2.9"), link), 0, "OFFER 198.51.100.100 - 192.0.2.9:67", ""},
			{message(discover, 2, giaddr("192.0.2.9"), sub82(5, 4, 10, 0, 0, 1)), 0, "silent", "ignored: its link is 10.0.0.1 (option 82.5), a network"},
			{message(discover, 3, giaddr("192.0.2.9"), sub82(5, 9, 10)), 0, "OFFER 192.0.2.100 - 192.0.2.9:67", ""},
			{message(discover, 4, broadcast, link), 0, "OFFER 192.0.2.101 - " + bc, ""}, // no relay: nobody may choose a network
		}},
		{"the relay as server", []step{
			{message(discover, 1, far, override), 0, "OFFER 198.51.100.100 - 198.51.100.1:67", ""},
			{message(request, 1, far, override, called, want50("198.51.100.100")), 0, "ACK 198.51.100.100 - 198.51.100.1:67", "it chose this server"},
			{message(request, 1, far, called, want50("198.51.100.100")), 0, "silent", "it chose server 198.51.100.1"},
			{message(request, 2, override, called, want50("192.0.2.100")), 0, "silent", "it chose server 198.51.100.1"},
		}},
		{"renewed through a router", []step{
			{message(request, 1, far, ours, want50("198.51.100.100")), 0, "ACK 198.51.100.100 - 198.51.100.1:67", ""},
			{message(request, 1, ciaddr("198.51.100.100"), from("198.51.100.100:68")), 0, "ACK 198.51.100.100 - 198.51.100.100:68", "renewed"},
			{message(request, 1, ciaddr("198.51.100.100"), broadcast), 0, "silent", "not on this network"},
			{message(inform, 1, ciaddr("198.51.100.100"), from("198.51.100.100:68")), 0, "ACK - - 198.51.100.100:68", ""},
		}},
		{"reservations hold on their own network", []step{
			{message(discover, 8, far, arch(0, 0)), 0, "OFFER 198.51.100.8 eight.0 198.51.100.1:67", "address reserved for it"},
			{message(discover, 8, broadcast, arch(0, 0)), 0, "OFFER 192.0.2.100 eight.0 " + bc, "next free address"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, leases := testConfig(), NewLeases()
			farther(cfg)
			for i, s := range c.steps {
				r, d := Answer(s.req, cfg, leases, t0)
				if got := outcome(r, d); got != s.want || !strings.Contains(d.Reason, s.reason) {
					t.Fatalf("step %d, %s:\n got %s (%s)\nwant %s (%s)", i, d.Request, got, d.Reason, s.want, s.reason)
				}
			}
		})
	}
}

// TestRelayedReply holds what depends on the network, and option 82, to the octet.
func TestRelayedReply(t *testing.T) {
	cfg := testConfig()
	farther(cfg)
	info := []byte{1, 4, 'e', 't', 'h', '1', 2, 6, 2, 0, 0, 0, 0, 9, 11, 4, 198, 51, 100, 1, 151, 0}
	r, _ := Answer(message(discover, 1, giaddr("198.51.100.1"), opt(82, info...), arch(0, 7)), cfg, NewLeases(), t0)
	if r == nil {
		t.Fatal("no reply")
	}
	o := r.Packet.Options
	for code, want := range map[uint8][]byte{1: {255, 255, 255, 128}, 3: {198, 51, 100, 1}, 54: {198, 51, 100, 1}, 82: info} {
		if diff := cmp.Diff(want, o[code]); diff != "" {
			t.Errorf("option %d (- want, + got):\n%s", code, diff)
		}
	}
	if r.Packet.GatewayIPAddr.String() != "198.51.100.1" || r.Packet.ServerIPAddr.String() != "192.0.2.1" || r.MAC != nil {
		t.Errorf("giaddr %s, siaddr %s, station %s", r.Packet.GatewayIPAddr, r.Packet.ServerIPAddr, r.MAC)
	}
	// The last option before the end (RFC 3046 section 2.1 has relays look for it there).
	want := append(append([]byte{82, byte(len(info))}, info...), 255)
	if wire := bytes.TrimRight(r.Packet.ToBytes(), "\x00"); !bytes.HasSuffix(wire, want) {
		t.Errorf("the reply ends in % x, want % x", wire[len(wire)-len(want):], want)
	}
}
