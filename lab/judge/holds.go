package judge

import (
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// holds are the times at which the lab was held: nobody in it moved then, so that what is reckoned in time leaves them out.
type holds struct {
	list []span
	on   bool // it is held since the beginning of the last one
}

type span struct{ from, to time.Duration }

// take notes that the lab was held, or goes on.
func (h *holds) take(e event.Event) {
	switch {
	case e.Hold == nil || e.Hold.On == h.on:
	case e.Hold.On:
		h.list = append(h.list, span{from: e.At})
		h.on = true
	default:
		h.list[len(h.list)-1].to = e.At
		h.on = false
	}
}

// within is how long of a time the lab was held.
func (h *holds) within(from, to time.Duration) (held time.Duration) {
	for i, s := range h.list {
		if i == len(h.list)-1 && h.on {
			s.to = to
		}
		held += max(0, min(s.to, to)-max(s.from, from))
	}
	return held
}

// since is how long the lab has been held since then, in all.
func (h *holds) since(from time.Duration) time.Duration {
	if len(h.list) == 0 {
		return 0
	}
	return h.within(from, h.list[len(h.list)-1].to)
}

// between is how long everybody in the lab could move between two moments.
func (b *boot) between(from, to time.Duration) time.Duration {
	return to - from - b.t.held.within(from, to)
}
