package slurm

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

// These tests hold what is made of Slurm's words and of a folder; tests/scaleout has a real cluster say them.

// followed is an array of one case, number 0, with what it tells.
type followed struct {
	*Array
	t    *testing.T
	p    *progress
	told []string
}

func follow(t *testing.T) *followed {
	t.Helper()
	t.Setenv("PATH", t.TempDir()) // no Slurm: what would be asked of it fails, and is told
	f := &followed{t: t}
	one := cases(0)
	f.p = &progress{Case: one[0]}
	f.Array = &Array{Job: Job{Cases: one, Dir: t.TempDir()}, id: "7", open: map[int]*progress{0: f.p}}
	f.Tell = func(s Step) {
		text := fmt.Sprintf("attempt %d running %t on %q, waits %q", s.Attempt, s.Running, s.Node, s.Waits)
		if s.Result != nil {
			text = fmt.Sprintf("result %d: %s %s", s.Result.Attempt, s.Result.Outcome, s.Result.Reason)
		}
		f.told = append(f.told, text)
	}
	f.Note = func(text string) { f.told = append(f.told, "note: "+text) }
	return f
}

// sees has the folder looked at with this word of Slurm's, and tells what was told of it.
func (f *followed) sees(known map[int]task, want ...string) {
	f.t.Helper()
	f.told = nil
	if err := f.look(f.t.Context(), known); err != nil {
		f.t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.told); diff != "" {
		f.t.Errorf("with %+v (- want, + told):\n%s", known, diff)
	}
}

// begins makes the folder of an attempt, as a task does.
func (f *followed) begins(attempt int) string {
	f.t.Helper()
	dir := folder.Dir(f.Dir).Attempt(f.p.Case.ID, attempt)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		f.t.Fatal(err)
	}
	return dir
}

// ends leaves a result as a task does: written aside and renamed.
func (f *followed) ends(attempt int, outcome matrix.Outcome) {
	f.t.Helper()
	r := matrix.Result{Version: matrix.Version, Attempt: attempt, Outcome: outcome, Reason: "as the task has it"}
	if err := folder.WriteResult(f.begins(attempt), r); err != nil {
		f.t.Fatal(err)
	}
}

// results lists the results that are in the folder.
func (f *followed) results() (list []string) {
	all, err := attempts(folder.Dir(f.Dir), f.p.Case)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, a := range all {
		if a.result != nil {
			list = append(list, fmt.Sprintf("%d %s", a.number, a.result.Outcome))
		}
	}
	return list
}

func (f *followed) holds(want ...string) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.results()); diff != "" {
		f.t.Errorf("results in the folder (- want, + got):\n%s", diff)
	}
}

func word(t task) map[int]task { return map[int]task{0: t} }

const lostLab2 = `attempt 0 running false on "lab2", waits "its worker was lost (lab2), so it runs again"`

func TestWorkerLost(t *testing.T) {
	f := follow(t)
	f.sees(word(task{state: "PENDING"}))
	f.begins(1)
	f.sees(word(task{state: "RUNNING", node: "lab2"}), `attempt 1 running true on "lab2", waits ""`)
	f.sees(word(task{state: "RUNNING", node: "lab2"}))
	f.sees(word(task{state: "PENDING", restarts: 1, reason: "BeginTime"}), lostLab2)
	f.holds("1 broken")
	f.sees(word(task{state: "RUNNING", restarts: 1, node: "lab1"}), `attempt 2 running true on "lab1", waits ""`)
	f.ends(2, matrix.Passed)
	f.sees(word(task{state: "RUNNING", restarts: 1, node: "lab1"}), "result 2: passed as the task has it")
	f.sees(word(task{state: "COMPLETED", restarts: 1, node: "lab1"}))
	f.holds("1 broken", "2 passed")
}

