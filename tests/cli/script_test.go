package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar. Beside testscript's own commands they have:
//
//	exits N program [args...]     run it: it must end with exit status N
//	until regexp program [args...]  run it until a line that it prints matches
//	needs boots|namespaces|qemu   skip the script where there are none
//
// $ROOT is the checkout. Labs that a script leaves up are taken down at its end.
func TestScripts(t *testing.T) {
	ctx := patience(t)
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Setup:              setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"needs": needed,
			"until": func(ts *testscript.TestScript, neg bool, args []string) { until(ctx, ts, neg, args) },
		},
	})
}

// patience ends with the test and its subtests, or while there is still time to take down what they have brought up.
func patience(t *testing.T) context.Context {
	deadline, ok := t.Deadline()
	if !ok {
		return t.Context()
	}
	const cleanUp = 15 * time.Second
	ctx, cancel := context.WithDeadline(t.Context(), deadline.Add(-cleanUp))
	t.Cleanup(cancel)
	return ctx
}

func setUp(env *testscript.Env) error {
	for _, v := range append(private(env.WorkDir), "ROOT="+root, "PXELAB="+pxelab(),
		"PATH="+bin+":"+env.Getenv("PATH")+":/usr/sbin:/sbin") {
		name, value, _ := strings.Cut(v, "=")
		env.Setenv(name, value)
	}
	env.Values[testscriptT] = env.T()
	if err := os.Mkdir(env.Getenv("XDG_RUNTIME_DIR"), 0o700); err != nil {
		return err
	}
	env.Defer(func() {
		down := exec.Command(pxelab(), "down", "--all")
		down.Env = env.Vars
		if out, err := down.CombinedOutput(); err != nil {
			env.T().Log(fmt.Sprintf("take down what was left up: %v: %s", err, out))
		}
		if left, _ := filepath.Glob(env.Getenv("XDG_RUNTIME_DIR") + "/pxelab/*"); len(left) > 0 {
			env.T().Fatal("sockets left: ", left)
		}
	})
	return nil
}

// testscriptT is the key of a script's testscript.T.
const testscriptT = "T"

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: exits N program [args...]")
	}
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit status %d, want %d", code, want)
	}
}

func needed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: needs boots|namespaces|qemu")
	}
	why, must := lacks(args[0])
	switch {
	case must:
		ts.Fatalf("this host lacks %s, and PXELAB_REQUIRE says it must not: %s", args[0], why)
	case why != "":
		ts.Value(testscriptT).(testscript.T).Skip(why)
	}
}

// until ends the program and all it has started once it has printed what is waited for.
func until(ctx context.Context, ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until regexp program [args...]")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[1], args[2:]...)
	if !strings.Contains(args[1], "/") {
		cmd.Path, err = lookPath(args[1], ts.Getenv("PATH"))
		cmd.Err = err
	}
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "XDG_RUNTIME_DIR=" + ts.Getenv("XDG_RUNTIME_DIR"),
		"XDG_STATE_HOME=" + ts.Getenv("XDG_STATE_HOME"), "XDG_CACHE_HOME=" + ts.Getenv("XDG_CACHE_HOME")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Stderr = ts.Stderr()
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer func() {
		cancel()
		_ = cmd.Wait()
	}()
	seen := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if pattern.MatchString(lines.Text()) {
			ts.Logf("%s\n", lines.Text())
			return
		}
		seen += lines.Text() + "\n"
	}
	ts.Fatalf("it ended without a line that matches %q:\n%s", pattern, seen)
}

func lookPath(program, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, program)
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", &exec.Error{Name: program, Err: exec.ErrNotFound}
}
