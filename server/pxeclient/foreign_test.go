package pxeclient_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/server/pxeclient"
	"github.com/pxelab/pxelab/tests/netns"
)

// daemon runs a server of somebody else's on the host until the test ends, and returns once it says that it is ready.
// What it said is shown when the test fails.
func (h *host) daemon(ready, program string, args ...string) {
	h.t.Helper()
	path := netns.Program(h.t, program)
	cmd := exec.Command(path, args...)
	dir := h.t.TempDir()
	cmd.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir)
	said, out, err := os.Pipe()
	must(h.t, err)
	cmd.Stdout, cmd.Stderr = out, out
	h.in(func() { err = cmd.Start() })
	out.Close()
	must(h.t, err)
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
	h.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if !over {
			log = <-ended
		}
		_ = cmd.Wait() // killed
		said.Close()
		if h.t.Failed() {
			h.t.Logf("%s said:\n%s", program, log)
		}
	})
	select {
	case <-isReady:
	case log = <-ended:
		over = true
		h.t.Fatalf("%s ended before it was ready", program)
	}
}

// file makes a file for a daemon's arguments.
func file(t *testing.T, name, content string) string {
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(content), 0o644)) //nolint:gosec // a daemon may have dropped its rights
	return path
}

// dnsmasq runs dnsmasq on the host with what every test here wants of it.
func (h *host) dnsmasq(args ...string) {
	h.t.Helper()
	h.daemon("started, version", "dnsmasq", append([]string{"--keep-in-foreground", "--log-facility=-", "--user=root", "--group=root",
		"--conf-file=/dev/null", "--pid-file", "--port=0", "--no-ping", "--interface=eth0", "--bind-interfaces",
		"--dhcp-leasefile=" + filepath.Join(h.t.TempDir(), "leases")}, args...)...)
}

// boots makes a client boot from a server of somebody else's, each message sent once, and holds the kind of its choice,
// the file and, unless that is for HTTP to fetch, the program against what they should be.
func (l *lan) boots(t *testing.T, cfg pxeclient.Config, kind pxeclient.Kind, file string) *pxeclient.Client {
	t.Helper()
	h := l.host()
	h.t = t
	cfg.Enough, cfg.Schedule = enough(1), once
	client := h.client(cfg)
	w, err := client.Boot(t.Context(), pxeclient.FirstItem)
	must(t, err)
	if w.Choice.Kind != kind || w.File.Name != file || kind != pxeclient.HTTP && !bytes.Equal(w.Program, program) {
		t.Errorf("%s", w)
	}
	return client
}
