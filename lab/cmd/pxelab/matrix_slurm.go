package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/runner"
	"github.com/pxelab/pxelab/lab/matrix/slurm"
	"github.com/pxelab/pxelab/lab/plan"
)

// engineFlags say where cases run that do not run here.
type engineFlags struct {
	on, partition, gres string
	limit               int
}

// register adds the flags.
func (e *engineFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&e.on, "on", "", "run the cases elsewhere: slurm, as an array job (docs/scale-out.md)")
	flags.IntVar(&e.limit, "array-limit", 0, "with --on slurm: how many cases may run at once (default: all)")
	flags.StringVar(&e.partition, "partition", "", "with --on slurm: the partition (default: the cluster's)")
	flags.StringVar(&e.gres, "gres", "", "with --on slurm: resources of each case, such as kvm:1")
}

// checkEngine refuses flags that contradict each other.
func (f matrixFlags) checkEngine() error {
	switch {
	case f.on == "" && (f.limit != 0 || f.partition != "" || f.gres != ""):
		return errors.New("matrix: --array-limit, --partition and --gres go with --on slurm")
	case f.on == "":
		return nil
	case f.on != "slurm":
		return fmt.Errorf("--on %s: no such engine; slurm is one, and docs/scale-out.md tells how others run shards", f.on)
	case f.limit < 0:
		return fmt.Errorf("--array-limit %d: use a number from 1", f.limit)
	case f.one, f.shard != "":
		return errors.New("matrix: --on slurm runs the whole matrix; leave out --index and --shard")
	case f.repeat > 1, f.untilFail, f.failFast:
		return errors.New("matrix: --on slurm attempts each case once; leave out --repeat, --until-fail and --fail-fast")
	}
	return nil
}

// runOnSlurm runs cases as an array job, and shows and reports it as a run on this machine.
func runOnSlurm(ctx context.Context, c chosen, f matrixFlags, out string, end *matrixEnd) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program, which the tasks run: %w", err)
	}
	width := f.limit
	if width == 0 {
		width = len(c.cases)
	}
	show := showMatrix(c.plan.Name, c.cases, width)
	defer show.close()
	o := runner.Options{Out: out, Plan: c.plan, Cases: c.cases, Resume: f.resume, Show: show, Finish: show.finish(end)}
	_, err = runner.RunAway(ctx, o, func(ctx context.Context, cases []matrix.Case) error {
		array := slurm.Array{
			Job: slurm.Job{Name: "pxelab-" + c.plan.Name, Cases: cases, Dir: out, Limit: f.limit, Partition: f.partition, Gres: f.gres,
				Command: []string{self, "matrix", "--plan", filepath.Join(out, "matrix.json"), "--out", out}},
			Tell: teller(show), Note: show.note,
		}
		err := array.Run(ctx)
		if errors.Is(err, slurm.ErrMissing) {
			return fmt.Errorf("%w: %w", plan.ErrHost, err)
		}
		return err
	})
	return err
}

// teller shows what happens to the cases of an array.
func teller(show *matrixShow) func(slurm.Step) {
	return func(s slurm.Step) {
		j := runner.Job{Case: s.Case, Attempt: s.Attempt}
		switch {
		case s.Result != nil:
			show.gone(j)
			show.Ended(j, *s.Result)
		case s.Running:
			show.Started(j)
		default:
			show.waits(j, s.Waits)
		}
	}
}

// finish takes the display away before the end is reported.
func (m *matrixShow) finish(end *matrixEnd) func(string, matrix.Plan, []matrix.Result) error {
	return func(dir string, p matrix.Plan, results []matrix.Result) error {
		m.close()
		return end.report(dir, p, results)
	}
}

// waits tells that a case has to begin again.
func (m *matrixShow) waits(j runner.Job, why string) {
	m.gone(j)
	m.note(j.Case.ID + ": " + why)
}

// gone takes whatever runs of a case off the display.
func (m *matrixShow) gone(j runner.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Gone(j.Case)
}

// note prints a line that concerns no end of a case.
func (m *matrixShow) note(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.draw(fmt.Sprintf("%7.1f s  %s\n", time.Since(m.begun).Seconds(), text))
}
