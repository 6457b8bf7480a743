package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/network/sandbox"
)

func create(t *testing.T) (f *File, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "wire.pcapng")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, path
}

// frames reads a capture file back.
func frames(path string) iter.Seq2[Frame, error] {
	b, err := os.ReadFile(path)
	if err != nil {
		return func(yield func(Frame, error) bool) { yield(Frame{}, err) }
	}
	return Read(bytes.NewReader(b))
}

func collect(t *testing.T, path string) (all []Frame) {
	t.Helper()
	for f, err := range frames(path) {
		if err != nil {
			t.Fatalf("after %d frames: %v", len(all), err)
		}
		all = append(all, f)
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	f, path := create(t)
	x64 := f.AddInterface("x64", "guest x64 on network lan")
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)
	var want []Frame
	write := func(i *Interface, name string, size int, fromGuest bool, comments ...string) {
		t.Helper()
		data := frame(len(want)+1, size)
		at = at.Add(1001)
		number, err := i.Write(data, at, fromGuest, strings.Join(comments, ""))
		if err != nil || number != len(want)+1 {
			t.Fatalf("write: number %d, %v; want %d", number, err, len(want)+1)
		}
		want = append(want, Frame{number, name, at, fromGuest, comments, data})
	}
	for _, size := range []int{42, 43, 44, 45, 60, 1514} {
		write(x64, "x64", size, true)
		write(x64, "x64", size, false, "dropped: the 2nd OFFER")
	}
	bios := f.AddInterface("bios", "plugged in after frames were captured")
	write(bios, "bios", 61, true, "é")
	write(x64, "x64", 61, false)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, path); !slices.EqualFunc(got, want, func(a, b Frame) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	got := tshark(t, path, "-T", "fields", "-e", "frame.number", "-e", "frame.interface_name", "-e", "frame.time_epoch",
		"-e", "frame.packet_flags_direction", "-e", "frame.len", "-e", "frame.comment")
	for i, f := range want {
		direction := "0x00000001"
		if f.FromGuest {
			direction = "0x00000002"
		}
		line := fmt.Sprintf("%d\t%s\t%d.%09d\t%s\t%d\t%s", f.Number, f.Interface, f.At.Unix(), f.At.Nanosecond(),
			direction, len(f.Data), strings.Join(f.Comments, ""))
		if i >= len(got) || got[i] != line {
			t.Fatalf("tshark:\n%s\nline %d should be\n%s", strings.Join(got, "\n"), i+1, line)
		}
	}
}

func TestNumbersFollowFileOrder(t *testing.T) {
	f, path := create(t)
	const writers, each = 4, 500
	numbers := make([]map[int]int, writers) // frame number in the file, by what is written in the frame
	var wg sync.WaitGroup
	for w := range writers {
		cable := f.AddInterface(fmt.Sprint(w), "")
		numbers[w] = map[int]int{}
		wg.Go(func() {
			for n := range each {
				number, err := cable.Write(frame(w*each+n, 100), time.Now(), true, "")
				if err != nil {
					t.Error(err)
				}
				numbers[w][w*each+n] = number
			}
		})
	}
	wg.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	all := collect(t, path)
	if len(all) != writers*each {
		t.Fatalf("%d frames, want %d", len(all), writers*each)
	}
	for _, got := range all {
		mark := int(got.Data[14])<<24 | int(got.Data[15])<<16 | int(got.Data[16])<<8 | int(got.Data[17])
		if want := numbers[mark/each][mark]; got.Number != want || got.Interface != fmt.Sprint(mark/each) {
			t.Fatalf("frame %d of interface %q was given the number %d", got.Number, got.Interface, want)
		}
	}
}

// follower counts the whole frames that Tail gives it.
type follower struct {
	bytes.Buffer
	seen func(frames int)
}

func (f *follower) Write(b []byte) (int, error) {
	n, err := f.Buffer.Write(b)
	count := 0
	for _, frameErr := range Read(bytes.NewReader(f.Bytes())) {
		if frameErr != nil {
			return n, fmt.Errorf("what Tail wrote so far is no capture: %w", frameErr)
		}
		count++
	}
	f.seen(count)
	return n, err
}

