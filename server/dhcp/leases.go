package dhcp

import (
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/server/lease"
)

// Leases is the memory of a server: who has which address.
//
// The key of a lease is the hardware address, not the client identifier that RFC 2131 section 4.2 prefers: one guest's
// firmware, boot program and system send different identifiers, or none (iPXE sends option 61, EDK2 does not), and
// would take one address each. A client without a hardware address is known by its identifier.
type Leases struct{ *lease.Table }

// NewLeases gives an empty memory.
func NewLeases() *Leases { return &Leases{lease.NewTable()} }

// choose picks the address to offer (RFC 2131 section 4.3.1) and says why; fixed is the client's reserved address and
// wish its option 50, either may be zero. An invalid address means that there is none left.
func (ls *Leases) choose(key string, c *Config, fixed, wish netip.Addr, now time.Time) (netip.Addr, string) {
	if fixed.IsValid() && ls.Free(key, fixed, now) {
		return fixed, "address reserved for it"
	}
	return ls.Choose(key, lease.Pool{First: c.First, Last: c.Last, Has: c.inPool}, now, wish)
}
