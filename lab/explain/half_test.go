package explain_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/explain"
)

// boot says of captures of real firmware, over TFTP, over IPv6 and over HTTP, with how many frames the machine has booted. What it
// does after its boot program has ended, and gets no answer to, is not part of that.
var boot = map[string]int{"bios-ipxe": 1000, "ovmf-x64": 33, "ovmf-x64-ipv6": 54, "ovmf-x64-http": 32}

// TestGoesOn: firmware that turns to IPv6 when a program has ended does not show that the program ran.
func TestGoesOn(t *testing.T) {
	record, err := explain.Capture(given(shipped(t, "ovmf-x64")[:boot["ovmf-x64"]+1]))
	if err != nil || len(record.Boots) != 1 {
		t.Fatal(err, record)
	}
	if x := record.Boots[0]; x.End != explain.Unclear || !strings.Contains(x.Summary, "I don't know whether") {
		t.Errorf("%s: %s", x.End, x.Summary)
	}
}

// shipped reads one of them.
func shipped(t testing.TB, name string) []explain.Frame {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "wire", "testdata", name+".pcap"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out []explain.Frame
	for f, err := range explain.Frames(file) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// idle ends a capture with a minute in which nothing that matters is seen.
func idle(frames []explain.Frame) []explain.Frame {
	last := explain.Frame{Number: len(frames) + 1, At: frames[len(frames)-1].At.Add(time.Minute), Data: append(append(slices.Clone(dhcpMAC), other...), 0x88, 0xcc)}
	return append(slices.Clone(frames), last)
}

// TestHalf: of a healthy boot, a capture that ends anywhere, begins anywhere or lacks any one frame, or has two in the wrong order, never tells that it failed.
func TestHalf(t *testing.T) {
	for name := range boot {
		frames := shipped(t, name)
		frames = frames[:min(len(frames), boot[name])]
		check := func(what string, n int, part []explain.Frame) {
			t.Helper()
			record, err := explain.Capture(given(part))
			if err != nil {
				t.Fatalf("%s, %s %d: %v", name, what, n, err)
			}
			for _, x := range record.Boots {
				if x.End == explain.Stopped {
					t.Errorf("%s, %s frame %d: %s", name, what, n, x.Summary)
				}
			}
		}
		if record, err := explain.Capture(given(idle(frames))); err != nil || len(record.Boots) != 1 || record.Boots[0].End == explain.Unclear {
			t.Errorf("%s, whole: %v, %+v", name, err, record)
		}
		for n := range frames {
			check("ends after", n+1, frames[:n+1])
			check("begins with", n+1, idle(frames[n:]))
			check("lacks", n+1, idle(slices.Delete(slices.Clone(frames), n, n+1)))
			if n > 0 {
				swapped := slices.Clone(frames)
				swapped[n-1], swapped[n] = swapped[n], swapped[n-1]
				check("written late, before", n, idle(swapped))
				check("lacks two from", n, idle(slices.Delete(slices.Clone(frames), n-1, n+1)))
			}
		}
		for _, size := range []int{64, 96, 128, 256, 300, 342, 400, 512, 600, 1024} {
			var cut []explain.Frame
			for _, f := range frames {
				f.Cut = len(f.Data) > size
				f.Data = f.Data[:min(len(f.Data), size)]
				cut = append(cut, f)
			}
			check("snaplen", size, idle(cut))
		}
	}
}
