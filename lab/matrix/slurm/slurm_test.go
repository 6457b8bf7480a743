package slurm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

func cases(indexes ...int) []matrix.Case {
	var out []matrix.Case
	for _, i := range indexes {
		out = append(out, matrix.Case{Index: i, ID: "bios-only/" + string(rune('a'+i)), Inputs: "inputs"})
	}
	return out
}

func TestIndexes(t *testing.T) {
	for want, in := range map[string][]int{
		"0-7":       {0, 1, 2, 3, 4, 5, 6, 7},
		"3":         {3},
		"0,2,4-5,9": {9, 5, 4, 2, 0},
	} {
		if got := indexes(cases(in...)); got != want {
			t.Errorf("indexes of %v: %q, want %q", in, got, want)
		}
	}
}

func TestArguments(t *testing.T) {
	j := Job{Name: "pxelab-quick", Command: []string{"/opt/it's/pxelab", "matrix"}, Cases: cases(0, 1, 3), Dir: "/shared/50%/out", Limit: 4, Partition: "boots", Gres: "kvm:1"}
	j.Cases[0].Needs = matrix.Needs{Cores: 0.25, Memory: 700, Took: 90 * time.Second}
	j.Cases[2].Needs = matrix.Needs{Cores: 2.1, Memory: 300}
	want := []string{"--parsable", "--job-name=pxelab-quick", "--array=0-1,3%4", "--nodes=1", "--ntasks=1", "--cpus-per-task=3", "--time=20",
		"--requeue", "--output=/shared/50%%/out/slurm/%a.log", "--open-mode=append", "--mem=700M", "--partition=boots", "--gres=kvm:1"}
	if diff := cmp.Diff(want, j.arguments()); diff != "" {
		t.Errorf("arguments of sbatch (- want, + got):\n%s", diff)
	}
	want = []string{"#!/bin/sh", `exec '/opt/it'\''s/pxelab' 'matrix' --index "$SLURM_ARRAY_TASK_ID"`, ""}
	if diff := cmp.Diff(want, strings.Split(j.script(), "\n")); diff != "" {
		t.Errorf("script (- want, + got):\n%s", diff)
	}
	bare := Job{Cases: cases(0)}.arguments()
	if slices.ContainsFunc(bare, func(a string) bool {
		return strings.HasPrefix(a, "--mem") || strings.HasPrefix(a, "--partition") || strings.HasPrefix(a, "--gres") || strings.Contains(a, "--array=0%")
	}) {
		t.Errorf("asks for what nobody wants: %v", bare)
	}
}

// What squeue 22.05 printed of an array: a task whose script was killed, one whose worker was lost, one that ran, one that was
// over.
const squeue = `3               |COMPLETED                       |0           |lab1                                                            |None                                    |0           |
4               |FAILED                          |0           |lab1                                                            |JobLaunchFailure                        |9           |
1               |PENDING                         |1           |                                                                |Resources                               |0           |
6               |RUNNING                         |0           |lab1                                                            |None                                    |0           |
`

func TestParse(t *testing.T) {
	got, err := parse(squeue)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]task{
		1: {index: 1, state: "PENDING", restarts: 1, reason: "Resources"},
		3: {index: 3, state: "COMPLETED", node: "lab1", reason: "None"},
		4: {index: 4, state: "FAILED", node: "lab1", reason: "JobLaunchFailure", exit: 9},
		6: {index: 6, state: "RUNNING", node: "lab1", reason: "None"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(task{})); diff != "" {
		t.Errorf("tasks (- want, + got):\n%s", diff)
	}
	for _, bad := range []string{"squeue: what?\n", "N/A |PENDING |0 | |None |0 |\n"} {
		if got, err := parse(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestStates(t *testing.T) {
	for state, want := range map[string]string{"PENDING": "waits", "REQUEUE_HOLD": "waits", "RUNNING": "runs", "COMPLETING": "runs",
		"COMPLETED": "over", "NODE_FAIL": "over", "OUT_OF_MEMORY": "over", "TIMEOUT": "over", "CANCELLED": "over"} {
		one := task{state: state}
		if got := map[bool]string{one.waits(): "waits", one.runs(): "runs", one.over(): "over"}[true]; got != want {
			t.Errorf("a task in state %s %s, want %s", state, got, want)
		}
	}
	for _, one := range []struct {
		task
		want string
	}{
		{task{state: "OUT_OF_MEMORY", node: "lab1", reason: "OutOfMemory", exit: 9}, "its task ended as OUT_OF_MEMORY on lab1, killed by signal 9 (OutOfMemory)"},
		{task{state: "CANCELLED", reason: "None"}, "its task ended as CANCELLED"},
		{task{state: "FAILED", node: "lab1", exit: 3 << 8}, "its task ended as FAILED on lab1, exit status 3"},
		{task{}, "Slurm no longer knows its task"},
	} {
		if got := one.ended(); got != one.want {
			t.Errorf("%+v: %q, want %q", one.task, got, one.want)
		}
	}
	if !(task{state: "PENDING", reason: "launch failed requeued held"}).held() || (task{state: "PENDING", reason: "BeginTime"}).held() {
		t.Error("a task that is held is not told from one that waits")
	}
}

// What Slurm's word makes of a case, without Slurm: a lost worker's attempt is recorded, and so is a task that left nothing; a
// result that an attempt left itself is never written over.
func TestRecord(t *testing.T) {
	dir, c := folder.Dir(t.TempDir()), cases(1)[0]
	first := dir.Attempt(c.ID, 1)
	if err := os.MkdirAll(first, 0o755); err != nil {
		t.Fatal(err)
	}
	if r, err := record(dir, c, 1, "lab2", "lost"); err != nil || r == nil || r.Outcome != matrix.Broken || r.Host != "lab2" {
		t.Fatalf("recorded %+v, %v", r, err)
	}
	if r, err := record(dir, c, 1, "lab2", "lost again"); err != nil || r != nil {
		t.Errorf("a result that was there: recorded %+v, %v", r, err)
	}
	if r, err := record(dir, c, 0, "lab1", "no folder"); err != nil || r == nil || r.Attempt != 2 {
		t.Errorf("an attempt without a folder: recorded %+v, %v", r, err)
	}
	all, err := attempts(dir, c)
	if err != nil || len(all) != 2 || all[0].result.Reason != "lost" || all[1].result.Reason != "no folder" {
		text, _ := json.Marshal(all)
		t.Errorf("attempts %s, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir.Case(c.ID), "*", "*.slurm")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
