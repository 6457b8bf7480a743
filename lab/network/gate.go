package network

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pxelab/pxelab/lab/wire"
)

// Gate stands on several cables and can be shut: then no frame travels on, on any of them, and those that come wait in the order in
// which they came. It shuts at a frame that is meant (Mean), or when it is told to (Shut).
type Gate struct {
	closed func()      // see NewGate
	busy   atomic.Bool // frames must ask; false: it is open, and nothing is meant

	moving sync.Mutex // held while a frame that waited travels on; taken before mu
	mu     sync.Mutex // no other lock is taken under it
	means  Means
	shut   bool
	halt   bool  // it is to let no further frame pass, whether it is meant or not
	at     *kept // the frame it is shut at, which is not in queue
	queue  []*kept
}

// Means tells whether a frame on a cable is one to shut the gate at. It is asked about one frame at a time, about each in its order.
type Means func(cable string, data []byte, fromGuest bool) bool

// kept is a frame that waits at a gate. Neither its cable's filter nor its observer know of it yet.
type kept struct {
	cable     *Cable
	data      []byte
	fromGuest bool
	guest     *plug // of the cable then: it is for no later power-on
	late      *held // if it was held up before it came to the gate
}

// Hand is what is done by hand to a frame that a gate was shut at.
type Hand struct {
	Drop bool   // it ends there
	Copy bool   // it travels on twice
	Data []byte // this travels on in its place; nil: itself
}

// Kept describes the frame that a gate is shut at.
type Kept struct {
	Cable     string
	Data      []byte // not to be changed
	FromGuest bool
}

// NewGate gives a gate that is open, and means no frame. It calls closed each time that it stops letting frames pass, with no lock held
// and on the goroutine that had it do so, which may be a cable's: it must be quick.
func NewGate(closed func()) *Gate { return &Gate{closed: closed} }

// Mean says at which frame the gate is to shut next; nil: at none. While it is shut, frames are asked about when they may go on.
func (g *Gate) Mean(means Means) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.means, g.halt = means, false
	g.busy.Store(g.shut || g.means != nil)
}

// Shut has the gate let no frame pass from now on, meant or not.
func (g *Gate) Shut() {
	if g.Halt() {
		g.closed()
	}
}

// Halt is Shut for who needs not be called. It is false if the gate was shut already.
func (g *Gate) Halt() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.shut
	g.shut, g.halt = true, true
	g.busy.Store(true)
	return !was
}

// At tells at which frame the gate is shut, nil if at none, and how many wait behind it.
func (g *Gate) At() (at *Kept, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.at != nil {
		at = &Kept{g.at.cable.config.Name, g.at.data, g.at.fromGuest}
	}
	return at, len(g.queue)
}

// Pass has the frame travel on that the gate is shut at, as hand says, and then those that wait, one after the other and before any
// other, until one is meant, at which the gate stays shut. If none is, met is false, and the gate is shut at none. One goroutine at a
// time may call Pass or Open.
func (g *Gate) Pass(hand Hand) (met bool) {
	g.moving.Lock()
	g.mu.Lock()
	at := g.at
	g.at = nil
	g.mu.Unlock()
	if at != nil {
		at.travel(hand)
	}
	g.moving.Unlock()
	return g.pass(false)
}

// Open is what follows Pass: when no frame waits any more, the gate opens. It goes on for as long as frames come as fast as they pass.
func (g *Gate) Open() (met bool) { return g.pass(true) }

func (g *Gate) pass(open bool) (met bool) {
	for {
		met, more := g.next(open)
		switch {
		case met:
			g.closed()
			return true
		case !more:
			return false
		}
	}
}

// next has the frame travel on that has waited longest.
func (g *Gate) next(open bool) (met, more bool) {
	g.moving.Lock()
	defer g.moving.Unlock()
	g.mu.Lock()
	if g.halt {
		g.mu.Unlock()
		return true, false
	}
	if len(g.queue) == 0 {
		g.shut = !open
		g.busy.Store(g.shut || g.means != nil)
		g.mu.Unlock()
		return false, false
	}
	k := g.queue[0]
	g.queue[0] = nil
	g.queue = g.queue[1:]
	if k.late == nil && g.means != nil && g.means(k.cable.config.Name, k.data, k.fromGuest) {
		g.at = k
		g.mu.Unlock()
		return true, false
	}
	g.mu.Unlock()
	k.travel(Hand{})
	return false, true
}

