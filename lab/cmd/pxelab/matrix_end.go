package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
	"github.com/pxelab/pxelab/lab/matrix/store"
	"github.com/pxelab/pxelab/lab/report/results"
)

// matrixEnd is how a matrix ended.
type matrixEnd struct {
	whole  bool // all its cases were asked for
	one    bool // one of many processes that share the folder: the reports are made when all have ended
	passed bool
}

// verdict says by its error whether all cases that were asked for are as expected.
func (m *matrixEnd) verdict() error {
	if !m.passed {
		return errVerdict
	}
	return nil
}

// report writes the reports of a folder of results, and prints what came of the cases that were asked for.
func (m *matrixEnd) report(dir string, p matrix.Plan, list []matrix.Result) error {
	ran, notRun := split(dir, p, list)
	m.passed = ran.Passed && len(notRun) == 0
	if m.one {
		_, err := fmt.Print("\n" + ran.Text(styleOf(os.Stdout, "")))
		return err
	}
	all, err := store.Read(dir)
	if err == nil && m.whole {
		err = store.Remember(store.DefaultHistory(), all)
	}
	if err == nil {
		err = store.Write(filepath.Join(dir, reportDir), all)
	}
	if err == nil && m.whole && len(notRun) == 0 {
		ran = all // it tells what changed, too
	}
	text := "\n"
	if len(ran.Cases) > 0 {
		text += ran.Text(styleOf(os.Stdout, ""))
	}
	if _, printed := fmt.Print(text + untried(notRun) + fmt.Sprintf("results: %s\n", dir)); printed != nil {
		return errors.Join(err, printed)
	}
	return err
}

// reportDir is where the reports are, in a folder of results.
const reportDir = "report"

// split parts the cases that were run, as a report, from the results that say why others were not.
func split(dir string, p matrix.Plan, list []matrix.Result) (*results.Report, []matrix.Result) {
	var notRun []matrix.Result
	var runs []results.Run
	ran := map[int]bool{}
	for _, r := range list {
		if r.Outcome == matrix.NotRun {
			notRun = append(notRun, r)
			continue
		}
		ran[r.Index] = true
		left := folder.Dir(dir).Attempt(r.ID, r.Attempt)
		if !bundle.Is(left) {
			left = "" // it broke before there was one
		}
		runs = append(runs, results.Run{Result: r, Bundle: left, Again: left != ""})
	}
	part := p
	part.Cases = nil
	for _, c := range p.Cases {
		if ran[c.Index] {
			part.Cases = append(part.Cases, c)
		}
	}
	r := results.New(&part, runs)
	r.Passed = r.Passed || len(part.Cases) == 0 // a shard may be empty
	return r, notRun
}

// untried tells how many cases were not run, why, and which are the first.
func untried(list []matrix.Result) string {
	if len(list) == 0 {
		return ""
	}
	const most = 5
	var ids []string
	for i, r := range list {
		if i == most {
			ids = append(ids, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		ids = append(ids, r.ID)
	}
	return fmt.Sprintf("%d not run: %s: %s\n", len(list), list[0].Reason, strings.Join(ids, ", "))
}
