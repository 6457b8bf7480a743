package lesson

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/topology"
)

// Library is where lessons, and the topologies that they name, are found.
type Library struct {
	Lessons    fs.FS // NAME.md, and topologies of their own
	Topologies fs.FS // NAME.yaml: those that are shipped

	Path string // where Lessons are, for messages; empty: "lessons"
}

// All reads every lesson, in their order.
func (l Library) All() ([]*Lesson, error) {
	files, err := fs.Glob(l.Lessons, "*.md")
	if err != nil {
		return nil, fmt.Errorf("list the lessons: %w", err)
	}
	var out []*Lesson
	var errs []error
	for _, file := range files {
		if lesson, err := l.Lesson(strings.TrimSuffix(file, ".md")); err != nil {
			errs = append(errs, err)
		} else {
			out = append(out, lesson)
		}
	}
	slices.SortFunc(out, func(a, b *Lesson) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name)) })
	return out, errors.Join(errs...)
}

// Lesson reads one.
func (l Library) Lesson(name string) (*Lesson, error) {
	var known []string
	files, err := fs.Glob(l.Lessons, "*.md")
	if err != nil {
		return nil, fmt.Errorf("list the lessons: %w", err)
	}
	for _, file := range files {
		known = append(known, strings.TrimSuffix(file, ".md"))
	}
	if !slices.Contains(known, name) {
		return nil, fmt.Errorf("there is no lesson %q %s", name, topology.Hint(name, known))
	}
	data, err := fs.ReadFile(l.Lessons, name+".md")
	if err != nil {
		return nil, fmt.Errorf("read lesson %q: %w", name, err)
	}
	return Parse(l.at(name+".md"), data)
}

// at is the path of a file among the lessons.
func (l Library) at(file string) string { return path.Join(cmp.Or(l.Path, "lessons"), file) }

// Topology is the file of a lesson's topology: one beside the lesson, or one that is shipped. The name is for messages.
func (l Library) Topology(of *Lesson) (name string, data []byte, err error) {
	file := of.Topology + ".yaml"
	if data, err = fs.ReadFile(l.Lessons, file); err == nil {
		return l.at(file), data, nil
	}
	if data, err = fs.ReadFile(l.Topologies, file); err == nil {
		return "topologies/" + file, data, nil
	}
	return "", nil, fmt.Errorf("lesson %q: there is no topology %q beside it, and none in topologies/", of.Name, of.Topology)
}
