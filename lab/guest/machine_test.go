package guest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pxelab/pxelab/lab/guest"
	"github.com/pxelab/pxelab/lab/guest/qmp"
	"github.com/pxelab/pxelab/lab/guest/serial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a guest and returns it with the lines it writes; the channel is closed when it has ended.
func start(t *testing.T, config guest.Config) (*guest.Machine, <-chan serial.Line) {
	t.Helper()
	lines := make(chan serial.Line, 10000)
	config.Console.Line = func(l serial.Line) { lines <- l }
	m, err := guest.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-m.Done(); close(lines) }()
	t.Cleanup(func() { m.Kill(); <-m.Done() })
	return m, lines
}

// script is a guest that is a shell script: it has the descriptors of a QEMU, and no machine.
func script(text string) guest.Config { return guest.Config{Argv: []string{"/bin/sh", "-c", text}} }

// hang is the end of a script that waits, without any child process, for what never comes.
const hang = "; read never <&4"

// await returns the lines up to and including the first that contains text.
func await(t *testing.T, lines <-chan serial.Line, text string) (seen []string) {
	t.Helper()
	for l := range lines {
		seen = append(seen, l.Text)
		if strings.Contains(l.Text, text) {
			return seen
		}
	}
	t.Fatalf("the guest ended without %q; lines were:\n%s", text, strings.Join(seen, "\n"))
	return nil
}

func gone(t *testing.T, m *guest.Machine) {
	t.Helper()
	<-m.Done()
	if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(m.PID()))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("process %d is still there: %v", m.PID(), err)
	}
}

func TestConsoleAndExit(t *testing.T) {
	var raw bytes.Buffer
	config := script(`printf 'one\r\n\033[1mtwo\033[0m\r\nno end'; echo noise >&2; echo 'it broke' >&2; exit 3`)
	config.Console.RawConsole = &raw
	m, lines := start(t, config)
	var got []string
	for l := range lines {
		if !l.Partial {
			got = append(got, l.Text)
		}
	}
	if d := cmp.Diff([]string{"one", "two", "no end"}, got); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
	if want := "one\r\n\x1b[1mtwo\x1b[0m\r\nno end"; raw.String() != want {
		t.Errorf("raw console %q, want %q", raw.String(), want)
	}
	e := m.Exit()
	if e.Code != 3 || e.Signal != "" || e.Stderr != "noise\nit broke" || e.RSSKiB == 0 {
		t.Errorf("exit %+v", e)
	}
	if err := m.Pause(t.Context()); !errors.Is(err, qmp.ErrGone) || !strings.Contains(err.Error(), "exit status 3: it broke") {
		t.Errorf("a command to a guest that ended: %v", err)
	}
	if err := m.Type([]byte("x")); err == nil {
		t.Error("typed on the console of a guest that ended")
	}
	if err := m.Err(); err != nil {
		t.Error(err)
	}
}

func TestPrompt(t *testing.T) {
	m, lines := start(t, script(`printf 'login: '; read name; printf 'hello %s\n' "$name"`))
	if l := <-lines; l != (serial.Line{Text: "login:", Partial: true}) {
		t.Fatalf("first line %+v", l)
	}
	if err := m.Type([]byte("joe\n")); err != nil {
		t.Fatal(err)
	}
	if l := <-lines; l != (serial.Line{Text: "login: hello joe"}) {
		t.Errorf("second line %+v", l)
	}
}

func TestKill(t *testing.T) {
	for _, tt := range []struct{ name, script, signal string }{
		{"that heeds SIGTERM", `echo up` + hang, "terminated"},
		{"that ignores SIGTERM", `trap '' TERM; echo up` + hang, "killed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, lines := start(t, script(tt.script))
			await(t, lines, "up")
			m.Kill()
			m.Kill()
			gone(t, m)
			if e := m.Exit(); e.Signal != tt.signal || e.Code != -1 {
				t.Errorf("exit %+v, want signal %q", e, tt.signal)
			}
		})
	}
}

