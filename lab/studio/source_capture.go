package studio

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/story"
)

// OpenCapture shows a capture from elsewhere, as `pxelab explain` reads it: pcap or pcapng, also packed with gzip. It has no consoles.
func OpenCapture(path string) (*Source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the capture: %w", err)
	}
	defer file.Close()
	l, err := explain.ReadLog(explain.Frames(file))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	l.Plan.Name = filepath.Base(path)
	f := &foreign{path: path, kept: map[int]frame{}}
	s := &Source{kind: ofCapture, plan: l.Plan, path: path, notes: l.Said, frames: f, story: story.NewCapture(l.Plan, l.Boots), tale: newTale()}
	if l.Nothing != "" {
		s.notes = append(s.notes, l.Nothing)
	}
	for _, e := range l.Events {
		if p := e.Packet; p != nil {
			f.kept[p.Frame] = frame{guest: e.Guest, fromGuest: p.FromGuest}
		}
		s.feed(e)
	}
	s.tale.end()
	if err := f.keep(); err != nil {
		return nil, err
	}
	return s, nil
}

// foreign are the frames of a capture from elsewhere. Those that something was told of are kept: explain bounds how much that is.
type foreign struct {
	path string
	kept map[int]frame
}

// keep reads the frames that are to be kept.
func (f *foreign) keep() error {
	return f.read(func(e *explain.Frame) bool {
		if kept, ok := f.kept[e.Number]; ok {
			kept.data = e.Data
			f.kept[e.Number] = kept
		}
		return true
	})
}

// read reads the file again, until it ends or fn has enough. Why it ends was told when it was first read.
func (f *foreign) read(fn func(*explain.Frame) bool) error {
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("open the capture: %w", err)
	}
	defer file.Close()
	for e, err := range explain.Frames(file) {
		if err != nil || !fn(&e) {
			break
		}
	}
	return nil
}

// Frame looks for any other frame in the file, from its beginning.
func (f *foreign) Frame(number int) (frame, error) {
	if kept, ok := f.kept[number]; ok && kept.data != nil {
		return kept, nil
	}
	var found frame
	err := f.read(func(e *explain.Frame) bool {
		if e.Number == number && e.Odd == "" {
			found.data = e.Data
		}
		return e.Number < number
	})
	if err == nil && found.data == nil {
		err = fmt.Errorf("capture %s has no frame %d that is understood: %w", f.path, number, fs.ErrNotExist)
	}
	return found, err
}

func (f *foreign) Close() error { return nil }
