package cast

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	want := []Event{{0, Marker, "boot 1"}, {1500 * time.Microsecond, Output, "\x1bcSeaBIOS ┌─┐\r\n\x00"}, {2 * time.Second, Input, "\x1b[19~"}}
	var b bytes.Buffer
	w, err := Begin(&b, Header{Width: 80, Height: 25, Timestamp: 1700000000, Title: "x64 of firmware-trio"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range want[:2] {
		if err := w.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := Resume(&b).Add(want[2]); err != nil {
		t.Fatal(err)
	}
	whole := b.String()
	if first, _, _ := strings.Cut(whole, "\n"); first != `{"version":2,"width":80,"height":25,"timestamp":1700000000,"title":"x64 of firmware-trio"}` {
		t.Errorf("header %s", first)
	}
	for cut := range len(whole) + 1 { // wherever a killed lab left off
		h, got, err := Read(strings.NewReader(whole[:cut]))
		if cut < strings.Index(whole, "\n")+1 {
			if err == nil {
				t.Fatalf("%d octets are no recording", cut)
			}
			continue
		}
		if lines := strings.Count(whole[:cut], "\n") - 1; err != nil || h.Width != 80 || !cmp.Equal(want[:lines], got, equate()) {
			t.Fatalf("cut at %d: %v, %v", cut, got, err)
		}
	}
}

func equate() cmp.Option {
	return cmp.Transformer("some", func(e []Event) []Event { return append([]Event{}, e...) })
}

func TestBad(t *testing.T) {
	const head = `{"version":2,"width":80,"height":25}` + "\n"
	for text, want := range map[string]string{
		"":                                 "line 1: a recording begins",
		"SeaBIOS\n":                        "line 1: no header",
		`{"version":1}` + "\n":             "line 1: a recording of version 1",
		head + "what\n":                    "line 2: no event",
		head + "\n[1,\"o\"]\n":             "line 3: an event of 2 parts",
		head + "[-1,\"o\",\"\"]\n":         "line 2: an event at -1 s",
		head + "[1e300,\"o\",\"\"]\n":      "line 2: an event at 1e+300 s",
		head + "[1,\"o\",7]\n":             "line 2: no event",
		head + strings.Repeat(" ", 5<<20):  "line 2: longer than",
		head + "[1,\"z\",\"a\"]\n[2,\"o\"": "",
	} {
		if _, _, err := Read(strings.NewReader(text)); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"version":2,"width":80,"height":25}` + "\n[0.1, \"o\", \"a\"]\n[0.2, \"m\", \"boot 2\"]\n[1"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, events, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		w, err := Begin(&b, h)
		if err != nil {
			t.Fatal(err)
		}
		for i := range events {
			events[i].At = events[i].At.Round(time.Microsecond) // as they are written
			if err := w.Add(events[i]); err != nil {
				t.Fatal(err)
			}
		}
		_, again, err := Read(&b)
		if err != nil || !cmp.Equal(events, again, equate()) {
			t.Fatalf("%v, %v; want %v", again, err, events)
		}
	})
}
