package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inhabited is a sandbox full of things, started by a process of its own.
type inhabited struct {
	outer *exec.Cmd
	hold  *os.File // ends when the last process inside is gone
	lead  *os.File // what is written here comes back on out
	out   *bufio.Reader
	pid1  int
	in    inhabitant
}

func startInhabited(t *testing.T, program string) *inhabited {
	t.Helper()
	hold, holdEnd := pipe(t)
	leadEnd, lead := pipe(t)
	stdout, stdoutEnd := pipe(t)
	h := &inhabited{hold: hold, lead: lead, out: bufio.NewReader(stdout)}
	h.outer = exec.Command("/proc/self/exe", program)
	h.outer.ExtraFiles = []*os.File{holdEnd, leadEnd}
	h.outer.Stdout, h.outer.Stderr = stdoutEnd, os.Stderr
	if err := h.outer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.outer.Process.Kill(); h.outer.Wait() })
	holdEnd.Close()
	leadEnd.Close()
	stdoutEnd.Close()
	for range 2 { // the outer's line and the inner's, in either order
		line, err := h.out.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		if json.Unmarshal(line, &h.pid1) != nil {
			err = json.Unmarshal(line, &h.in)
		}
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
	}
	if !slices.Contains(h.in.Links, "leak0") || len(h.in.Namespaces) != 6 {
		t.Fatalf("the sandbox is not inhabited: %+v", h.in)
	}
	return h
}

// program is the process id of the program inside, as seen from here.
func (h *inhabited) program(t *testing.T) int {
	t.Helper()
	for _, pid := range processesIn(h.in.Namespaces) {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if strings.Contains(string(status), fmt.Sprintf("NSpid:\t%d\t%d\n", pid, h.in.PID)) {
			return pid
		}
	}
	t.Fatal("no process of the sandbox is the program")
	return 0
}

// processesIn lists the processes that live in one of these namespaces. A zombie does not live: it waits
// for whoever inherited it from the killed starter.
func processesIn(namespaces []string) (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/ns/[np][ei][td]")
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !slices.Contains(namespaces, target) {
			continue
		}
		var pid int
		fmt.Sscanf(link, "/proc/%d/", &pid)
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if !slices.Contains(pids, pid) && !strings.Contains(string(status), "State:\tZ") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func hostLinks(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// awaitEnd waits until a process has ended: a PID 1 ends after everything in its namespace.
func awaitEnd(t *testing.T, pidfd int) {
	t.Helper()
	defer unix.Close(pidfd)
	n, err := 0, error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 10_000)
	}
	if n != 1 {
		t.Fatalf("PID 1 is still there after 10 s (poll: %v)", err)
	}
}

func TestLeavesNothing(t *testing.T) {
	need(t)
	for name, kill := range map[string]func(t *testing.T, h *inhabited) int{
		"starter":   func(t *testing.T, h *inhabited) int { return h.outer.Process.Pid },
		"PID 1":     func(t *testing.T, h *inhabited) int { return h.pid1 },
		"program":   func(t *testing.T, h *inhabited) int { return h.program(t) },
		"group":     func(t *testing.T, h *inhabited) int { return -h.pid1 },
		"terminate": nil,
	} {
		t.Run(name, func(t *testing.T) {
			h := startInhabited(t, "outer-foreground")
			pidfd, err := unix.PidfdOpen(h.pid1, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := processesIn(h.in.Namespaces); len(got) != 4 {
				t.Fatalf("processes %v live inside, want PID 1, the program and its two children", got)
			}
			victim, signal := h.outer.Process.Pid, syscall.SIGTERM
			if kill != nil {
				victim, signal = kill(t, h), syscall.SIGKILL
			}
			if err := syscall.Kill(victim, signal); err != nil {
				t.Fatal(err)
			}
			awaitEnd(t, pidfd)
			if _, err := io.Copy(io.Discard, h.hold); err != nil {
				t.Error(err)
			}
			if left := processesIn(h.in.Namespaces); len(left) > 0 {
				t.Errorf("processes %v still live in %v", left, h.in.Namespaces)
			}
			if slices.Contains(hostLinks(t), "leak0") {
				t.Error("the sandbox's bridge is on the host")
			}
		})
	}
}

func TestDetachedOutlivesItsStarter(t *testing.T) {
	need(t)
	h := startInhabited(t, "outer-detached")
	pidfd, err := unix.PidfdOpen(h.pid1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.outer.Wait(); err != nil {
		t.Fatalf("starter: %v", err)
	}
	io.WriteString(h.lead, "alive?\n")
	if line, err := h.out.ReadString('\n'); line != "alive?\n" {
		t.Errorf("the sandbox answered %q, %v after its starter had ended", line, err)
	}
	if sid, err := unix.Getsid(h.pid1); err != nil || sid != h.pid1 {
		t.Errorf("session %d, %v; want its own, %d", sid, err, h.pid1)
	}
	if err := syscall.Kill(h.pid1, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, pidfd)
	if left := processesIn(h.in.Namespaces); len(left) > 0 {
		t.Errorf("processes %v still live in %v", left, h.in.Namespaces)
	}
}
