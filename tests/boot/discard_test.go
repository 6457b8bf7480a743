package boot

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/tests/built"
)

// TestFrozenServer freezes the server of a warped lab until a guest has given up on it. That boot proves nothing:
// it must be discarded and the guest boot again in real time, one QEMU at a time, to the right verdict.
func TestFrozenServer(t *testing.T) {
	built.NeedBoots(t)
	folder := filepath.Join(t.TempDir(), "bundle")
	cmd := exec.Command(built.Pxelab, "run", topologyFile(t, "firmware-trio"), "--out", folder, "--clock", "warp")
	exited := beside(t, cmd)
	log := follow(t, folder, exited)
	log.until(event.ServiceReady)
	server := pick(descendants(cmd.Process.Pid), cmd.Process.Pid, "service")
	if server == 0 {
		t.Fatal("no server runs")
	}
	if err := syscall.Kill(server, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	log.until(event.BootDiscarded)
	if err := syscall.Kill(server, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	<-exited
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit %d: the guests were not judged right in the end", code)
	}
	_, events, err := bundle.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]bool{}
	for _, e := range events {
		switch e.Kind {
		case event.GuestPowered:
			if on[e.Guest] {
				t.Errorf("event %d: guest %s is powered on while its last QEMU runs", e.Seq, e.Guest)
			}
			if e.Boot > 1 && e.Power.Warp {
				t.Errorf("event %d: guest %s boots again under warp", e.Seq, e.Guest)
			}
			on[e.Guest] = true
		case event.GuestExited:
			on[e.Guest] = false
		}
	}
}

// beside starts a program that runs beside the test. The channel is closed when it has ended.
func beside(t *testing.T, cmd *exec.Cmd) (exited chan struct{}) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited = make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	return exited
}

// followed is the event log of a run that goes on.
type followed struct {
	t      *testing.T
	lines  *bufio.Reader
	part   []byte
	exited <-chan struct{}
}

// follow opens the event log of a run as soon as it is there.
func follow(t *testing.T, bundle string, exited <-chan struct{}) *followed {
	t.Helper()
	var f *os.File
	eventually(t, "the event log begins", func() bool {
		var err error
		f, err = os.Open(filepath.Join(bundle, "events.jsonl"))
		return err == nil
	})
	t.Cleanup(func() { f.Close() })
	return &followed{t: t, lines: bufio.NewReader(f), exited: exited}
}

// next gives the next event; none if the run is over.
func (f *followed) next() (e event.Event, ok bool) {
	f.t.Helper()
	eventually(f.t, "another event", func() bool {
		over := false
		select {
		case <-f.exited:
			over = true
		default:
		}
		line, err := f.lines.ReadBytes('\n')
		f.part = append(f.part, line...)
		if errors.Is(err, io.EOF) {
			return over
		}
		ok = json.Unmarshal(f.part, &e) == nil
		f.part = nil
		return true
	})
	return e, ok
}

// until reads on to the first event of a kind.
func (f *followed) until(kind event.Kind) event.Event {
	f.t.Helper()
	for {
		e, ok := f.next()
		if !ok {
			f.t.Fatalf("the run is over without the event %q", kind)
		}
		if e.Kind == kind {
			return e
		}
	}
}
