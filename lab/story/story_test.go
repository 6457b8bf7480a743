package story

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/tests/golden"
)

// recorded are logs of real boots.
func recorded(t testing.TB) []string {
	t.Helper()
	dirs, _ := filepath.Glob("../judge/testdata/real/*")
	if len(dirs) < 10 {
		t.Fatalf("%d logs of real boots", len(dirs))
	}
	return append(dirs, "testdata/held")
}

func load(t testing.TB, dir string) (*plan.Plan, []event.Event) {
	t.Helper()
	p, events, err := bundle.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p, events
}

// TestRecorded tells the story of real boots.
func TestRecorded(t *testing.T) {
	for _, dir := range []string{"../judge/testdata/real/dead-tftp", "../judge/testdata/real/firmware-trio", "../judge/testdata/real/http-ipxe", "../judge/testdata/real/ipv6-tftp",
		"../judge/testdata/real/missing-file", "testdata/held"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			p, events := load(t, dir)
			golden.Check(t, filepath.Join("testdata", filepath.Base(dir)+".golden"), text(Tell(p, events, nil)))
		})
	}
}

// TestLaws holds what every viewer relies on.
func TestLaws(t *testing.T) {
	for _, dir := range recorded(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			p, events := load(t, dir)
			prints := []Printed{{At: 0, Print: Print{Guest: "x", Data: "a"}}, {At: events[len(events)/2].At, Print: Print{Guest: "x", Data: "b"}}, {At: time.Hour, Print: Print{Guest: "x", Data: "c"}}}
			all := Tell(p, events, prints)
			s := New(p)
			var single []Item
			for _, e := range events {
				single = append(single, s.Add(e)...)
			}
			without := slices.DeleteFunc(slices.Clone(all), func(i Item) bool { return i.Print != nil })
			if len(all)-len(without) != len(prints) || len(without) != len(single) {
				t.Fatalf("%d items at once, %d one by one", len(without), len(single))
			}
			for i := range single {
				without[i].N = single[i].N
				if !reflect.DeepEqual(single[i], without[i]) {
					t.Fatalf("item %d differs: %s", i, text(single[i:i+1]))
				}
			}
			lawful(t, all, s.Lanes())
		})
	}
}

// TestProgress: a long file's bar grows as it comes, by what is told of it now and then.
func TestProgress(t *testing.T) {
	p := &plan.Plan{Guests: []plan.Guest{{Name: "x64", MAC: "52:54:00:70:78:01"}}}
	const client, server = "192.0.2.100:2000", "192.0.2.1:69"
	asked := &event.Packet{Frame: 1, FromGuest: true, Src: client, Dst: server, Proto: "tftp", Info: "RRQ big", TFTP: &event.TFTP{Op: "RRQ", File: "big"}}
	last := &event.Packet{Frame: 9, Src: server, Dst: client, Proto: "tftp", Info: "DATA 9 last", TFTP: &event.TFTP{Op: "DATA", File: "big", Block: 9, Bytes: 900, Last: true}}
	log := []event.Event{{Kind: event.GuestPowered, Power: &event.Power{}}, {Kind: event.PacketSeen, Packet: asked}}
	for _, n := range []int64{300, 200, 600} { // what came earlier says nothing new
		log = append(log, event.Event{Kind: event.FileMoved, Progress: &event.Progress{Proto: "tftp", Client: client, File: "big", Bytes: n, Size: 900}})
	}
	log = append(log, event.Event{Kind: event.PacketSeen, Packet: last}, event.Event{Kind: event.FileMoved, Progress: &event.Progress{Proto: "tftp", Client: client, File: "big", Bytes: 950}})
	var got []string
	for i := range log {
		log[i].Seq, log[i].Guest, log[i].Boot = i+1, "x64", 1
	}
	for _, it := range Tell(p, log, nil) {
		if it.Row != nil && it.Row.Kind == Transfer {
			got = append(got, fmt.Sprintf("%d of %d %s", it.Row.Bytes, it.Row.Size, it.Row.Outcome))
		}
	}
	if want := []string{"0 of 0 ", "300 of 900 ", "600 of 900 ", "900 of 900 whole"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// lawful holds items against the laws of their order and names.
func lawful(t *testing.T, items []Item, lanes []Lane) {
	t.Helper()
	known := map[string]bool{"": true, All: true}
	for _, l := range lanes {
		if known[l.ID] {
			t.Errorf("lane %q twice", l.ID)
		}
		known[l.ID] = true
	}
	rows, last := 0, Item{}
	for i, it := range items {
		if it.N != i+1 || it.Seq < last.Seq || it.At < last.At {
			t.Fatalf("item %d after %+v: %+v", i+1, last, it)
		}
		last = it
		v, set := reflect.ValueOf(it), 0
		for f := range v.NumField() {
			if v.Field(f).Kind() == reflect.Pointer && !v.Field(f).IsNil() {
				set++
			}
		}
		if set != 1 {
			t.Errorf("item %d holds %d things", it.N, set)
		}
		r := it.Row
		if r == nil {
			continue
		}
		if r.ID > rows+1 || r.ID < 1 {
			t.Errorf("row %d after %d", r.ID, rows)
		}
		rows = max(rows, r.ID)
		if r.From == "" || r.From == All || !known[r.From] || !known[r.To] || !known[r.Via] {
			t.Errorf("row %d: a lane is not known: %+v", r.ID, r)
		}
		if r.Label == "" || (r.To == "") != (r.Kind == Note) {
			t.Errorf("row %d: %+v", r.ID, r)
		}
	}
}

// text is items as lines, each field that is set.
func text(items []Item) string {
	var b strings.Builder
	for _, it := range items {
		fmt.Fprintf(&b, "%d %d %.3f ", it.N, it.Seq, it.At.Seconds())
		switch {
		case it.Row != nil:
			b.WriteString("row" + fields(*it.Row))
		case it.Guest != nil:
			g := *it.Guest
			reached := len(g.At)
			g.At = nil
			fmt.Fprintf(&b, "guest%s reached=%d", fields(g), reached)
		case it.Service != nil:
			b.WriteString("service" + fields(*it.Service))
		case it.Verdict != nil:
			b.WriteString("verdict" + fields(*it.Verdict))
		case it.Hold != nil:
			b.WriteString("hold" + fields(*it.Hold))
		case it.End != nil:
			b.WriteString("end" + fields(*it.End))
		case it.Print != nil:
			b.WriteString("print" + fields(*it.Print))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// fields lists what is set of a struct by its JSON names.
func fields(v any) string {
	rv, out := reflect.ValueOf(v), ""
	for i := range rv.NumField() {
		if rv.Field(i).IsZero() {
			continue
		}
		name, _, _ := strings.Cut(rv.Type().Field(i).Tag.Get("json"), ",")
		value := fmt.Sprint(rv.Field(i).Interface())
		if rv.Field(i).Kind() == reflect.Slice {
			value = fmt.Sprint(rv.Field(i).Len())
		}
		out += fmt.Sprintf(" %s=%s", name, value)
	}
	return out
}
