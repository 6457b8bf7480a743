// Package boot boots the shipped topologies on real firmware and holds the lab to its promises: the right
// verdicts, the same packets under warp, nothing left behind.
package boot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/tests/built"
)

var (
	repeat = flag.Int("repeat", 1, "run each topology this many times")
	real   = flag.String("real", "some", `topologies to boot in real time, too: some or all`)
	virt   = flag.String("libvirt", "some", `topologies to boot under libvirt, too: some or all`)
	kills  = flag.Int("kills", 8, "random kills in the kill storm")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(built.Main(m))
}

// result is one finished run.
type result struct {
	code     int
	stdout   string
	stderr   string
	bundle   string
	plan     *plan.Plan
	events   []event.Event
	verdicts []judge.Verdict
}

// boots runs a topology to its end and reads its bundle back.
func boots(t *testing.T, file string, args ...string) result {
	t.Helper()
	return bootsBelow(t, nil, file, args...)
}

// bootsBelow does so below a command that changes how programs run.
func bootsBelow(t *testing.T, below []string, file string, args ...string) result {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "bundle")
	r := commandBelow(t, below, append([]string{"run", file, "--out", folder}, args...)...)
	r.bundle = folder
	if r.code > 1 {
		t.Fatalf("pxelab run %s: exit %d\n%s%s", file, r.code, r.stdout, r.stderr)
	}
	var err error
	if r.plan, r.events, err = bundle.Read(folder); err != nil {
		t.Fatal(err)
	}
	r.verdicts = judge.Judge(r.plan, r.events)
	if len(r.verdicts) == 0 {
		t.Fatalf("pxelab run %s: nothing was judged", file)
	}
	return r
}

// command runs pxelab with these arguments.
func command(t *testing.T, args ...string) result {
	t.Helper()
	return commandBelow(t, nil, args...)
}

func commandBelow(t *testing.T, below []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), deadline(t))
	defer cancel()
	argv := slices.Concat(below, []string{built.Pxelab}, args)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("pxelab %v: %v", args, err)
	}
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// explain prints why a run was not as wanted.
func (r result) explain() string {
	var b strings.Builder
	for _, v := range r.verdicts {
		if !v.Pass {
			text, _ := json.Marshal(v)
			fmt.Fprintf(&b, "%s\n", text)
		}
	}
	fmt.Fprintf(&b, "exit %d\n%s%s", r.code, r.stdout, r.stderr)
	return b.String()
}

// shipped lists the topology files the project ships.
func shipped(t *testing.T) []string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(here), "..", "..", "topologies", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no topologies found (%v)", err)
	}
	return slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, ".matrix.yaml") })
}

func topologyFile(t *testing.T, name string) string {
	t.Helper()
	for _, f := range shipped(t) {
		if filepath.Base(f) == name+".yaml" {
			return f
		}
	}
	t.Fatalf("topology %q is not shipped", name)
	return ""
}
