package slurm

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// task is what Slurm tells of one task of an array.
type task struct {
	index    int
	state    string // Slurm's word: "PENDING", "RUNNING", "NODE_FAIL", ...
	restarts int    // how often Slurm has put it back into the queue
	node     string // where it runs or ran; empty while it waits
	reason   string // why it waits or ended; "None" if there is nothing to say
	exit     syscall.WaitStatus
}

// fields are those of squeue that a task is read from. A field is cut at its width.
const fields = "ArrayTaskID:16|,State:32|,RestartCnt:12|,NodeList:256|,Reason:256|,exit_code:12|"

// tasks asks for all tasks of a job, those that are over too as long as Slurm remembers them (MinJobAge, five minutes unless
// the cluster says otherwise). One that Slurm has forgotten is not among them.
func tasks(ctx context.Context, job string) (map[int]task, error) {
	out, err := call(ctx, "", "squeue", "--noheader", "--array", "--states=all", "--jobs="+job, "--Format="+fields)
	if err != nil {
		if strings.Contains(err.Error(), "Invalid job id") { // every task is over and forgotten
			return nil, nil
		}
		return nil, err
	}
	return parse(out)
}

// parse reads what squeue printed.
func parse(out string) (map[int]task, error) {
	found := map[int]task{}
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimRight(line, "\n"), "|")
		if len(f) != 7 {
			return nil, fmt.Errorf("squeue printed %q, which is not what --Format=%s asks for", line, fields)
		}
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		index, err := strconv.Atoi(f[0])
		if err != nil {
			return nil, fmt.Errorf("squeue printed %q, whose first field is no index of an array", line)
		}
		restarts, _ := strconv.Atoi(f[2]) // a release without that field says N/A, and so here
		exit, _ := strconv.Atoi(f[5])     // as wait(2) gives it
		found[index] = task{index: index, state: f[1], restarts: restarts, node: f[3], reason: f[4], exit: syscall.WaitStatus(exit)}
	}
	return found, nil
}

// The states in which a task has not come to its end (squeue(1), JOB STATE CODES). REQUEUED and the like are on the way back to
// PENDING.
var (
	waiting = []string{"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD", "POWER_UP_NODE"}
	running = []string{"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
)

func (t task) waits() bool { return slices.Contains(waiting, t.state) }
func (t task) runs() bool  { return slices.Contains(running, t.state) }
func (t task) over() bool  { return !t.waits() && !t.runs() }

// ended says how a task ended that left no result.
func (t task) ended() string {
	if t.state == "" {
		return "Slurm no longer knows its task"
	}
	text := "its task ended as " + t.state
	if t.node != "" {
		text += " on " + t.node
	}
	switch {
	case t.exit.Signaled():
		text += ", killed by signal " + strconv.Itoa(int(t.exit.Signal()))
	case t.exit.ExitStatus() > 0:
		text += ", exit status " + strconv.Itoa(t.exit.ExitStatus())
	}
	if t.reason != "" && t.reason != "None" {
		text += " (" + t.reason + ")"
	}
	return text
}

// held tells of a task that waits and will never run by itself.
func (t task) held() bool {
	return t.waits() && (strings.Contains(strings.ToLower(t.reason), "held") || t.state == "REQUEUE_HOLD" || t.state == "SPECIAL_EXIT")
}

// nodes lists the nodes that answer and may be used, of a partition or (empty) of all.
func nodes(ctx context.Context, partition string) ([]string, error) {
	args := []string{"--noheader", "--Node", "--responding", "--format=%N %T"}
	if partition != "" {
		args = append(args, "--partition="+partition)
	}
	out, err := call(ctx, "", "sinfo", args...)
	if err != nil {
		return nil, err
	}
	var usable []string
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) == 2 && slices.ContainsFunc([]string{"idle", "mixed", "allocated", "completing"}, func(s string) bool { return f[1] == s }) {
			usable = append(usable, f[0])
		}
	}
	return usable, nil
}
