package explain

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// Log is a capture in the form in which runs are kept, for who shows both.
type Log struct {
	*Record
	// Plan has the machines that boot in the capture, by their MAC addresses, as far as they say what they are. It has no services: who
	// answers is known by address alone.
	Plan *plan.Plan
	// Events are what was seen of these machines, by its time since the first frame. A boot that nothing more came of is stalled there.
	Events []event.Event
}

// ReadLog reads a capture as Capture does.
func ReadLog(frames iter.Seq2[Frame, error]) (*Log, error) {
	r, record, err := read(frames)
	if err != nil {
		return nil, err
	}
	l := &Log{Record: record, Plan: &plan.Plan{Name: "capture"}}
	images := map[string]event.Image{}
	for _, s := range r.crowd.all {
		g := plan.Guest{Name: s.name(), MAC: s.name(), Clock: "real"}
		for _, x := range record.Boots {
			if x.Machine == s.name() {
				g.Arch = cmp.Or(g.Arch, x.Arch)
			}
		}
		l.Plan.Guests = append(l.Plan.Guests, g)
		l.Events = append(l.Events, s.log()...)
		maps.Copy(images, s.images)
	}
	slices.SortStableFunc(l.Events, func(a, b event.Event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(frameOf(&a), frameOf(&b)))
	})
	begin := event.Event{Kind: event.RunStarted, Run: &event.Run{Topology: l.Plan.Name, Started: r.start, Images: slices.Collect(maps.Values(images))}}
	l.Events = append([]event.Event{begin}, l.Events...)
	for _, s := range r.crowd.all {
		if n := len(s.events); n > 0 {
			l.Events = append(l.Events, stalled(&s.events[n-1], r.end))
		}
	}
	l.Events = append(l.Events, event.Event{Kind: event.RunEnded, At: r.end, Text: "the capture ends here"})
	for i := range l.Events {
		l.Events[i].Seq = i + 1
	}
	return l, nil
}

// frameOf is the number of the frame that an event is about; zero for what comes before any.
func frameOf(e *event.Event) int {
	if e.Packet == nil {
		return 0
	}
	return e.Packet.Frame
}

// log is what was seen of a machine, with the end of each boot after which there was another.
func (s *station) log() []event.Event {
	var out []event.Event
	for i, e := range s.events {
		if i > 0 && e.Boot != s.events[i-1].Boot {
			out = append(out, stalled(&s.events[i-1], e.At))
		}
		out = append(out, e)
	}
	return out
}

// stalled says that nothing more came of a boot.
func stalled(last *event.Event, at time.Duration) event.Event {
	return event.Event{Kind: event.GuestStalled, At: at, Guest: last.Guest, Boot: last.Boot, Stall: &event.Stall{}}
}
