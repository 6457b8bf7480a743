// Package slurm runs the cases of a matrix on a Slurm cluster, as one array job with a task for each case.
//
// It speaks to Slurm by its commands alone: sbatch, squeue, sinfo, scontrol, scancel. What became of a case is told by the
// result that its task leaves in the shared folder; Slurm's word only explains why there is none.
package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
)

// ErrMissing is that Slurm's commands are not on this machine.
var ErrMissing = errors.New("no Slurm here: run it where its commands work, such as on the login node of the cluster")

// Job is an array job to submit: one task for each case.
type Job struct {
	Name    string
	Command []string      // what every task runs; the index of its case is appended
	Cases   []matrix.Case // those to run; a task's index is that of its case
	Dir     string        // the shared folder of results, an absolute path that is the same on every node

	Limit     int    // how many tasks may run at once; 0: as many as the cluster has room for
	Partition string // empty: the cluster's default
	Gres      string // generic resources of each task, such as "kvm:1"; empty: none
}

// idFile keeps the number of the job, for a run that goes on where this one was killed.
const idFile = "slurm/job"

// submit hands the job to Slurm.
func (a *Array) submit(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(a.Dir, "slurm"), 0o755); err != nil {
		return fmt.Errorf("make a folder for what the tasks print: %w", err)
	}
	out, err := call(ctx, a.script(), "sbatch", a.arguments()...)
	if err != nil {
		return fmt.Errorf("submit the cases: %w", err)
	}
	a.id, _, _ = strings.Cut(strings.TrimSpace(out), ";") // "123;cluster"
	if _, err := strconv.Atoi(a.id); err != nil {
		return fmt.Errorf("submit the cases: sbatch printed %q in place of a job's number", out)
	}
	if err := os.WriteFile(filepath.Join(a.Dir, idFile), []byte(a.id+"\n"), 0o644); err != nil {
		return errors.Join(fmt.Errorf("keep the number of job %s: %w", a.id, err), a.cancel(ctx))
	}
	a.Note(fmt.Sprintf("Slurm has them as job %s", a.id))
	return nil
}

// cancelEarlier ends an array that an earlier run left behind when it was killed: two attempts at each case would be told as such,
// but they are not what anybody asked for.
func (a *Array) cancelEarlier(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(a.Dir, idFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("look for an earlier array: %w", err)
	}
	a.id = strings.TrimSpace(string(text))
	if known, err := tasks(ctx, a.id); err != nil {
		return fmt.Errorf("look whether job %s of an earlier run is over: %w", a.id, err)
	} else if !hasActive(known) {
		return nil
	}
	a.Note(fmt.Sprintf("job %s of an earlier run is cancelled", a.id))
	return a.cancel(ctx)
}

// script is what each task runs. It becomes the command, so that what Slurm sends it to end it reaches the command.
func (j Job) script() string {
	words := make([]string, 0, len(j.Command))
	for _, w := range j.Command {
		words = append(words, quote(w))
	}
	return "#!/bin/sh\nexec " + strings.Join(words, " ") + " --index \"$SLURM_ARRAY_TASK_ID\"\n"
}

// arguments are those of sbatch. Tasks start in the folder that it is called in, from which topologies may name files. The cases of an array share their needs, so each gets the most that one of them takes.
func (j Job) arguments() []string {
	array := indexes(j.Cases)
	if j.Limit > 0 {
		array += "%" + strconv.Itoa(j.Limit)
	}
	memory, cores, took := 0, 0.0, time.Duration(0)
	for _, c := range j.Cases {
		memory, cores, took = max(memory, c.Needs.Memory), max(cores, c.Needs.Cores), max(took, c.Cost())
	}
	args := []string{
		"--parsable",
		"--job-name=" + j.Name,
		"--array=" + array,
		"--nodes=1", "--ntasks=1",
		"--cpus-per-task=" + strconv.Itoa(max(1, int(math.Ceil(cores)))),
		"--time=" + strconv.Itoa(minutes(took)),
		"--requeue",
		"--output=" + strings.ReplaceAll(j.Dir, "%", "%%") + "/slurm/%a.log",
		"--open-mode=append", // a task that runs again does not wipe out what it said before
	}
	if memory > 0 {
		args = append(args, "--mem="+strconv.Itoa(memory)+"M")
	}
	if j.Partition != "" {
		args = append(args, "--partition="+j.Partition)
	}
	if j.Gres != "" {
		args = append(args, "--gres="+j.Gres)
	}
	return args
}

// minutes is the time limit of a task. The lab has budgets of its own for every stage of a boot: this one is for a node that
// does not get on at all, so it is wide.
func minutes(took time.Duration) int {
	if took == 0 {
		return 30
	}
	return 5 + int(math.Ceil((10 * took).Minutes()))
}

// indexes writes the indexes of cases as sbatch wants them: 0-3,7.
func indexes(cases []matrix.Case) string {
	list := make([]int, 0, len(cases))
	for _, c := range cases {
		list = append(list, c.Index)
	}
	slices.Sort(list)
	var out []string
	for i := 0; i < len(list); {
		last := i
		for last+1 < len(list) && list[last+1] == list[last]+1 {
			last++
		}
		text := strconv.Itoa(list[i])
		if last > i {
			text += "-" + strconv.Itoa(list[last])
		}
		out = append(out, text)
		i = last + 1
	}
	return strings.Join(out, ",")
}

// quote makes one word of a POSIX shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// call runs one of Slurm's commands and gives what it printed.
func call(ctx context.Context, input, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w (%w)", ErrMissing, err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.Join(strings.Fields(stderr.String()), " "))
	}
	return stdout.String(), nil
}
