package netns

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Daemon runs a server of somebody else's on the host until the test ends, and returns once it says that it is ready.
// What it said is shown when the test fails.
func (h *Host) Daemon(t testing.TB, ready, program string, args ...string) {
	t.Helper()
	path := Program(t, program)
	cmd := exec.Command(path, args...)
	dir := t.TempDir()
	cmd.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir)
	said, out, err := os.Pipe()
	must(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	h.Do(func() { err = cmd.Start() })
	out.Close()
	must(t, err)
	isReady, ended := make(chan struct{}), make(chan string)
	go func() {
		var log strings.Builder
		waiting := true
		for lines := bufio.NewScanner(io.TeeReader(said, &log)); lines.Scan(); {
			if waiting && strings.Contains(lines.Text(), ready) {
				waiting = false
				close(isReady)
			}
		}
		ended <- log.String()
	}()
	log, over := "", false
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if !over {
			log = <-ended
		}
		_ = cmd.Wait() // killed
		said.Close()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, log)
		}
	})
	select {
	case <-isReady:
	case log = <-ended:
		over = true
		t.Fatalf("%s ended before it was ready", program)
	}
}
