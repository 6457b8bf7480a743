package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// TestExcuses: what a program that is not ours writes of a machine that it did not answer is the explanation of that machine's boot,
// and of no other's.
func TestExcuses(t *testing.T) {
	const mine, other = "52:54:00:70:78:01", "52:54:00:70:78:09"
	for _, c := range []struct{ name, program, line, says string }{
		{"dnsmasq", "dnsmasq", "dnsmasq-dhcp: no address range available for DHCP request via 198.51.100.1", "add a dhcp-range of the network that this relay is on"},
		{"dnsmasq, of another relay", "dnsmasq", "dnsmasq-dhcp: no address range available for DHCP request via 203.0.113.1", ""},
		{"dnsmasq, of its own network", "dnsmasq", "dnsmasq-dhcp: no address range available for DHCP request via eth0", ""},
		{"dnsmasq, none left", "dnsmasq", "dnsmasq-dhcp: 123 DHCPDISCOVER(eth0) " + mine + " no address available", "widen dhcp-range"},
		{"dnsmasq, none left for another", "dnsmasq", "dnsmasq-dhcp: DHCPDISCOVER(eth0) " + other + " no address available", ""},
		{"dnsmasq, told to", "dnsmasq", "dnsmasq-dhcp: DHCPDISCOVER(eth0) " + mine + " ignored", "give it a dhcp-host"},
		{"dhcpd", "dhcpd", "DHCPDISCOVER from " + mine + " via 198.51.100.1: unknown network segment", "declare the network that this relay is on"},
		{"dhcpd, to another", "dhcpd", "DHCPDISCOVER from " + other + " via 198.51.100.1: unknown network segment", ""},
		{"dhcpd, none left", "dhcpd", "DHCPDISCOVER from " + mine + " via 198.51.100.1: network 198.51.100.0/24: no free leases", "widen range in that subnet"},
		{"Kea", "kea-dhcp4", "ERROR [kea-dhcp4.bad-packets/34.1] DHCP4_PACKET_NAK_0001 [hwtype=1 " + mine + "], cid=[no info], tid=0x1: failed to select a subnet for incoming packet, src 192.0.2.9, type DHCPDISCOVER", `to "subnet4"`},
		{"Kea, none left", "kea-dhcp4", "WARN [kea-dhcp4.alloc-engine/34.1] ALLOC_ENGINE_V4_ALLOC_FAIL [hwtype=1 " + mine + "], cid=[no info], tid=0x1: failed to allocate an IPv4 lease", `widen the "pools"`},
		{"another program with those words", "udhcpd", "DHCPDISCOVER from " + mine + " via 198.51.100.1: unknown network segment", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := farPlan(stops(event.StageDiscover, "no-offer")...)
			p.Services[0].Server, p.Services[0].Exec = nil, &plan.Exec{Argv: []string{"/usr/sbin/" + c.program}}
			s := newScript(p, "bios").firmware().discovers(1).add(event.Event{Kind: event.ServiceLog, Service: "dhcp", Text: c.line})
			v := verdictsOf("bios", Judge(p, s.discovers(3).fails("Nothing to boot").events))[0]
			if heard := strings.Contains(v.Sentence, `service "dhcp" heard it and says`); !v.Pass || heard != (c.says != "") || !strings.Contains(v.Sentence, c.says) {
				t.Errorf("pass %v: %s\nwant %q", v.Pass, v.Sentence, c.says)
			}
		})
	}
}

// TestAstray: an answer to a relay that was sent by broadcast on the server's own network is why the machine had none; one that was
// sent to the relay, or to another machine, is not.
func TestAstray(t *testing.T) {
	const mine, lost = "52:54:00:70:78:01", "by broadcast on its own network"
	for _, c := range []struct {
		name, network, dst, giaddr, chaddr string
		lost                               bool
	}{
		{"by broadcast", "lan", "255.255.255.255:68", "198.51.100.1", mine, true},
		{"to the relay", "lan", "198.51.100.1:67", "198.51.100.1", mine, false},
		{"to another machine", "lan", "255.255.255.255:68", "198.51.100.1", "52:54:00:70:78:09", false},
		{"not relayed", "lan", "255.255.255.255:68", "", mine, false},
		{"where the machine is", "far", "255.255.255.255:68", "198.51.100.1", mine, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := farPlan(stops(event.StageDiscover, "no-offer")...)
			s := newScript(p, "bios").firmware().discovers(1).add(event.Event{Kind: event.PacketSeen, Network: c.network, Watched: "dhcp", Service: "dhcp",
				Packet: &event.Packet{FromGuest: true, Src: "192.0.2.1:67", Dst: c.dst, Proto: "dhcp", DHCP: &event.DHCP{Type: "OFFER", CHAddr: c.chaddr, GIAddr: c.giaddr}}})
			v := verdictsOf("bios", Judge(p, s.discovers(3).fails("Nothing to boot").events))[0]
			if !v.Pass || strings.Contains(v.Sentence, lost) != c.lost {
				t.Errorf("pass %v: %s\nwant %v of %q", v.Pass, v.Sentence, c.lost, lost)
			}
		})
	}
}
