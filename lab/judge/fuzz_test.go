package judge

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// FuzzTracker feeds logs that no lab would write. Nothing may panic, and the same log must give the same answers.
func FuzzTracker(f *testing.F) {
	for _, sc := range scenarios {
		b, err := json.Marshal(sc.play().events)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`[{"seq":1,"kind":"guest-powered","guest":"bios","boot":1},{"kind":"packet","guest":"bios","boot":1,"packet":{"tftp":{"op":"DATA"}}},{"kind":"guest-exited","guest":"bios","boot":1}]`))
	f.Fuzz(func(t *testing.T, log []byte) {
		var events []event.Event
		if json.Unmarshal(log, &events) == nil {
			judgeTwice(t, events)
		}
	})
}

// FuzzTrackerShuffled deals events of all scenarios in any order: each octet is how far to move on in the pack.
func FuzzTrackerShuffled(f *testing.F) {
	var pack []event.Event
	for _, sc := range scenarios {
		pack = append(pack, sc.play().events...)
	}
	f.Add([]byte("\x00\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"))
	f.Add([]byte{6, 40, 1, 1, 80, 1, 200, 1, 1, 1, 255, 255, 1, 17, 90, 3, 3, 3, 3, 3, 3, 3})
	f.Fuzz(func(t *testing.T, deal []byte) {
		var events []event.Event
		card := 0
		for _, step := range deal {
			card = (card + int(step)) % len(pack)
			e := pack[card]
			e.Seq = len(events) + 1
			events = append(events, e)
		}
		judgeTwice(t, events)
	})
}

// judgeTwice judges a log by two trackers, for a guest that expects one of everything.
func judgeTwice(t *testing.T, events []event.Event) {
	p := expecting("bios", append(append(append(booted("probe", "tftp"), serial("a", "b")...), never("PXE", "")...), offer("dhcp")[0],
		address("dhcp")[0], served("probe.0", "tftp", "")[0], topology.Expectation{Ends: "off"}, stops(event.StageDiscover, "no-offer")[0])...)
	first, second := NewTracker(p), NewTracker(p)
	for _, e := range events {
		first.Feed(e)
		second.Feed(e)
	}
	for i := range p.Guests {
		name := p.Guests[i].Name
		if d := cmp.Diff(first.Guest(name), second.Guest(name), cmp.AllowUnexported(GuestState{})); d != "" {
			t.Error(d)
		}
		Calm(p, events, name)
	}
	if a, b := mustJSON(t, first.Results()), mustJSON(t, Results(p, events)); a != b {
		t.Errorf("the same log gave two results:\n%s\n%s", a, b)
	}
	if len(Judge(p, events)) != len(p.Guests[0].Expect)+len(p.Guests)-1 {
		t.Error("not one verdict per expectation")
	}
}

func mustJSON(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
