// Package lease remembers who has which address, for DHCP servers of either family.
package lease

import (
	"net/netip"
	"time"
)

const (
	// OfferTime is how long an offered address waits for its request. EDK2 takes offers for 4 to 32 s.
	OfferTime = 60 * time.Second
	// DeclineTime is how long an address that a client found in use is kept from everyone.
	DeclineTime = 10 * time.Minute
)

type state int

const (
	offered state = iota
	bound
	released // remembered, so that its client gets the same address again while nobody else needs it
	declined // belongs to nobody
)

type lease struct {
	key   string
	addr  netip.Addr
	state state
	until time.Time
}

// holds reports whether the lease keeps its address from other clients.
func (l *lease) holds(now time.Time) bool {
	return l != nil && l.state != released && now.Before(l.until)
}

// Table is the memory of a server. A client is known by a key, and has one address at a time. Everything is kept in
// memory only, because a write to disk before each reply is slow enough for a time-warped guest to retransmit; for the
// same reason no address is pinged before it is offered, and a client that finds it in use declines it. After a restart
// clients renew what they have. Not safe for concurrent use.
type Table struct {
	byKey  map[string]*lease
	byAddr map[netip.Addr]*lease
	fresh  map[netip.Addr]netip.Addr // by first address of a pool: none of its addresses below has never been given
}

// NewTable gives an empty memory.
func NewTable() *Table {
	return &Table{byKey: map[string]*lease{}, byAddr: map[netip.Addr]*lease{}, fresh: map[netip.Addr]netip.Addr{}}
}

// Of gives the address of which there is a record for the client, also of a lease that has ended.
func (t *Table) Of(key string) (a netip.Addr, known bool) {
	if l := t.byKey[key]; l != nil {
		return l.addr, true
	}
	return netip.Addr{}, false
}

// Free reports whether the client may be given the address now, whatever pool it is of.
func (t *Table) Free(key string, a netip.Addr, now time.Time) bool {
	l := t.byAddr[a]
	return !l.holds(now) || (l.key == key && l.state != declined)
}

// Offer keeps an address for a client until its request comes. A lease that it already has stays as it is.
func (t *Table) Offer(key string, a netip.Addr, now time.Time) {
	if l := t.byKey[key]; l != nil && l.addr == a && l.state == bound && l.holds(now) {
		return
	}
	t.put(&lease{key: key, addr: a, state: offered, until: now.Add(OfferTime)})
}

// Bind gives an address to a client.
func (t *Table) Bind(key string, a netip.Addr, until time.Time) {
	t.put(&lease{key: key, addr: a, state: bound, until: until})
}

// put replaces what was known of the client and of the address.
func (t *Table) put(l *lease) {
	if old := t.byKey[l.key]; old != nil && old.addr != l.addr {
		old.state, old.key = released, ""
	}
	if old := t.byAddr[l.addr]; old != nil && t.byKey[old.key] == old {
		delete(t.byKey, old.key)
	}
	t.byAddr[l.addr] = l
	t.byKey[l.key] = l
}

// ForgetOffer frees what was offered to a client but not leased, and reports whether there was such an offer.
func (t *Table) ForgetOffer(key string, now time.Time) bool {
	return t.end(t.byKey[key], offered, now)
}

// Release ends a client's lease of the address and reports whether it had one.
func (t *Table) Release(key string, a netip.Addr, now time.Time) bool {
	l := t.byKey[key]
	return l != nil && l.addr == a && t.end(l, bound, now)
}

// end frees the address of a lease that is in this state.
func (t *Table) end(l *lease, from state, now time.Time) bool {
	if l == nil || l.state != from {
		return false
	}
	l.state, l.until = released, now
	return true
}

// Gave reports whether the client has the address and has not given it back.
func (t *Table) Gave(key string, a netip.Addr) bool {
	l := t.byKey[key]
	return l != nil && l.addr == a && l.state != released
}

// Decline keeps an address that the client found in use from everyone for DeclineTime, and reports whether there was a
// record of it.
func (t *Table) Decline(key string, a netip.Addr, now time.Time) bool {
	l := t.byKey[key]
	if l == nil || l.addr != a {
		return false
	}
	delete(t.byKey, key)
	l.key, l.state, l.until = "", declined, now.Add(DeclineTime)
	return true
}
