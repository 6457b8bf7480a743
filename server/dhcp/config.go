// Package dhcp is a DHCP server (RFC 2131) that can tell network boot clients what to boot.
//
// Answer is the whole of its judgement: a request, the configuration, the leases and the time give at most one reply
// and the reason. Server is the thin shell of sockets around it.
package dhcp

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pxelab/pxelab/server/pxe"
)

// DefaultLease is the lease time when the configuration names none.
const DefaultLease = time.Hour

// Config is one DHCP server's configuration, already checked: every address is IPv4.
type Config struct {
	Address      netip.Prefix  // the server's own address (option 54) and its subnet
	First, Last  netip.Addr    // pool, both ends included; both zero when there are reservations only
	Lease        time.Duration // zero means DefaultLease
	Router       netip.Addr    // option 3; zero sends none
	DNS          []netip.Addr  // option 6
	Pools        []Pool        // for clients on other networks, behind relay agents
	Reservations []Reservation
	Boot         *Boot      // nil: no boot file except those of reservations
	PXE          *pxe.Offer // nil: PXE clients are told a file at most, as BOOTP clients always were

	there netip.Prefix // the network of a Pool that First, Last and Router were taken from
}

// Reservation ties an address, a boot file or both to the client with this MAC or this UUID.
type Reservation struct {
	MAC     net.HardwareAddr // nil: named by UUID
	UUID    pxe.UUID
	Address netip.Addr
	File    string
}

// Boot is what a network boot client is told.
type Boot struct {
	NextServer netip.Addr        // siaddr; zero means the server's own address
	Files      map[string]string // architecture name to boot file
	IPXE       map[string]string // the same for iPXE; an architecture not named here falls back to Files
	HTTP       map[string]string // architecture name to URI, for UEFI HTTP boot
	Default    string            // for an architecture that Files does not name
	NoProxy    bool              // tell iPXE not to wait for a proxyDHCP offer
}

// lease gives the lease time to hand out.
func (c *Config) lease() time.Duration {
	if c.Lease > 0 {
		return c.Lease
	}
	return DefaultLease
}

// reserved gives the address and the boot file reserved for a client: each from the first reservation that has one,
// those by MAC before those by UUID.
func (c *Config) reserved(mac net.HardwareAddr, uuid pxe.UUID) (addr netip.Addr, file string) {
	take := func(r Reservation) {
		if !addr.IsValid() {
			addr = r.Address
		}
		if file == "" {
			file = r.File
		}
	}
	for _, r := range c.Reservations {
		if len(mac) > 0 && slices.Equal(r.MAC, mac) {
			take(r)
		}
	}
	for _, r := range c.Reservations {
		if r.MAC == nil && !uuid.IsZero() && (r.UUID == uuid || r.UUID == uuid.BigEndian()) {
			take(r)
		}
	}
	return addr, file
}

// inPool reports whether an address may be given to a client that has no reservation.
func (c *Config) inPool(a netip.Addr) bool {
	if !c.First.IsValid() || a.Less(c.First) || c.Last.Less(a) || a == c.Address.Addr() {
		return false
	}
	return !slices.ContainsFunc(c.Reservations, func(r Reservation) bool { return r.Address == a })
}
