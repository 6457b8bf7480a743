package console_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func FuzzCleaner(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.serial")
	for _, file := range files {
		stream, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stream, 7)
	}
	f.Add([]byte("\x1bc\x1b[?7l"+strings.Repeat("PXELAB", 30)+"\r\n\x1b[04;23H(5)\x1b[K\b \b\xc4\xe2\x94"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		if size < 1 {
			size = 1
		}
		whole, pending := clean(stream, max(len(stream), 1))
		pieces, p := clean(stream, size)
		if !slices.Equal(whole, pieces) || pending != p {
			t.Errorf("chunks of %d give %q and %q pending, the whole gives %q and %q", size, pieces, p, whole, pending)
		}
		for _, l := range whole {
			if l == "" || strings.TrimRight(l, " ") != l || strings.ContainsFunc(l, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("not clean: %q", l)
			}
		}
	})
}