func TestTailFollowsWithoutFlush(t *testing.T) {
	f, path := create(t)
	cable := f.AddInterface("x64", "")
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan int, 1000)
	out := &follower{seen: func(n int) { seen <- n }}
	ended := make(chan error, 1)
	go func() { ended <- Tail(ctx, path, out) }()
	for n := 1; n <= 3; n++ {
		if _, err := cable.Write(frame(n, 100), time.Now(), true, ""); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < n; { // nobody flushes: the file must see to it itself
			select {
			case got = <-seen:
			case err := <-ended:
				t.Fatalf("tail ended: %v", err)
			}
		}
	}
	cable.Write(frame(4, 100), time.Now(), true, "")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if file, _ := os.ReadFile(path); !bytes.Equal(file, out.Bytes()) {
		t.Errorf("tail gave %d octets, the file has %d", out.Len(), len(file))
	}
}

func TestTailErrors(t *testing.T) {
	if err := Tail(t.Context(), filepath.Join(t.TempDir(), "none"), io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for a file that is not there", err)
	}
	path := filepath.Join(t.TempDir(), "other")
	os.WriteFile(path, []byte("this is not a capture file"), 0o600)
	if err := Tail(t.Context(), path, io.Discard); err == nil || !strings.Contains(err.Error(), "not a capture") {
		t.Errorf("got %v for a text file", err)
	}
	f, path := create(t)
	f.AddInterface("x64", "")
	r, w := io.Pipe()
	r.Close()
	if err := Tail(t.Context(), path, w); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v after the reader went away", err)
	}
}

func TestKilledWriterLeavesReadableFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.pcapng")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	writer := exec.Command("/proc/self/exe", "write-forever", path)
	stdin, err := writer.StdinPipe() // its end is the writer's, should this test die
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	total := 0
	err = Tail(ctx, path, writerFunc(func(b []byte) {
		if total += len(b); total > 1<<20 {
			cancel()
		}
	}))
	writer.Process.Kill()
	writer.Wait()
	if err != nil {
		t.Fatal(err)
	}
	var read int
	for _, err := range frames(path) {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			t.Skip("the kill hit the very write(2): the last block is cut")
		} else if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if n := len(tshark(t, path)); n != read || n <= 1000 {
		t.Errorf("tshark reads %d frames, we read %d, want the same and over 1000", n, read)
	}
}

type writerFunc func(b []byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}

func TestFullDisk(t *testing.T) {
	need(t, "root", sandbox.Probe())
	var stdout, stderr bytes.Buffer
	p, err := sandbox.Spawn(sandbox.Options{Args: []string{"fill-disk", t.TempDir()}, Stdout: &stdout, Stderr: &stderr, Foreground: true})
	if err != nil {
		t.Fatal(err)
	}
	if state, err := p.Wait(); err != nil || !state.Success() {
		t.Fatalf("%v, %v: %s", state, err, &stderr)
	}
	var written, read int
	if _, err := fmt.Sscanf(stdout.String(), "written %d read %d", &written, &read); err != nil {
		t.Fatal(err)
	}
	if written < 10 || read != written {
		t.Errorf("%d frames were on disk when it filled up, %d can be read", written, read)
	}
}

func TestWriteAfterClose(t *testing.T) {
	f, _ := create(t)
	cable := f.AddInterface("x64", "")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if number, err := cable.Write(frame(1, 60), time.Now(), true, ""); number != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %d, %v", number, err)
	}
	f.AddInterface("late", "") // must not crash either
}

func BenchmarkWrite(b *testing.B) {
	f, err := Create(filepath.Join(b.TempDir(), "wire.pcapng"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	cable, data := f.AddInterface("x64", ""), frame(1, 1514)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := cable.Write(data, time.Now(), true, ""); err != nil {
			b.Fatal(err)
		}
	}
}
