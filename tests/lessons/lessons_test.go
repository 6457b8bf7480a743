package lessons

import (
	"html"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/tests/built"
)

// TestLessons boots the lab of each lesson: every checkpoint is reached, and every question has its answer in the packets.
func TestLessons(t *testing.T) {
	built.NeedBoots(t)
	for _, l := range shipped(t) {
		if l.Name == "menus-and-f8" { // TestMenus takes it, as somebody must type
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			bundle := filepath.Join(t.TempDir(), "bundle")
			out, err := exec.CommandContext(t.Context(), built.Pxelab, "run", topologyFile(t, l), "--clock", "warp", "--out", bundle).CombinedOutput()
			if err != nil {
				t.Fatalf("pxelab run: %v\n%s", err, out)
			}
			walk(t, l, read(t, bundle))
		})
	}
}

// walk follows a lesson through a run.
func walk(t *testing.T, l *lesson.Lesson, b booted) {
	t.Helper()
	if err := l.Fits(b.plan); err != nil {
		t.Fatal(err)
	}
	f := lesson.New(l, b.plan)
	for _, e := range b.events {
		f.Event(e)
	}
	if next := f.Next(); next != nil {
		t.Fatalf("this checkpoint is never reached: %+v", next)
	}
	out, err := exec.CommandContext(t.Context(), built.Pxelab, "lessons", l.Name, "--handout", "-", "--bundle", b.bundle, "--answers").Output()
	if err != nil {
		t.Errorf("pxelab lessons --handout: %v", err)
	}
	paper := html.UnescapeString(string(out))
	if !strings.Contains(paper, "<svg") {
		t.Error("the hand-out has no picture of the boot")
	}
	asked := 0
	for i, s := range l.Sections {
		r, _ := f.Reached(i)
		e := b.evidence(t, r)
		if s.Checkpoint != nil {
			t.Logf("section %d: frame %d of %s: %s", i+1, r.Frame, r.Guest, e.Packet.Summary)
		}
		if c := s.Checkpoint; c != nil && c.Look != "" && !strings.Contains(paths(e.Packet.Layers), " "+c.Look+" ") {
			t.Errorf("section %d: the packet (frame %d, %s) has no %s to look at", i+1, r.Frame, e.Packet.Summary, c.Look)
		}
		for k := range s.Questions {
			asked++
			q := &l.Sections[i].Questions[k]
			ask(t, q, e)
			if a, err := q.Solve(e); err == nil && !strings.Contains(paper, "<td>"+q.ID+"</td><td>"+a.Value+"</td>") {
				t.Errorf("the hand-out lacks %q, the answer to question %s", a.Value, q.ID)
			}
		}
	}
	if asked == 0 {
		t.Error("nothing was asked")
	}
}

// ask answers a question rightly and wrongly.
func ask(t *testing.T, q *lesson.Question, e lesson.Evidence) {
	t.Helper()
	a, err := q.Solve(e)
	if err != nil {
		t.Errorf("%v (%s)", err, e.Packet.Summary)
		return
	}
	if a.Value == "" || a.Shows == "" {
		t.Errorf("question %s: the answer is empty: %+v", q.ID, a)
	}
	t.Logf("question %s: %s %q by %s, which says %q", q.ID, q.Ask, a.Value, a.Field, a.Shows)
	if got, err := q.Check(e, a.Value); err != nil || !got.Right {
		t.Errorf("question %s: its own answer %q is refused: %+v, %v", q.ID, a.Value, got, err)
	}
	wrong := []string{a.Value + "9", "192.0.2.254", "none of it"}
	for _, c := range q.Choices {
		if c != a.Value {
			wrong = append(wrong, c)
		}
	}
	for _, w := range wrong {
		if got, err := q.Check(e, w); err != nil || got.Right {
			t.Errorf("question %s: %q is taken for the answer: %+v, %v", q.ID, w, got, err)
		}
	}
}

// paths are those of all fields, with blanks around each.
func paths(list []dissect.Field) string {
	all := " "
	for _, f := range list {
		all += f.Path + paths(f.Fields)
	}
	return all
}
