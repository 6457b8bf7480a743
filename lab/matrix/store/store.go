// Package store reads folders of results and single bundles into one report, writes the forms of a report, and keeps the history
// that reports are held against.
package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
	"github.com/pxelab/pxelab/lab/report/results"
	"github.com/pxelab/pxelab/lab/whole"
)

// Read makes one report of folders of results of one matrix, such as its shards left them, or of bundles.
//
// What is missing or cannot be read in a folder is told in the report's notes, and its case was not run. An error means that
// there is nothing to report: no folder of results and no bundle, or such of different matrices.
func Read(dirs ...string) (*results.Report, error) {
	var all []shard
	var bundles []string
	for _, dir := range dirs {
		switch {
		case folder.Dir(dir).HasPlan():
			s, err := readShard(dir)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		case bundle.Is(dir):
			bundles = append(bundles, dir)
		default:
			return nil, fmt.Errorf("report %s: it is no folder of results, which has %s, and no bundle, which has plan.json", dir, folder.PlanFile)
		}
	}
	switch {
	case len(all) > 0 && len(bundles) > 0:
		return nil, fmt.Errorf("report: %s holds results of a matrix and %s is a bundle: report them apart", all[0].dir, bundles[0])
	case len(bundles) > 0:
		return readBundles(bundles)
	case len(all) == 0:
		return nil, errors.New("report: name a folder of results or a bundle")
	}
	return merge(all)
}

// shard is one folder of results, read.
type shard struct {
	dir   string
	plan  matrix.Plan
	runs  []results.Run
	notes []string
}

func readShard(dir string) (shard, error) {
	s := shard{dir: dir}
	var err error
	if s.plan, err = folder.Dir(dir).Plan(); err != nil {
		return s, fmt.Errorf("report: %w", err)
	}
	for _, c := range s.plan.Cases {
		s.readCase(&c)
	}
	return s, nil
}

// readCase reads all attempts at a case that this folder holds.
func (s *shard) readCase(c *matrix.Case) {
	dir := folder.Dir(s.dir)
	attempts, err := dir.Attempts(c.ID)
	if err != nil {
		s.note("%s: %v", c.ID, err)
	}
	for _, n := range attempts {
		bundle := dir.Attempt(c.ID, n)
		r, err := folder.ReadResult(bundle)
		switch {
		case errors.Is(err, os.ErrNotExist):
			s.note("%s: attempt %d was cut off before it had a result: %s", c.ID, n, bundle)
		case err != nil:
			s.note("%s: attempt %d does not count: %v", c.ID, n, err)
		default:
			s.runs = append(s.runs, newRun(r, bundle))
		}
	}
}

// newRun adds to a result what its bundle tells. A case that broke may have come no further than its folder, or its plan.
func newRun(r matrix.Result, dir string) results.Run {
	run := results.Run{Result: r, Bundle: dir}
	if _, err := bundle.ReadPlan(dir); err != nil {
		return run
	}
	run.Again = true
	if m, err := bundle.ReadMade(dir); err == nil && m != nil { // without it what it ran with is not known
		run.With = m.Digest()
	}
	if p, events, err := bundle.Read(dir); err == nil {
		run.Detail = results.NewDetail(p, events, r.Outcome.Good())
	}
	return run
}

func (s *shard) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// merge puts folders of one matrix together.
func merge(all []shard) (*results.Report, error) {
	first := &all[0]
	var runs []results.Run
	var notes []string
	for i := range all {
		s := &all[i]
		if why := differs(&first.plan, &s.plan); why != "" {
			return nil, fmt.Errorf("report: %s and %s are results of different matrices: %s; report them apart", first.dir, s.dir, why)
		}
		runs, notes = append(runs, s.runs...), append(notes, s.notes...)
	}
	r := results.New(&first.plan, runs)
	r.Notes = append(r.Notes, notes...)
	return r, nil
}

// differs says why two plans are not of the same matrix; empty: they are. What is known of past times may differ.
func differs(a, b *matrix.Plan) string {
	if a.Name != b.Name {
		return fmt.Sprintf("the one is %q, the other %q", a.Name, b.Name)
	}
	for i := range min(len(a.Cases), len(b.Cases)) {
		x, y := &a.Cases[i], &b.Cases[i]
		switch {
		case x.Index != y.Index || x.ID != y.ID:
			return fmt.Sprintf("case %d of %s is %s in the one and %s in the other", i, a.Name, x.ID, y.ID)
		case x.Inputs != y.Inputs:
			return fmt.Sprintf("case %s of %s was made from other inputs: its topology, or what the matrix says of it, is another", x.ID, a.Name)
		}
	}
	if len(a.Cases) != len(b.Cases) {
		return fmt.Sprintf("%s has %d cases in the one and %d in the other", a.Name, len(a.Cases), len(b.Cases))
	}
	return ""
}

// Write puts every form of a report into a folder: report.txt, junit.xml, results.json, report.html, summary.md and
// annotations.txt. A reader sees each file whole or not at all.
func Write(dir string, r *results.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the report: %w; name another folder with --out", err)
	}
	for _, form := range results.Forms() {
		if err := WriteForm(filepath.Join(dir, form.File()), r, form); err != nil {
			return err
		}
	}
	return nil
}

// WriteForm writes one form of a report to a file.
func WriteForm(path string, r *results.Report, form results.Form) error {
	data, err := r.Render(form)
	if err != nil {
		return err
	}
	if err := whole.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write the report: %w; name another place with --out", err)
	}
	return nil
}
