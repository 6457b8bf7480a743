package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestProbe(t *testing.T) {
	need(t)
	if Inside() {
		t.Error("the test itself runs inside a sandbox by its own account")
	}
}

// run runs one of the programs in a foreground sandbox to its end.
func run(t *testing.T, o Options) (stdout string, state *os.ProcessState) {
	t.Helper()
	var out, errs bytes.Buffer
	o.Stdout, o.Stderr, o.Foreground = &out, &errs, true
	p, err := Spawn(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.Warnings {
		t.Log("warning:", w)
	}
	state, err = p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if errs.Len() > 0 {
		t.Logf("stderr: %s", &errs)
	}
	return out.String(), state
}

func TestSandboxHasOnlyLo(t *testing.T) {
	need(t)
	out, state := run(t, Options{Args: []string{"look"}})
	if want := "inside true uid 0 links [lo]"; out != want || !state.Success() {
		t.Errorf("got %q, %v; want %q", out, state, want)
	}
}

func TestExitStatus(t *testing.T) {
	need(t)
	for program, want := range map[string]int{"exit-7": 7, "die": 128 + 9, "orphan": 0} {
		t.Run(program, func(t *testing.T) {
			if _, state := run(t, Options{Args: []string{program}}); state.ExitCode() != want {
				t.Errorf("got %v, want exit status %d", state, want)
			}
		})
	}
}

func TestFilesEnvironmentAndDirectory(t *testing.T) {
	need(t)
	fromInside, out := pipe(t)
	in, toInside := pipe(t)
	stdout, stdoutEnd := pipe(t)
	p, err := Spawn(Options{Args: []string{"files"}, Files: []*os.File{out, in}, Stdout: stdoutEnd,
		Env: append(os.Environ(), "GREETING=good day"), Dir: "/usr", Foreground: true})
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
	in.Close()
	stdoutEnd.Close()
	// The end must come while the program still runs: PID 1 may not keep the descriptor.
	if b, err := io.ReadAll(fromInside); err != nil || string(b) != "from inside" {
		t.Errorf("descriptor 3 gave %q, %v; want \"from inside\"", b, err)
	}
	io.WriteString(toInside, "hello")
	toInside.Close()
	if b, _ := io.ReadAll(stdout); string(b) != "hello in /usr, good day" {
		t.Errorf("stdout: %q", b)
	}
	if state, err := p.Wait(); err != nil || !state.Success() {
		t.Errorf("wait: %v, %v", state, err)
	}
}

func TestSignalReachesTheProgram(t *testing.T) {
	need(t)
	stdout, end := pipe(t)
	p, err := Spawn(Options{Args: []string{"await-term"}, Stdout: end, Foreground: true})
	if err != nil {
		t.Fatal(err)
	}
	end.Close()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if state, err := p.Wait(); err != nil || state.ExitCode() != 3 {
		t.Errorf("got %v, %v; want exit status 3", state, err)
	}
}

func TestSpawnRefusesWhatCannotWork(t *testing.T) {
	for name, o := range map[string]Options{
		"detached with a pipe":  {Stdout: &bytes.Buffer{}},
		"directory not there":   {Dir: "/nonexistent", Foreground: true},
		"no such thing to exec": {Dir: "/etc/passwd/x", Foreground: true},
	} {
		if p, err := Spawn(o); err == nil {
			p.Kill()
			t.Errorf("%s: no error", name)
		} else if refused := (*Refused)(nil); errors.As(err, &refused) {
			t.Errorf("%s: blames the host: %v", name, err)
		}
	}
}

func TestInitRefusesToRunByHand(t *testing.T) {
	out, err := exec.Command("/proc/self/exe", initWord, foreground, "0", "look").CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("got %v: %s", err, out)
	}
}

// TestUnprivileged runs the other tests as a user with no rights at all.
func TestUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root, so every test here runs unprivileged already")
	}
	need(t)
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^Test(Probe|Sandbox|Exit|Files|Signal|Leaves|Detached|NoRoom)")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("as uid 65534: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), "--- PASS"); n < 7 {
		t.Errorf("as uid 65534 only %d tests passed:\n%s", n, out)
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}
