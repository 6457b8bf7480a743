package report

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// Held words how a lab that is stepped through stands, of a hold event: where it is held, or that it goes on.
func Held(e event.Event) string {
	h := e.Hold
	switch {
	case h == nil:
		return ""
	case h.On && len(h.Data) > 0:
		whose := "to"
		if h.FromGuest {
			whose = "from"
		}
		return fmt.Sprintf("held at %s, %s %s%s", h.Info, whose, e.Guest, behind(h.Waiting))
	case h.On && h.Info != "":
		return "held: " + h.Info + behind(h.Waiting)
	case h.On:
		return "held between packets" + behind(h.Waiting)
	}
	text := map[string]string{"drop": "drops the packet and goes on", "duplicate": "sends the packet twice and goes on",
		"edit": "sends the edited packet and goes on"}[h.Did]
	if text == "" {
		text = "goes on"
	}
	if len(h.Changed) > 0 {
		text = "sends the packet with " + strings.Join(h.Changed, ", ") + ", and goes on"
	}
	if h.Until != "" {
		text += ", until " + h.Until
	}
	return text
}

// behind words how many packets come next.
func behind(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; 1 more follows it"
	}
	return fmt.Sprintf("; %d more follow it", n)
}

// lastHold is the event that tells how a lab is stepped through; nil: it has not been.
func lastHold(events []event.Event) (last *event.Event) {
	for i := range events {
		if events[i].Kind == event.LabHeld && events[i].Hold != nil {
			last = &events[i]
		}
	}
	return last
}
