package scaleout

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/matrix"
)

// TestScaleOutSlurm runs matrices on a real Slurm cluster of two nodes, one of which is lost in the middle of a case.
func TestScaleOutSlurm(t *testing.T) {
	needSlurm(t)
	b := build(t)
	b.needBoots(t)
	c := startCluster(t, b)
	t.Run("worker-lost", func(t *testing.T) { workerLost(t, b, c) })
	t.Run("refused", func(t *testing.T) { refused(t, b) })
	t.Run("interrupted", func(t *testing.T) { interrupted(t, b, c) })
	c.idle(t, b, "lab1")
}

// command is pxelab on its way.
type command struct {
	*exec.Cmd
	out bytes.Buffer
}

// onSlurm starts a matrix on the cluster. It runs until its test ends, at most.
func onSlurm(t *testing.T, b *built, args ...string) *command {
	t.Helper()
	r := &command{Cmd: exec.CommandContext(t.Context(), filepath.Join(b.dir, "bin", "pxelab"), append([]string{"matrix", "--on", "slurm", "--gres", "kvm:1"}, args...)...)}
	r.Dir, r.Env, r.Stdout, r.Stderr = "testdata", b.env(), &r.out, &r.out
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// ends waits for the end of the command and holds it to an exit status.
func (r *command) ends(t *testing.T, want int) string {
	t.Helper()
	_ = r.Wait()
	if got := r.ProcessState.ExitCode(); got != want {
		t.Fatalf("%v: exit status %d, want %d\n%s", r.Args, got, want, &r.out)
	}
	return r.out.String()
}

// workerLost loses node lab2, which has done one case and is in the middle of another.
func workerLost(t *testing.T, b *built, c *cluster) {
	whole := b.whole(t, "eight", 8)
	dir := filepath.Join(t.TempDir(), "shared")
	run := onSlurm(t, b, "eight.matrix.yaml", "--out", dir)
	victim := c.cut(t, "lab2", dir)
	said := run.ends(t, 1)
	t.Logf("lab2 was lost with %s\n%s", victim, said)

	got := b.report(t, dir)
	if diff := cmp.Diff(whole.verdicts(), got.verdicts()); diff != "" {
		t.Errorf("on the cluster it comes to something else than here (- here, + on the cluster):\n%s", diff)
	}
	got.failure(t)
	for _, one := range got.Cases {
		want := 1
		if one.ID == victim {
			want = 2
		}
		if len(one.Attempts) != want {
			t.Errorf("%s: %d attempts, want %d: %+v", one.ID, len(one.Attempts), want, one.Attempts)
		}
	}
	attempts := results(t, dir, victim)
	if len(attempts) != 2 || attempts[0].Outcome != matrix.Broken || !strings.Contains(attempts[0].Reason, "Slurm lost lab2") ||
		attempts[1].Outcome != matrix.Passed || attempts[1].Host != "lab1" {
		t.Errorf("the case whose worker was lost: %+v", attempts)
	}
	if want := victim + ": its worker was lost (lab2)"; !strings.Contains(said, want) {
		t.Errorf("the progress does not say %q", want)
	}
	if want := victim + ": attempt 2 counts; attempt 1: broken: Slurm lost lab2"; !strings.Contains(words(said), want) {
		t.Errorf("the report does not say %q", want)
	}
	oneAtATime(t, dir)
}

// words undoes the folding of lines.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// cut takes a node away, all at once, when it has done a case and has just powered a guest of another on; it gives that case.
func (c *cluster) cut(t *testing.T, node, dir string) (id string) {
	t.Helper()
	eventually(t, node+" is in the middle of its second case", func() bool {
		var qemu int
		if id = c.runs(t, node, dir); id == "" || !slices.ContainsFunc(results(t, dir, ""), func(r matrix.Result) bool { return r.Host == node }) {
			return false
		}
		for _, p := range below(c.nodes[node].cmd.Process.Pid) {
			if strings.Contains(p.command, "qemu-system") {
				qemu = p.pid
			}
		}
		if qemu == 0 || syscall.Kill(qemu, syscall.SIGSTOP) != nil { // it cannot come to its end while we look
			return false
		}
		log, _ := os.ReadFile(filepath.Join(dir, "cases", filepath.FromSlash(id), "1", "events.jsonl"))
		if bytes.Contains(log, []byte(`"guest-powered"`)) && !bytes.Contains(log, []byte(`"guest-settled"`)) {
			return true
		}
		_ = syscall.Kill(qemu, syscall.SIGCONT)
		return false
	})
	c.nodes[node].kill()
	return id
}

// runs gives the case that runs on a node, by Slurm's word.
func (c *cluster) runs(t *testing.T, node, dir string) string {
	t.Helper()
	out, err := exec.Command("squeue", "--noheader", "--array", "--states=RUNNING", "--nodelist="+node, "--format=%K").Output()
	index, bad := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || bad != nil {
		return ""
	}
	return planOf(t, dir).Cases[index].ID
}

func planOf(t *testing.T, dir string) (p matrix.Plan) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "matrix.json"))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// results reads the results of a case, or (empty) of all cases, in the order of attempts.
func results(t *testing.T, dir, id string) (all []matrix.Result) {
	t.Helper()
	for _, c := range planOf(t, dir).Cases {
		if id != "" && id != c.ID {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(dir, "cases", filepath.FromSlash(c.ID), "*", "result.json"))
		for _, name := range files {
			var r matrix.Result
			text, err := os.ReadFile(name)
			if err == nil {
				err = json.Unmarshal(text, &r)
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, r)
		}
	}
	return all
}

