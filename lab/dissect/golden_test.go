package dissect

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pxelab/pxelab/tests/golden"
)

// real is a frame that a guest's cable carried in a lab.
type real struct {
	topic, name string
	client      Client
	data        []byte
}

// realFrames gives the frames of testdata: each under a name, "from" or "to" the guest, and its firmware.
func realFrames(t testing.TB) []real {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("files of frames: %v, %v", files, err)
	}
	var out []real
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			w := strings.Fields(f.Name)
			data, err := hex.DecodeString(strings.ReplaceAll(string(f.Data), "\n", ""))
			if len(w) != 3 || err != nil {
				t.Fatalf("%s: %q: %v", file, f.Name, err)
			}
			topic := strings.TrimSuffix(filepath.Base(file), ".txtar")
			out = append(out, real{topic, w[0], Client{Firmware: w[2], FromGuest: w[1] == "from"}, data})
		}
	}
	return out
}

// the gives one of the frames.
func the(t testing.TB, topic, name, firmware string) real {
	t.Helper()
	frames := realFrames(t)
	i := slices.IndexFunc(frames, func(r real) bool { return r.topic == topic && r.name == name && r.client.Firmware == firmware })
	if i < 0 {
		t.Fatalf("no frame %s of %s for %s", name, topic, firmware)
	}
	return frames[i]
}

// TestGolden holds what is said of frames of real boots. The outer layers are written out once for each kind of boot.
func TestGolden(t *testing.T) {
	topics := map[string]*strings.Builder{}
	for _, r := range realFrames(t) {
		f := Dissect(r.data, r.client)
		check(t, r.data, f)
		b, again := topics[r.topic]
		if again {
			f.Layers = slices.DeleteFunc(f.Layers, func(l Field) bool { return l.Path == "eth" || l.Path == "ip" || l.Path == "udp" })
			b.WriteString("\n")
		} else {
			b = &strings.Builder{}
			topics[r.topic] = b
		}
		fmt.Fprintf(b, "=== %s %s %s\n", r.name, map[bool]string{true: "from", false: "to"}[r.client.FromGuest], r.client.Firmware)
		if err := f.Print(b); err != nil {
			t.Fatal(err)
		}
	}
	for topic, b := range topics {
		golden.Check(t, filepath.Join("testdata", topic+".golden"), b.String())
	}
}

func TestSetAgain(t *testing.T) {
	for _, r := range realFrames(t) {
		t.Run(r.topic+"/"+r.name, func(t *testing.T) { sameAgain(t, r.data) })
	}
}
