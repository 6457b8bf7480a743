package judge

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// farPlan moves the guest bios to a second network, where relay is; the DHCP server has addresses for it.
func farPlan(list ...topology.Expectation) *plan.Plan {
	p := expecting("bios", list...)
	a, prefix := netip.MustParseAddr, netip.MustParsePrefix
	p.Networks = append(p.Networks, plan.Network{Name: "far", Subnet: prefix("198.51.100.0/24")})
	p.Guests[0].Network = "far"
	p.Services[0].Server.DHCP.Pools = []server.PoolConfig{{Subnet: prefix("198.51.100.0/24"), First: a("198.51.100.100"), Last: a("198.51.100.199")}}
	p.Services = append(p.Services, plan.Service{Name: "relay", Network: "lan", Address: prefix("192.0.2.9/24"), MAC: "52:54:00:70:73:03",
		Links: []plan.Link{{Network: "lan", Interface: "eth0", Address: prefix("192.0.2.9/24")}, {Network: "far", Interface: "eth1", Address: prefix("198.51.100.1/24")}},
		Server: &server.Config{Relay: &server.RelayConfig{Servers: []netip.Addr{a("192.0.2.1")}, Links: []server.RelayLink{
			{Interface: "eth0", Address: a("192.0.2.9")}, {Interface: "eth1", Address: a("198.51.100.1"), Clients: true}}}}})
	return p
}

// relayed is the exchange by way of a relay that gives an address, which the guest then uses.
func relayed(s *script, address, via string) *script {
	offer := event.DHCP{Type: "OFFER", YIAddr: address, ServerID: "192.0.2.1", GIAddr: "198.51.100.1", Relayed: true}
	ack := offer
	ack.Type = "ACK"
	by := func(s *script) *script { s.events[len(s.events)-1].Via = via; return s }
	s = by(s.firmware().discovers(1).after(ms).receives("dhcp", offer))
	s = by(s.after(time.Second).sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1", Requested: address}).after(ms).receives("dhcp", ack))
	return s.packet("", event.Packet{Proto: "udp", Src: address + ":4000", Dst: "192.0.2.1:7777", Info: "udp"}).stalls(event.StageAddress)
}

func TestFromVia(t *testing.T) {
	address := func(from, via string) topology.Expectation {
		return topology.Expectation{Address: &topology.From{From: from, Via: via}}
	}
	offer := func(from, via string) topology.Expectation {
		return topology.Expectation{Offer: &topology.Offer{From: from, Via: via}}
	}
	for _, c := range []struct {
		name         string
		expect       topology.Expectation
		address, via string
		pass         bool
		says         string
	}{
		{"by the relay", address("dhcp", "relay"), "198.51.100.100", "relay", true, `got 198.51.100.100 from "dhcp" and used it`},
		{"whoever passed it on", address("dhcp", ""), "198.51.100.100", "relay", true, "used it"},
		{"not by a relay", address("dhcp", "relay"), "198.51.100.100", "", false, `from "dhcp", not from "dhcp" by way of "relay"`},
		{"from another server", address("tftp", "relay"), "198.51.100.100", "relay", false, `from "dhcp" by way of "relay", not from "tftp" by way of "relay"`},
		{"an address of the other network", address("dhcp", "relay"), "192.0.2.100", "relay", false, "neither in its range 198.51.100.100-198.51.100.199 nor reserved"},
		{"an offer by the relay", offer("dhcp", "relay"), "198.51.100.100", "relay", true, "took it"},
		{"an offer past the relay", offer("dhcp", "relay"), "198.51.100.100", "", false, `no offer from "dhcp" by way of "relay" reached bios (offers came from "dhcp")`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := farPlan(c.expect)
			v := verdictsOf("bios", Judge(p, relayed(newScript(p, "bios"), c.address, c.via).events))[0]
			if v.Pass != c.pass || !strings.Contains(v.Sentence, c.says) {
				t.Errorf("pass %v: %s\nwant %v, %q", v.Pass, v.Sentence, c.pass, c.says)
			}
		})
	}
	p := farPlan(address("dhcp", ""))
	p.Services[0].Server.DHCP.Pools = nil
	v := verdictsOf("bios", Judge(p, relayed(newScript(p, "bios"), "198.51.100.100", "relay").events))[0]
	if v.Pass || !strings.Contains(v.Sentence, `which has no addresses for network "far"`) {
		t.Errorf("%+v", v)
	}
}

