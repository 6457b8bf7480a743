package report

import (
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

// Status is how a lab that is up is doing, elapsed after its run began: how far each guest has come, who served it,
// and the failures of those that have settled. A guest on its way has not failed anything yet.
func Status(p *plan.Plan, events []event.Event, s Style, elapsed time.Duration) string {
	t := judge.NewTracker(p)
	for _, e := range events {
		t.Feed(e)
	}
	r, settled := New(p, events), true
	for _, g := range p.Guests {
		settled = settled && t.Guest(g.Name).Settled
	}
	if settled {
		return r.Text(s)
	}
	var out strings.Builder
	if last := lastHold(events); last != nil && last.Hold.On {
		out.WriteString(Visible(Held(*last)) + "\n\n")
	}
	out.WriteString(Frame(NewView(p, t, s.Color), s.width(), elapsed))
	out.WriteString(r.served(s))
	for _, g := range r.Guests {
		if t.Guest(g.Guest).Settled && !g.Passed {
			out.WriteString("\n" + failure(g, s))
		}
	}
	return out.String()
}