// keep keeps a frame of a cable back, if it may not pass.
func (g *Gate) keep(c *Cable, f coming) bool {
	data, fromGuest, late := f.data, f.fromGuest, f.late
	if !g.busy.Load() || len(data) < minFrame || len(data) > maxFrame {
		return false
	}
	c.order.Lock()
	k := &kept{cable: c, fromGuest: fromGuest, guest: c.guest, late: late}
	lost := c.down || !fromGuest && (c.guest == nil || c.guest.gone)
	c.order.Unlock()
	if lost {
		return false
	}
	g.mu.Lock()
	if g.shut {
		defer g.mu.Unlock()
		return g.enqueue(k, data)
	}
	if late != nil || g.means == nil || !g.means(c.config.Name, data, fromGuest) {
		g.mu.Unlock()
		return false
	}
	k.data = bytes.Clone(data)
	g.at, g.shut = k, true
	g.mu.Unlock()
	g.closed()
	return true
}

// maxKept bounds the frames that wait. Once nobody moves only kernels send more, and little.
const maxKept = 16384

// enqueue puts a frame behind those that wait, under mu. A TCP segment that another one that waits makes superfluous is lost, and one
// that finds no room.
func (g *Gate) enqueue(k *kept, data []byte) bool {
	if len(g.queue) >= maxKept || g.repeats(k, data) {
		return true
	}
	k.data = bytes.Clone(data)
	g.queue = append(g.queue, k)
	return true
}

// repeats tells of a frame of a kernel that one like it waits already: while nobody answers, the kernel of a service's host sends its TCP
// segments again, and asks again who has an address.
func (g *Gate) repeats(k *kept, data []byte) bool {
	s, segment := wire.PeekTCP(data)
	ends, _ := wire.Peek(data)
	if !segment && ends.UDP != nil {
		return false
	}
	same := func(o *kept) bool {
		switch {
		case o.cable != k.cable || o.fromGuest != k.fromGuest:
			return false
		case !segment:
			return bytes.Equal(o.data, data)
		}
		had, ok := wire.PeekTCP(o.data)
		from, _ := wire.Peek(o.data)
		return ok && from.From == ends.From && from.To == ends.To && had.SrcPort == s.SrcPort && had.DstPort == s.DstPort && s.Repeats(had)
	}
	return g.at != nil && same(g.at) || slices.ContainsFunc(g.queue, same)
}

// leave has what the guest of a cable has sent travel on, now that it is off, and forgets what was for it.
func (g *Gate) leave(c *Cable) {
	g.moving.Lock()
	defer g.moving.Unlock()
	g.mu.Lock()
	var out []*kept
	rest := g.queue[:0:0]
	if g.at != nil && g.at.cable == c {
		out, g.at = append(out, g.at), nil
	}
	for _, k := range g.queue {
		if k.cable == c {
			out = append(out, k)
		} else {
			rest = append(rest, k)
		}
	}
	g.queue = rest
	g.mu.Unlock()
	for _, k := range out {
		if k.fromGuest {
			k.travel(Hand{})
		}
	}
}

// travel has a frame go on as if it had come now.
func (k *kept) travel(hand Hand) {
	f := coming{data: k.data, fromGuest: k.fromGuest, late: k.late, kept: k}
	if hand.Data != nil {
		f.data = hand.Data
	}
	f.hand, f.dropped = hand.comment(k.cable.config.Name), hand.Drop
	times := 1
	if hand.Copy {
		times++
	}
	for range times {
		k.cable.travel(f)
	}
}

// comment is what the capture says of a frame that something was done to by hand.
func (h *Hand) comment(cable string) string {
	switch {
	case h.Drop:
		return "dropped by hand on cable " + cable
	case h.Copy:
		return "sent twice by hand on cable " + cable
	case h.Data != nil:
		return "edited by hand on cable " + cable
	}
	return ""
}
