package lessons

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// whatIf is a change to a held packet that the notes for the trainer propose, and what they say comes of it.
type whatIf struct {
	guest, packet string
	changes       []string
	expect        string // what is expected of the boot, as in a topology
}

// TestWhatIf does to packets what the notes for the trainer say that one might do. Real firmware must make of it what they tell.
func TestWhatIf(t *testing.T) {
	noFile := []string{"-dhcp.option.67", "dhcp.file="}
	for _, tt := range []struct {
		lesson, name string
		do           []whatIf // in the order of the guests
	}{
		{"dhcp-and-pxe-in-one-server", "offer without option 43", []whatIf{
			{"pc", "{packet: offer, from: boot}", []string{"-dhcp.option.43"}, "stops: {at: proxy, reason: proxy-silent}"},
			{"old", "{packet: offer, from: boot}", []string{"-dhcp.option.43"}, "booted: {image: probe}"}}},
		{"dhcp-and-pxe-in-one-server", "ack without file", []whatIf{
			{"pc", "{packet: ack, from: boot}", noFile, "stops: {at: address, reason: no-menu}"},
			{"old", "{packet: ack, from: boot}", noFile, "booted: {image: probe}"}}},
		{"proxydhcp-beside-dhcp", "one offer without option 60", []whatIf{
			{"pc", "{packet: offer, from: proxy}", []string{"-dhcp.option.60"}, "booted: {image: probe}"}}},
		{"menus-and-f8", "prompt without time", []whatIf{
			{"pc", "{packet: ack, from: boot}", []string{"dhcp.option.43.10.timeout=0"}, "served: {file: install.efi}"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := begin(t, tt.lesson, "warp", tt.do...)
			c.try(tt.do)
			b := c.down()
			verdicts := judge.Judge(b.plan, b.events)
			edited := map[string]bool{}
			for _, e := range b.events {
				edited[e.Guest] = edited[e.Guest] || e.Kind == event.LabHeld && e.Hold.Did == "edit"
			}
			for _, w := range tt.do {
				if !edited[w.guest] {
					t.Errorf("no packet of %s was changed", w.guest)
				}
				for _, v := range verdicts {
					if v.Guest == w.guest && !v.Pass {
						t.Errorf("not as the lesson says: %s: %s: %s", v.Guest, v.Expectation, v.Sentence)
					}
				}
			}
		})
	}
}

// try changes packets until all is done, and waits until every guest it is done to has settled.
func (c *class) try(do []whatIf) {
	c.Helper()
	begun, next := false, 0
	settled := map[string]bool{}
	at := func(n int) control.Until {
		if n == len(do) {
			return control.Until{Never: true}
		}
		return control.Until{Packet: do[n].packet, Guest: do[n].guest}
	}
	arm := func() { c.until(at(next)) }
	c.follow(func(e event.Event) bool {
		switch {
		case e.Kind == event.LabHeld && e.Hold.On && begun:
			c.change(e.Hold.Data, do[next].changes, at(next+1)) // the next guest may be on before this one's end is known
		case e.Kind == event.LabHeld && e.Hold.On: // at the lab's first packet
			begun = true
			arm()
		case e.Kind == event.BootDiscarded && e.Guest == do[next].guest: // it boots again, and the change with it
			arm()
		case e.Kind == event.GuestSettled:
			settled[e.Guest] = true
			for next < len(do) && settled[do[next].guest] {
				next++
			}
		}
		return next == len(do)
	})
}

// change lets the packet that the lab is held at go on with some of its fields changed, until it is to be held again.
func (c *class) change(data []byte, changes []string, until control.Until) {
	c.Helper()
	data, err := dissect.Change(data, changes)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := c.lab.Step(c.Context(), control.Step{Data: data, Until: until}); err != nil {
		c.Fatal(err)
	}
}

// expecting is a topology with other expectations. A warped boot that comes out as expected is believed, and not repeated.
func expecting(topology string, do []whatIf) string {
	topology, _, _ = strings.Cut(topology, "\nexpect:")
	topology += "\nexpect:\n"
	for _, w := range do {
		topology += "  " + w.guest + ": [{" + w.expect + "}]\n"
	}
	return topology
}
