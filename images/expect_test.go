package images

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// archCodes are the values of option 93 the firmwares send (RFC 4578).
var archCodes = map[string]string{"bios": "0000", "efi-ia32": "0006", "efi-x64": "0007", "efi-aa64": "000b"}

// report is what a probe said, in order.
type report []Line

// prepare makes a folder to serve: the machine's probe, patched, and the second file.
func prepare(t *testing.T, m machine, p Params) (Image, string) {
	t.Helper()
	image, ok := Lookup("probe", m.image)
	if !ok {
		t.Fatalf("no probe for %q", m.image)
	}
	p.Nonce = testNonce
	program, err := image.Patch(p)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write(t, folder, image.File, program)
	write(t, folder, SecondFile, Second(testNonce))
	return image, folder
}

// patched reads the probe back as it was served.
func patched(t *testing.T, image Image, folder string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, image.File))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reportOf takes the probe's lines out of a console. A line that mentions the probe must be one of its lines, whole:
// firmware that writes into the middle of one would leave a piece behind.
func reportOf(t *testing.T, console []string) report {
	t.Helper()
	var r report
	for _, text := range console {
		line, ok := ParseLine(text)
		if ok {
			r = append(r, line)
		} else if strings.Contains(text, "PXELAB") {
			t.Errorf("a line of the report is not whole: %q", text)
		}
	}
	if t.Failed() || len(r) == 0 {
		t.Fatalf("no whole report in the console:\n%s", strings.Join(console, "\n"))
	}
	return r
}

// name is the key, and for packets which packet.
func name(l Line) string {
	if l.Key == "packet" {
		return "packet=" + l.Fields["packet"]
	}
	return l.Key
}

func (r report) wantLines(t *testing.T, want []string) {
	t.Helper()
	var have []string
	for _, l := range r {
		have = append(have, name(l))
	}
	if !slices.Equal(have, want) {
		t.Errorf("lines of the report:\nhave %v\nwant %v", have, want)
	}
}

// find gives the fields of the first line of that name.
func (r report) find(t *testing.T, which string) map[string]string {
	t.Helper()
	for _, l := range r {
		if name(l) == which {
			return l.Fields
		}
	}
	t.Fatalf("the report has no line %q: %v", which, r)
	return nil
}

// want checks fields, given as key, value, key, value, of the first line of that name.
func (r report) want(t *testing.T, which string, fields ...string) {
	t.Helper()
	have := r.find(t, which)
	for pair := range slices.Chunk(fields, 2) {
		if value, ok := have[pair[0]]; !ok || value != pair[1] {
			t.Errorf("line %q: %s=%q, want %q", which, pair[0], value, pair[1])
		}
	}
}

func decimal(n int) string { return strconv.Itoa(n) }
