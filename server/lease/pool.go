package lease

import (
	"net/netip"
	"time"
)

// Pool is a range of addresses to give, from First to Last without those that Has leaves out. Without a First it is empty.
type Pool struct {
	First, Last netip.Addr
	Has         func(netip.Addr) bool
}

// Choose picks the address to offer and says why: the one the client had before, one it wishes, one never given, the one
// idle longest. Wishes may be zero. An invalid address means that there is none left.
func (t *Table) Choose(key string, p Pool, now time.Time, wishes ...netip.Addr) (netip.Addr, string) {
	if l := t.byKey[key]; l != nil && p.Has(l.addr) && t.Free(key, l.addr, now) {
		return l.addr, "the address it had before"
	}
	for _, a := range wishes {
		if a.IsValid() && p.Has(a) && t.Free(key, a, now) {
			return a, "the address it asked for"
		}
	}
	if a := t.neverGiven(p); a.IsValid() {
		return a, "next free address"
	}
	if a := t.longestIdle(p, now); a.IsValid() {
		return a, "the address idle longest"
	}
	return netip.Addr{}, "no address is free"
}

// neverGiven finds the lowest pool address that no client ever had.
func (t *Table) neverGiven(p Pool) netip.Addr {
	if !p.First.IsValid() {
		return netip.Addr{}
	}
	a, begun := t.fresh[p.First]
	if !begun {
		a = p.First
	}
	for ; a.IsValid() && !p.Last.Less(a); a = a.Next() {
		if t.byAddr[a] == nil && p.Has(a) {
			t.fresh[p.First] = a
			return a
		}
	}
	t.fresh[p.First] = a
	return netip.Addr{}
}

// longestIdle finds the pool address whose last lease ended first, the lowest of several.
func (t *Table) longestIdle(p Pool, now time.Time) netip.Addr {
	var best *lease
	for _, l := range t.byAddr {
		if l.holds(now) || !p.Has(l.addr) {
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
