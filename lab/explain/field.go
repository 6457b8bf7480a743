package explain

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/wire"
)

// around is what was seen beside the machines themselves, of which only real networks have any: it tells apart causes that look
// the same from where the machine stands.
type around struct {
	bpdu   int                    // first frame of a spanning tree (IEEE 802.1D); zero: none
	leases map[netip.Addr][]lease // who gave addresses, by its own, and to whom
}

// lease is an offer or acknowledgement with an address.
type lease struct {
	frame, card int
	to          [6]byte
}

// maxServers bounds what is kept of servers, and of the clients of each.
const maxServers = 64

// spanningTree is where bridges speak to each other.
var spanningTree = [6]byte{0x01, 0x80, 0xc2, 0, 0, 0}

// look notes what a frame tells of the network.
func (a *around) look(f *Frame) {
	if a.bpdu == 0 && len(f.Data) >= 6 && [6]byte(f.Data) == spanningTree {
		a.bpdu = f.Number
	}
}

// lends notes who gives addresses.
func (a *around) lends(f *Frame, h *wire.Head) {
	op, client, _, ok := h.BOOTP()
	if !ok || op != 2 || len(h.UDP) < 20 || [4]byte(h.UDP[16:20]) == [4]byte{} {
		return
	}
	if a.leases == nil {
		a.leases = map[netip.Addr][]lease{}
	}
	list, known := a.leases[h.From]
	if !known && len(a.leases) == maxServers || len(list) == maxServers ||
		slices.ContainsFunc(list, func(l lease) bool { return l.to == client }) {
		return
	}
	a.leases[h.From] = append(list, lease{f.Number, f.Card, client})
}

// others finds a server that gives addresses to other machines, where this one was seen.
func (a *around) others(s *station) (server netip.Addr, l lease, ok bool) {
	for _, server := range slices.SortedFunc(maps.Keys(a.leases), netip.Addr.Compare) {
		for _, l := range a.leases[server] {
			if l.to != s.mac && l.card == s.card {
				return server, l, true
			}
		}
	}
	return netip.Addr{}, lease{}, false
}

// fields are rules about what surrounds a boot that stopped for a reason. Each says what else the cause may be, in the order in
// which they are likely, or nil.
var fields = []struct {
	of  judge.Reason
	say func(*station, *around, []event.Event, time.Duration) *Answer
}{
	{judge.NoOffer, passedOver},
	{judge.NoOffer, severalVLANs},
	{judge.NoOffer, portBlocked},
	{judge.OfferRefused, severalVLANs},
	{judge.TFTPSilent, filtered},
	{judge.TFTPSilent, noHost},
	{judge.ProxySilent, filtered},
	{judge.BootServerSilent, filtered},
}

// survey ranks what the surroundings tell beside what the machine's own packets do. A server that answers others leaves no doubt
// that there is one.
func (x *Explanation) survey(s *station, a *around, log []event.Event, until time.Duration) {
	if x.End != Stopped {
		return
	}
	own := x.Answers[0]
	var more []Answer
	for _, f := range fields {
		if f.of != own.Cause {
			continue
		}
		if m := f.say(s, a, log, until); m != nil {
			m.Cause, m.See = own.Cause, cmp.Or(m.See, own.See)
			x.Notes = slices.DeleteFunc(x.Notes, func(n string) bool { return m.For != "" && strings.HasPrefix(n, m.For) }) // said once
			more = append(more, *m)
		}
	}
	if len(more) > 0 && more[0].certain {
		more[0].Evidence = slices.Concat(own.Evidence, more[0].Evidence)
		x.stop(x.Stage, more[0])
		more = more[1:]
	}
	x.Answers = append(x.Answers, more...)
}

