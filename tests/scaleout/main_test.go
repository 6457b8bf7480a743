// Package scaleout runs matrices on more than one machine: on a Slurm cluster that the tests start, and as the steps of the
// workflow files that docs/ci ships.
package scaleout

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/tests/netns"
)

// The tests have a network of their own: a cluster's ports are free there, and nothing reaches another network.
func TestMain(m *testing.M) { netns.Main(m) }

// built is the binary under test, with a home of its own.
type built struct {
	dir string
}

// build builds pxelab as users have it, and makes a private place for sockets, bundles and histories.
func build(t *testing.T) *built {
	t.Helper()
	b := &built{dir: t.TempDir()}
	cmd := exec.Command("go", "build", "-o", filepath.Join(b.dir, "bin", "pxelab"), "../../lab/cmd/pxelab")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build pxelab: %v\n%s", err, out)
	}
	for _, name := range []string{"run", "state"} {
		if err := os.Mkdir(filepath.Join(b.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// env is what a shell of this user has: pxelab is on its path.
func (b *built) env() []string {
	return append(os.Environ(), "PATH="+filepath.Join(b.dir, "bin")+":"+os.Getenv("PATH"),
		"XDG_RUNTIME_DIR="+filepath.Join(b.dir, "run"), "XDG_STATE_HOME="+filepath.Join(b.dir, "state"))
}

// ran is a command that has ended.
type ran struct {
	code           int
	stdout, stderr string
}

// pxelab runs pxelab in the folder of the matrices.
func (b *built) pxelab(t *testing.T, args ...string) ran {
	t.Helper()
	cmd := exec.Command(filepath.Join(b.dir, "bin", "pxelab"), args...)
	cmd.Dir, cmd.Env = "testdata", b.env()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// needBoots skips a test on a host that cannot boot guests, or fails it where PXELAB_REQUIRE says that it must.
func (b *built) needBoots(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots real firmware, which takes seconds: left out by -short")
	}
	r := b.pxelab(t, "doctor")
	switch {
	case r.code == 0:
	case strings.Contains(os.Getenv("PXELAB_REQUIRE"), "boot"):
		t.Fatalf("this host cannot boot guests, and PXELAB_REQUIRE says it must:\n%s%s", r.stdout, r.stderr)
	default:
		t.Skipf("this host cannot boot guests:\n%s%s", r.stdout, r.stderr)
	}
}

// checkout puts the matrices into a folder, as a repository with them would.
func (b *built) checkout(t *testing.T) func(string) {
	return func(dir string) { copyAll(t, "testdata/.", dir) }
}

// outcomes is what a report says: of each case its ID, outcome and reason.
type outcomes struct {
	Cases []struct {
		ID       string
		Outcome  string
		Reason   string
		Attempts []struct{ Outcome, Reason, Host string }
	}
}

// whole runs a matrix in one piece on this machine.
func (b *built) whole(t *testing.T, name string, cases int) outcomes {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "whole")
	r := b.pxelab(t, "matrix", name+".matrix.yaml", "--out", dir)
	if r.code != 1 {
		t.Fatalf("in one piece: exit status %d, want 1\n%s%s", r.code, r.stdout, r.stderr)
	}
	o := b.report(t, dir)
	if len(o.Cases) != cases {
		t.Fatalf("in one piece: %d cases, want %d\n%s", len(o.Cases), cases, r.stdout)
	}
	return o
}

// report reads what came of a matrix that left its results in these folders.
func (b *built) report(t *testing.T, dirs ...string) outcomes {
	t.Helper()
	r := b.pxelab(t, append([]string{"report", "--history=none", "--format=json"}, dirs...)...)
	if r.code > 1 {
		t.Fatalf("report of %v: exit %d\n%s", dirs, r.code, r.stderr)
	}
	return read(t, []byte(r.stdout))
}

func read(t *testing.T, text []byte) (o outcomes) {
	t.Helper()
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return o
}

// failure is the reason of the one case that is to fail.
func (o outcomes) failure(t *testing.T) string {
	t.Helper()
	reason := ""
	for _, c := range o.Cases {
		switch failed := c.Outcome != "passed"; {
		case failed != strings.HasPrefix(c.ID, "spoilt/"):
			t.Errorf("%s: %s (%s)", c.ID, c.Outcome, c.Reason)
		case failed:
			reason = c.Reason
		}
	}
	if reason == "" {
		t.Fatal("no case failed with a reason")
	}
	return reason
}

// verdicts are the cases without what differs between runs.
func (o outcomes) verdicts() (list []string) {
	for _, c := range o.Cases {
		list = append(list, c.ID+": "+c.Outcome+" "+c.Reason)
	}
	return list
}

// sameReport holds the report in a folder against that of a run in one piece.
func (b *built) sameReport(t *testing.T, want outcomes, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, text)
	if diff := cmp.Diff(want.verdicts(), got.verdicts()); diff != "" {
		t.Errorf("in shards it comes to something else than in one piece (- in one piece, + in shards):\n%s", diff)
	}
	for _, c := range got.Cases {
		if len(c.Attempts) != 1 {
			t.Errorf("%s was run %d times", c.ID, len(c.Attempts))
		}
	}
}