// A QEMU whose KVM has failed stays, says "internal-error" when asked, and has no event for it but STOP.
func TestBroken(t *testing.T) {
	broken := make(chan string, 2)
	config := script(`exec 1>&4 0<&4
printf '{"QMP":{"version":{"qemu":{"major":7,"minor":2,"micro":0},"package":""},"capabilities":[]}}\n'
read caps; printf '{"return":{},"id":"pxelab-1"}\n'
printf '{"event":"STOP","timestamp":{"seconds":1,"microseconds":1}}\n'
read query; printf '{"return":{"status":"internal-error","running":false},"id":"pxelab-2"}\n'
printf '{"event":"STOP","timestamp":{"seconds":1,"microseconds":2}}\n'
read query; printf '{"return":{"status":"internal-error","running":false},"id":"pxelab-3"}\n'
printf '{"event":"SHUTDOWN","data":{"guest":true,"reason":"guest-shutdown"},"timestamp":{"seconds":1,"microseconds":2}}\n'`)
	config.Broken = func(status string) { broken <- status }
	m, _ := start(t, config)
	if got := <-broken; got != "internal-error" {
		t.Errorf("broken for %q", got)
	}
	gone(t, m)
	if len(broken) > 0 {
		t.Error("told twice")
	}
	if got := m.Shutdown(); got != "guest-shutdown" {
		t.Errorf("shut down for %q", got)
	}
}

func TestContextEndsTheGuest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m, err := guest.Start(ctx, script("echo up"+hang))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	gone(t, m)
	if _, err := guest.Start(ctx, script("echo up")); !errors.Is(err, context.Canceled) {
		t.Errorf("a start after the context ended: %v", err)
	}
}

func TestStartFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config guest.Config
		want   string
	}{
		{"no command line", guest.Config{}, "command line is empty"},
		{"no such binary", guest.Config{Argv: []string{"/nonexistent/qemu"}}, `start "/nonexistent/qemu"`},
		{"caller's start", guest.Config{Argv: []string{"/bin/true"}, Start: func(*exec.Cmd) error { return io.ErrNoProgress }}, io.ErrNoProgress.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := descriptors(t)
			_, err := guest.Start(t.Context(), tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if after := descriptors(t); after != before {
				t.Errorf("%d descriptors, before %d", after, before)
			}
		})
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc: ", err)
	}
	return len(entries)
}

func TestAttach(t *testing.T) {
	m, lines := start(t, script(`printf 'before\n'; read x; printf 'after %s\n' "$x"; read x; echo unseen; read x`))
	await(t, lines, "before")
	r, w := io.Pipe()
	detach, _ := m.Attach(w)
	screen := make([]byte, len("before\n"))
	if _, err := io.ReadFull(r, screen); err != nil || string(screen) != "before\n" {
		t.Fatalf("replayed %q, %v", screen, err)
	}
	if err := m.Type([]byte("1\n")); err != nil {
		t.Fatal(err)
	}
	screen = make([]byte, len("after 1\n"))
	if _, err := io.ReadFull(r, screen); err != nil || string(screen) != "after 1\n" {
		t.Fatalf("then came %q, %v", screen, err)
	}
	detach()
	if err := m.Type([]byte("2\n")); err != nil {
		t.Fatal(err)
	}
	await(t, lines, "unseen") // though nobody reads the pipe any more
	_ = r.Close()
}

func TestStuckAttachedScreenHoldsUpNothing(t *testing.T) {
	m, lines := start(t, script(`read x; i=0; while [ $i -lt 3000 ]; do echo "a line that is long enough to fill every buffer on its way $i"; i=$((i+1)); done; echo end`))
	r, w := io.Pipe()
	defer r.Close()
	m.Attach(w)
	if err := m.Type([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	await(t, lines, "end")
	gone(t, m)
}

// A process that outlives QEMU and holds its output must not keep the guest from ending.
func TestOrphanHoldsTheConsole(t *testing.T) {
	m, _ := start(t, script(`(read never <&4) & echo up; exit 0`))
	gone(t, m)
	if e := m.Exit(); e.Code != 0 {
		t.Errorf("exit %+v", e)
	}
}

func TestRawConsoleFails(t *testing.T) {
	r, w := io.Pipe()
	_ = r.CloseWithError(io.ErrShortWrite)
	config := script("echo up; echo on")
	config.Console.RawConsole = w
	m, lines := start(t, config)
	await(t, lines, "on")
	if err := m.Err(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v", err)
	}
}

func TestKillAtRandomMoments(t *testing.T) {
	for i := range 20 {
		config := script(`i=0; while :; do echo $i; i=$((i+1)); done`)
		config.Grace = 10 * time.Millisecond
		m, err := guest.Start(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(i)*time.Millisecond, m.Kill)
		gone(t, m)
		kill.Stop()
	}
}
