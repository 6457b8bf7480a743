package network

import "time"

// held is a frame that is held up.
type held struct {
	data      []byte
	fromGuest bool
	due       time.Time
	action    Action
	guest     *plug // that the cable had then: it is for no later power-on
}

// maxHeld bounds the frames that are held up in one direction. More are lost, as on a line whose queue is full.
const maxHeld = 4096

// hold keeps a frame until it is due, behind those that are held up already: a slow line reorders nothing. It is called under the
// lock of order.
func (c *Cable) hold(h *held) {
	queue := &c.held[0]
	if h.fromGuest {
		queue = &c.held[1]
	}
	if *queue == nil {
		*queue = make(chan *held, maxHeld)
		c.pumping.Go(func() { c.release(*queue) })
	}
	select {
	case *queue <- h:
	default:
		c.stats.Failed++
	}
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
				c.carry(h.data, h.fromGuest, h)
			}
		}
	}
}
