// Package runner runs the cases of a matrix: each in a lab of its own, as many at once as the machine has room for.
package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/whole"
)

// TimesFile is where the times of this user's past cases are kept.
func TimesFile() string { return filepath.Join(filepath.Dir(lab.DefaultRuns()), "matrix-times.json") }

// ReadTimes reads past times from a file; an empty path means this user's own, which need not be there. One that cannot be
// understood is as good as none: it only says in which order to start.
func ReadTimes(path string) (matrix.Times, error) {
	mine := path == ""
	if mine {
		path = TimesFile()
	}
	data, err := os.ReadFile(path)
	if mine && errors.Is(err, fs.ErrNotExist) {
		return matrix.Times{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read past times: %w", err)
	}
	var t matrix.Times
	if err := json.Unmarshal(data, &t); err != nil && !mine {
		return nil, fmt.Errorf("read past times from %s: %w", path, err)
	}
	return t, nil
}

// saveTimes keeps the times of cases that have passed, beside those that are kept already.
func saveTimes(p matrix.Plan, results []matrix.Result) error {
	took := matrix.Times{}
	for _, r := range results {
		if r.Outcome.Good() {
			took[p.Name+"/"+r.ID] = r.Took
		}
	}
	if len(took) == 0 {
		return nil
	}
	all, err := ReadTimes("")
	if err != nil {
		return err
	}
	if all == nil {
		all = matrix.Times{}
	}
	for k, d := range took {
		all[k] = d
	}
	return whole.WriteJSON(TimesFile(), all)
}
