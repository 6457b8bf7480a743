package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/guest/console"
	stories "github.com/pxelab/pxelab/lab/story"
)

// checkCasts holds the recordings of a run's consoles against the octets as they came.
func checkCasts(t *testing.T, bundle string) {
	t.Helper()
	casts, _ := filepath.Glob(filepath.Join(bundle, "guests", "*", "console.cast"))
	for _, path := range casts {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		prints, err := stories.ReadCast("", f)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		raw, err := os.ReadFile(filepath.Join(filepath.Dir(path), "console.raw"))
		if err != nil {
			t.Fatal(err)
		}
		var decoder console.Decoder
		want, got := decoder.Text(raw)+decoder.Flush(), ""
		for _, p := range prints {
			if !p.Typed {
				got += p.Data
			}
		}
		const clear = "\x1bc" // a power-on begins with it, and some firmware says it too
		if got = strings.ReplaceAll(got, clear, ""); got != strings.ReplaceAll(want, clear, "") || got == "" {
			t.Errorf("%s has %d octets of text, console.raw %d, or others", path, len(got), len(want))
		}
	}
	if len(casts) == 0 {
		t.Errorf("%s has no recording of a console", bundle)
	}
}
