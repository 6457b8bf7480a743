package explain_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/explain"
)

// What can become of a frame between a wire and a file.
const (
	kept = iota
	lost
	cut
	copied // seen on another interface, too
	late   // written after the next one
	edits
)

// edited is a capture of which each frame has met the fate that the script says; those beyond it are kept.
func edited(frames []explain.Frame, script []byte) []explain.Frame {
	var out, waiting []explain.Frame
	for i, f := range frames {
		fate := byte(kept)
		if i < len(script) {
			fate = script[i] % edits
		}
		f.Data, f.Side = bytes.Clone(f.Data), explain.Side{Port: 2, Way: 1}
		switch fate {
		case lost:
			continue
		case cut:
			n := min(len(f.Data), 14+int(script[i]))
			f.Cut, f.Data = n < len(f.Data), f.Data[:n]
		case late:
			waiting = append(waiting, f)
			continue
		}
		out = append(out, f)
		if fate == copied {
			f.At, f.Side.Port = f.At.Add(20*time.Microsecond), 3
			out = append(out, f)
		}
		out, waiting = append(out, waiting...), nil
	}
	return append(out, waiting...)
}

// FuzzEdits holds that a healthy boot stays explained whatever a capture lost, cut, doubled or misplaced of it: with a sentence, with
// an answer if and only if it is said to have stopped, and as if nothing had happened if frames were only seen twice.
func FuzzEdits(f *testing.F) {
	names := []string{"bios-ipxe", "ovmf-x64", "ovmf-x64-ipv6", "ovmf-x64-http"}
	for n := range names {
		f.Add(byte(n), bytes.Repeat([]byte{copied}, 100))
		f.Add(byte(n), bytes.Repeat([]byte{kept, kept, kept, kept, late, cut + 10*edits, lost}, 20))
	}
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		name := names[int(which)%len(names)]
		frames := shipped(t, name)
		frames = frames[:min(len(frames), boot[name])]
		record, err := explain.Capture(given(edited(frames, script)))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range record.Boots {
			if x.Summary == "" || (x.End == explain.Stopped) != (len(x.Answers) > 0) {
				t.Errorf("%+v", x)
			}
		}
		for _, op := range script {
			if op%edits != kept && op%edits != copied {
				return
			}
		}
		want, err := explain.Capture(given(frames))
		if err != nil || len(record.Boots) != 1 || record.Boots[0].Summary != want.Boots[0].Summary {
			t.Errorf("%v: frames seen twice change what is said: %+v, want %+v", err, record.Boots, want.Boots)
		}
	})
}
