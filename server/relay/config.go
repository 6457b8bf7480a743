// Package relay is a DHCP and BOOTP relay agent (RFC 1542, RFC 3046).
//
// Forward and Return are the whole of its judgement: they turn the octets of one message into those to send, and say
// why. Everything that a relay may not touch stays as it came. Relay is the thin shell of sockets around them.
package relay

import (
	"net"
	"net/netip"
)

// DefaultMaxHops is RFC 1542's default for the hops a request may have made (section 4.1.1).
const DefaultMaxHops = 4

// Port is where relays listen, for requests and for replies (RFC 1542 section 4.1).
const Port = 67

// Config is one relay agent's configuration, already checked.
type Config struct {
	Links    []Link       // every interface it listens on
	Servers  []netip.Addr // each gets every request: several DHCP servers, or one and a proxyDHCP service
	MaxHops  int          // zero means DefaultMaxHops
	MinSecs  int          // a request is relayed once its secs field says so many seconds
	Option82 Policy       // empty means Add

	// LinkSelection puts the relay's address on the servers' side into giaddr, for servers that have no route to the
	// clients' network, and says which network that is by option 82.5 (RFC 3527).
	LinkSelection bool
	// ServerOverride has servers give the relay's address as their identifier (option 82.11, RFC 5107), so that clients
	// renew through the relay.
	ServerOverride bool
}

// Link is one interface of the relay.
type Link struct {
	Interface string           // its name is the circuit ID (option 82.1)
	Address   netip.Addr       // of the relay there
	MAC       net.HardwareAddr // of the interface: the remote ID (option 82.2)
	Clients   bool             // requests that arrive here are relayed; otherwise only replies are taken
}

// Policy says what becomes of option 82, the relay agent information.
type Policy string

// The policies. They differ in what is done with an option that a request brings along although no relay has had it
// (giaddr is zero): a client made it up, or a switch in between added it (RFC 3046 section 2.1).
const (
	Add     Policy = "add"     // add one; discard the request if it has one
	Append  Policy = "append"  // add one, or these sub-options behind those it has
	Replace Policy = "replace" // add one in place of what it has
	Keep    Policy = "keep"    // add one, or leave what it has: the circuit is trusted
	None    Policy = "none"    // add none
)

// Policies lists what Policy may be.
func Policies() []string {
	return []string{string(Add), string(Append), string(Replace), string(Keep), string(None)}
}

// Decision is what became of one message, and why.
type Decision struct {
	Client  string // MAC
	Request string // the message: "DHCPDISCOVER", "DHCPOFFER"
	Reply   string // "relayed"; empty when the message ends here
	Reason  string
	XID     string // 8 hex digits
	Address string // address given, of a reply
}

func (c *Config) maxHops() int {
	if c.MaxHops > 0 {
		return c.MaxHops
	}
	return DefaultMaxHops
}

// giaddr is what requests from a link carry: its address there, or with link selection that on the servers' side.
func (c *Config) giaddr(l *Link) netip.Addr {
	if c.LinkSelection {
		for _, up := range c.Links {
			if !up.Clients {
				return up.Address
			}
		}
	}
	return l.Address
}

// owns tells whether an address is one of the relay's.
func (c *Config) owns(a netip.Addr) bool {
	for _, l := range c.Links {
		if l.Address == a {
			return true
		}
	}
	return false
}
