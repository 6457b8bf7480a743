// Package lessons walks every lesson that is shipped to its end, on real firmware.
package lessons

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lessons"
	"github.com/pxelab/pxelab/tests/built"
	"github.com/pxelab/pxelab/topologies"
)

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// library is what is shipped.
var library = lesson.Library{Lessons: lessons.Files, Topologies: topologies.Files}

// shipped are all lessons.
func shipped(t *testing.T) []*lesson.Lesson {
	t.Helper()
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 8 {
		t.Fatalf("%d lessons are shipped, want eight at least", len(all))
	}
	return all
}

// topologyFile writes a lesson's topology to a file, with what is expected of changes in place of its expectations if there are any.
func topologyFile(t *testing.T, l *lesson.Lesson, do ...whatIf) string {
	t.Helper()
	_, data, err := library.Topology(l)
	if err != nil {
		t.Fatal(err)
	}
	if len(do) > 0 {
		data = []byte(expecting(string(data), do))
	}
	file := filepath.Join(t.TempDir(), l.Topology+".yaml")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// booted is a run of a lesson's lab, as its bundle tells it.
type booted struct {
	bundle string
	plan   *plan.Plan
	events []event.Event
}

// read reads a bundle.
func read(t *testing.T, dir string) booted {
	t.Helper()
	p, events, err := bundle.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return booted{dir, p, events}
}

// evidence is what the questions at a checkpoint are about.
func (b booted) evidence(t *testing.T, r lesson.Reached) lesson.Evidence {
	t.Helper()
	if r.Frame == 0 {
		return lesson.Evidence{Facts: r.Facts}
	}
	frames, err := capture.OpenIndex(filepath.Join(b.bundle, "wire.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer frames.Close()
	f, err := frames.Frame(r.Frame)
	if err != nil {
		t.Fatalf("frame %d of section %d: %v", r.Frame, r.Section+1, err)
	}
	return opened(b.plan, r, f.Data, f.FromGuest)
}

// opened is evidence with a packet of a guest.
func opened(p *plan.Plan, r lesson.Reached, data []byte, fromGuest bool) lesson.Evidence {
	c := dissect.Client{FromGuest: fromGuest}
	for _, g := range p.Guests {
		if g.Name == r.Guest {
			c.Firmware = g.Firmware
		}
	}
	return lesson.Evidence{Packet: dissect.Dissect(data, c), Facts: r.Facts}
}
