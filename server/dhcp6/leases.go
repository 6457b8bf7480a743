package dhcp6

import (
	"net/netip"
	"time"
)

const (
	offerTime   = time.Minute      // how long an advertised address waits for its REQUEST
	declineTime = 10 * time.Minute // how long an address that a client found in use is kept from everyone
)

type state int

const (
	released state = iota // free; remembered so that the client gets the same address again
	offered
	bound
	declined
)

// lease is what one identity association (a client's DUID and one IAID of its) has of one address.
type lease struct {
	key   string
	addr  netip.Addr
	state state
	until time.Time
}

// holds reports whether the lease keeps its address from others.
func (l *lease) holds(now time.Time) bool {
	return l != nil && l.state != released && now.Before(l.until)
}

// Leases remembers who has which address, in memory only: after a restart clients renew what they have. One
// association has one address. Not safe for concurrent use.
type Leases struct {
	byKey  map[string]*lease
	byAddr map[netip.Addr]*lease
	fresh  netip.Addr // no pool address below it has never been given
}

// NewLeases gives an empty memory.
func NewLeases() *Leases {
	return &Leases{byKey: map[string]*lease{}, byAddr: map[netip.Addr]*lease{}}
}

// mayHave reports whether an association may be given the address now.
func (ls *Leases) mayHave(key string, a netip.Addr, c *Config, now time.Time) bool {
	l := ls.byAddr[a]
	return c.inPool(a) && (!l.holds(now) || l.key == key && l.state != declined)
}

// choose picks an address for an association and says why; wishes are the addresses it names itself (RFC 8415 section
// 18.3.1). An invalid address means that there is none left.
func (ls *Leases) choose(key string, wishes []netip.Addr, c *Config, now time.Time) (netip.Addr, string) {
	if l := ls.byKey[key]; l != nil && ls.mayHave(key, l.addr, c, now) {
		return l.addr, "the address it had before"
	}
	for _, a := range wishes {
		if ls.mayHave(key, a, c, now) {
			return a, "the address it asked for"
		}
	}
	if a := ls.neverGiven(c); a.IsValid() {
		return a, "next free address"
	}
	if a := ls.longestIdle(c, now); a.IsValid() {
		return a, "the address idle longest"
	}
	return netip.Addr{}, "no address is free"
}

// neverGiven finds the lowest pool address that nobody ever had.
func (ls *Leases) neverGiven(c *Config) netip.Addr {
	if !ls.fresh.IsValid() {
		ls.fresh = c.First
	}
	for ; ls.fresh.IsValid() && !c.Last.Less(ls.fresh); ls.fresh = ls.fresh.Next() {
		if ls.byAddr[ls.fresh] == nil && c.inPool(ls.fresh) {
			return ls.fresh
		}
	}
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

// offer keeps an address for an association until its REQUEST comes. A lease that it already has stays as it is.
func (ls *Leases) offer(key string, a netip.Addr, now time.Time) {
	if l := ls.byKey[key]; l != nil && l.addr == a && l.state == bound && l.holds(now) {
		return
	}
	ls.put(&lease{key: key, addr: a, state: offered, until: now.Add(offerTime)})
}

// bind gives an address to an association.
func (ls *Leases) bind(key string, a netip.Addr, until time.Time) {
	ls.put(&lease{key: key, addr: a, state: bound, until: until})
}

// put replaces what was known of the association and of the address.
func (ls *Leases) put(l *lease) {
	if old := ls.byKey[l.key]; old != nil && old.addr != l.addr {
		old.state, old.key = released, ""
	}
	if old := ls.byAddr[l.addr]; old != nil && ls.byKey[old.key] == old {
		delete(ls.byKey, old.key)
	}
	ls.byAddr[l.addr] = l
	ls.byKey[l.key] = l
}

// forgetOffer frees what was advertised to an association but not leased, and reports whether there was such an offer.
func (ls *Leases) forgetOffer(key string, now time.Time) bool {
	l := ls.byKey[key]
	if l == nil || l.state != offered {
		return false
	}
	l.state, l.until = released, now
	return true
}

// release ends an association's lease of the address and reports whether it had one.
func (ls *Leases) release(key string, a netip.Addr, now time.Time) bool {
	l := ls.byKey[key]
	if l == nil || l.addr != a || l.state != bound {
		return false
	}
	l.state, l.until = released, now
	return true
}

// decline keeps an address that the client found in use from everyone for a while.
func (ls *Leases) decline(key string, a netip.Addr, now time.Time) bool {
	l := ls.byKey[key]
	if l == nil || l.addr != a || l.state == released {
		return false
	}
	delete(ls.byKey, key)
	l.key, l.state, l.until = "", declined, now.Add(declineTime)
	return true
}
