package boot

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/tests/built"
)

// TestKillStorm kills the CLI, PID 1, the supervisor, a service or a QEMU at a random event of a run. Nothing
// of the lab may be left, and the bundle must hold everything up to that moment.
func TestKillStorm(t *testing.T) {
	built.NeedBoots(t)
	victims := []string{"cli", "supervisor", "qemu", "init", "service"}
	for i := range *kills {
		victim := victims[i%len(victims)]
		after := 2 + rand.IntN(60)
		t.Run(fmt.Sprintf("%02d/%s-after-event-%d", i, victim, after), func(t *testing.T) { killOne(t, victim, after) })
	}
}

func killOne(t *testing.T, victim string, after int) {
	folder := filepath.Join(t.TempDir(), "bundle")
	cmd := exec.Command(built.Pxelab, "run", topologyFile(t, "firmware-trio"), "--out", folder, "--clock", "warp")
	exited := beside(t, cmd)
	seen := waitEvents(t, folder, after, exited)
	tree := descendants(cmd.Process.Pid)
	spaces := namespaces(tree, cmd.Process.Pid)
	pid := pick(tree, cmd.Process.Pid, victim)
	killed := pid != 0
	if pid == 0 {
		t.Logf("no %s to kill after event %d: the run was over or had not begun it", victim, seen)
	} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Logf("%s was gone before it could be killed: %v", victim, err)
		killed = false
	}
	<-exited
	gone(t, tree, spaces)
	if code := cmd.ProcessState.ExitCode(); killed && (victim == "supervisor" || victim == "init") && code != 2 {
		t.Errorf("the CLI exits with %d after the %s was killed, want 2: the harness broke", code, victim)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "pxelab", "*.sock")); len(left) > 0 {
		t.Errorf("sockets left: %v", left)
	}
	_, events, err := bundle.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) < seen {
		t.Errorf("the bundle holds %d events; %d had happened before the kill", len(events), seen)
	}
}

// waitEvents follows a run's event log until it holds n events, or the run is over; it gives how many it saw.
func waitEvents(t *testing.T, bundle string, n int, exited <-chan struct{}) int {
	t.Helper()
	log := follow(t, bundle, exited)
	for seen := 0; ; seen++ {
		if seen == n {
			return seen
		}
		if _, ok := log.next(); !ok {
			return seen
		}
	}
}

// eventually polls a condition of other processes, of which nothing tells us, until it holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(60 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// process is one line of the process table.
type process struct {
	pid, parent int
	command     string
	started     string // with the pid, tells a process from a later one that got its number
}

// descendants lists every process below pid.
func descendants(pid int) []process {
	byParent := map[int][]process{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if p, ok := readProcess(dir); ok {
			byParent[p.parent] = append(byParent[p.parent], p)
		}
	}
	var out []process
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		for _, p := range byParent[queue[0]] {
			out = append(out, p)
			queue = append(queue, p.pid)
		}
	}
	return out
}

func readProcess(dir string) (process, bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return process{}, false
	}
	args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	pid, _ := strconv.Atoi(filepath.Base(dir))
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	parent, _ := strconv.Atoi(fields[1])
	return process{pid: pid, parent: parent, command: strings.ReplaceAll(string(args), "\x00", " "), started: fields[19]}, true
}

// pick finds the victim among the processes of a lab started by cli.
func pick(tree []process, cli int, victim string) int {
	var found []int
	for _, p := range tree {
		is := map[string]bool{
			"init":       strings.Contains(p.command, "__init"),
			"supervisor": strings.Contains(p.command, "__lab") && !strings.Contains(p.command, "__init"),
			"qemu":       strings.Contains(p.command, "qemu-system"),
			"service":    strings.Contains(p.command, " __serve "),
		}
		if is[victim] {
			found = append(found, p.pid)
		}
	}
	switch {
	case victim == "cli":
		return cli
	case len(found) == 0:
		return 0
	}
	return found[rand.IntN(len(found))]
}

// namespaces lists the network namespaces that these processes live in and the CLI does not.
func namespaces(tree []process, cli int) map[string]bool {
	own, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", cli))
	out := map[string]bool{}
	for _, p := range tree {
		if ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", p.pid)); err == nil && ns != own && own != "" {
			out[ns] = true
		}
	}
	return out
}

// gone waits until none of these processes exists and no process lives in any of these namespaces; with its
// last process a namespace goes, and its interfaces with it.
func gone(t *testing.T, tree []process, spaces map[string]bool) {
	t.Helper()
	eventually(t, fmt.Sprintf("the %d processes and %d namespaces of the lab are gone", len(tree), len(spaces)), func() bool {
		for _, p := range tree {
			now, ok := readProcess(fmt.Sprintf("/proc/%d", p.pid))
			if ok && now.started == p.started {
				return false
			}
		}
		links, _ := filepath.Glob("/proc/[0-9]*/ns/net")
		for _, link := range links {
			if ns, err := os.Readlink(link); err == nil && spaces[ns] {
				return false
			}
		}
		return true
	})
}
