package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pxelab/pxelab/lab/matrix"
)

// The files of a folder of results.
const (
	planFile   = "matrix.json"
	resultFile = "result.json"
	casesDir   = "cases"
)

// store is a folder of results.
type store struct {
	dir     string
	results []matrix.Result // that were there before
}

// openStore makes the folder, or opens one that holds results of the same plan.
func openStore(o Options) (*store, error) {
	s := &store{dir: o.Out}
	p, results, err := ReadDir(o.Out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := vacant(o.Out); err != nil {
			return nil, err
		}
		return s, writeWhole(filepath.Join(o.Out, planFile), o.Plan)
	case err != nil:
		return nil, err
	case !o.Resume && !o.Add:
		return nil, fmt.Errorf("%s holds results already; --resume goes on with them, --out names another folder", o.Out)
	case p.Name != o.Plan.Name:
		return nil, fmt.Errorf("%s holds results of matrix %s, not %s; name another folder with --out", o.Out, p.Name, o.Plan.Name)
	}
	s.results = results
	if o.Resume && !samePlan(p, o.Plan) { // the file was changed since: indexes may mean other cases
		return s, writeWhole(filepath.Join(o.Out, planFile), o.Plan)
	}
	if o.Add && !samePlan(p, o.Plan) {
		return nil, fmt.Errorf("%s holds results of another plan of %s; name another folder with --out", o.Out, p.Name)
	}
	return s, nil
}

// vacant tells whether a folder is empty, or is not there.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look into %s: %w; name another folder with --out", dir, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty and holds no matrix; name another folder with --out", dir)
	}
	return nil
}

// samePlan tells whether two plans have the same cases.
func samePlan(a, b matrix.Plan) bool {
	return slices.EqualFunc(a.Cases, b.Cases, func(x, y matrix.Case) bool { return x.Index == y.Index && x.Inputs == y.Inputs })
}

// caseDir is the folder of all attempts at a case.
func (s *store) caseDir(id string) string {
	return filepath.Join(s.dir, casesDir, filepath.FromSlash(id))
}

// kept gives the results that count as attempts at these cases: those of the same inputs that gave a verdict.
func (s *store) kept(cases []matrix.Case) []matrix.Result {
	var out []matrix.Result
	for _, c := range cases {
		for _, r := range s.results {
			if r.ID == c.ID && r.Inputs == c.Inputs {
				r.Index = c.Index
				out = append(out, r)
			}
		}
	}
	return out
}

// next gives the number and the folder of the next attempt at a case. Attempts that were cut short have numbers, too.
func (s *store) next(c matrix.Case) (attempt int, dir string) {
	entries, _ := os.ReadDir(s.caseDir(c.ID)) // not there: the first
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			attempt = max(attempt, n)
		}
	}
	return attempt + 1, filepath.Join(s.caseDir(c.ID), strconv.Itoa(attempt+1))
}

// save keeps a result beside its bundle.
func (s *store) save(j Job, r matrix.Result) error {
	return writeWhole(filepath.Join(j.Dir, resultFile), r)
}

// ReadDir reads a folder of results: its plan and all results, in the order of cases and attempts. Attempts that were cut short have
// none.
func ReadDir(dir string) (matrix.Plan, []matrix.Result, error) {
	var p matrix.Plan
	text, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return p, nil, fmt.Errorf("read results of a matrix: %w", err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, nil, fmt.Errorf("read results of a matrix: %s: %w", filepath.Join(dir, planFile), err)
	}
	if p.Version != matrix.Version {
		return p, nil, fmt.Errorf("read results of a matrix: %s has version %d, this pxelab reads %d", filepath.Join(dir, planFile), p.Version, matrix.Version)
	}
	var results []matrix.Result
	for _, c := range p.Cases {
		found, err := readAttempts(filepath.Join(dir, casesDir, filepath.FromSlash(c.ID)))
		if err != nil {
			return p, nil, err
		}
		results = append(results, found...)
	}
	return p, results, nil
}

// readAttempts reads the results of one case.
func readAttempts(dir string) ([]matrix.Result, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read results of a matrix: %w", err)
	}
	var out []matrix.Result
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		path := filepath.Join(dir, e.Name(), resultFile)
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was cut short
		}
		var r matrix.Result
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			return nil, fmt.Errorf("read results of a matrix: %s: %w", path, err)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b matrix.Result) int { return a.Attempt - b.Attempt })
	return out, nil
}

// hostname is this machine's.
var hostname = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return name
})

// BundleDir is the folder of one attempt in a folder of results.
func BundleDir(dir string, r matrix.Result) string {
	return filepath.Join(dir, casesDir, filepath.FromSlash(r.ID), strconv.Itoa(r.Attempt))
}
