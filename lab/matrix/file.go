package matrix

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/topology"
)

// file is a matrix file as it is written, its words checked.
type file struct {
	path       string
	name       string
	about      string
	topologies []*topology.Value // names of files, or globs
	axes       []axis            // in file order, that of topologies first unless the file says where
	include    []rule
	exclude    []rule
	expectFail []rule
}

// axis is one dimension of the matrix.
type axis struct {
	name   string
	at     *topology.Value
	values []value
}

// value is one value of an axis. Which fields are set follows from the axis.
type value struct {
	name     string
	at       *topology.Value // where it is written; for an overlay, the overlay
	firmware *Firmware       // files in place of the host's
	source   *source         // of axis topology
}

// rule is a match on some axes, with the reason of an expected failure.
type rule struct {
	at     *topology.Value
	globs  map[string][]*topology.Value // by axis: any of them matches
	reason string
}

// The axes that mean something by themselves. Every other axis is one of overlays.
const (
	topologyAxis = "topology"
	firmwareAxis = "firmware"
	nicAxis      = "nic"
	memoryAxis   = "memory"
	clockAxis    = "clock"
	startAxis    = "start"
	imageAxis    = "image"
	faultsAxis   = "faults"
	serversAxis  = "servers"
)

// own is the value of an axis that leaves the topology as it is.
const own = "own"

// axisNames lists the axes that mean something by themselves, in the order of help texts.
var axisNames = []string{topologyAxis, firmwareAxis, nicAxis, memoryAxis, clockAxis, startAxis, imageAxis, faultsAxis, serversAxis}

const nameRule = `^[A-Za-z0-9]([A-Za-z0-9._+-]{0,58}[A-Za-z0-9+])?$`

// nameForm is what the name of a matrix, an axis or a value may be: each is a folder's name somewhere.
var nameForm = regexp.MustCompile(nameRule)

// reader reads a matrix file and gathers what is wrong with it.
type reader struct {
	known    topology.Known
	problems topology.Problems
}

func (r *reader) problem(at *topology.Value, key, format string, args ...any) {
	r.problems = append(r.problems, at.Problem(key, format, args...))
}

// read reads the file. What does not fit is reported, and left out.
func (r *reader) read(path string, data []byte) *file {
	v, err := topology.ReadValue(path, data, "matrix")
	if err != nil {
		r.problems = append(r.problems, problemsOf(err)...)
		return nil
	}
	f := &file{path: path}
	known := []string{"name", "about", "topologies", "axes", "include", "exclude", "expect-fail"}
	if !r.mapping(v, "", known) {
		return nil
	}
	f.name = r.name(v.Get("name"), v, "name")
	if about := v.Get("about"); about != nil {
		f.about = r.text(about, "about")
	}
	r.axes(f, v)
	f.include = r.rules(f, v.Get("include"), "include")
	f.exclude = r.rules(f, v.Get("exclude"), "exclude")
	f.expectFail = r.failures(f, v.Get("expect-fail"), "expect-fail")
	return f
}

// mapping reports what is no mapping, and keys that are not known.
func (r *reader) mapping(v *topology.Value, key string, known []string) bool {
	if v.Kind != topology.Mapping {
		r.problem(v, key, "want a mapping (key: value), not %s", v.Kind)
		return false
	}
	for _, e := range v.Entries {
		if known != nil && !slices.Contains(known, e.Key) {
			at := topology.Value{Path: v.Path, Line: e.Line, Column: e.Column}
			r.problem(&at, key, "unknown key %q %s", e.Key, topology.Hint(e.Key, known))
		}
	}
	return true
}

// name reads a name that must be there.
func (r *reader) name(v, in *topology.Value, key string) string {
	if v == nil {
		r.problem(in, "", "needs %q, such as %[1]s: nightly", key)
		return ""
	}
	name := r.text(v, key)
	if name != "" && !nameForm.MatchString(name) {
		r.problem(v, key, "bad name %q: use up to 60 of a-z, A-Z, 0-9, dot, dash, plus and underscore, a letter or digit at both ends", name)
	}
	return name
}

// text reads a scalar as text; a number is as good as a word here.
func (r *reader) text(v *topology.Value, key string) string {
	if !v.Scalar() || v.Kind == topology.Null || v.Text == "" {
		r.problem(v, key, "want text, not %s", v.Kind)
		return ""
	}
	return v.Text
}

// list reads a list that has items.
func (r *reader) list(v *topology.Value, key string) []*topology.Value {
	if v == nil {
		return nil
	}
	if v.Kind != topology.List {
		r.problem(v, key, "want a list, not %s", v.Kind)
		return nil
	}
	if len(v.Items) == 0 {
		r.problem(v, key, "is empty; leave it out, or name a value")
	}
	return v.Items
}

// rules reads include or exclude.
func (r *reader) rules(f *file, v *topology.Value, key string) []rule {
	var out []rule
	for i, item := range r.list(v, key) {
		at := fmt.Sprintf("%s[%d]", key, i)
		if r.mapping(item, at, f.axisNames()) {
			out = append(out, r.rule(item, item, at))
		}
	}
	return out
}

// failures reads expect-fail.
func (r *reader) failures(f *file, v *topology.Value, key string) []rule {
	var out []rule
	for i, item := range r.list(v, key) {
		at := fmt.Sprintf("%s[%d]", key, i)
		if !r.mapping(item, at, []string{"match", "reason"}) {
			continue
		}
		match, reason := item.Get("match"), item.Get("reason")
		if match == nil {
			r.problem(item, at, "needs \"match\", such as match: {firmware: ovmf-ia32}")
		}
		if reason == nil {
			r.problem(item, at, "needs \"reason\": one sentence that tells why these cases fail")
		}
		if match == nil || reason == nil || !r.mapping(match, at+".match", f.axisNames()) {
			continue
		}
		one := r.rule(match, item, at+".match")
		one.reason = r.text(reason, at+".reason")
		out = append(out, one)
	}
	return out
}

// rule reads {axis: glob, axis: [glob, glob]}.
func (r *reader) rule(v, at *topology.Value, key string) rule {
	one := rule{at: at, globs: map[string][]*topology.Value{}}
	if len(v.Entries) == 0 {
		r.problem(v, key, "matches everything; name an axis and a value, such as {firmware: bios}")
	}
	for _, e := range v.Entries {
		items := []*topology.Value{e.Value}
		if e.Value.Kind == topology.List {
			items = r.list(e.Value, key+"."+e.Key)
		}
		for _, item := range items {
			glob := r.text(item, key+"."+e.Key)
			if _, err := path.Match(glob, ""); err != nil {
				r.problem(item, key+"."+e.Key, "bad pattern %q: * and ? stand for any letters and any one, [ and ] must match", glob)
			}
		}
		one.globs[e.Key] = items
	}
	return one
}

// axisNames lists the file's axes.
func (f *file) axisNames() []string {
	var names []string
	for _, a := range f.axes {
		names = append(names, a.name)
	}
	return names
}

// matches tells whether a rule is about these values.
func (one rule) matches(values []value, axes []axis) bool {
	for i, a := range axes {
		globs, asked := one.globs[a.name]
		if asked && !slices.ContainsFunc(globs, func(g *topology.Value) bool { return globMatches(g.Text, values[i].name) }) {
			return false
		}
	}
	return true
}

func globMatches(glob, name string) bool {
	if rest, not := strings.CutPrefix(glob, "!"); not {
		return !globMatches(rest, name)
	}
	ok, err := path.Match(glob, name)
	return err == nil && ok
}
