package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

func TestMerge(t *testing.T) {
	dir := t.TempDir()
	p := planned("a", "b/c", "d", "e")
	part := func(name string, s script, ids ...int) string {
		t.Helper()
		o, _ := options(t, filepath.Join(dir, name), p, s)
		o.Cases = nil
		for _, i := range ids {
			o.Cases = append(o.Cases, p.Cases[i])
		}
		run1(t, o)
		return o.Out
	}
	one, two := part("one", nil, 0, 1), part("two", script{"b/c": {matrix.Failed}}, 1, 2)
	note := filepath.Join(folder.Dir(one).Attempt("b/c", 1), "note")
	if err := os.WriteFile(note, []byte("of one"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	_, results, err := Merge([]string{one, two, one}, out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outcomes(results), "a/1 passed, b/c/1 passed, b/c/2 failed, d/1 passed, e/0 not-run"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if text, err := os.ReadFile(filepath.Join(folder.Dir(out).Attempt("b/c", 1), "note")); string(text) != "of one" {
		t.Errorf("the bundle's file: %q, %v", text, err)
	}
	if _, again, err := ReadDir(out); err != nil || outcomes(again) != "a/1 passed, b/c/1 passed, b/c/2 failed, d/1 passed" {
		t.Errorf("the folder holds %s, %v", outcomes(again), err)
	}
	for _, r := range []struct {
		dirs []string
		out  string
		want string
	}{
		{[]string{one}, out, "is not empty"},
		{[]string{filepath.Join(dir, "nobody")}, filepath.Join(dir, "new"), "no such file"},
	} {
		if _, _, err := Merge(r.dirs, r.out); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("merge %v into %s: %v", r.dirs, r.out, err)
		}
	}
	p = planned("a", "other")
	if _, _, err := Merge([]string{one, part("three", nil, 0)}, filepath.Join(dir, "new")); err == nil || !strings.Contains(err.Error(), "different plans") {
		t.Errorf("folders of two plans: %v", err)
	}
}
