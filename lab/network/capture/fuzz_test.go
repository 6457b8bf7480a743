package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// seed is a small capture file.
func seed(f *testing.F) []byte {
	path := filepath.Join(f.TempDir(), "seed.pcapng")
	file, err := Create(path)
	if err != nil {
		f.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 5)
	x64 := file.AddInterface("x64", "guest")
	x64.Write(frame(1, 42), at, true, "a comment")
	file.AddInterface("bios", "").Write(frame(2, 61), at, false, "")
	if err := file.Close(); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzRead: whatever the bytes, Read ends, and gives at most one error, last.
func FuzzRead(f *testing.F) {
	whole := seed(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-7])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		failed := false
		number := 0
		for frame, err := range Read(bytes.NewReader(b)) {
			if failed {
				t.Fatal("something came after the error")
			}
			if failed = err != nil; !failed {
				if number++; frame.Number != number {
					t.Fatalf("frame %d is numbered %d", number, frame.Number)
				}
			}
		}
	})
}

// FuzzWholeBlocks: cut anywhere, the whole blocks found are a prefix, and more bytes never find fewer.
func FuzzWholeBlocks(f *testing.F) {
	whole := seed(f)
	f.Add(whole, len(whole)-5)
	f.Add([]byte("\x0a\x0d\x0d\x0a\xff\xff\xff\xff12341234"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		n, err := wholeBlocks(b)
		if n < 0 || n > len(b) {
			t.Fatalf("%d of %d octets", n, len(b))
		}
		if cut < 0 || cut > len(b) {
			return
		}
		part, _ := wholeBlocks(b[:cut])
		if part > cut || part > n {
			t.Fatalf("%d whole octets in the first %d, %d in all (%v)", part, cut, n, err)
		}
	})
}

// TestCutAnywhere: a file cut at any octet gives its whole frames and then, unless the cut is between
// blocks, io.ErrUnexpectedEOF.
func TestCutAnywhere(t *testing.T) {
	f, path := create(t)
	cable := f.AddInterface("x64", "")
	for n := range 3 {
		cable.Write(frame(n, 50+n), time.Unix(1, 0), true, "")
	}
	f.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(b) {
		whole, err := wholeBlocks(b[:cut])
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		for _, err := range Read(bytes.NewReader(b[:cut])) {
			if between := whole == cut; between && err != nil || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("cut at %d (whole blocks end at %d): %v", cut, whole, err)
			}
		}
	}
}
