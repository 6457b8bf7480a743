package lesson_test

import (
	"testing"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/lessons"
	"github.com/pxelab/pxelab/topologies"
)

// library is what is shipped.
var library = lesson.Library{Lessons: lessons.Files, Topologies: topologies.Files}

// TestShipped reads every lesson that is shipped, and its topology.
func TestShipped(t *testing.T) {
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 8 {
		t.Fatalf("%d lessons are shipped, want eight at least", len(all))
	}
	for i, l := range all {
		path, data, err := library.Topology(l)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := topology.Parse(path, data, lab.Known()); err != nil {
			t.Error(err)
		}
		if l.Order != i+1 {
			t.Errorf("lesson %s has order %d, and is number %d", l.Name, l.Order, i+1)
		}
		var points, questions int
		for _, s := range l.Sections {
			questions += len(s.Questions)
			if s.Checkpoint != nil {
				points++
			}
		}
		if n := len(l.Sections); n < 6 || n > 10 || points < 5 || questions < 3 {
			t.Errorf("lesson %s has %d sections, %d checkpoints and %d questions; want 6 to 10, 5 and 3 at least", l.Name, n, points, questions)
		}
	}
}
