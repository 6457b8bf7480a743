package network

import (
	"fmt"
	"time"
)

// held is a frame that is held up.
type held struct {
	data      []byte
	fromGuest bool
	due       time.Time
	action    Action
	guest     *plug         // that the cable had then: it is for no later power-on
	line      *line         // that it waits for, if it does
	hand      string        // what was done to it by hand before
	gone      chan struct{} // of a frame that was put aside: closed when it is taken up again
}

// line is a slow line, which sends one frame at a time.
type line struct {
	free    time.Time // when it has sent all that wait for it
	waiting int
}

// maxHeld bounds the frames that are held up in one direction. More are dropped, as on a line whose queue is full.
const maxHeld = 4096

// renew forgets what a power-on of the guest has left.
func (c *Cable) renew() {
	for _, h := range c.aside {
		close(h.gone)
	}
	c.aside = map[int]*held{}
	c.lines = [2]map[int]*line{{}, {}}
}

// hold keeps a frame until it is due, or puts it aside; it is false if there is no room for it. What is due comes behind what is
// held up already: a slow line reorders nothing. It is called under the lock of order.
func (c *Cable) hold(h *held) bool {
	if h.action.Aside > 0 {
		c.putAside(h)
		return true
	}
	way := 0
	if h.fromGuest {
		way = 1
	}
	if h.due = time.Now().Add(h.action.Delay); h.action.Kbit > 0 && !c.enqueue(h, way) {
		return false
	}
	queue := &c.held[way]
	if *queue == nil {
		*queue = make(chan *held, maxHeld)
		c.pumping.Go(func() { c.release(*queue) })
	}
	select {
	case *queue <- h:
		return true
	default:
		if h.line != nil {
			h.line.waiting--
		}
		return false
	}
}

// enqueue has a frame wait until a slow line has sent it; it is false if as many as may wait already do.
func (c *Cable) enqueue(h *held, way int) bool {
	l := c.lines[way][h.action.Rule]
	if l == nil {
		l = &line{}
		c.lines[way][h.action.Rule] = l
	}
	if l.waiting >= h.action.Queue {
		return false
	}
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	const bits = 8
	l.free = l.free.Add(time.Duration(len(h.data)) * bits * time.Second / time.Duration(h.action.Kbit*1000))
	l.waiting++
	h.line, h.due = l, l.free
	return true
}

// release has frames travel on when they are due, until the cable is closed.
func (c *Cable) release(queue <-chan *held) {
	for {
		select {
		case <-c.closing:
			return
		case h := <-queue:
			timer := time.NewTimer(time.Until(h.due))
			select {
			case <-c.closing:
				timer.Stop()
				return
			case <-timer.C:
				c.carry(coming{data: h.data, fromGuest: h.fromGuest, late: h})
			}
		}
	}
}

// putAside keeps a frame until enough others have gone first, or it has waited for too long.
func (c *Cable) putAside(h *held) {
	h.gone = make(chan struct{})
	c.aside[h.action.Aside] = h
	c.pumping.Go(func() {
		timer := time.NewTimer(h.action.Wait)
		defer timer.Stop()
		select {
		case <-c.closing:
			return
		case <-h.gone:
			return
		case <-timer.C:
		}
		c.order.Lock()
		waits := c.aside[h.action.Aside] == h
		if waits {
			delete(c.aside, h.action.Aside)
		}
		c.order.Unlock()
		if waits {
			c.carry(coming{data: h.data, fromGuest: h.fromGuest, late: h})
		}
	})
}

// overtaken takes frames up again that were put aside, those of them that still wait.
func (c *Cable) overtaken(numbers []int) (out []*held) {
	for _, n := range numbers {
		if h := c.aside[n]; h != nil {
			delete(c.aside, n)
			close(h.gone)
			out = append(out, h)
		}
	}
	return out
}

// Fits says why a frame cannot travel on a cable.
func Fits(data []byte) error {
	if len(data) < minFrame || len(data) > maxFrame {
		return fmt.Errorf("a frame of %d octets fits no cable; it has %d to %d", len(data), minFrame, maxFrame)
	}
	return nil
}
