package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

// told remembers what a run shows.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (s *told) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *told) Begin(n int, kept []matrix.Result) { s.say("begin %d, %d kept", n, len(kept)) }
func (s *told) Started(j Job)                     { s.say("start %s %d", j.Case.ID, j.Attempt) }
func (s *told) Event(Job, event.Event)            {}
func (s *told) Ended(j Job, r matrix.Result)      { s.say("end %s %d %s", j.Case.ID, j.Attempt, r.Outcome) }
func (s *told) Width(int, string)                 {}

// planned makes a plan of cases that need a core each.
func planned(ids ...string) matrix.Plan {
	p := matrix.Plan{Version: matrix.Version, Name: "m"}
	for i, id := range ids {
		p.Cases = append(p.Cases, matrix.Case{Index: i, ID: id, Inputs: "inputs of " + id, Needs: matrix.Needs{Cores: 1, Memory: 100}})
	}
	return p
}

// TestRest: a lab whose guests are done leaves its core to another, and has it no second time to give back.
func TestRest(t *testing.T) {
	o, show := options(t, t.TempDir(), planned("a", "b", "c"), nil)
	last := make(chan struct{})
	o.Run = func(_ context.Context, j Job) matrix.Result {
		switch j.Case.ID {
		case "a":
			j.rest()
			select {
			case <-last:
			case <-time.After(30 * time.Second):
				t.Error("a has given back its core, and nothing else began")
			}
		case "c":
			close(last)
		}
		return matrix.Result{Outcome: matrix.Passed}
	}
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(show.lines, ", "), "begin 3, 0 kept, start a 1, start b 1, end b 1 passed, start c 1,"; !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant it to begin with %s", got, want)
	}
}

// script says what becomes of each attempt: outcomes by ID, in order; passed where nothing is said.
type script map[string][]matrix.Outcome

// options run a plan on one core by a script.
func options(t *testing.T, dir string, p matrix.Plan, s script) (Options, *told) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	var mu sync.Mutex
	show := &told{}
	return Options{Out: dir, Plan: p, Cases: p.Cases, Host: &host.Host{Cores: 1, FreeMiB: 1000}, Show: show,
		Run: func(_ context.Context, j Job) matrix.Result {
			mu.Lock()
			defer mu.Unlock()
			outcome := matrix.Passed
			if list := s[j.Case.ID]; len(list) > 0 {
				outcome, s[j.Case.ID] = list[0], list[1:]
			}
			return matrix.Result{Outcome: outcome, Reason: "as the script has it"}
		},
		Finish: func(string, matrix.Plan, []matrix.Result) error { return nil }}, show
}

func outcomes(results []matrix.Result) string {
	var out []string
	for _, r := range results {
		out = append(out, fmt.Sprintf("%s/%d %s", r.ID, r.Attempt, r.Outcome))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func run1(t *testing.T, o Options) string {
	t.Helper()
	results, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes(results)
}

func TestRunsEachCaseAndKeepsItsResult(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	p := planned("a", "b/c", "d")
	p.Cases[1].ExpectFail, p.Cases[2].ExpectFail = "known", "known"
	o, _ := options(t, dir, p, script{"b/c": {matrix.Failed}})
	want := "a/1 passed, b/c/1 expected-failure, d/1 unexpected-pass"
	if got := run1(t, o); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	read, results, err := ReadDir(dir)
	if err != nil || !samePlan(read, p) || outcomes(results) != want {
		t.Errorf("the folder holds %s, %v", outcomes(results), err)
	}
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("a second run into the same folder: %v", err)
	}
}

func TestResumeKeepsWhatGaveAVerdict(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	p := planned("a", "b", "c", "d", "e")
	o, _ := options(t, dir, p, script{"b": {matrix.Failed}, "c": {matrix.Broken}, "d": {matrix.NotRun}})
	if got, want := run1(t, o), "a/1 passed, b/1 failed, c/1 broken, d/0 not-run, e/1 passed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := os.MkdirAll(folder.Dir(dir).Attempt("d", 1), 0o755); err != nil { // what a lab that was cut short leaves
		t.Fatal(err)
	}
	p.Cases[4].Inputs = "changed since"
	o, show := options(t, dir, p, nil)
	o.Resume = true
	if got, want := run1(t, o), "a/1 passed, b/1 failed, c/1 broken, c/2 passed, d/2 passed, e/2 passed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if show.lines[0] != "begin 5, 3 kept" {
		t.Error(show.lines)
	}
}

func TestRepeatUntilFailAndFailFast(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		script script
		want   string
	}{
		"repeat": {func(o *Options) { o.Repeat = 3 }, script{"b": {matrix.Passed, matrix.Failed}},
			"a/1 passed, a/2 passed, a/3 passed, b/1 passed, b/2 failed, b/3 passed"},
		"until-fail": {func(o *Options) { o.UntilFail = true }, script{"b": {matrix.Passed, matrix.Passed, matrix.Failed}},
			"a/1 passed, a/2 passed, a/3 passed, b/1 passed, b/2 passed, b/3 failed"},
		"fail-fast": {func(o *Options) { o.FailFast = true }, script{"a": {matrix.Failed}}, "a/1 failed, b/0 not-run"},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t, filepath.Join(t.TempDir(), "out"), planned("a", "b"), c.script)
			c.change(&o)
			if got := run1(t, o); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestAddIsAFurtherAttempt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	o, _ := options(t, dir, planned("a", "b"), nil)
	o.Add, o.Cases = true, o.Plan.Cases[:1]
	for _, want := range []string{"a/1 passed", "a/1 passed, a/2 passed"} {
		if got := run1(t, o); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestInterruptedRunsNothingMore(t *testing.T) {
	o, _ := options(t, filepath.Join(t.TempDir(), "out"), planned("a", "b", "c"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	finished := false
	o.Run = func(context.Context, Job) matrix.Result {
		cancel()
		return matrix.Result{Outcome: matrix.NotRun, Reason: "the matrix was interrupted"}
	}
	o.Finish = func(string, matrix.Plan, []matrix.Result) error { finished = true; return nil }
	results, err := Run(ctx, o)
	if err != nil || !finished || outcomes(results) != "a/0 not-run, b/0 not-run, c/0 not-run" {
		t.Errorf("%s, %v, reports rendered: %v", outcomes(results), err, finished)
	}
}

func TestFoldersThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o, _ := options(t, dir, planned("a"), nil)
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a folder of somebody else's: %v", err)
	}
	other := filepath.Join(t.TempDir(), "out")
	o, _ = options(t, other, planned("a"), nil)
	run1(t, o)
	o.Plan.Name, o.Resume = "another", true
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "results of matrix m, not another") {
		t.Errorf("a folder of another matrix: %v", err)
	}
}

func TestFinishBreaksTheMatrix(t *testing.T) {
	o, _ := options(t, filepath.Join(t.TempDir(), "out"), planned("a"), nil)
	o.Finish = func(string, matrix.Plan, []matrix.Result) error { return errors.New("no room for reports") }
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("reports that could not be written are no error")
	}
}
