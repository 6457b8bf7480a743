package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestListenTwice(t *testing.T) {
	dir := runtimeDir(t)
	down := up(t, newLab("demo"))
	dial(t, "demo") // it answers
	if _, err := Listen("demo"); err == nil || !strings.Contains(err.Error(), "already up") || !strings.Contains(err.Error(), "`pxelab down demo`") {
		t.Errorf("second listener: %v", err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, dir + "/demo.sock": 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", path, st.Mode(), err, want)
		}
	}
	down()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	up(t, newLab("demo"))
}

// TestLeftover finds the socket of a supervisor that was killed.
func TestLeftover(t *testing.T) {
	dir := runtimeDir(t)
	for _, name := range []string{"dead", "dead2"} {
		l, err := Listen(name)
		if err != nil {
			t.Fatal(err)
		}
		l.Close() // leaves the path, as a killed process does
	}
	if _, err := os.Stat(dir + "/dead.sock"); err != nil {
		t.Fatal(err)
	}
	up(t, newLab("dead"))
	labs, err := List()
	if err != nil || len(labs) != 1 || labs[0].Name != "dead" {
		t.Errorf("labs %+v, %v", labs, err)
	}
	if _, err := os.Stat(dir + "/dead2.sock"); !os.IsNotExist(err) {
		t.Errorf("the other dead socket is still there: %v", err)
	}
}

// TestRace starts many labs of one name at once, some upon the socket of a dead one.
func TestRace(t *testing.T) {
	runtimeDir(t)
	for round := range 10 {
		name := fmt.Sprintf("race%d", round)
		if round%2 == 0 {
			l, err := Listen(name)
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
		var starting, serving sync.WaitGroup
		won := make(chan *Server, 6)
		for range 6 {
			starting.Go(func() {
				listener, err := Listen(name)
				if err != nil {
					if !strings.Contains(err.Error(), "already up") {
						t.Error(err)
					}
					return
				}
				s := New(newLab(name), "v0", since)
				won <- s
				serving.Go(func() {
					if err := s.Serve(listener); err != nil {
						t.Error(err)
					}
				})
			})
			starting.Go(func() { // a bystander that cleans up must not take a living socket away
				if _, err := List(); err != nil {
					t.Error(err)
				}
			})
		}
		starting.Wait()
		close(won)
		if len(won) != 1 {
			t.Errorf("round %d: %d labs of one name", round, len(won))
		}
		if _, err := Dial(name); err != nil {
			t.Error(err)
		}
		for s := range won {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		serving.Wait()
	}
}

// waitFor dials until the lab is up. Every try asks the kernel anew, so it ends as soon as it can.
func waitFor(name string) (*Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		c, err := Dial(name)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
	}
}

func TestSilent(t *testing.T) {
	dir := runtimeDir(t)
	l, err := Listen("mute") // and nobody serves it
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	info, err := visit(ctx, dir+"/mute.sock")
	if err != nil || !info.Silent || info.PID != os.Getpid() {
		t.Errorf("%+v, %v; want a silent lab of this process", info, err)
	}
	if c, err := Reach(ctx, "mute"); c != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("reached %v, %v; want to wait as long as the context lasts", c, err)
	}
	if c, err := Reach(t.Context(), "nobody"); c != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reached %v, %v; want to hear at once that nobody is there", c, err)
	}
}

func TestNames(t *testing.T) {
	runtimeDir(t)
	for _, name := range []string{"../evil", "a b", "", ".hidden", "-flag", "a/b", "a\x00b", "a\nb", "ü", strings.Repeat("x", 120)} {
		if l, err := Listen(name); err == nil {
			l.Close()
			t.Errorf("listens for %q", name)
		} else if !strings.Contains(err.Error(), "lab name") && !strings.Contains(err.Error(), "107 is the limit") {
			t.Errorf("%q: %v", name, err)
		}
	}
	_, err := Dial("../evil")
	if err == nil || !strings.Contains(err.Error(), `lab name "../evil"`) {
		t.Error(err)
	}
}

func TestDialSaysWhatToDo(t *testing.T) {
	dir := runtimeDir(t)
	check := func(name, want string) {
		t.Helper()
		if _, err := Dial(name); err == nil || err.Error() != want {
			t.Errorf("dial %q: %v\nwant %s", name, err, want)
		}
	}
	check("", "no lab is up; `pxelab up TOPOLOGY` starts one")
	check("x", "no lab named \"x\" is up; none is running; `pxelab up TOPOLOGY` starts one")
	up(t, newLab("a"))
	up(t, newLab("b"))
	check("", "which lab? name one; running: a, b")
	check("x", `no lab named "x" is up; running: a, b`)
	if err := os.WriteFile(dir+"/x.sock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check("x", `no lab named "x" is up; running: a, b`)
	if _, err := Listen("x"); err == nil || !strings.Contains(err.Error(), "in the way") {
		t.Errorf("a plain file in the socket's place: %v", err)
	}
	if _, err := os.Stat(dir + "/x.sock"); err != nil {
		t.Errorf("a file that is not ours to remove is gone: %v", err)
	}
}

func TestRuntimeDir(t *testing.T) {
	dir := runtimeDir(t)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := RuntimeDir(); err != nil || got != dir {
		t.Errorf("%q, %v", got, err)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v: others can look in", st.Mode(), err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := RuntimeDir(); err == nil || !strings.Contains(err.Error(), "belongs to user 65534") {
			t.Errorf("another user's folder: %v", err)
		}
	}
	os.Remove(dir)
	if err := os.Symlink(filepath.Dir(dir), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := RuntimeDir(); err == nil || !strings.Contains(err.Error(), "is not a folder") {
		t.Errorf("a symbolic link: %v", err)
	}
	t.Setenv("XDG_RUNTIME_DIR", "relative")
	if got, _ := RuntimeDir(); strings.Contains(got, "relative") {
		t.Errorf("%q: a relative XDG_RUNTIME_DIR counts", got)
	}
}

const supervisorEnv = "PXELAB_CONTROL_TEST_SUPERVISOR"

// superviseForTest is the other process: it serves the listener it inherits, as a lab's supervisor does.
func superviseForTest() {
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		panic(err)
	}
	panic(New(newLab(os.Getenv(supervisorEnv)), "v0", since).Serve(l.(*net.UnixListener)))
}

// TestSupervisor hands the listener to a process in a PID namespace of its own, finds out its number outside,
// and kills it.
func TestSupervisor(t *testing.T) {
	dir := runtimeDir(t)
	flags := uintptr(syscall.CLONE_NEWPID)
	if os.Getuid() != 0 {
		if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
			t.Fatal("PXELAB_REQUIRE asks for root")
		}
		t.Log("not root: the supervisor shares this PID namespace")
		flags = 0
	}
	l, err := Listen("sandboxed")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), supervisorEnv+"=sandboxed")
	cmd.ExtraFiles = []*os.File{f}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	l.Close()
	c, err := waitFor("sandboxed")
	if err != nil {
		t.Error(err)
	} else if info, err := c.Lab(context.Background()); err != nil || info.PID != cmd.Process.Pid {
		t.Errorf("the lab's process is %d, %v; want %d", info.PID, err, cmd.Process.Pid)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if labs, err := List(); err != nil || len(labs) != 0 {
		t.Errorf("labs %+v, %v", labs, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
