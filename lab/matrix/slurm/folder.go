package slurm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

// attempt is one folder of a case: its number and, once it is over, its result.
type attempt struct {
	number int
	result *matrix.Result
}

// attempts reads what there is of a case, in the order of the numbers. A file appears whole or not at all, so what cannot be
// read is an error.
func attempts(dir folder.Dir, c matrix.Case) ([]attempt, error) {
	numbers, err := dir.Attempts(c.ID)
	if err != nil {
		return nil, fmt.Errorf("read the attempts at %s: %w", c.ID, err)
	}
	var found []attempt
	for _, n := range numbers {
		a := attempt{number: n}
		r, err := folder.ReadResult(dir.Attempt(c.ID, n))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("read the result of %s, attempt %d: %w", c.ID, n, err)
		default:
			a.result = &r
		}
		found = append(found, a)
	}
	return found, nil
}

// record writes the result of an attempt that could not do so itself. number 0 stands for an attempt of which not even the
// folder is there.
func record(dir folder.Dir, c matrix.Case, number int, node, reason string) (*matrix.Result, error) {
	for number == 0 {
		next := dir.Next(c.ID)
		if err := os.MkdirAll(dir.Case(c.ID), 0o755); err != nil {
			return nil, fmt.Errorf("record what became of %s: %w", c.ID, err)
		}
		err := os.Mkdir(dir.Attempt(c.ID, next), 0o755)
		if err != nil && !errors.Is(err, fs.ErrExist) { // a task was quicker: the next number, then
			return nil, fmt.Errorf("record what became of %s: %w", c.ID, err)
		}
		if err == nil {
			number = next
		}
	}
	r := &matrix.Result{Version: matrix.Version, Index: c.Index, ID: c.ID, Inputs: c.Inputs, Attempt: number,
		Outcome: matrix.Broken, Reason: reason, Host: node}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir.Attempt(c.ID, number), folder.ResultFile)
	aside := name + ".slurm"
	if err := os.WriteFile(aside, append(text, '\n'), 0o644); err != nil {
		return nil, fmt.Errorf("record what became of %s: %w", c.ID, err)
	}
	// A link, not a rename: if the attempt that was thought lost has come to its end after all, its own result stays.
	err = os.Link(aside, name)
	if rm := os.Remove(aside); err == nil {
		err = rm
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("record what became of %s: %w", c.ID, err)
	}
	return r, nil
}
