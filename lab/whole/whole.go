// Package whole writes files so that a reader finds each of them whole or not at all, however the writer ends.
package whole

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile writes a file beside its place and renames it, over one that is there. Its folder is made if it is missing, with the
// permissions of the file and leave to enter.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	enter := perm & 0o444 >> 2 // who may read it
	if err := os.MkdirAll(filepath.Dir(path), perm|enter|0o700); err != nil {
		return err
	}
	aside, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = aside.Write(data)
	if err = errors.Join(err, aside.Chmod(perm), aside.Close()); err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err != nil {
		_ = os.Remove(aside.Name())
	}
	return err
}

// WriteJSON writes a value as indented JSON, for everybody to read.
func WriteJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
