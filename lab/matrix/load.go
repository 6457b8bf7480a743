package matrix

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/topology"
)

// Suffix ends the names of matrix files. Globs of topologies leave them out.
const Suffix = ".matrix.yaml"

// Files is how a matrix reads the topologies that it names.
type Files struct {
	Glob func(pattern string) ([]string, error)
	Read func(path string) ([]byte, error)
}

// Matrix is what a matrix file comes to.
type Matrix struct {
	Plan Plan
	Left []Left // combinations that make no case, in order; those that rules exclude are not among them
}

// Left is a combination of values that makes no case.
type Left struct {
	Axes   []Axis
	Reason string // "has no guest with firmware ovmf-ia32"
}

// source is one topology as its file has it.
type source struct {
	path string
	doc  *topology.Value
	top  *topology.Topology
}

// Load reads a matrix file and all topologies that it names, and makes the cases. The error is a topology.Problems with everything
// that is wrong with any of these files.
func Load(path string, data []byte, files Files, known topology.Known) (*Matrix, error) {
	r := &reader{known: known}
	f := r.read(path, data)
	if f == nil {
		return nil, sorted(r.problems)
	}
	r.sources(f, files)
	if len(r.problems) == 0 {
		r.checkRules(f)
	}
	if len(r.problems) > 0 {
		return nil, sorted(r.problems)
	}
	m := r.build(f)
	if len(r.problems) > 0 {
		return nil, sorted(r.problems)
	}
	return m, nil
}

// sorted puts problems in the order of files and places.
func sorted(p topology.Problems) topology.Problems {
	slices.SortStableFunc(p, func(a, b topology.Problem) int {
		if a.Path != b.Path {
			return strings.Compare(a.Path, b.Path)
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(p)
}

// problemsOf gives what a reader of topologies found wrong.
func problemsOf(err error) topology.Problems {
	var p topology.Problems
	errors.As(err, &p)
	return p
}

// sources reads the topologies, which are the values of their axis.
func (r *reader) sources(f *file, files Files) {
	i := slices.IndexFunc(f.axes, func(a axis) bool { return a.name == topologyAxis })
	if i < 0 {
		return
	}
	for _, p := range r.paths(f, files) {
		s := r.source(p.path, files)
		if s == nil {
			continue
		}
		same := func(v value) bool { return v.name == s.top.Name }
		if j := slices.IndexFunc(f.axes[i].values, same); j >= 0 {
			r.problem(p.by, "topologies", "%s and %s are both named %q; their cases could not be told apart", f.axes[i].values[j].source.path, s.path, s.top.Name)
			continue
		}
		f.axes[i].values = append(f.axes[i].values, value{name: s.top.Name, at: p.by, source: s})
	}
}

// found is a topology file, and what named it.
type found struct {
	path string
	by   *topology.Value
}

// paths finds the topology files, each once, in the order of the patterns and of names.
func (r *reader) paths(f *file, files Files) []found {
	var out []found
	for _, pattern := range f.topologies {
		text, not := strings.CutPrefix(pattern.Text, "!")
		if text == "" {
			continue
		}
		paths, err := glob(f.path, text, files)
		if err != nil {
			r.problem(pattern, "topologies", "look for %q: %v", text, err)
			continue
		}
		if len(paths) == 0 {
			r.problem(pattern, "topologies", "no topology is named %q %s", text, topology.Hint(text, besides(f.path, files)))
		}
		for _, p := range paths {
			was := slices.IndexFunc(out, func(n found) bool { return n.path == p })
			if not && was >= 0 {
				out = slices.Delete(out, was, was+1)
			} else if !not && was < 0 {
				out = append(out, found{p, pattern})
			}
		}
	}
	return out
}

// glob finds the topology files that a name or pattern stands for, from the matrix file's folder.
func glob(from, pattern string, files Files) ([]string, error) {
	if !strings.HasSuffix(pattern, ".yaml") && !strings.HasSuffix(pattern, ".yml") {
		pattern += ".yaml"
	}
	if !path.IsAbs(pattern) {
		pattern = path.Join(path.Dir(from), pattern)
	}
	found, err := files.Glob(pattern)
	slices.Sort(found)
	return slices.DeleteFunc(found, func(p string) bool { return strings.HasSuffix(p, Suffix) }), err
}

// besides lists the names of the topologies in the matrix file's folder.
func besides(from string, files Files) []string {
	found, _ := glob(from, "*", files) // the pattern is good
	for i, p := range found {
		found[i] = strings.TrimSuffix(path.Base(p), ".yaml")
	}
	if len(found) > 12 {
		found = append(found[:12], "...")
	}
	return found
}

// source reads one topology.
func (r *reader) source(path string, files Files) *source {
	data, err := files.Read(path)
	if err != nil {
		r.problems = append(r.problems, topology.Problem{Path: path, Line: 1, Column: 1, Message: "cannot be read: " + err.Error()})
		return nil
	}
	top, err := topology.Parse(path, data, r.known)
	if err != nil {
		r.problems = append(r.problems, problemsOf(err)...)
		return nil
	}
	doc, err := topology.ReadValue(path, data, "topology")
	if err != nil {
		r.problems = append(r.problems, problemsOf(err)...)
		return nil
	}
	return &source{path: path, doc: doc, top: top}
}

// checkRules has every pattern of a rule match some value: one that matches nothing is a slip.
func (r *reader) checkRules(f *file) {
	for _, one := range slices.Concat(f.include, f.exclude, f.expectFail) {
		for _, a := range f.axes {
			for _, g := range one.globs[a.name] {
				if slices.ContainsFunc(a.values, func(v value) bool { return globMatches(g.Text, v.name) }) {
					continue
				}
				var names []string
				for _, v := range a.values {
					names = append(names, v.name)
				}
				r.problem(g, a.name, "%q matches no value of axis %s %s", g.Text, a.name, hint(g.Text, names))
			}
		}
	}
}

// hint ends a message about a word that is none of these, and does not list dozens of them.
func hint(word string, names []string) string {
	if hint := topology.Hint(word, names); len(names) <= 12 || strings.HasPrefix(hint, "(did") {
		return hint
	}
	return "(--list shows them)"
}
