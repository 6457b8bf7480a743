package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/runner"
	"github.com/pxelab/pxelab/lab/report"
)

// matrixFlags are what can be asked of a matrix.
type matrixFlags struct {
	filter, shard, plan, out, times  string
	index, repeat                    int
	list, json                       bool
	untilFail, failFast, resume, one bool
	engineFlags
}

func matrixCommand() *cobra.Command {
	var f matrixFlags
	cmd := &cobra.Command{
		Use:   "matrix [FILE]",
		Short: "Boot every case of a matrix: topologies by firmware, card ...",
		Long: `Boot every case of a matrix: each topology with each firmware, card, clock and
whatever else FILE varies; docs/matrix.md describes it. Each case is a lab of
its own; as many run at once as there are cores. The folder that it leaves holds
a bundle for each.

Exit status: 0 every case is as expected, 1 some are not, 2 bad input or the
matrix itself broke, 3 this host cannot run it.`,
		Example: `  pxelab matrix topologies/quick.matrix.yaml
  pxelab matrix topologies/nightly.matrix.yaml --list --filter '/ovmf-x64/'
  pxelab matrix topologies/nightly.matrix.yaml --out night   # Ctrl-C stops it
  pxelab matrix topologies/nightly.matrix.yaml --out night --resume
  pxelab matrix topologies/nightly.matrix.yaml --shard 2/8 --out part2`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.filter, "filter", "", "only cases whose ID this regular expression matches")
	flags.BoolVar(&f.list, "list", false, "list the cases, and what makes none; nothing is started")
	flags.BoolVar(&f.json, "json", false, "with --list: the plan as JSON")
	flags.StringVarP(&f.out, "out", "o", "", "folder for the results (default: a new one beside the runs' bundles)")
	flags.BoolVar(&f.resume, "resume", false, "go on in --out: what gave a verdict there is kept")
	flags.IntVar(&f.repeat, "repeat", 1, "attempts at each case; those that differ are flaky, which fails")
	flags.BoolVar(&f.untilFail, "until-fail", false, "attempts at all cases, again and again, until one is not as expected")
	flags.BoolVar(&f.failFast, "fail-fast", false, "start nothing more once a case is not as expected")
	flags.StringVar(&f.shard, "shard", "", "run one part of several, such as 2/8; the parts take equally long")
	flags.StringVar(&f.times, "times", "", "file of past times that shards are balanced by (default: estimates)")
	flags.StringVar(&f.plan, "plan", "", "plan that `pxelab matrix plan` wrote, in place of FILE")
	flags.IntVar(&f.index, "index", 0, "with --plan: run the one case of this index")
	f.engineFlags.register(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.one = flags.Changed("index")
		return runMatrix(cmd.Context(), args, f)
	}
	cmd.AddCommand(matrixPlanCommand(), matrixMergeCommand())
	return cmd
}

func matrixPlanCommand() *cobra.Command {
	var out, times string
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Freeze a matrix: all its cases in one file, to be run elsewhere",
		Example: `  pxelab matrix plan topologies/nightly.matrix.yaml -o plan.json
  pxelab matrix --plan plan.json --index 17 --out results`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write (default: standard output)")
	cmd.Flags().StringVar(&times, "times", "", "file of past times to put into it (default: this user's)")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		m, err := loadMatrix(args[0])
		if err != nil {
			return err
		}
		past, err := runner.ReadTimes(times)
		if err != nil {
			return err
		}
		p := m.Plan.WithTimes(past)
		if out == "" {
			return writeJSON(p)
		}
		text, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(out, append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("write the plan: %w; name another file with --out", err)
		}
		fmt.Printf("%s: %d cases of %s\n", out, len(p.Cases), p.Name)
		return nil
	}
	return cmd
}

func matrixMergeCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge DIR... -o OUT",
		Short: "Join folders of results of one matrix: shards, or single cases",
		Long: `Join folders of results of one matrix into a new one and report on all of it. A
case for which no folder has a result is "not-run", which fails; a second result
for a case is a further attempt at it.`,
		Example: "  pxelab matrix merge part1 part2 part3 -o night",
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "folder to make")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if out == "" {
			return errors.New("matrix merge: no folder to make: name one with --out")
		}
		p, results, err := runner.Merge(args, out)
		if err != nil {
			return err
		}
		end := &matrixEnd{whole: true}
		if err := end.report(out, p, results); err != nil {
			return err
		}
		return end.verdict()
	}
	return cmd
}

// loadMatrix reads a matrix file and its topologies.
func loadMatrix(path string) (*matrix.Matrix, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the matrix: %w; name a matrix file, such as topologies/quick.matrix.yaml", err)
	}
	return matrix.Load(path, data, matrix.Files{Glob: filepath.Glob, Read: os.ReadFile}, lab.Known())
}

// readPlan reads a frozen plan.
func readPlan(path string) (matrix.Plan, error) {
	var p matrix.Plan
	data, err := os.ReadFile(path)
	if err != nil {
		return p, fmt.Errorf("read the plan: %w; `pxelab matrix plan FILE -o plan.json` writes one", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("read the plan %s: %w; `pxelab matrix plan FILE -o plan.json` writes one", path, err)
	}
	if p.Version != matrix.Version || len(p.Cases) == 0 {
		return p, fmt.Errorf("read the plan %s: version %d with %d cases; this pxelab reads version %d", path, p.Version, len(p.Cases), matrix.Version)
	}
	return p, nil
}

// chosen is what the command line asks for: a plan, and which of its cases.
type chosen struct {
	plan  matrix.Plan
	left  []matrix.Left
	cases []matrix.Case
}

// choose reads the plan and picks the cases.
func choose(args []string, f matrixFlags) (chosen, error) {
	var c chosen
	switch {
	case f.plan != "" && len(args) > 0:
		return c, fmt.Errorf("matrix: %s and --plan %s are both named; leave one of them out", args[0], f.plan)
	case f.plan == "" && len(args) == 0:
		return c, errors.New("matrix: no matrix file: name one, such as topologies/quick.matrix.yaml, or a plan with --plan")
	case f.one && f.plan == "":
		return c, errors.New("matrix: --index goes with --plan, as the numbers of a file's cases change with it")
	case f.one && (f.shard != "" || f.filter != ""):
		return c, errors.New("matrix: --index names one case; leave out --shard and --filter")
	}
	if f.plan != "" {
		var err error
		if c.plan, err = readPlan(f.plan); err != nil {
			return c, err
		}
	} else {
		m, err := loadMatrix(args[0])
		if err != nil {
			return c, err
		}
		c.plan, c.left = m.Plan, m.Left
	}
	return c, c.pick(f)
}

// pick applies --index, --shard and --filter.
func (c *chosen) pick(f matrixFlags) error {
	if f.one {
		for _, one := range c.plan.Cases {
			if one.Index == f.index {
				c.cases = []matrix.Case{one}
				return nil
			}
		}
		return fmt.Errorf("--index %d: %s has %d cases, from 0", f.index, f.plan, len(c.plan.Cases))
	}
	sharded := c.plan
	if f.times != "" { // this user's own past times would give other shards on another machine
		past, err := runner.ReadTimes(f.times)
		if err != nil {
			return err
		}
		sharded = c.plan.WithTimes(past)
	}
	c.cases = sharded.Cases
	if f.shard != "" {
		s, err := matrix.ParseShard(f.shard)
		if err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
		c.cases = s.Of(sharded)
	}
	if f.shard != "" || f.filter != "" {
		c.left = nil // of the whole
	}
	var err error
	c.cases, err = matrix.Filter(c.cases, f.filter)
	return err
}

// listMatrix prints the cases.
func listMatrix(c chosen, asJSON bool) error {
	past, err := runner.ReadTimes("")
	if err != nil {
		return err
	}
	c.plan.Cases = c.cases
	c.plan = c.plan.WithTimes(past)
	if asJSON {
		return writeJSON(c.plan)
	}
	_, err = fmt.Print(report.MatrixList(c.plan, c.plan.Cases, c.left, styleOf(os.Stdout, "")))
	return err
}
