package studio

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/network/capture"
)

// crowded makes a bundle of so many packets: a real run's events, again and again, and frames for them.
func crowded(b *testing.B, packets int) string {
	b.Helper()
	dir := bundleOf(b)
	p, events, err := bundle.Read(dir)
	if err != nil {
		b.Fatal(err)
	}
	var log bytes.Buffer
	out := json.NewEncoder(&log)
	seq, frames, at := 0, 0, time.Duration(0)
	for frames < packets {
		for _, e := range events {
			if e.Kind == event.RunEnded || e.Kind == event.RunStarted && seq > 0 || e.Kind == event.GuestPowered && seq > len(events) {
				continue
			}
			seq++
			at += time.Millisecond
			e.Seq, e.At = seq, at
			if e.Packet != nil {
				frames++
				e.Packet.Frame = frames
			}
			if err := out.Encode(e); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "events.jsonl"), log.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	file, err := os.Open("../wire/testdata/ovmf-x64.pcap")
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var real []explain.Frame
	for f, err := range explain.Frames(file) {
		if err != nil {
			b.Fatal(err)
		}
		real = append(real, f)
	}
	wire, err := capture.Create(filepath.Join(dir, "wire.pcapng"))
	if err != nil {
		b.Fatal(err)
	}
	cable := wire.AddInterface(p.Guests[0].Name, "")
	for n := range frames {
		if _, err := cable.Write(real[n%len(real)].Data, time.Unix(0, int64(n)), true, ""); err != nil {
			b.Fatal(err)
		}
	}
	if err := wire.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}

// BenchmarkTwentyThousand opens a run of 20,000 packets, and exports it.
func BenchmarkTwentyThousand(b *testing.B) {
	dir := crowded(b, 20_000)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := OpenBundle(dir, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(s.tale.items)), "items")
			s.Close()
		}
	})
	s, err := OpenBundle(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.Run("export", func(b *testing.B) {
		for b.Loop() {
			var out bytes.Buffer
			if err := Export(&out, s, "v0.test"); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(out.Len()), "octets")
		}
	})
}