// oneAtATime holds the results to what each node has of the resource that a case asks for: one.
func oneAtATime(t *testing.T, dir string) {
	t.Helper()
	all := results(t, dir, "")
	all = slices.DeleteFunc(all, func(r matrix.Result) bool { return r.Began.IsZero() })
	slices.SortFunc(all, func(a, b matrix.Result) int { return a.Began.Compare(b.Began) })
	last := map[string]matrix.Result{}
	for _, r := range all {
		if before, ok := last[r.Host]; ok && before.Began.Add(before.Took).After(r.Began) {
			t.Errorf("%s began on %s before %s had ended there", r.ID, r.Host, before.ID)
		}
		last[r.Host] = r
	}
	if len(last) != 2 {
		t.Errorf("cases ran on %d nodes, want 2", len(last))
	}
}

// refused asks for what the cluster does not have: Slurm's own words are told, and nothing was run.
func refused(t *testing.T, b *built) {
	said := onSlurm(t, b, "three.matrix.yaml", "--partition", "nowhere", "--out", filepath.Join(t.TempDir(), "shared")).ends(t, 2)
	for _, want := range []string{"submit the cases: sbatch: exit status 1", "invalid partition specified: nowhere", "3 not run: nobody ran it"} {
		if !strings.Contains(words(said), want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
}

// interrupted interrupts a matrix after its first result and goes on with it.
func interrupted(t *testing.T, b *built, c *cluster) {
	dir := filepath.Join(t.TempDir(), "shared")
	run := onSlurm(t, b, "three.matrix.yaml", "--out", dir)
	eventually(t, "there is a result", func() bool {
		_, err := os.Stat(filepath.Join(dir, "matrix.json"))
		return err == nil && len(results(t, dir, "")) > 0
	})
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	run.ends(t, 130)
	if out, err := exec.Command("squeue", "--noheader").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("Slurm still has tasks (%v):\n%s", err, out)
	}
	before := len(results(t, dir, ""))
	if n := len(b.report(t, dir).Cases); n != 3 || before == 3 {
		t.Errorf("the folder of an interrupted matrix tells of %d cases, %d with a result", n, before)
	}
	said := onSlurm(t, b, "three.matrix.yaml", "--out", dir, "--resume").ends(t, 1)
	o := b.report(t, dir)
	if len(o.Cases) != 3 {
		t.Errorf("it came to %d cases\n%s", len(o.Cases), said)
	}
	o.failure(t)
	for _, r := range results(t, dir, "plain/virtio/warp") {
		if r.Attempt != 1 {
			t.Errorf("what had a result was run again: %+v", r)
		}
	}
}

// process is one line of the process table.
type process struct {
	pid, parent int
	command     string
}

// below lists the processes below pid.
func below(pid int) (out []process) {
	byParent := map[int][]process{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue // it has ended
		}
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		p := process{command: strings.ReplaceAll(string(args), "\x00", " ")}
		p.pid, _ = strconv.Atoi(filepath.Base(dir))
		p.parent, _ = strconv.Atoi(strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[1])
		byParent[p.parent] = append(byParent[p.parent], p)
	}
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		for _, p := range byParent[queue[0]] {
			out = append(out, p)
			queue = append(queue, p.pid)
		}
	}
	return out
}

// idle holds a node to what is there when nothing runs: no process but Slurm's, no socket of a lab.
func (c *cluster) idle(t *testing.T, b *built, node string) {
	t.Helper()
	init := c.nodes[node].cmd.Process.Pid
	var left []process
	defer func() {
		if t.Failed() {
			t.Logf("left on %s: %+v", node, left)
		}
	}()
	eventually(t, node+" runs nothing but slurmd", func() bool {
		left = slices.DeleteFunc(below(init), func(p process) bool { return strings.HasPrefix(p.command, "slurmd -D") })
		return len(left) == 0
	})
	sockets, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root%s/run/pxelab/*", init, b.dir))
	if len(sockets) > 0 {
		t.Errorf("left on %s: %v", node, sockets)
	}
}
