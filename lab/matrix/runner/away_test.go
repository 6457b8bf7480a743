package runner

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

// TestRunAway has cases run by somebody else, who is interrupted after the first and goes on with the second.
func TestRunAway(t *testing.T) {
	p := planned("a", "b")
	dir := filepath.Join(t.TempDir(), "out")
	o, show := options(t, dir, p, nil)
	var asked []string
	one := func(c matrix.Case, outcome matrix.Outcome) {
		r := c.NotRun("as the other machine has it")
		r.Attempt, r.Outcome = 1, outcome
		if err := folder.WriteResult(folder.Dir(dir).Attempt(c.ID, 1), r); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	got, err := RunAway(ctx, o, func(ctx context.Context, cases []matrix.Case) error {
		for _, c := range cases {
			asked = append(asked, c.ID)
		}
		one(cases[0], matrix.Passed)
		cancel()
		return context.Cause(ctx)
	})
	if err != nil || outcomes(got) != "a/1 passed, b/0 not-run" || !slices.Equal(asked, []string{"a", "b"}) {
		t.Fatalf("interrupted: %s, %v; asked for %v", outcomes(got), err, asked)
	}
	o.Resume, asked = true, nil
	got, err = RunAway(t.Context(), o, func(_ context.Context, cases []matrix.Case) error {
		for _, c := range cases {
			asked = append(asked, c.ID)
		}
		one(cases[0], matrix.Failed)
		return nil
	})
	if err != nil || outcomes(got) != "a/1 passed, b/1 failed" || !slices.Equal(asked, []string{"b"}) {
		t.Fatalf("resumed: %s, %v; asked for %v", outcomes(got), err, asked)
	}
	if want := []string{"begin 2, 0 kept", "begin 2, 1 kept"}; !slices.Equal(show.lines, want) {
		t.Errorf("shown: %q, want %q", show.lines, want)
	}
	broke := errors.New("the engine is gone")
	o.Out = filepath.Join(t.TempDir(), "other")
	if _, err = RunAway(t.Context(), o, func(context.Context, []matrix.Case) error { return broke }); !errors.Is(err, broke) {
		t.Errorf("an engine that broke: %v", err)
	}
}
