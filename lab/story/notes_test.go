package story

import (
	"testing"

	"github.com/pxelab/pxelab/lab/event"
)

// TestChanged: what was changed by hand in a packet is said in its note, whole where it is one thing.
func TestChanged(t *testing.T) {
	p, _ := load(t, "testdata/held")
	for _, c := range []struct {
		changed       []string
		label, detail string
	}{
		{nil, "changed by hand", "undecodable frame"},
		{[]string{"dhcp.option.60 taken out"}, "changed by hand: dhcp.option.60 taken out", "undecodable frame"},
		{[]string{"dhcp.file x added", "dhcp.secs 0x0002 instead of 0x0001"}, "changed by hand in 2 places", "undecodable frame: dhcp.file x added, dhcp.secs 0x0002 instead of 0x0001"},
	} {
		s := New(p)
		s.Add(event.Event{Kind: event.LabHeld, Guest: "bios", Boot: 1, Hold: &event.Hold{On: true, Data: []byte{0}}})
		var row *Row
		for _, i := range s.Add(event.Event{Kind: event.LabHeld, Guest: "bios", Boot: 1, Hold: &event.Hold{Did: "edit", Changed: c.changed}}) {
			if i.Row != nil {
				row = i.Row
			}
		}
		if row == nil || row.Label != c.label || row.Detail != c.detail {
			t.Errorf("%q: %+v", c.changed, row)
		}
	}
}