// passedOver: a server gives addresses to others, and none to this machine.
func passedOver(s *station, a *around, log []event.Event, _ time.Duration) *Answer {
	server, l, ok := a.others(s)
	if !ok {
		return nil
	}
	sent := 0
	for _, e := range log {
		if p := e.Packet; p != nil && p.FromGuest && p.DHCP != nil {
			sent++
		}
	}
	return &Answer{certain: true,
		What: fmt.Sprintf("%s answers others and did not answer it, though it asked %s", server, times(sent)),
		Do: fmt.Sprintf("see the log of %s: its addresses may all be lent, it may serve only machines, classes or architectures that it knows, or it did not get the request",
			server),
		Evidence: []judge.Evidence{{Frame: l.frame, Text: fmt.Sprintf("%s gives %s an address", server, net.HardwareAddr(l.to[:]))}}}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// severalVLANs: its frames and those of others are in different virtual networks.
func severalVLANs(s *station, _ *around, _ []event.Event, _ time.Duration) *Answer {
	if len(s.vlans) < 2 {
		return nil
	}
	const together = "put the ports of machine and server into one VLAN, or let a relay pass DHCP between the two"
	if s.apart() {
		return &Answer{See: "IEEE 802.1Q", certain: true, Do: together,
			What: fmt.Sprintf("it asks in VLAN %s and is answered in VLAN %s alone, where it does not hear", join(slices.Sorted(maps.Keys(s.ways[1]))), join(slices.Sorted(maps.Keys(s.ways[0]))))}
	}
	return &Answer{See: "IEEE 802.1Q",
		What: "machine and server are in different VLANs",
		For:  fmt.Sprintf("its frames carry several VLAN tags (%s)", join(slices.Sorted(maps.Keys(s.vlans)))),
		Do:   together}
}

// forwardDelay is how long a port of a spanning tree listens and learns before it forwards: twice 15 s (IEEE 802.1D table 17-1).
const forwardDelay = 30 * time.Second

// portBlocked: a spanning tree is here, and the machine gave up before a port would have forwarded anything.
func portBlocked(_ *station, a *around, log []event.Event, until time.Duration) *Answer {
	asked := firstAsked(log)
	if a.bpdu == 0 || asked < 0 || until-asked > 2*forwardDelay {
		return nil
	}
	m := Answer{See: "IEEE 802.1D",
		What:     fmt.Sprintf("the machine's switch port forwards nothing for %.0f s after its link comes up (spanning tree)", forwardDelay.Seconds()),
		For:      fmt.Sprintf("a switch here builds a spanning tree, and it asked for %.0f s", (until - asked).Seconds()),
		Do:       "have the machine's port forward at once (portfast, edge port)",
		Evidence: []judge.Evidence{{Frame: a.bpdu, Text: "a BPDU of a spanning tree"}}}
	if until-asked > forwardDelay {
		m.For, m.Against = "a switch here builds a spanning tree", fmt.Sprintf("it asked for %.0f s, which is longer than that", (until-asked).Seconds())
	}
	return &m
}

// firstAsked is when the machine first sent a DHCPDISCOVER; negative if it did not.
func firstAsked(log []event.Event) time.Duration {
	for _, e := range log {
		if p := e.Packet; p != nil && p.FromGuest && p.DHCP != nil && p.DHCP.Type == "DISCOVER" {
			return e.At
		}
	}
	return -1
}

// slowToAnswer is a wait that no server on the same network makes its clients have: they ping an address for a second or three.
const slowToAnswer = 10 * time.Second

// late notes that a boot's first requests were lost and later ones answered: nothing that it does goes wrong, and each boot takes
// that much longer.
func (x *Explanation) late(log []event.Event) {
	asked, sent := firstAsked(log), 0
	for _, e := range log {
		p := e.Packet
		switch {
		case p == nil || p.DHCP == nil:
		case p.FromGuest && p.DHCP.Type == "DISCOVER":
			sent++
		case !p.FromGuest && p.DHCP.Type == "OFFER" && p.DHCP.CHAddr == x.Machine:
			if wait := e.At - asked; asked >= 0 && sent > 1 && wait >= slowToAnswer {
				x.Notes = append(x.Notes, fmt.Sprintf("its first DHCPDISCOVER was answered after %.0f s only, and it had asked %s: "+
					"a switch port that forwards late (spanning tree: set portfast), or a server that is slow", wait.Seconds(), times(sent)))
			}
			return
		}
	}
}
