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
		c.carry(buf[:n], true, nil)
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
			c.carry(buf[:n], true, nil)
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
		c.carry(buf[:n], false, nil)
	}
}

// carry has a frame travel on, if it may: one that has just come, or (late) one that was held up.
func (c *Cable) carry(data []byte, fromGuest bool, late *held) {
	p := c.admit(data, fromGuest, late)
	for range p.times {
		if fromGuest {
			c.toBridge(p.data)
		} else {
			c.toGuest(p.guest, p.data)
		}
	}
	for _, h := range p.then {
		c.carry(h.data, h.fromGuest, h)
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

func (c *Cable) toGuest(guest *plug, data []byte) {
	// A paused guest takes nothing: Write waits, the port's queue fills, and the kernel drops the rest.
	_, err := guest.conn.Write(data)
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
func (c *Cable) admit(data []byte, fromGuest bool, late *held) passage {
	c.order.Lock()
	defer c.order.Unlock()
	if late != nil && late.line != nil {
		late.line.waiting--
	}
	switch {
	case late != nil && late.guest != c.guest:
		return passage{}
	case len(data) < minFrame || len(data) > maxFrame:
		c.stats.Misfit++
		return passage{}
	case c.down:
		c.stats.LinkDown++
		return passage{}
	case !fromGuest && (c.guest == nil || c.guest.gone):
		c.stats.NoGuest++
		return passage{}
	}
	var a Action
	if late != nil {
		a = late.action
	} else if c.config.Filter != nil {
		a = c.config.Filter(Frame{Data: data, FromGuest: fromGuest, At: time.Now()})
	}
	if late == nil && a.Held() {
		if c.hold(&held{data: bytes.Clone(data), fromGuest: fromGuest, action: a, guest: c.guest}) {
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
	c.record(data, fromGuest, a)
	for range p.times - 1 {
		c.record(data, fromGuest, Action{Copies: a.Copies})
	}
	return p
}

// record has a frame counted, captured and observed, under the lock of order.
func (c *Cable) record(data []byte, fromGuest bool, a Action) {
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
		frame.Number, _ = c.config.Capture.Write(data, frame.At, fromGuest, c.comment(a)) // the file keeps its error
	}
	if c.config.Observe != nil {
		c.config.Observe(frame)
	}
}

// comment is what the capture says of a frame to which something was done.
func (c *Cable) comment(a Action) string {
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
