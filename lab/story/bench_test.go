package story

import (
	"fmt"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// long is a run of so many packets: of one boot that goes on and on, or of boots one after the other.
func long(t testing.TB, packets int, oneBoot bool) (*plan.Plan, []event.Event) {
	t.Helper()
	p, events := load(t, "../judge/testdata/real/firmware-trio")
	var out []event.Event
	at, frames, count := time.Duration(0), 0, 0
	for round := 0; count < packets; round++ {
		for _, e := range events {
			switch {
			case e.Kind == event.RunEnded, round > 0 && e.Guest == "" && e.Decision == nil,
				oneBoot && (e.Kind == event.GuestSettled || e.Kind == event.GuestExited || e.Kind == event.GuestPowered && round > 0),
				oneBoot && e.Kind == event.Console && e.Text == "PXELAB-PROBE END":
				continue
			}
			e.Seq, e.At = len(out)+1, at+e.At
			if e.Guest != "" && !oneBoot {
				e.Boot += round
			}
			if e.Packet != nil {
				packet := *e.Packet
				packet.Frame += frames
				e.Packet = &packet
				count++
			}
			out = append(out, e)
		}
		at, frames = out[len(out)-1].At, frames+500
	}
	return p, append(out, event.Event{Seq: len(out) + 1, At: at, Kind: event.RunEnded, Text: "enough"})
}

// BenchmarkTell tells runs of 20,000 packets.
func BenchmarkTell(b *testing.B) {
	for _, oneBoot := range []bool{true, false} {
		p, events := long(b, 20_000, oneBoot)
		b.Run(fmt.Sprintf("one-boot=%v", oneBoot), func(b *testing.B) {
			for b.Loop() {
				items := Tell(p, events, nil)
				b.ReportMetric(float64(len(items)), "items/op")
			}
		})
	}
}

// TestLong: a run of many packets keeps to the laws, too.
func TestLong(t *testing.T) {
	for _, oneBoot := range []bool{true, false} {
		p, events := long(t, 3_000, oneBoot)
		s := New(p)
		var items []Item
		for _, e := range events {
			items = append(items, s.Add(e)...)
		}
		lawful(t, items, s.Lanes())
		if rows := Rows(items); len(rows) < 500 {
			t.Errorf("%d rows", len(rows))
		}
	}
}
