package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/runner"
	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// runMatrix does what the command line asks for.
func runMatrix(ctx context.Context, args []string, f matrixFlags) error {
	c, err := choose(args, f)
	if err != nil {
		return err
	}
	if f.list {
		return listMatrix(c, f.json)
	}
	if err := f.check(); err != nil {
		return err
	}
	if f.out == "" {
		f.out = filepath.Join(filepath.Dir(lab.DefaultRuns()), "matrices", c.plan.Name+"-"+time.Now().Format("20060102-150405.000"))
	}
	out, err := filepath.Abs(f.out)
	if err != nil {
		return err
	}
	run := runHere
	if f.on != "" {
		run = runOnSlurm
	}
	end := &matrixEnd{whole: len(c.cases) == len(c.plan.Cases), one: f.one}
	err = run(ctx, c, f, out, end)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		fmt.Fprintf(os.Stderr, "\npxelab: interrupted; the same command with --out %s --resume goes on\n", out)
		return ctx.Err()
	}
	return end.verdict()
}

// runHere runs cases on this machine.
func runHere(ctx context.Context, c chosen, f matrixFlags, out string, end *matrixEnd) error {
	h, err := matrixHost(ctx, c.cases)
	if err != nil {
		return err
	}
	past, err := runner.ReadTimes("")
	if err != nil {
		return err
	}
	_, _ = control.List() // it buries the sockets of labs that died with another matrix, whose names do not come again
	show := showMatrix(c.plan.Name, c.cases, h.Cores)
	defer show.close()
	_, err = runner.Run(ctx, runner.Options{Out: out, Plan: c.plan, Cases: c.cases, Repeat: f.repeat, UntilFail: f.untilFail,
		FailFast: f.failFast, Resume: f.resume, Add: f.one, Loose: f.one, Version: versionText(), Host: h, Known: lab.Known(), Past: past, Show: show,
		Finish: show.finish(end)})
	return err
}

// check refuses flags that contradict each other.
func (f matrixFlags) check() error {
	switch {
	case f.json:
		return errors.New("matrix: --json goes with --list; the results are JSON files in the folder of --out")
	case f.repeat < 1:
		return fmt.Errorf("--repeat %d: use a number from 1", f.repeat)
	case f.resume && f.out == "":
		return errors.New("matrix: --resume needs --out: the folder to go on in")
	case f.untilFail && f.repeat > 1:
		return errors.New("matrix: --until-fail repeats without end; leave out --repeat")
	}
	return f.checkEngine()
}

// matrixHost looks at this machine for all that any case needs.
func matrixHost(ctx context.Context, cases []matrix.Case) (*host.Host, error) {
	var commands []string
	flash := false
	for _, c := range cases {
		t, err := topology.Parse(c.ID, []byte(c.Text), lab.Known())
		if err != nil {
			continue // the case itself will say so
		}
		for _, name := range t.Commands() {
			if !slices.Contains(commands, name) {
				commands = append(commands, name)
			}
		}
		flash = flash || slices.ContainsFunc(t.Guests, func(g topology.Guest) bool { return g.Firmware != "bios" })
	}
	h, err := host.Gather(ctx, host.Options{ProbeUserns: sandbox.Probe, PrepareStores: flash, Commands: commands})
	if err != nil {
		return nil, err
	}
	if !h.Userns.OK {
		return nil, fmt.Errorf("%w: a lab lives in namespaces of its own: %s", plan.ErrHost, h.Userns.Why)
	}
	if _, ok := h.Find("x86_64"); !ok {
		return nil, fmt.Errorf("%w: qemu-system-x86_64 is not on it: run pxelab doctor for the package to install", plan.ErrHost)
	}
	return h, nil
}