// TestRelayHints: the verdict of a boot without an offer names what is missing between it and a server that there is.
func TestRelayHints(t *testing.T) {
	decides := func(role, service, reason string) func(*script) *script {
		return func(s *script) *script {
			return s.add(event.Event{Kind: event.ServerDecided, Service: service, Decision: &event.Decision{Role: role, Client: s.guest.MAC,
				Request: "DHCPDISCOVER", Reason: reason, XID: "0a0b0c0d"}})
		}
	}
	nothing := func(s *script) *script { return s }
	for _, c := range []struct {
		name   string
		change func(*plan.Plan)
		more   func(*script) *script
		says   string
	}{
		{"no relay", func(p *plan.Plan) { p.Services[2].Server = nil }, nothing,
			`service "dhcp" is on network "lan", and a router passes no broadcasts on: run a DHCP relay agent on network "far" that sends to 192.0.2.1`},
		{"a relay that sends elsewhere", func(p *plan.Plan) {
			p.Services[2].Server.Relay.Servers = []netip.Addr{netip.MustParseAddr("192.0.2.2")}
		}, nothing, `relay "relay" does not send to it: add 192.0.2.1 to the relay's servers`},
		{"a server without a pool", nil, decides("dhcp", "dhcp", "ignored: relayed from 198.51.100.1, a network this server has no addresses for"),
			`service "dhcp" heard it and stayed silent: ignored: relayed from 198.51.100.1, a network this server has no addresses for`},
		{"a relay that discards", nil, decides("relay", "relay", "discarded: it has made 5 hops"), `service "relay" heard it and stayed silent: discarded: it has made 5 hops`},
		{"no server at all", func(p *plan.Plan) { p.Services = nil }, nothing, `start a DHCP server on network "far" that gives addresses`},
		{"a server on the same network", func(p *plan.Plan) { p.Guests[0].Network = "lan" }, decides("relay", "relay", "ignored: it came over eth0"), `start a DHCP server on network "lan" that gives addresses`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := farPlan(stops(event.StageDiscover, "no-offer")...)
			if c.change != nil {
				c.change(p)
			}
			v := verdictsOf("bios", Judge(p, c.more(newScript(p, "bios").firmware().discovers(4)).fails("Nothing to boot").events))[0]
			if !v.Pass || !strings.Contains(v.Sentence, c.says) {
				t.Errorf("pass %v: %s\nwant %q", v.Pass, v.Sentence, c.says)
			}
		})
	}
}

// TestCalmBehindRelay: a warped boot that got no answer through a relay is not believed while the server owes a decision.
func TestCalmBehindRelay(t *testing.T) {
	boot := func(p *plan.Plan) *script {
		s := newScript(p, "bios")
		return s.power("bios", true).firmware().discovers(2)
	}
	p := farPlan()
	if calm, why := Calm(p, boot(p).fails("").events, "bios"); calm || !strings.Contains(why, `service "dhcp" had not answered DHCPDISCOVER`) {
		t.Errorf("calm %v, %s", calm, why)
	}
	p.Services[2].Server = nil // a router alone: nobody was asked
	if calm, why := Calm(p, boot(p).fails("").events, "bios"); !calm {
		t.Error(why)
	}
	p.Services[2].Exec = &plan.Exec{} // some program: it may be a relay
	if calm, _ := Calm(p, boot(p).fails("").events, "bios"); calm {
		t.Error("calm, although the program on both networks may be a relay")
	}
	p = farPlan()
	s := boot(p).add(event.Event{Kind: event.ServerDecided, Service: "dhcp", Decision: &event.Decision{Role: "dhcp", Client: p.Guests[0].MAC,
		Request: "DHCPDISCOVER", Reason: "ignored: relayed from elsewhere", XID: "0a0b0c0d"}})
	if calm, why := Calm(p, s.fails("").events, "bios"); !calm {
		t.Error(why)
	}
}
