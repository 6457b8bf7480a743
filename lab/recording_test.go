package lab

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/story"
)

// recorded is a machine of a lab that only records.
func recorded(t *testing.T) *machine {
	t.Helper()
	l := &lab{bundle: bundle.Folder(t.TempDir()), plan: &plan.Plan{Name: "small"}, job: &Job{Started: time.Unix(1700000000, 0)}}
	begun := time.Now()
	l.now = func() time.Duration { return time.Since(begun) }
	if err := os.MkdirAll(l.bundle.Guest("x64"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &machine{lab: l, name: "x64"}
}

func TestRecording(t *testing.T) {
	m := recorded(t)
	for boot := 1; boot <= 2; boot++ {
		r, err := m.record(m.lab.bundle.Guest("x64"), boot)
		if err != nil {
			t.Fatal(err)
		}
		var typing sync.WaitGroup
		typing.Go(func() { r.typed([]byte("\x1b[19~")) })
		for _, part := range []string{"caf\xc3", "\xa9 \xda", "\xc4\xc4", "\r\n", "\xe2\x94"} { // the last is cut short by the end
			if _, err := r.Write([]byte(part)); err != nil {
				t.Fatal(err)
			}
		}
		typing.Wait()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(m.lab.bundle.Cast("x64"))
	if err != nil {
		t.Fatal(err)
	}
	if head := `{"version":2,"width":80,"height":25,"timestamp":1700000000,"title":"x64 of small","idle_time_limit":2}` + "\n["; !strings.HasPrefix(string(text), head) || strings.Count(string(text), `"version"`) != 1 {
		t.Errorf("it begins %.120q, want %q once", text, head)
	}
	prints, err := story.ReadCast("x64", strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for boot := 1; boot <= 2; boot++ {
		out, in := "", 0
		for _, p := range prints {
			switch {
			case p.Boot != boot || p.Guest != "x64":
			case p.Typed && p.Data == "\x1b[19~":
				in++
			default:
				out += p.Data
			}
		}
		if want := clearScreen + "café ┌──\r\nΓö"; out != want || in != 1 {
			t.Errorf("boot %d: %q, and typed %d times; want %q", boot, out, in, want)
		}
	}
	if !slices.IsSortedFunc(prints, func(a, b story.Printed) int { return int(a.At - b.At) }) {
		t.Error("time goes back")
	}
	raw, err := os.ReadFile(m.lab.bundle.Guest("x64") + "/console.raw")
	if one := "caf\xc3\xa9 \xda\xc4\xc4\r\n\xe2\x94"; err != nil || string(raw) != one+one {
		t.Errorf("%q, %v", raw, err)
	}
}

// TestRecordingFails: a disk that is full is told, be it at the first octet or at a later one.
func TestRecordingFails(t *testing.T) {
	m := recorded(t)
	if err := os.Symlink("/dev/full", m.lab.bundle.Cast("x64")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.record(m.lab.bundle.Guest("x64"), 1); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("recording to a full disk: %v", err)
	}
}
