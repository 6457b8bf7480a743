package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

// store is a folder of results.
type store struct {
	folder.Dir
	results []matrix.Result // that were there before
}

// openStore makes the folder, or opens one that holds results of the same plan.
func openStore(o Options) (*store, error) {
	s := &store{Dir: folder.Dir(o.Out)}
	p, results, err := ReadDir(o.Out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := vacant(o.Out); err != nil {
			return nil, err
		}
		return s, s.WritePlan(o.Plan)
	case err != nil:
		return nil, err
	case !o.Resume && !o.Add:
		return nil, fmt.Errorf("%s holds results already; --resume goes on with them, --out names another folder", o.Out)
	case p.Name != o.Plan.Name:
		return nil, fmt.Errorf("%s holds results of matrix %s, not %s; name another folder with --out", o.Out, p.Name, o.Plan.Name)
	}
	s.results = results
	if o.Resume && !samePlan(p, o.Plan) { // the file was changed since: indexes may mean other cases
		return s, s.WritePlan(o.Plan)
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

// ReadDir reads a folder of results: its plan and all results, in the order of cases and attempts. Attempts that were cut short have
// none.
func ReadDir(dir string) (matrix.Plan, []matrix.Result, error) {
	d := folder.Dir(dir)
	p, err := d.Plan()
	if err != nil {
		return p, nil, fmt.Errorf("read results of a matrix: %w", err)
	}
	var results []matrix.Result
	for _, c := range p.Cases {
		attempts, err := d.Attempts(c.ID)
		if err != nil {
			return p, nil, fmt.Errorf("read results of a matrix: %w", err)
		}
		for _, n := range attempts {
			r, err := folder.ReadResult(d.Attempt(c.ID, n))
			if errors.Is(err, fs.ErrNotExist) {
				continue // it was cut short
			}
			if err != nil {
				return p, nil, fmt.Errorf("read results of a matrix: %w", err)
			}
			results = append(results, r)
		}
	}
	return p, results, nil
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
