package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/report/results"
)

// DefaultHistory is the history of this user's matrices, beside the bundles of runs.
func DefaultHistory() string {
	return filepath.Join(filepath.Dir(lab.DefaultRuns()), "history.jsonl")
}

// Remember holds a report against a history, fills in what differs, and adds its attempts to the history: those that it does not
// hold yet, so that a report can be made as often as one likes. A history that is not there yet is begun.
//
// Lines are only ever added. One that a writer could not finish is passed over, and told in the report's notes.
func Remember(path string, r *results.Report) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("keep the history: %w; name another file with --history, or none", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("keep the history: %w; name another file with --history, or none", err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil { // another report may be made at this time
		return fmt.Errorf("keep the history: lock %s: %w; name another file with --history, or none", path, err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("read the history: %w; name another file with --history, or none", err)
	}
	past, unread := results.ParseHistory(data)
	if unread > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("lines of the history that cannot be read: %d (%s)", unread, path))
	}
	r.Compare(past)
	lines, err := results.FormatHistory(r.Entries(past))
	if err != nil {
		return err
	}
	if len(data) > 0 && data[len(data)-1] != '\n' && len(lines) > 0 {
		lines = append([]byte{'\n'}, lines...) // a writer was killed in the middle of a line
	}
	_, err = f.Write(lines)
	if err = errors.Join(err, f.Sync()); err != nil {
		return fmt.Errorf("add to the history: %w; name another file with --history, or none", err)
	}
	return nil
}
