package boot

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/runner"
	"github.com/pxelab/pxelab/tests/built"
)

// roughMatrix has a case that passes, one that is made to fail, one whose firmware is gone, one whose firmware is another build, one
// that fails as expected and one that passes against expectation; all boot SeaBIOS or nothing.
const roughMatrix = `name: rough
topologies: [%s]
axes:
  firmware:
    - bios
    - {name: gone, firmware: ovmf-x64, code: nowhere.fd}
    - {name: other, firmware: ovmf-x64, code: rough.matrix.yaml, sha256: %064d}
  claim:
    right: {}
    wrong: {expect: {bios: [{note: no-uuid}]}}
    known: {expect: {bios: [{note: duplicate-mac}]}}
    mended: {about: It was broken once.}
  clock: [warp]
exclude:
  - {firmware: "!bios", claim: "!right"}
expect-fail:
  - {match: {claim: [known, mended], firmware: bios}, reason: it has a MAC address of its own}
`

// roughOutcomes is what becomes of its cases, and in which words.
var roughOutcomes = map[string][2]string{
	"bios-only/bios/right/warp":  {"passed", ""},
	"bios-only/bios/wrong/warp":  {"failed", "bios: expected note: no-uuid: "},
	"bios-only/bios/known/warp":  {"expected-failure", "expected note: duplicate-mac"},
	"bios-only/bios/mended/warp": {"unexpected-pass", "it was expected to fail: it has a MAC address of its own"},
	"bios-only/gone/right/warp":  {"broken", "firmware gone: open "},
	"bios-only/other/right/warp": {"broken", "it is another build"},
}

// writeMatrix puts a matrix file of bios-only into a folder.
func writeMatrix(t *testing.T, name, text string, args ...any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+matrix.Suffix)
	args = append([]any{strings.TrimSuffix(topologyFile(t, "bios-only"), ".yaml")}, args...)
	if err := os.WriteFile(path, fmt.Appendf(nil, text, args...), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMatrix runs cases that end in every way: each has its verdict and its reason, and none ends the run.
func TestMatrix(t *testing.T) {
	built.NeedBoots(t)
	file, out := writeMatrix(t, "rough", roughMatrix, 0), filepath.Join(t.TempDir(), "out")
	r := command(t, "matrix", file, "--out", out)
	if r.code != 1 {
		t.Fatalf("exit %d, want 1\n%s%s", r.code, r.stdout, r.stderr)
	}
	_, results, err := runner.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(roughOutcomes) {
		t.Errorf("%d results, want %d", len(results), len(roughOutcomes))
	}
	for _, got := range results {
		want := roughOutcomes[got.ID]
		if string(got.Outcome) != want[0] || !strings.Contains(got.Reason, want[1]) {
			t.Errorf("%s: %s (%s), want %s (%s)", got.ID, got.Outcome, got.Reason, want[0], want[1])
		}
		if want[0] != "passed" && want[0] != "expected-failure" && !strings.Contains(flat(r.stdout), got.Reason) {
			t.Errorf("%s: the output does not give its reason, %s:\n%s", got.ID, got.Reason, r.stdout)
		}
		if len(got.Guests) > 0 {
			if _, _, err := bundle.Read(filepath.Join(out, "cases", got.ID, "1")); err != nil {
				t.Errorf("%s: %v", got.ID, err)
			}
		}
	}
	again := command(t, "matrix", file, "--out", out, "--resume", "--filter", "/(right|wrong)/")
	if again.code != 1 {
		t.Errorf("resumed: exit %d, want 1\n%s", again.code, again.stdout)
	}
	if _, results, err = runner.ReadDir(out); err != nil || len(results) != len(roughOutcomes)+2 {
		t.Errorf("resumed, it holds %d results (%v); only the two broken ones are to be attempted again", len(results), err)
	}
}

// flat makes one line of text that was wrapped.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// boots4 is a matrix of a few boots, one of which takes some seconds.
const boots4 = `name: four
topologies: [%s]
axes:
  nic: [virtio, e1000, rtl8139]
  clock: [warp, real]
exclude:
  - {nic: "!virtio", clock: real}
`

// TestMatrixCrash kills the QEMU of one case: that case is broken, with the reason, and the others pass.
func TestMatrixCrash(t *testing.T) {
	built.NeedBoots(t)
	file, out := writeMatrix(t, "four", boots4), filepath.Join(t.TempDir(), "out")
	m := startMatrix(t, file, out)
	qemu := 0
	eventually(t, "the guest's QEMU runs that takes seconds", func() bool {
		for _, p := range descendants(m.cmd.Process.Pid) {
			at, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.pid))
			if strings.Contains(p.command, "qemu") && strings.Contains(at, "/virtio/real/") {
				qemu = p.pid
			}
		}
		return qemu != 0 || m.over()
	})
	if err := syscall.Kill(qemu, syscall.SIGKILL); qemu == 0 || err != nil {
		t.Fatalf("no QEMU to kill (%d, %v)", qemu, err)
	}
	<-m.exited
	if code := m.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	_, results, err := runner.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	count := map[matrix.Outcome]int{}
	for _, r := range results {
		if count[r.Outcome]++; r.Outcome == matrix.Broken && !strings.Contains(r.Reason, "QEMU of bios was ended by a signal (killed)") {
			t.Errorf("%s is broken: %s", r.ID, r.Reason)
		}
	}
	if count[matrix.Broken] != 1 || count[matrix.Passed] != 3 {
		t.Errorf("%v, want one broken and three passed", count)
	}
}

