// Package dhcp6 is a DHCPv6 server (RFC 8415) that can tell network boot clients what to boot (RFC 5970).
//
// Answer is the whole of its judgement: a request, the configuration, the leases and the time give at most one reply
// and the reason. Server is the thin shell of sockets around it. Relays, prefixes and temporary addresses are not
// served; who asks for one of the latter two is told so.
package dhcp6

import (
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// DefaultLease is the lease time when the configuration names none.
const DefaultLease = time.Hour

// Config is one DHCPv6 server's configuration, already checked: every address is IPv6.
type Config struct {
	Address     netip.Prefix  // the server's own address and its link's prefix
	First, Last netip.Addr    // pool, both ends included; both zero: configuration only, no addresses
	Lease       time.Duration // preferred and valid lifetime; zero means DefaultLease
	DNS         []netip.Addr  // option 23
	RapidCommit bool          // answer a SOLICIT that asks for it with a REPLY at once (option 14)
	ServerID    dhcpv6.DUID   // option 2; nil: Listen makes one of the interface's hardware address
	Boot        *Boot         // nil: this server has never heard of network boot
}

// Boot is what a network boot client is told.
type Boot struct {
	Server  netip.Addr        // TFTP server of files that are no URL; zero means the server's own address
	Files   map[string]string // architecture name to a file of the TFTP server, or to a whole URL
	IPXE    map[string]string // the same for iPXE; an architecture not named here falls back to Files
	HTTP    map[string]string // architecture name to URI, for UEFI HTTP boot; empty: it is told what Files says
	Default string            // for an architecture that Files does not name
	Params  []string          // option 60
}

// lease gives the lifetime to hand out.
func (c *Config) lease() time.Duration {
	if c.Lease > 0 {
		return c.Lease
	}
	return DefaultLease
}

// inPool reports whether an address may be given to a client.
func (c *Config) inPool(a netip.Addr) bool {
	return c.First.IsValid() && !a.Less(c.First) && !c.Last.Less(a) && a != c.Address.Addr()
}
