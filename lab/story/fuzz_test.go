package story

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/plan"
)

// FuzzAdd tells logs of any content: a bundle may come from anywhere.
func FuzzAdd(f *testing.F) {
	p, _ := load(f, "testdata/held")
	for _, dir := range append(recorded(f)[:3], "testdata/held") {
		text, err := os.ReadFile(filepath.Join(dir, "events.jsonl"))
		if err != nil {
			f.Fatal(err)
		}
		lines := bytes.SplitAfter(text, []byte("\n"))
		for at := 0; at < len(lines); at += 12 {
			f.Add(bytes.Join(lines[at:min(at+12, len(lines))], nil))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		events, err := event.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		anyhow(t, p, events)
	})
}

// FuzzAddShuffled deals events of real boots in any order: each octet is how far to move on in the pack.
func FuzzAddShuffled(f *testing.F) {
	p, pack := load(f, "../judge/testdata/real/http-ipxe")
	for _, dir := range []string{"../judge/testdata/real/dead-tftp", "../judge/testdata/real/ipv6-tftp", "testdata/held"} {
		_, more := load(f, dir)
		pack = append(pack, more...)
	}
	f.Add(bytes.Repeat([]byte{1}, 200))
	f.Add([]byte{6, 40, 1, 1, 80, 1, 200, 1, 1, 1, 255, 255, 1, 17, 90, 3, 3, 3, 3, 3, 3, 3})
	f.Fuzz(func(t *testing.T, deal []byte) {
		var events []event.Event
		card := 0
		for _, step := range deal {
			card = (card + int(step)) % len(pack)
			events = append(events, pack[card])
		}
		anyhow(t, p, events)
	})
}

// anyhow tells a log that no lab would write, as a run and as a capture.
func anyhow(t *testing.T, p *plan.Plan, events []event.Event) {
	for i := range events {
		events[i].Seq = i + 1
	}
	for _, s := range []*Story{New(p), NewCapture(p, []explain.Explanation{{Machine: "bios", Boot: 1}})} {
		var items []Item
		for _, e := range events {
			items = append(items, s.Add(e)...)
		}
		lawful(t, items, s.Lanes())
		Rows(items)
	}
}
