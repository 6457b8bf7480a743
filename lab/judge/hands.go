package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// hand is something done by hand to a packet that the lab was held at.
type hand struct {
	did     string      // as of event.Hold
	changed []string    // as of event.Hold
	at      event.Event // of the packet
}

// words for what is done by hand.
var handWords = map[string]string{"drop": "lost", "duplicate": "sent twice", "edit": "changed"}

// byHand takes up where the lab is held, and what becomes of the packet it is held at.
func (t *Tracker) byHand(e event.Event) {
	if e.Hold == nil {
		return
	}
	if e.Hold.On {
		t.heldAt = e
		return
	}
	b := t.boot(t.heldAt.Guest, t.heldAt.Boot)
	if handWords[e.Hold.Did] != "" && b != nil && !b.settled {
		b.hands = append(b.hands, hand{e.Hold.Did, e.Hold.Changed, t.heldAt})
	}
}

// words says what was done to which packet.
func (h hand) words() string {
	text := fmt.Sprintf("%s was %s", h.at.Hold.Info, handWords[h.did])
	if len(h.changed) > 0 {
		text += " (" + strings.Join(h.changed, ", ") + ")"
	}
	return text
}

// handled says of a boot that stopped what had been done by hand to its packets: if all was lost that it waited for, nobody else is to
// be blamed.
func (b *boot) handled(r Reason, d *diagnosis) {
	if len(b.hands) == 0 {
		return
	}
	lost := 0
	var all []string
	for _, h := range b.hands {
		if h.did == "drop" {
			lost++
		}
		all = append(all, h.words())
		d.evidence = append(d.evidence, h.at)
	}
	const most = 3
	if n := len(all) - most; n > 0 {
		all = append(all[:most], fmt.Sprintf("%d more", n))
	}
	what := "by hand, " + strings.Join(all, ", ")
	if tries := b.tries(r); tries > 0 && lost >= tries {
		d.do = "that was done while the lab was held: " + what
		return
	}
	d.do += "; mind that while the lab was held, " + what
}

// lostByHand tells whether a request was dropped by hand, or anything that came to the guest after it.
func (b *boot) lostByHand(request event.Event) bool {
	return slices.ContainsFunc(b.hands, func(h hand) bool {
		switch {
		case h.did != "drop":
			return false
		case h.at.Hold.FromGuest: // the log has it after the hold
			return h.at.Seq < request.Seq && h.at.Hold.Info == request.Packet.Info
		}
		return h.at.Seq > request.Seq
	})
}
