package explain

import (
	"net/netip"

	"github.com/pxelab/pxelab/lab/wire"
)

// crowd is the machines of a capture, found by what frames say. Of what goes to all, each machine is shown only what can concern
// it: were every broadcast shown to every machine, a busy network with many machines would take the product of both to read.
type crowd struct {
	all     []*station
	of      map[[6]byte]*station
	holders map[netip.Addr]*station // that were last given an address
	groups  []*station              // that may be sent files by multicast
	found   []*station              // reused
	mark    int
}

func newCrowd() crowd {
	return crowd{of: map[[6]byte]*station{}, holders: map[netip.Addr]*station{}}
}

func (c *crowd) add(s *station) {
	c.of[s.mac], c.all = s, append(c.all, s)
}

// maxKnown bounds the addresses by which one machine is known.
const maxKnown = 1024

// holds notes an address of a machine. Who had it before has it no more.
func (c *crowd) holds(s *station, a netip.Addr) {
	if s.addresses[a] || len(s.addresses) >= maxKnown {
		return
	}
	if before := c.holders[a]; before != nil {
		delete(before.addresses, a)
	}
	s.addresses[a], c.holders[a] = true, s
}

// listens notes a machine that was told of multicast.
func (c *crowd) listens(s *station) {
	if !s.grouped {
		s.grouped = true
		c.groups = append(c.groups, s)
	}
}

// concerned are the machines that a frame may concern, each once. The list is good until the next call.
func (c *crowd) concerned(h *wire.Head) []*station {
	c.found, c.mark = c.found[:0], c.mark+1
	c.find(c.of[h.Src], c.of[h.Dst], c.holders[h.From], c.holders[h.To])
	_, client, _, bootp := h.BOOTP()
	switch {
	case bootp:
		c.find(c.of[client])
	case !h.ToAll():
	case len(h.ARP) >= 28:
		c.find(c.holders[netip.AddrFrom4([4]byte(h.ARP[24:28]))])
	case h.Advertises():
		c.find(c.all...)
	case len(h.UDP) >= 4 && h.To.IsMulticast() && h.UDP[0] == 0 && h.UDP[1] == 3: // DATA (RFC 1350 section 5)
		c.find(c.groups...)
	}
	return c.found
}

// find adds machines that are not there yet.
func (c *crowd) find(list ...*station) {
	for _, s := range list {
		if s != nil && s.mark != c.mark {
			s.mark = c.mark
			c.found = append(c.found, s)
		}
	}
}
