package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/network/sandbox"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else each process started here ends a second late
	sandbox.Main()
	if len(os.Args) > 2 && os.Args[1] == "write-forever" {
		writeForever(os.Args[2])
	}
	if len(os.Args) > 2 && os.Args[1] == "fill-disk" {
		fillDisk(os.Args[2])
	}
	os.Exit(m.Run())
}

// frame makes an Ethernet frame of the given size, whose number stands in its payload.
func frame(number, size int) []byte {
	b := bytes.Repeat([]byte{byte(number)}, max(size, 18))
	copy(b, "\x52\x54\x00\x00\x00\x01\x52\x54\x00\x00\x00\x02\x88\xb5") // an experimental EtherType (IEEE 802)
	b[14], b[15], b[16], b[17] = byte(number>>24), byte(number>>16), byte(number>>8), byte(number)
	return b
}

// writeForever captures some 50 frames a millisecond until it is killed or its starter is gone.
func writeForever(path string) {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	f, err := Create(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cable := f.AddInterface("x64", "")
	for at := range time.NewTicker(time.Millisecond).C {
		for range 50 {
			cable.Write(frame(1, 300), at, true, "")
		}
	}
}

// fillDisk captures into a file system of 64 KiB until it is full, inside a sandbox where it may mount one.
func fillDisk(dir string) {
	err := func() error {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			return err
		}
		f, err := Create(filepath.Join(dir, "full.pcapng"))
		if err != nil {
			return err
		}
		cable := f.AddInterface("x64", "")
		written := 0
		for n := 1; f.Err() == nil && n < 10_000; n++ {
			if cable.Write(frame(n, 1000), time.Now(), true, ""); n%10 == 0 && f.Flush() == nil {
				written = n
			}
		}
		number, writeErr := cable.Write(frame(1, 60), time.Now(), true, "")
		if err := errors.Join(f.Err(), writeErr, f.Close()); !errors.Is(err, syscall.ENOSPC) || number != 0 {
			return fmt.Errorf("frame number %d and error %w from a full disk", number, err)
		}
		read := 0
		for _, err := range frames(filepath.Join(dir, "full.pcapng")) {
			if err != nil {
				return err
			}
			read++
		}
		fmt.Printf("written %d read %d\n", written, read)
		return nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// need skips a test that this host cannot run, or fails it where the run was asked for.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), what) {
		t.Fatalf("PXELAB_REQUIRE asks for this test, but: %v", err)
	}
	t.Skip(err)
}

// tshark runs tshark on a capture and gives its lines.
func tshark(t *testing.T, path string, args ...string) []string {
	t.Helper()
	_, err := exec.LookPath("tshark")
	need(t, "tshark", err)
	out, err := exec.Command("tshark", append([]string{"-n", "-r", path}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("tshark %q: %v\n%s", args, err, out)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "Running as user") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}
