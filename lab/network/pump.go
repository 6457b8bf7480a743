package network

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// readSize is larger than any frame, so that an oversized one is seen as such and not cut.
const readSize = 64 << 10

// lastFrames bounds what is still taken from a guest that is being disconnected: its socket holds fewer.
const lastFrames = 1024

// pumpFromGuest carries frames until the guest is disconnected, and then those that it had sent before.
func (c *Cable) pumpFromGuest(conn *net.UnixConn) {
	buf := make([]byte, readSize)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			break
		}
		c.carry(coming{data: buf[:n], fromGuest: true})
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { // unlike Read, it heeds no deadline
		for range lastFrames {
			n, err := unix.Read(int(fd), buf)
			if err != nil {
				return
			}
			c.carry(coming{data: buf[:n], fromGuest: true})
		}
	})
}

// pumpToGuest carries frames until the cable is closed.
func (c *Cable) pumpToGuest() {
	buf := make([]byte, readSize)
	for {
		n, err := c.port.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			c.order.Lock()
			c.err = fmt.Errorf("read frames for cable %q from its %s: %w", c.config.Name, c.via, err)
			c.order.Unlock()
			return
		}
		c.carry(coming{data: buf[:n]})
	}
}

// coming is a frame that has come, and may travel on.
type coming struct {
	data      []byte
	fromGuest bool
	late      *held  // if it was held up: so was decided when it came
	kept      *kept  // if a gate has kept it
	hand      string // what was done to it by hand, for the capture
	dropped   bool   // by hand
}

// carry has a frame travel on, if it may: one that has just come, or one that was held up.
func (c *Cable) carry(f coming) {
	if c.config.Gate == nil || !c.config.Gate.keep(c, f) {
		c.travel(f)
	}
}

// travel has a frame travel on that no gate keeps.
func (c *Cable) travel(f coming) {
	p := c.admit(f)
	for range p.times {
		if f.fromGuest {
			c.toBridge(p.data)
		} else {
			c.toGuest(p.guest, p.data, f.kept != nil)
		}
	}
	for _, h := range p.then {
		c.travel(coming{data: h.data, fromGuest: h.fromGuest, late: h, kept: f.kept})
	}
}

// passage is what travels on.
type passage struct {
	data  []byte
	times int
	guest *plug   // nil only where the frame does not travel towards it
	then  []*held // frames that were to let this one go first
}

func (c *Cable) toBridge(data []byte) {
	if _, err := c.port.Write(data); err != nil {
		c.lost(&c.stats.FromGuest, len(data), &c.stats.Failed)
	}
}

// toGuest hands a frame to the guest. A paused guest takes nothing: then this waits, the port's queue fills, and the kernel drops the
// rest; but a frame of a gate, behind which others wait, is put aside for a guest that does not take it now.
func (c *Cable) toGuest(guest *plug, data []byte, gated bool) {
	if !guest.queues(c, data, gated) {
		c.written(guest, data, guest.write(data))
	}
}

// written notes whether the guest has a frame.
func (c *Cable) written(guest *plug, data []byte, err error) {
	switch {
	case err == nil:
	case errors.Is(err, unix.ECONNREFUSED): // QEMU has closed its end; what it sent before is still carried
		c.lost(&c.stats.ToGuest, len(data), &c.stats.NoGuest)
		c.order.Lock()
		guest.gone = true
		c.order.Unlock()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed): // disconnected meanwhile
		c.lost(&c.stats.ToGuest, len(data), &c.stats.NoGuest)
	default:
		c.lost(&c.stats.ToGuest, len(data), &c.stats.Failed)
	}
}

// admit decides whether a frame travels on, as what and how often, and has it captured and observed.
func (c *Cable) admit(f coming) passage {
	c.order.Lock()
	defer c.order.Unlock()
	if f.late != nil && f.late.line != nil {
		f.late.line.waiting--
	}
	switch {
	case f.late != nil && f.late.guest != c.guest, f.kept != nil && !f.fromGuest && f.kept.guest != c.guest:
		return passage{}
	case len(f.data) < minFrame || len(f.data) > maxFrame:
		c.stats.Misfit++
		return passage{}
	case c.down:
		c.stats.LinkDown++
		return passage{}
	case !f.fromGuest && (c.guest == nil || c.guest.gone):
		c.stats.NoGuest++
		return passage{}
	}
	a, data := Action{Drop: f.dropped}, f.data
	switch {
	case f.late != nil:
		a = f.late.action
	case c.config.Filter != nil && !f.dropped:
		a = c.config.Filter(Frame{Data: data, FromGuest: f.fromGuest, At: time.Now()})
	}
	if f.late == nil && a.Held() {
		if c.hold(&held{data: bytes.Clone(data), fromGuest: f.fromGuest, action: a, guest: c.guest, hand: f.hand}) {
			return passage{}
		}
		a.Drop = true
	}
	if a.Data != nil {
		data = a.Data
	}
	p := passage{data: data, times: 1 + a.Copies, guest: c.guest, then: c.overtaken(a.Then)}
	if a.Drop {
		p.times = 0
	}
	c.record(data, f.fromGuest, a, f.said())
	for range p.times - 1 {
		c.record(data, f.fromGuest, Action{Copies: a.Copies}, f.said())
	}
	return p
}

// said is what was done by hand to a frame, at the latest before it was held up.
func (f *coming) said() string {
	if f.late != nil {
		return f.late.hand
	}
	return f.hand
}

// record has a frame counted, captured and observed, under the lock of order.
func (c *Cable) record(data []byte, fromGuest bool, a Action, hand string) {
	count := &c.stats.ToGuest
	if fromGuest {
		count = &c.stats.FromGuest
	}
	if a.Drop {
		c.stats.Filtered++
	} else {
		count.Frames++
		count.Octets += len(data)
	}
	frame := Frame{Data: data, FromGuest: fromGuest, At: time.Now(), Action: a}
	if c.config.Capture != nil {
		frame.Number, _ = c.config.Capture.Write(data, frame.At, fromGuest, c.comment(a, hand)) // the file keeps its error
	}
	if c.config.Observe != nil {
		c.config.Observe(frame)
	}
}

// comment is what the capture says of a frame to which something was done, also by hand.
func (c *Cable) comment(a Action, hand string) string {
	what := c.acted(a)
	switch {
	case hand == "":
		return what
	case what == "", a.Drop && a.Rule == 0: // dropped by hand
		return hand
	}
	return hand + "; " + what
}

// acted says what a filter decided.
func (c *Cable) acted(a Action) string {
	var what string
	switch {
	case a.Drop && a.Held():
		what = "dropped on cable " + c.config.Name + ", where too many are held up"
	case a.Drop:
		what = "dropped on cable " + c.config.Name
	case a.Aside > 0:
		what = "put behind others on cable " + c.config.Name
	case a.Kbit > 0:
		what = fmt.Sprintf("sent at %d kbit/s on cable %s", a.Kbit, c.config.Name)
	case a.Delay > 0:
		what = fmt.Sprintf("held up for %s on cable %s", a.Delay, c.config.Name)
	case a.Copies > 0:
		what = "sent twice on cable " + c.config.Name
	case a.Data != nil:
		what = "spoilt on cable " + c.config.Name
	default:
		return ""
	}
	if a.Rule > 0 {
		what = fmt.Sprintf("fault %d: %s", a.Rule, what)
	}
	return what
}

// lost takes back that a frame travelled on.
func (c *Cable) lost(count *Count, octets int, instead *int) {
	c.order.Lock()
	defer c.order.Unlock()
	count.Frames--
	count.Octets -= octets
	*instead++
}
