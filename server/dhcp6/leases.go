package dhcp6

import (
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/server/lease"
)

// Leases is the memory of a server: who has which address. Its key is one identity association: a client's DUID and one
// IAID of its. One association has one address.
type Leases struct{ *lease.Table }

// NewLeases gives an empty memory.
func NewLeases() *Leases { return &Leases{lease.NewTable()} }

// mayHave reports whether an association may be given the address now.
func (ls *Leases) mayHave(key string, a netip.Addr, c *Config, now time.Time) bool {
	return c.inPool(a) && ls.Free(key, a, now)
}

// choose picks an address for an association and says why; wishes are the addresses it names itself (RFC 8415 section
// 18.3.1). An invalid address means that there is none left.
func (ls *Leases) choose(key string, wishes []netip.Addr, c *Config, now time.Time) (netip.Addr, string) {
	return ls.Choose(key, lease.Pool{First: c.First, Last: c.Last, Has: c.inPool}, now, wishes...)
}
