package explain_test

import (
	"bytes"
	"fmt"
	"iter"
	"net"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/explain"
)

// crowded is a capture in which that many machines boot at once while their network is full of broadcasts of other hosts.
func crowded(t testing.TB, machines, frames int) iter.Seq2[explain.Frame, error] {
	w := newWire(t)
	each := func(do func(*wire)) {
		for i := range machines {
			w.mac = net.HardwareAddr{0x52, 0x54, 0, 1, byte(i >> 8), byte(i)}
			do(w)
		}
	}
	each(func(w *wire) { w.discovers().told(2, "x64.efi") })
	each(func(w *wire) { w.requests().told(5, "x64.efi") })
	boots := w.frames
	chatter := newWire(t).udp(other, broadcast, "192.0.2.77:138", "192.0.2.255:138", bytes.Repeat([]byte{17}, 60)).
		frame(append(append(bytes.Clone(broadcast), other...), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 2, 192, 0, 2, 77, 0, 0, 0, 0, 0, 0, 192, 0, 2, 78)).frames
	return func(yield func(explain.Frame, error) bool) {
		for i := range frames {
			f := chatter[i%len(chatter)]
			if every := max(1, frames/len(boots)); i%every == 0 && i/every < len(boots) {
				f = boots[i/every]
			}
			f.Number, f.Data, f.At = i+1, bytes.Clone(f.Data), boots[0].At.Add(time.Duration(i)*100*time.Microsecond)
			if !yield(f, nil) {
				return
			}
		}
	}
}

// BenchmarkCrowd shows what a frame of a busy network costs with one machine that boots there, and with as many as are followed:
// the same, but for the frames of the boots themselves.
func BenchmarkCrowd(b *testing.B) {
	const frames = 100_000
	for _, machines := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("machines=%d", machines), func(b *testing.B) {
			for b.Loop() {
				record, err := explain.Capture(crowded(b, machines, frames))
				if err != nil || len(record.Boots) != machines {
					b.Fatalf("%v, %d boots, want %d", err, len(record.Boots), machines)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames), "ns/frame")
		})
	}
}
