package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

// Merge joins folders of results of one plan into a new one, and gives the plan with all results: a case that no folder has a result
// for was not run, and a second result for a case is a further attempt. Folders that hold the very same result hold it once.
func Merge(dirs []string, out string) (matrix.Plan, []matrix.Result, error) {
	var p matrix.Plan
	m := merger{out: store{Dir: folder.Dir(out)}, seen: map[string]bool{}}
	for i, dir := range dirs {
		q, results, err := ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return p, nil, fmt.Errorf("%w; a folder of results is what `pxelab matrix --out` leaves", err)
		}
		if err != nil {
			return p, nil, err
		}
		switch {
		case i == 0:
			if err := vacant(out); err != nil {
				return p, nil, err
			}
			p = q
		case p.Name != q.Name || !samePlan(p, q):
			return p, nil, fmt.Errorf("merge results: %s and %s are of different plans (%s with %d cases, %s with %d): merge those of one plan only",
				dirs[0], dir, p.Name, len(p.Cases), q.Name, len(q.Cases))
		}
		if err := m.add(dir, results); err != nil {
			return p, nil, err
		}
	}
	if err := m.out.WritePlan(p); err != nil {
		return p, nil, err
	}
	return p, m.withNotRun(p), nil
}

// merger is a folder on its way.
type merger struct {
	out     store
	seen    map[string]bool // results, whole
	results []matrix.Result
}

// add takes over every attempt of a folder that has a result.
func (m *merger) add(dir string, results []matrix.Result) error {
	for _, r := range results {
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if m.seen[string(text)] {
			continue
		}
		m.seen[string(text)] = true
		src := folder.Dir(dir).Attempt(r.ID, r.Attempt)
		attempt := m.out.Next(r.ID)
		dst := m.out.Attempt(r.ID, attempt)
		if err := linkTree(src, dst); err != nil {
			return fmt.Errorf("merge results: %w", err)
		}
		r.Attempt = attempt
		if err := folder.WriteResult(dst, r); err != nil {
			return err
		}
		m.results = append(m.results, r)
	}
	return nil
}

// withNotRun gives all results, with one for each case that has none.
func (m *merger) withNotRun(p matrix.Plan) []matrix.Result {
	out := slices.Clone(m.results)
	for _, c := range p.Cases {
		mine := func(r matrix.Result) bool { return r.Index == c.Index && r.Inputs == c.Inputs }
		if !slices.ContainsFunc(out, mine) {
			out = append(out, c.NotRun("none of the merged folders has a result for it"))
		}
	}
	return out
}

// linkTree makes a folder like another, its files the same ones where the file system can do that, else copies. The result is left
// out: each folder has its own.
func linkTree(src, dst string) error {
	return filepath.WalkDir(src, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		switch {
		case e.IsDir():
			return os.MkdirAll(to, 0o755)
		case rel == folder.ResultFile || !e.Type().IsRegular():
			return nil
		case os.Link(path, to) == nil:
			return nil
		}
		return copyFile(path, to)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
