package explain

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/wire"
)

// gaps finds out, of one boot, whether its machine was sent what the capture does not hold: a capture may drop frames, cut them,
// or begin in the middle. What a machine then seems to wait for may have come.
type gaps struct {
	latest *blocks               // the transfer that was seen last
	why    string                // the first sign; empty: none was seen
	files  map[uint16]*blocks    // transfers by the machine's port
	flows  map[[2]uint16]*octets // TCP connections by the machine's and the server's port
	given  map[netip.Addr]bool   // addresses it was given
	family [2]bool               // of them: IPv4, IPv6
}

// blocks is what was seen of a transfer over TFTP.
type blocks struct {
	answered bool
	next     uint16 // block that comes next in order
	acked    uint16 // the last that was acknowledged
}

// octets is what was seen of what a server sent over TCP.
type octets struct {
	next  uint32
	ahead map[uint32]uint32 // from and to, of what came before its turn
}

// maxFlows bounds the transfers and the connections that are followed.
const maxFlows = 64

func newGaps() *gaps {
	return &gaps{files: map[uint16]*blocks{}, flows: map[[2]uint16]*octets{}, given: map[netip.Addr]bool{}}
}

func (g *gaps) note(format string, args ...any) {
	if g.why == "" {
		g.why = fmt.Sprintf(format, args...)
	}
}

// frame takes a frame from or for the machine.
func (g *gaps) frame(f *Frame, h *wire.Head, from bool) {
	_, _, _, bootp := h.BOOTP()
	dhcp := h.UDP != nil && (h.DstPort == 67 || h.SrcPort == 67 || h.DstPort == 4011 || h.SrcPort == 4011)
	switch {
	case dhcp && f.Cut:
		g.note("of its DHCP messages only the beginning was captured")
	case bootp, h.ToAll():
	case h.UDP != nil:
		g.tftp(f, h, from)
	case h.Proto == 6:
		g.tcp(f, h, from)
	}
	if from && !dhcp && (h.UDP != nil && h.DstPort != 547 || h.Proto == 6) {
		g.uses(h.From)
	}
}

// learn takes what a server's message gives.
func (g *gaps) learn(p *event.Packet) {
	if p.FromGuest {
		return
	}
	var list []string
	if p.DHCP != nil && p.DHCP.Type != "OFFER" {
		list = []string{p.DHCP.YIAddr}
	} else if p.DHCP6 != nil && p.DHCP6.Type == "REPLY" {
		for _, a := range p.DHCP6.IAs {
			list = append(list, a.Addresses...)
		}
	}
	for _, s := range list {
		if a, err := netip.ParseAddr(s); err == nil && !a.IsUnspecified() && len(g.given) < maxKnown {
			g.given[a], g.family[index(a)] = true, true
		}
	}
}

// index numbers the families of addresses.
func index(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// uses notes an address that the machine sends from. Nobody need give it a link-local one.
func (g *gaps) uses(a netip.Addr) {
	if a.IsGlobalUnicast() && g.family[index(a)] && !g.given[a] {
		g.note("it uses address %s, and who gave it that is not there", a)
	}
}

// tftp compares what a machine acknowledges with what was seen.
func (g *gaps) tftp(f *Frame, h *wire.Head, from bool) {
	op, n, ok := h.TFTP()
	if !ok {
		return
	}
	port := h.DstPort
	if from {
		port = h.SrcPort
	}
	t := g.files[port]
	g.latest = t
	switch {
	case from && op == 1:
		if t == nil && len(g.files) >= maxFlows {
			clear(g.files)
		}
		g.files[port] = &blocks{next: 1}
	case t == nil && !from && (op == 3 || op == 6):
		g.note("it is sent a file, and its request is not there (frame %d)", f.Number)
		g.files[port] = &blocks{answered: true, next: n + 1}
	case t == nil:
	case !from:
		t.answered = true
		if op == 3 && n == t.next {
			t.next++
		}
	case op == 4 && t.answered && int16(n-t.next) < 0:
		t.acked = n
	case op == 4 && (!t.answered || int16(n-t.next) >= 0):
		g.note("it acknowledges block %d of a file, and not all blocks up to that one are there (frame %d)", n, f.Number)
		t.next = n + 1
	case op == 5 && !t.answered:
		g.note("it ends a transfer whose answer is not there (frame %d)", f.Number)
	}
}

// tcp does the same with octets.
func (g *gaps) tcp(f *Frame, h *wire.Head, from bool) {
	s, ok := wire.PeekTCP(f.Data)
	if !ok {
		return
	}
	key := [2]uint16{s.DstPort, s.SrcPort}
	if from {
		key = [2]uint16{s.SrcPort, s.DstPort}
	}
	t := g.flows[key]
	switch {
	case !from && s.SYN:
		if t == nil && len(g.flows) >= maxFlows {
			clear(g.flows)
		}
		g.flows[key] = &octets{next: s.Seq + 1, ahead: map[uint32]uint32{}}
	case t == nil:
	case !from && f.Cut && s.Len > 0:
		g.note("of what came over TCP only the beginning of each frame was captured")
	case !from:
		t.take(s.Seq, s.Seq+uint32(s.Len)) //nolint:gosec // a frame's length
	case s.ACK && int32(s.Acked-t.next) > 1: // a FIN counts as one
		g.note("it acknowledges octets over TCP that are not there (frame %d)", f.Number)
		t.next = s.Acked
	}
}

func (t *octets) take(from, to uint32) {
	for {
		if int32(from-t.next) > 0 {
			if len(t.ahead) < maxFlows {
				t.ahead[from] = to
			}
			return
		}
		if int32(to-t.next) > 0 {
			t.next = to
		}
		next, ok := t.ahead[t.next]
		if !ok {
			return
		}
		delete(t.ahead, t.next)
		from, to = t.next, next
	}
}

// beginsMidway tells whether a frame is part of a transfer, of a machine that was not met yet.
func beginsMidway(h *wire.Head) bool {
	op, _, ok := h.TFTP()
	return ok && (op == 1 && h.DstPort == 69 || op == 4 && len(h.UDP) == binary.Size(uint32(0)))
}
