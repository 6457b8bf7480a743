package report

import (
	"testing"

	"github.com/pxelab/pxelab/lab/judge"
)

func TestServing(t *testing.T) {
	file := func(name, from string, whole bool) judge.File {
		return judge.File{Name: name, From: from, Bytes: 9, Whole: whole}
	}
	for want, files := range map[string][]judge.File{
		"":                      nil,
		"a from boot (9 bytes)": {file("a", "boot", true)},
		"a asked of boot, not got, b from boot (9 bytes)": {file("a", "boot", false), file("b", "boot", true)},
		"b asked of boot, not got, nor 1 other name":      {file("a", "boot", false), file("b", "boot", false)},
		"c asked of boot, not got, nor 2 other names, d from boot (9 bytes), e asked of boot, not got": {file("a", "boot", false), file("b", "boot", false),
			file("c", "boot", false), file("d", "boot", true), file("e", "boot", false)},
		"a asked of boot, not got, b asked of 192.0.2.9, not got": {file("a", "boot", false), file("b", "192.0.2.9", false)},
	} {
		if got := Serving(judge.Result{Files: files}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
