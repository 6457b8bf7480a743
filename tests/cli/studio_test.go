package cli

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/story"
)

// studio is a pxelab studio that runs.
type studio struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   *bufio.Reader
	base  string // "http://127.0.0.1:PORT"
	token string // of the first address that it printed
}

// alone keeps the labs of a test, and what finds them, apart from all others.
func alone(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "std") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, v := range private(dir) {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	if err := os.Mkdir(os.Getenv("XDG_RUNTIME_DIR"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// open starts a studio and reads where its page is.
func open(t *testing.T, args ...string) *studio {
	t.Helper()
	s := &studio{t: t, cmd: exec.Command(pxelab(), append([]string{"studio"}, args...)...)}
	var stderr strings.Builder
	s.cmd.Stderr = &stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	s.out = bufio.NewReader(out)
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("it printed no address: %v: %s", err, &stderr)
		}
		_, url, ok := strings.Cut(line, ": ")
		base, token, found := strings.Cut(strings.TrimSpace(url), "/#token=")
		if ok && found {
			s.base, s.token = base, token
			return s
		}
	}
}

// ask sends a request to its API.
func (s *studio) ask(method, path, body string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { res.Body.Close() })
	return res
}

// follow reads the story until an item is wanted; nil: until it ends.
func (s *studio) follow(wanted func(*story.Item) bool) {
	s.t.Helper()
	in := json.NewDecoder(s.ask(http.MethodGet, "/api/items", "").Body)
	for n := 1; ; n++ {
		var i story.Item
		err := in.Decode(&i)
		switch {
		case err == io.EOF && wanted == nil: //nolint:errorlint // a decoder gives it as it is
			return
		case err != nil || i.N != n:
			s.t.Fatalf("item %d: %v, %+v", n, err, i)
		case wanted != nil && wanted(&i):
			return
		}
	}
}

// TestStudio: a studio brings its lab up, held at the first packet, and steps it to its end; another shows the same lab for watching. If
// the first is killed, its lab goes, and the other has what happened until then.
func TestStudio(t *testing.T) {
	need(t, "boots")
	alone(t)
	bundle := filepath.Join(t.TempDir(), "bundle")
	own := open(t, "--hold", "--clock", "warp", "--out", bundle, filepath.Join(root, "topologies", "bios-only.yaml"))
	held := func(i *story.Item) bool {
		return i.Hold != nil && i.Hold.On && strings.Contains(i.Hold.Label, "DISCOVER")
	}
	own.follow(held)
	other := open(t, "--watch-only", "bios-only")
	other.follow(held)
	for path, want := range map[string]int{"/api/step": 403, "/api/guests/bios/power": 403} {
		if res := other.ask(http.MethodPost, path, "{}"); res.StatusCode != want {
			t.Errorf("POST %s by who watches: %s", path, res.Status)
		}
	}
	if res := own.ask(http.MethodPost, "/api/step", `{"until":{"never":true}}`); res.StatusCode != 200 {
		t.Errorf("step: %s", res.Status)
	}
	own.follow(func(i *story.Item) bool { return i.Verdict != nil && i.Verdict.Passed })
	if err := own.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	other.follow(nil)
	if labs, err := control.List(); len(labs) > 0 || err != nil {
		t.Errorf("labs are left: %v, %v", labs, err)
	}
	if err := other.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := other.cmd.Wait(); err != nil {
		t.Errorf("the other ended with %v", err)
	}
	replay := open(t, bundle)
	replay.follow(func(i *story.Item) bool { return i.Print != nil && strings.Contains(i.Print.Data, "iPXE") })
	page, err := io.ReadAll(replay.ask(http.MethodGet, "/api/export.html", "").Body)
	if err != nil || len(page) < 100_000 || len(page) > 2<<20 {
		t.Errorf("the exported page has %d octets: %v", len(page), err)
	}
}

// TestStudioEnds: Ctrl-C ends a studio and its lab in good order, with the reports of what was judged.
func TestStudioEnds(t *testing.T) {
	need(t, "boots")
	alone(t)
	s := open(t, "--hold", "--clock", "warp", filepath.Join(root, "topologies", "bios-only.yaml")) // held, it must still end
	s.follow(func(i *story.Item) bool { return i.Hold != nil && i.Hold.On })
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(s.out)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	_, bundle, ok := strings.Cut(strings.TrimSpace(string(rest)), "bundle ")
	if _, err := os.Stat(filepath.Join(bundle, "report.txt")); !ok || err != nil {
		t.Errorf("it printed %q: %v", rest, err)
	}
	if labs, err := control.List(); len(labs) > 0 || err != nil {
		t.Errorf("labs are left: %v, %v", labs, err)
	}
}

// TestStudioOpens: the browser is opened at the address, which nobody else can see: it stands in a file of the user's that goes again.
func TestStudioOpens(t *testing.T) {
	alone(t)
	programs := t.TempDir()
	fifo := filepath.Join(programs, "seen")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n{ echo \"$@\"; ls -l \"${1#file://}\"; cat \"${1#file://}\"; } >" + fifo + "\n"
	if err := os.WriteFile(filepath.Join(programs, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	s := open(t, "--open", filepath.Join(root, "lab", "judge", "testdata", "real", "missing-file"))
	seen, err := os.ReadFile(fifo)
	if err != nil {
		t.Fatal(err)
	}
	args, rest, _ := strings.Cut(string(seen), "\n")
	path := strings.TrimPrefix(args, "file://")
	if strings.Contains(args, s.token) || !strings.HasPrefix(rest, "-rw-------") || !strings.Contains(rest, s.base+"/#token="+s.token) {
		t.Errorf("xdg-open %s\n%s", args, rest)
	}
	if res := s.ask(http.MethodGet, "/", ""); res.StatusCode != 200 {
		t.Errorf("the page: %s", res.Status)
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", path, err)
	}
}
