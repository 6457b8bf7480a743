package story

import (
	"slices"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestCapture tells a boot as a capture has it: without services, consoles and expectations, and ended by nothing but silence.
func TestCapture(t *testing.T) {
	p, run := load(t, "../judge/testdata/real/missing-file")
	const mac = "52:54:00:70:78:02"
	guest := slices.IndexFunc(p.Guests, func(g plan.Guest) bool { return g.MAC == mac })
	log := []event.Event{{Kind: event.RunStarted}, {Kind: event.GuestPowered, Guest: mac, Boot: 1, Power: &event.Power{}}}
	for _, e := range run {
		if e.Packet != nil && e.Guest == p.Guests[guest].Name {
			e.Guest, e.Service, e.Network = mac, "", ""
			log = append(log, e)
		}
	}
	at := run[len(run)-1].At
	log = append(log, event.Event{Kind: event.GuestStalled, Guest: mac, Boot: 1, At: at, Stall: &event.Stall{}}, event.Event{Kind: event.RunEnded, At: at})
	for i := range log {
		log[i].Seq = i + 1
	}
	why := explain.Explanation{Machine: mac, Boot: 1, Stage: event.StageDownload, End: explain.Stopped, Summary: "it stopped", Answers: []explain.Answer{{What: "no such file"}}}
	s := NewCapture(&plan.Plan{Guests: []plan.Guest{{Name: mac, MAC: mac}}}, []explain.Explanation{why})
	var items []Item
	for _, e := range log {
		items = append(items, s.Add(e)...)
	}
	lawful(t, items, s.Lanes())
	var names []string
	for _, l := range s.Lanes() {
		names = append(names, l.ID)
	}
	for _, want := range []string{"guest:" + mac, "other:192.0.2.1"} {
		if !slices.Contains(names, want) {
			t.Errorf("lanes %v, want %s among them", names, want)
		}
	}
	verdicts, last := 0, Guest{}
	for _, i := range items {
		if i.Verdict != nil {
			verdicts++
			if v := i.Verdict; v.Summary != why.Summary || v.Passed || v.End != "stopped" || len(v.Answers) != 1 || len(v.Claims) != 0 {
				t.Errorf("verdict %+v", v)
			}
		}
		if i.Guest != nil {
			last = *i.Guest
		}
	}
	if verdicts != 1 || last.State != "settled" || !last.Stopped || last.Stage != event.StageDownload {
		t.Errorf("%d verdicts, in the end %+v", verdicts, last)
	}
	if rows := Rows(items); rows[0].Label != "first heard of" || rows[len(rows)-1].Label != "no more of this boot" {
		t.Errorf("from %q to %q", rows[0].Label, rows[len(rows)-1].Label)
	}
}

// TestServiceVerdict tells what came of the claims about services when the run is over.
func TestServiceVerdict(t *testing.T) {
	for _, wrote := range []string{"started", "failed"} {
		p := &plan.Plan{Services: []plan.Service{{Name: "theirs", Exec: &plan.Exec{}, Expect: []topology.Expectation{{Log: "^started$"}}}}}
		items := Tell(p, []event.Event{{Seq: 1, Kind: event.ServiceStarted, Service: "theirs"}, {Seq: 2, At: time.Second, Kind: event.ServiceLog, Service: "theirs", Text: wrote},
			{Seq: 3, At: time.Second, Kind: event.RunEnded}}, nil)
		v := items[len(items)-2].Verdict
		if v == nil || v.Guest != "theirs" || !v.Service || v.Passed != (wrote == "started") || len(v.Claims) != 1 {
			t.Errorf("it wrote %q: %+v", wrote, v)
		}
	}
}

// TestEndedWhileHeld: a run that ends while it is held is held no more.
func TestEndedWhileHeld(t *testing.T) {
	p, events := load(t, "testdata/held")
	i := slices.IndexFunc(events, func(e event.Event) bool { return e.Hold != nil && e.Hold.On })
	items := Tell(p, append(slices.Clone(events[:i+1]), event.Event{Seq: i + 2, At: events[i].At, Kind: event.RunEnded}), nil)
	var hold Hold
	var guest Guest
	for _, it := range items {
		if it.Hold != nil {
			hold = *it.Hold
		}
		if it.Guest != nil {
			guest = *it.Guest
		}
	}
	if hold.On || guest.State == "held" {
		t.Errorf("in the end %+v, %+v", hold, guest)
	}
}
