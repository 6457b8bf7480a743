package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"
)

func TestIndexOfAFileThatGrows(t *testing.T) {
	f, path := create(t)
	x64 := f.AddInterface("x64", "")
	index, err := OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	if _, err := index.Frame(1); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("there is no frame yet, and it gave %v", err)
	}
	bios := (*Interface)(nil)
	for n := 1; n <= 50; n++ {
		at := time.Unix(1_700_000_000, int64(n))
		cable, name := x64, "x64"
		if n == 20 {
			bios = f.AddInterface("bios", "")
		}
		if n >= 20 && n%2 == 0 {
			cable, name = bios, "bios"
		}
		if _, err := cable.Write(frame(n, 40+n), at, n%3 == 0, ""); err != nil {
			t.Fatal(err)
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		got, err := index.Frame(n)
		want := Frame{Number: n, Interface: name, At: at.UTC(), FromGuest: n%3 == 0, Data: frame(n, 40+n)}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("frame %d: %v, %v; want %v", n, got, err, want)
		}
	}
	if got, err := index.Frame(7); err != nil || !bytes.Equal(got.Data, frame(7, 47)) {
		t.Errorf("going back: %v, %v", got, err)
	}
	for _, n := range []int{-1, 0, 51} {
		if _, err := index.Frame(n); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("frame %d: %v", n, err)
		}
	}
}

// memory is a file that is none, so that the fuzzer's time goes into the index.
type memory struct{ *bytes.Reader }

func (memory) Name() string { return "memory" }
func (memory) Close() error { return nil }

func (m memory) Stat() (fs.FileInfo, error) {
	return fstest.MapFS{"f": {Data: make([]byte, m.Size())}}.Stat("f")
}

// FuzzIndex: whatever the bytes, the index ends, and gives frames of the numbers that it was asked for.
func FuzzIndex(f *testing.F) {
	whole := seed(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-7])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		index := &Index{file: memory{bytes.NewReader(b)}}
		for n := 1; n < 20; n++ {
			if got, err := index.Frame(n); err == nil && got.Number != n {
				t.Fatalf("asked for %d, got %d", n, got.Number)
			}
		}
	})
}

func TestIndexAgreesWithRead(t *testing.T) {
	f, path := create(t)
	x64 := f.AddInterface("x64", "")
	for n := 1; n <= 5; n++ {
		x64.Write(frame(n, 100), time.Unix(1, 0), true, "a comment")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-3], 0o600); err != nil { // its writer was killed
		t.Fatal(err)
	}
	index, err := OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	for n := 1; n <= 4; n++ {
		if got, err := index.Frame(n); err != nil || fmt.Sprint(got) != fmt.Sprint(collect(t, saved(t, whole))[n-1]) {
			t.Errorf("frame %d: %v, %v", n, got, err)
		}
	}
	if _, err := index.Frame(5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a frame gave %v", err)
	}
}

// saved is the path of a file with these octets.
func saved(t *testing.T, b []byte) string {
	path := filepath.Join(t.TempDir(), "whole.pcapng")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
