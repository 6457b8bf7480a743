package dhcp

import (
	"fmt"
	"net/netip"
)

// Pool is what a server gives on a network other than its own: to clients behind a relay agent.
type Pool struct {
	Subnet      netip.Prefix
	First, Last netip.Addr // both ends included
	Router      netip.Addr // option 3; zero sends none
}

// Sub-options of option 82 that change what a server does. All others only come back as sent.
const (
	relayLinkSelection    = 5  // RFC 3527: the client's network, where giaddr tells only how to reach the relay
	relayServerIDOverride = 11 // RFC 5107: what the client is to take for its server, so that it renews through the relay
)

// locate finds which network the client is on, and so what the server gives and calls itself there. A relay says it by
// option 82.5 or giaddr (RFC 2131 section 4.3.1). Without a relay it is the server's own network, except for the
// unicast of a client that has an address already and whose datagram came through a router: renewal, release, inform.
func (x *exchange) locate() {
	own := x.cfg.Address.Addr()
	x.serverID, x.fixed, x.file = own, netip.Addr{}, ""
	p := x.req.Packet
	link, where := addrField(p.GatewayIPAddr), "relayed from %s"
	if link.IsValid() {
		sub := subOptions(p.Options[optRelayInfo])
		if a := addrOf(sub[relayLinkSelection]); a.IsValid() {
			link, where = a, "its link is %s (option 82.5)"
		}
		if a := addrOf(sub[relayServerIDOverride]); a.IsValid() {
			x.serverID = a
		}
	}
	switch ciaddr := addrField(p.ClientIPAddr); {
	case link.IsValid():
		cfg := x.cfg.on(link)
		if cfg == nil {
			x.stray = fmt.Sprintf(where+", a network this server has no addresses for", link)
			return
		}
		x.cfg = cfg
	case ciaddr.IsValid() && x.req.From.Addr() == ciaddr:
		if cfg := x.cfg.on(ciaddr); cfg != nil {
			x.cfg = cfg
		}
	}
	x.fixed, x.file = x.cfg.reserved(x.req.mac(), x.req.Client.UUID)
	if !x.cfg.subnet().Contains(x.fixed) { // reserved on another network
		x.fixed = netip.Addr{}
	}
}

// on gives the configuration as it is for clients on the network of an address; nil if the server has nothing for them.
func (c *Config) on(link netip.Addr) *Config {
	if c.Address.Contains(link) {
		return c
	}
	for _, p := range c.Pools {
		if p.Subnet.Contains(link) {
			there := *c
			there.there, there.First, there.Last, there.Router = p.Subnet, p.First, p.Last, p.Router
			return &there
		}
	}
	return nil
}

// subnet is the network that the configuration is for.
func (c *Config) subnet() netip.Prefix {
	if c.there.IsValid() {
		return c.there
	}
	return c.Address
}

// names reports whether a server identifier (option 54) means this server: its own address, or the one that the
// client's relay has it go by.
func (x *exchange) names(id netip.Addr) bool {
	return id == x.serverID || id == x.cfg.Address.Addr()
}

// subOptions reads option 82 (RFC 3046 section 2.0); a malformed one has none.
func subOptions(v []byte) map[uint8][]byte {
	sub := map[uint8][]byte{}
	for len(v) > 0 {
		if len(v) < 2 || len(v) < 2+int(v[1]) {
			return nil
		}
		sub[v[0]] = v[2 : 2+int(v[1])]
		v = v[2+int(v[1]):]
	}
	return sub
}

// addrOf reads a value that holds exactly one IPv4 address that a host can have; zero if it does not.
func addrOf(v []byte) netip.Addr {
	if len(v) != 4 || [4]byte(v) == [4]byte{} {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(v))
}
