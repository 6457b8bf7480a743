package dissect

import (
	"fmt"
	"slices"
	"strings"
)

// Differences words what Change, or anybody, has made different in a frame, a field or an option each, in the order of the frame:
// "dhcp.file other.0 instead of probe.0", "dhcp.option.67 other.0 added", "dhcp.option.60 taken out". Lengths and checksums that follow
// from it are left out, and so is an option around one that is named.
func Differences(before, after []byte) []string {
	was, is := open(before, Client{}), open(after, Client{})
	old := was.settable()
	var words []string
	var paths []string
	now := is.settable()
	for _, f := range now {
		i := slices.IndexFunc(old, func(o Field) bool { return o.Path == f.Path })
		switch {
		case i < 0:
			words = append(words, strings.TrimSpace(f.Path+" "+brief(f.Value))+" added")
		case string(before[old[i].At:][:old[i].Len]) != string(after[f.At:][:f.Len]):
			words = append(words, fmt.Sprintf("%s %s instead of %s", f.Path, brief(f.Value), brief(old[i].Value)))
		default:
			continue
		}
		paths = append(paths, f.Path)
	}
	for _, o := range old {
		if !slices.ContainsFunc(now, func(f Field) bool { return f.Path == o.Path }) {
			words, paths = append(words, o.Path+" taken out"), append(paths, o.Path)
		}
	}
	return slices.Collect(func(yield func(string) bool) {
		for i, w := range words {
			around := slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, paths[i]+".") })
			if !around && !yield(w) {
				return
			}
		}
	})
}

// settable gives the fields that Change can set or take out, in the order of the frame.
func (d *dissector) settable() (list []Field) {
	var walk func([]Field)
	walk = func(fields []Field) {
		for _, f := range fields {
			if _, ok := d.edits[f.Path]; ok {
				list = append(list, f)
			}
			walk(f.Fields)
		}
	}
	walk(d.frame.Layers)
	return list
}

// brief is a value that fits a line with others.
func brief(value string) string {
	const most = 48
	if r := []rune(value); len(r) > most {
		return string(r[:most]) + "…"
	}
	if value == "" {
		return "nothing"
	}
	return value
}