// TestMatrixKilled kills the matrix at a random moment: nothing of it is left but a folder that can be read and resumed.
func TestMatrixKilled(t *testing.T) {
	built.NeedBoots(t)
	file, out := writeMatrix(t, "four", boots4), filepath.Join(t.TempDir(), "out")
	for i := range 3 {
		args := []string{}
		if i > 0 {
			args = append(args, "--resume")
		}
		m := startMatrix(t, file, out, args...)
		after := 1 + rand.IntN(60)
		eventually(t, "a lab runs", func() bool { return m.over() || m.logged(out, "\n") > after })
		tree := descendants(m.cmd.Process.Pid)
		spaces := namespaces(tree, m.cmd.Process.Pid)
		_ = m.cmd.Process.Kill()
		<-m.exited
		gone(t, tree, spaces)
		if _, results, err := runner.ReadDir(out); err != nil {
			t.Errorf("killed after %d events: %v", after, err)
		} else {
			t.Logf("killed after %d events: %d results", after, len(results))
		}
	}
	if r := command(t, "matrix", file, "--out", out, "--resume"); r.code != 0 {
		t.Errorf("resumed after the kills: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "pxelab", "matrix.*.sock")); len(left) > 0 {
		t.Errorf("sockets left: %v", left) // one that was opened and not yet handed on goes with the next matrix
	}
	p, results, err := runner.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Cases {
		if !slices.ContainsFunc(results, func(r matrix.Result) bool { return r.Index == c.Index && r.Outcome == matrix.Passed }) {
			t.Errorf("%s has no result that passed: %+v", c.ID, results)
		}
	}
}

// TestMatrixInterrupted presses Ctrl-C in the middle: what runs is stopped, what there is is reported, and --resume goes on.
func TestMatrixInterrupted(t *testing.T) {
	built.NeedBoots(t)
	file, out := writeMatrix(t, "four", boots4), filepath.Join(t.TempDir(), "out")
	m := startMatrix(t, file, out)
	eventually(t, "a guest is on", func() bool { return m.over() || m.logged(out, `"kind":"guest-powered"`) > 0 })
	tree := descendants(m.cmd.Process.Pid)
	spaces := namespaces(tree, m.cmd.Process.Pid)
	if err := m.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-m.exited
	gone(t, tree, spaces)
	if code := m.cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(m.stdout.String(), "not run: the matrix was interrupted") ||
		!strings.Contains(m.stderr.String(), "--resume goes on") {
		t.Errorf("exit %d, want 130\n%s%s", code, &m.stdout, &m.stderr)
	}
	if _, err := os.Stat(filepath.Join(out, "report", "junit.xml")); err != nil {
		t.Error(err)
	}
	if r := command(t, "matrix", file, "--out", out, "--resume", "--filter", "warp"); r.code != 0 {
		t.Errorf("resumed: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// TestMatrixBesideHogs runs a matrix beside programs that would have every core: it makes room for them, and judges no boot wrong.
func TestMatrixBesideHogs(t *testing.T) {
	built.NeedBoots(t)
	cores := cap(usableCores(t))
	for range cores {
		out, err := exec.Command("sh", "-c", "(while :; do :; done) >/dev/null 2>&1 & echo $!").Output()
		if err != nil {
			t.Fatal(err)
		}
		hog, err := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Kill(hog, syscall.SIGKILL) }()
	}
	file, out := writeMatrix(t, "four", boots4), filepath.Join(t.TempDir(), "out")
	r := command(t, "matrix", file, "--out", out, "--filter", "warp", "--repeat", "8") // it looks at the load once a second
	if r.code != 0 {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if narrowed := fmt.Sprintf("of %d cores: others keep ", cores); cores > 1 && !strings.Contains(r.stdout, narrowed) {
		t.Errorf("it made no room for others:\n%s", r.stdout)
	}
}

// matrixRun is a matrix that runs.
type matrixRun struct {
	cmd            *exec.Cmd
	exited         chan struct{}
	stdout, stderr bytes.Buffer // to be read once it has exited
}

func startMatrix(t *testing.T, file, out string, args ...string) *matrixRun {
	t.Helper()
	m := &matrixRun{cmd: exec.Command(built.Pxelab, append([]string{"matrix", file, "--out", out}, args...)...), exited: make(chan struct{})}
	m.cmd.Stdout, m.cmd.Stderr = &m.stdout, &m.stderr
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.cmd.Process.Kill(); <-m.exited })
	go func() { _ = m.cmd.Wait(); close(m.exited) }()
	return m
}

// over tells whether it has ended.
func (m *matrixRun) over() bool {
	select {
	case <-m.exited:
		return true
	default:
		return false
	}
}

// logged counts a text in the logs of the labs that have no result yet.
func (m *matrixRun) logged(out, what string) int {
	logs, _ := filepath.Glob(filepath.Join(out, "cases", "*", "*", "*", "*", "events.jsonl"))
	n := 0
	for _, path := range logs {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "result.json")); err == nil {
			continue
		}
		text, _ := os.ReadFile(path)
		n += strings.Count(string(text), what)
	}
	return n
}
