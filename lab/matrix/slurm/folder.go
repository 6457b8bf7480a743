package slurm

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
)

// attempt is one folder of a case: its number and, once it is over, its result.
type attempt struct {
	number int
	result *matrix.Result
}

// attempts reads what there is of a case, in the order of the numbers. A file appears whole or not at all, so what cannot be
// read is an error.
func attempts(dir string, c matrix.Case) ([]attempt, error) {
	entries, err := os.ReadDir(caseDir(dir, c))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the attempts at %s: %w", c.ID, err)
	}
	var found []attempt
	for _, e := range entries {
		number, err := strconv.Atoi(e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		a := attempt{number: number}
		text, err := os.ReadFile(filepath.Join(caseDir(dir, c), e.Name(), "result.json"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("read the result of %s: %w", c.ID, err)
		default:
			a.result = &matrix.Result{}
			if err := json.Unmarshal(text, a.result); err != nil {
				return nil, fmt.Errorf("read the result of %s, attempt %d: %w", c.ID, number, err)
			}
		}
		found = append(found, a)
	}
	slices.SortFunc(found, func(a, b attempt) int { return a.number - b.number })
	return found, nil
}

func caseDir(dir string, c matrix.Case) string {
	return filepath.Join(dir, "cases", filepath.FromSlash(c.ID))
}

// record writes the result of an attempt that could not do so itself. number 0 stands for an attempt of which not even the
// folder is there.
func record(dir string, c matrix.Case, number int, node, reason string) (*matrix.Result, error) {
	for number == 0 {
		all, err := attempts(dir, c)
		if err != nil {
			return nil, err
		}
		next := 1
		if len(all) > 0 {
			next = all[len(all)-1].number + 1
		}
		if err := os.MkdirAll(caseDir(dir, c), 0o755); err != nil {
			return nil, fmt.Errorf("record what became of %s: %w", c.ID, err)
		}
		err = os.Mkdir(filepath.Join(caseDir(dir, c), strconv.Itoa(next)), 0o755)
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
	name := filepath.Join(caseDir(dir, c), strconv.Itoa(number), "result.json")
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