// A requeue that nobody saw waiting: the newest folder is that of the new run.
func TestWorkerLostBetweenLooks(t *testing.T) {
	f := follow(t)
	f.begins(1)
	f.sees(word(task{state: "RUNNING", node: "lab2"}), `attempt 1 running true on "lab2", waits ""`)
	f.begins(2)
	f.sees(word(task{state: "RUNNING", restarts: 1, node: "lab1"}), lostLab2, `attempt 2 running true on "lab1", waits ""`)
	f.holds("1 broken")
	f.ends(2, matrix.Failed)
	f.sees(nil, "result 2: failed as the task has it") // Slurm does not answer: the folder counts
	f.holds("1 broken", "2 failed")
}

// A worker that was lost before it had begun leaves its mark all the same.
func TestWorkerLostEarly(t *testing.T) {
	f := follow(t)
	f.sees(word(task{state: "RUNNING", node: "lab2"}), `attempt 1 running true on "lab2", waits ""`)
	f.sees(word(task{state: "PENDING", restarts: 1}), lostLab2)
	f.holds("1 broken")
}

// A node that was only cut off finishes what it had, and so does the one that took over: both results are there.
func TestDoubleFinish(t *testing.T) {
	f := follow(t)
	f.begins(1)
	f.sees(word(task{state: "RUNNING", node: "lab2"}), `attempt 1 running true on "lab2", waits ""`)
	f.sees(word(task{state: "PENDING", restarts: 1}), lostLab2)
	f.ends(1, matrix.Passed)
	f.ends(2, matrix.Failed)
	f.sees(word(task{state: "COMPLETED", restarts: 1, node: "lab1"}), "result 2: failed as the task has it")
	f.holds("1 passed", "2 failed")
}

// The result of a worker that was taken for lost came just before that was known: it stays, and its second run is not needed.
func TestFinishedThoughLost(t *testing.T) {
	f := follow(t)
	f.begins(1)
	f.sees(word(task{state: "RUNNING", node: "lab2"}), `attempt 1 running true on "lab2", waits ""`)
	f.ends(1, matrix.Passed)
	f.sees(word(task{state: "PENDING", restarts: 1}), "result 1: passed as the task has it",
		`note: bios-only/a has its result, but its second run could not be cancelled: no Slurm here: run it where its commands work, such as on the login node of the cluster (exec: "scancel": executable file not found in $PATH)`)
	f.holds("1 passed")
}

func TestNoResult(t *testing.T) {
	f := follow(t)
	f.begins(1)
	f.sees(word(task{state: "RUNNING", node: "lab1"}), `attempt 1 running true on "lab1", waits ""`)
	gone := word(task{state: "OUT_OF_MEMORY", node: "lab1", exit: 9})
	f.sees(gone) // it may still be on its way through a shared folder
	if err := os.MkdirAll(filepath.Join(f.Dir, "slurm"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.Dir, "slurm", "0.log"), []byte("one\npxelab: the last words\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.p.over = time.Now().Add(-settle)
	f.sees(gone, "result 1: broken its task ended as OUT_OF_MEMORY on lab1, killed by signal 9 and left no result: pxelab: the last words")
	f.holds("1 broken")
	if len(f.open) != 0 {
		t.Error("it is still waited for")
	}
}

// Results of an earlier run with the same folder are not those that are waited for.
func TestEarlierResults(t *testing.T) {
	f := follow(t)
	f.ends(1, matrix.Broken)
	f.p.before = f.highest(f.p.Case)
	f.sees(word(task{state: "RUNNING", node: "lab1"}), `attempt 2 running true on "lab1", waits ""`)
	f.ends(2, matrix.Passed)
	f.sees(word(task{state: "COMPLETED", node: "lab1"}), "result 2: passed as the task has it")
}

func TestHeld(t *testing.T) {
	f := follow(t)
	held := word(task{state: "PENDING", reason: "JobHeldAdmin"})
	f.sees(held, `attempt 0 running false on "", waits "Slurm holds its task (JobHeldAdmin): it runs after scontrol release 7_0"`)
	f.sees(held) // told once
}
