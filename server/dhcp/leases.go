package dhcp

import (
	"net/netip"
	"time"
)

const (
	// offerTime is how long an offered address waits for its DHCPREQUEST. EDK2 takes offers for 4 to 32 s.
	offerTime = 60 * time.Second
	// declineTime is how long an address that a client found in use is kept from everyone.
	declineTime = 10 * time.Minute
)

type leaseState int

const (
	offered leaseState = iota
	bound
	released // remembered, so that its client gets the same address again while nobody else needs it
	declined // belongs to nobody
)

type lease struct {
	key   string
	addr  netip.Addr
	state leaseState
	until time.Time
}

// holds reports whether the lease keeps its address from other clients.
func (l *lease) holds(now time.Time) bool {
	return l != nil && l.state != released && now.Before(l.until)
}

// Leases is the memory of a Server: who has which address. It is kept in memory only, because a write to disk before
// each reply is slow enough for a time-warped guest to retransmit; for the same reason no address is pinged before it
// is offered, and a client that finds it in use declines it. Not safe for concurrent use.
//
// The key of a lease is the hardware address, not the client identifier that RFC 2131 section 4.2 prefers: one guest's
// firmware, boot program and system send different identifiers, or none (iPXE sends option 61, EDK2 does not), and
// would take one address each. A client without a hardware address is known by its identifier.
type Leases struct {
	byClient map[string]*lease
	byAddr   map[netip.Addr]*lease
	fresh    map[netip.Addr]netip.Addr // by first address of a pool: none of its addresses below has never been given
}

// NewLeases gives an empty memory.
func NewLeases() *Leases {
	return &Leases{byClient: map[string]*lease{}, byAddr: map[netip.Addr]*lease{}, fresh: map[netip.Addr]netip.Addr{}}
}

// mayHave reports whether the client may be given the address now, whatever it is reserved for.
func (ls *Leases) mayHave(key string, a netip.Addr, now time.Time) bool {
	l := ls.byAddr[a]
	return !l.holds(now) || (l.key == key && l.state != declined)
}

// choose picks the address to offer (RFC 2131 section 4.3.1) and says why; fixed is the client's reserved address and
// wish its option 50, either may be zero. An invalid address means that there is none left.
func (ls *Leases) choose(key string, c *Config, fixed, wish netip.Addr, now time.Time) (netip.Addr, string) {
	if fixed.IsValid() && ls.mayHave(key, fixed, now) {
		return fixed, "address reserved for it"
	}
	if l := ls.byClient[key]; l != nil && c.inPool(l.addr) && ls.mayHave(key, l.addr, now) {
		return l.addr, "the address it had before"
	}
	if wish.IsValid() && c.inPool(wish) && ls.mayHave(key, wish, now) {
		return wish, "the address it asked for"
	}
	if a := ls.neverGiven(c); a.IsValid() {
		return a, "next free address"
	}
	if a := ls.longestIdle(c, now); a.IsValid() {
		return a, "the address idle longest"
	}
	return netip.Addr{}, "no address is free"
}

// neverGiven finds the lowest pool address that no client ever had.
func (ls *Leases) neverGiven(c *Config) netip.Addr {
	if !c.First.IsValid() {
		return netip.Addr{}
	}
	a, begun := ls.fresh[c.First]
	if !begun {
		a = c.First
	}
	for ; a.IsValid() && !c.Last.Less(a); a = a.Next() {
		if ls.byAddr[a] == nil && c.inPool(a) {
			ls.fresh[c.First] = a
			return a
		}
	}
	ls.fresh[c.First] = a
	return netip.Addr{}
}

// longestIdle finds the pool address whose last lease ended first, the lowest of several.
func (ls *Leases) longestIdle(c *Config, now time.Time) netip.Addr {
	var best *lease
	for _, l := range ls.byAddr {
		if l.holds(now) || !c.inPool(l.addr) {
			continue
		}
		if best == nil || l.until.Before(best.until) || l.until.Equal(best.until) && l.addr.Less(best.addr) {
			best = l
		}
	}
	if best == nil {
		return netip.Addr{}
	}
	return best.addr
}

// offer keeps an address for a client until its request comes. A lease that it already has stays as it is.
func (ls *Leases) offer(key string, a netip.Addr, now time.Time) {
	if l := ls.byClient[key]; l != nil && l.addr == a && l.state == bound && l.holds(now) {
		return
	}
	ls.put(&lease{key: key, addr: a, state: offered, until: now.Add(offerTime)})
}

// bind gives an address to a client.
func (ls *Leases) bind(key string, a netip.Addr, until time.Time) {
	ls.put(&lease{key: key, addr: a, state: bound, until: until})
}

// put replaces what was known of the client and of the address.
func (ls *Leases) put(l *lease) {
	if old := ls.byClient[l.key]; old != nil && old.addr != l.addr {
		old.state = released
		old.key = ""
	}
	if old := ls.byAddr[l.addr]; old != nil && ls.byClient[old.key] == old {
		delete(ls.byClient, old.key)
	}
	ls.byAddr[l.addr] = l
	ls.byClient[l.key] = l
}

// forgetOffer frees what was offered to a client but not leased, and reports whether there was such an offer.
func (ls *Leases) forgetOffer(key string, now time.Time) bool {
	l := ls.byClient[key]
	if l == nil || l.state != offered {
		return false
	}
	l.state, l.until = released, now
	return true
}

// release ends a client's lease of the address and reports whether it had one.
func (ls *Leases) release(key string, a netip.Addr, now time.Time) bool {
	l := ls.byClient[key]
	if l == nil || l.addr != a || l.state != bound {
		return false
	}
	l.state, l.until = released, now
	return true
}

// decline keeps an address that the client found in use from everyone for a while.
func (ls *Leases) decline(key string, a netip.Addr, now time.Time) bool {
	l := ls.byClient[key]
	if l == nil || l.addr != a {
		return false
	}
	delete(ls.byClient, key)
	l.key, l.state, l.until = "", declined, now.Add(declineTime)
	return true
}
