// Package folder is the one place that knows how results of a matrix lie in a folder: matrix.json is its plan, and cases/ID/N the
// bundle of the Nth attempt at a case, with result.json beside what else it holds once the attempt is over.
package folder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/whole"
)

// PlanFile and ResultFile are the names of the two files.
const (
	PlanFile   = "matrix.json"
	ResultFile = "result.json"
)

const casesDir = "cases"

// Dir is a folder of results.
type Dir string

// HasPlan tells whether it is one.
func (d Dir) HasPlan() bool {
	st, err := os.Stat(d.plan())
	return err == nil && st.Mode().IsRegular()
}

func (d Dir) plan() string { return filepath.Join(string(d), PlanFile) }

// Plan reads its plan. The error wraps fs.ErrNotExist if the folder has none.
func (d Dir) Plan() (matrix.Plan, error) {
	var p matrix.Plan
	if err := readJSON(d.plan(), &p); err != nil {
		return p, err
	}
	if p.Version != matrix.Version {
		return p, fmt.Errorf("%s has version %d, this pxelab reads %d", d.plan(), p.Version, matrix.Version)
	}
	for _, c := range p.Cases {
		if !filepath.IsLocal(filepath.FromSlash(c.ID)) {
			return p, fmt.Errorf("%s: case %d has ID %q, which is no path below a folder", d.plan(), c.Index, c.ID)
		}
	}
	return p, nil
}

// WritePlan writes its plan, and makes the folder.
func (d Dir) WritePlan(p matrix.Plan) error { return whole.WriteJSON(d.plan(), p) }

// Case is the folder of all attempts at a case.
func (d Dir) Case(id string) string {
	return filepath.Join(string(d), casesDir, filepath.FromSlash(id))
}

// Attempt is the folder of one attempt at a case, which is a bundle.
func (d Dir) Attempt(id string, n int) string { return filepath.Join(d.Case(id), strconv.Itoa(n)) }

// Attempts lists the numbers of the attempts at a case of which there is anything, in their order.
func (d Dir) Attempts(id string) ([]int, error) {
	entries, err := os.ReadDir(d.Case(id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && e.IsDir() {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Next is the number of the next attempt at a case. Attempts that were cut short have numbers, too.
func (d Dir) Next(id string) int {
	had, err := d.Attempts(id)
	if err != nil || len(had) == 0 {
		return 1 // what cannot be read cannot be written either, which tells more
	}
	return had[len(had)-1] + 1
}

// ReadResult reads the result in the folder of an attempt. The error wraps fs.ErrNotExist if it was cut short.
func ReadResult(attempt string) (matrix.Result, error) {
	var r matrix.Result
	path := filepath.Join(attempt, ResultFile)
	if err := readJSON(path, &r); err != nil {
		return r, err
	}
	if r.Version != matrix.Version {
		return r, fmt.Errorf("%s has version %d, this pxelab reads %d", path, r.Version, matrix.Version)
	}
	return r, nil
}

// WriteResult writes the result in the folder of an attempt.
func WriteResult(attempt string, r matrix.Result) error {
	return whole.WriteJSON(filepath.Join(attempt, ResultFile), r)
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
