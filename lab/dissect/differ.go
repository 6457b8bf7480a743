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
	type difference struct{ path, words string }
	var all []difference
	was, is := open(before, Client{}).settable(), open(after, Client{}).settable()
	for _, f := range is {
		i := at(was, f.Path)
		switch {
		case i < 0:
			all = append(all, difference{f.Path, strings.TrimSpace(f.Path+" "+brief(f.Value)) + " added"})
		case string(before[was[i].At:][:was[i].Len]) != string(after[f.At:][:f.Len]):
			all = append(all, difference{f.Path, fmt.Sprintf("%s %s instead of %s", f.Path, brief(f.Value), brief(was[i].Value))})
		}
	}
	for _, f := range was {
		if at(is, f.Path) < 0 {
			all = append(all, difference{f.Path, f.Path + " taken out"})
		}
	}
	var words []string
	for _, d := range all {
		if !slices.ContainsFunc(all, func(in difference) bool { return strings.HasPrefix(in.path, d.path+".") }) {
			words = append(words, d.words)
		}
	}
	return words
}

// at is where a field stands in a list; -1: nowhere.
func at(list []Field, path string) int {
	return slices.IndexFunc(list, func(f Field) bool { return f.Path == path })
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
