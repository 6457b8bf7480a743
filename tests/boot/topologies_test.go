package boot

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/affinity"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/tests/built"
)

// deadline bounds one pxelab command by what is left of the test's own time.
func deadline(t *testing.T) time.Duration {
	if end, ok := t.Deadline(); ok {
		return time.Until(end) - 5*time.Second
	}
	return 30 * time.Minute
}

// inRealTimeToo are the topologies booted in real time, too, unless -real asks for all: those of the first labs, and one
// for each way of booting. The others differ from them in what the servers say, not in how time passes.
var inRealTimeToo = []string{"bios-only", "firmware-trio", "missing-file", "no-server", "combined-menu", "proxy-beside-dhcp", "menu-f8",
	"relay", "http-boot", "ipv6-tftp", "tftp-windowsize", "chain-pxelinux"}

// inWarp holds the warped run of each topology that TestTopologies booted, for tests that compare theirs with it.
var inWarp sync.Map // of result, by file

// fromCold are the topologies booted under warp from cold, too: one for each kind of firmware and of what it asks for first.
var fromCold = []string{"firmware-trio", "proxy-beside-dhcp", "http-boot", "ipv6-tftp", "no-server"}

// TestTopologies boots every shipped topology under warp, from snapshots where guests start warm, in real time those that are to,
// and some under warp from cold: each must be judged as its file expects, and the same boots must come of all three.
func TestTopologies(t *testing.T) {
	built.NeedBoots(t)
	var mu sync.Mutex
	inRealTime := map[string]result{}
	t.Run("real", func(t *testing.T) {
		for _, file := range shipped(t) {
			if *real != "all" && !slices.Contains(inRealTimeToo, nameOf(file)) {
				continue
			}
			t.Run(nameOf(file), func(t *testing.T) {
				t.Parallel() // guests mostly wait: two labs at once share the cores well
				r := judged(t, file, "real", nil)
				mu.Lock()
				defer mu.Unlock()
				inRealTime[file] = r
			})
		}
	})
	cores := usableCores(t)
	t.Run("cold", func(t *testing.T) {
		for _, name := range fromCold {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				core := <-cores
				defer func() { cores <- core }()
				file := topologyFile(t, name)
				checkFidelity(t, inRealTime[file], judged(t, file, "warp", onCore(core), "--start", "cold"))
			})
		}
	})
	t.Run("warp", func(t *testing.T) {
		for _, file := range shipped(t) {
			t.Run(nameOf(file), func(t *testing.T) {
				t.Parallel() // a lab on each core, as a lab with one guest has no use for a second
				core := <-cores
				defer func() { cores <- core }()
				warped := judged(t, file, "warp", onCore(core))
				checkWarm(t, warped)
				inWarp.Store(file, warped)
				if real, ok := inRealTime[file]; ok {
					checkFidelity(t, real, warped)
				}
			})
		}
	})
	explainedBoots.check(t)
}

// usableCores holds the number of each core that tests may use.
func usableCores(t *testing.T) chan int {
	t.Helper()
	usable, err := affinity.Usable()
	if err != nil {
		t.Fatal(err)
	}
	cores := make(chan int, len(usable))
	for _, core := range usable {
		cores <- core
	}
	return cores
}

// onCore is what keeps a command, and all that it starts, on one core.
func onCore(core int) []string { return []string{"taskset", "--cpu-list", strconv.Itoa(core)} }

func nameOf(file string) string { return strings.TrimSuffix(filepath.Base(file), ".yaml") }

// judged runs a topology, -repeat times and below a command if one is given, and checks all that every run must keep to.
func judged(t *testing.T, file, clock string, below []string, more ...string) result {
	t.Helper()
	var r result
	for range *repeat {
		r = bootsBelow(t, below, file, append([]string{"--clock", clock}, more...)...)
		if r.code != 0 {
			t.Fatalf("%s under %s is not judged as expected:\n%s", nameOf(file), clock, r.explain())
		}
		checkOffline(t, r)
		checkCapture(t, r)
		checkJUnit(t, r)
		checkExplained(t, r)
		checkWho(t, r)
		checkCasts(t, r.bundle)
	}
	return r
}

// checkWarm holds a run to its plan: guests that are to start warm did, at their first boot.
func checkWarm(t *testing.T, r result) {
	t.Helper()
	for _, g := range r.plan.Guests {
		for _, e := range r.events {
			if e.Kind == event.GuestPowered && e.Guest == g.Name && e.Boot == 1 && e.Power.Warp && (e.Power.Warm != "") != (g.Warm != nil) {
				t.Errorf("guest %s is planned to start warm: %v; its first boot has the snapshot %q (%s)", g.Name, g.Warm != nil, e.Power.Warm, e.Power.Cold)
			}
		}
	}
}

// checkOffline holds the verdicts that "pxelab judge" computes from the bundle to those of the run, byte for byte.
func checkOffline(t *testing.T, r result) {
	t.Helper()
	live, err := os.ReadFile(filepath.Join(r.bundle, "verdicts.json"))
	if err != nil {
		t.Fatal(err)
	}
	offline := command(t, "judge", r.bundle, "--json")
	if offline.code != r.code || !bytes.Equal(live, []byte(offline.stdout)) {
		t.Errorf("judged offline, the bundle has other verdicts (exit %d, was %d):\n%s", offline.code, r.code, offline.stdout)
	}
}

// checkCapture has tshark read the capture: no frame may be malformed, and none of our servers' may draw a warning.
func checkCapture(t *testing.T, r result) {
	t.Helper()
	capture := filepath.Join(r.bundle, "wire.pcapng")
	spoilt := map[int]bool{}
	for _, e := range r.events {
		if e.Fault != nil {
			spoilt[e.Fault.Frame] = true
		}
	}
	for _, f := range faults(opinion(t, capture, r.plan)) {
		if spoilt[f.frame] {
			continue // that was the lab's own doing
		}
		t.Errorf("tshark faults a frame in the capture: %s", f)
	}
	frames := 0
	for _, e := range r.events {
		if e.Packet != nil {
			frames = max(frames, e.Packet.Frame)
		}
	}
	if frames == 0 {
		t.Error("no frame was seen on any cable")
	}
	if held := countFrames(t, capture); frames > held {
		t.Errorf("the log speaks of frame %d, and the capture holds %d", frames, held)
	}
}

// countFrames is how many frames a capture holds.
func countFrames(t *testing.T, capture string) int {
	t.Helper()
	file, err := os.Open(capture)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	for _, err := range explain.Frames(file) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// readJUnit reads a report as CI systems do and prints how many cases it holds.
const readJUnit = "import sys; from junitparser import JUnitXml; print(sum(1 for s in JUnitXml.fromfile(sys.argv[1]) for c in s))"

// checkJUnit holds junit.xml to its schema, and has a common reader load it: one case per verdict.
func checkJUnit(t *testing.T, r result) {
	t.Helper()
	path := filepath.Join(r.bundle, "junit.xml")
	tool(t, "xmllint", "--noout", "--schema", "testdata/junit.xsd", path)
	if out, ok := tool(t, "/usr/bin/python3", "-c", readJUnit, path); ok && strings.TrimSpace(out) != fmt.Sprint(len(r.verdicts)) {
		t.Errorf("a reader finds %s cases in junit.xml, for %d verdicts", strings.TrimSpace(out), len(r.verdicts))
	}
}

// tool runs a program of the distribution. One that is missing is said, and not held against the test, unless
// PXELAB_REQUIRE says that boots must be tested whole.
func tool(t *testing.T, name string, args ...string) (stdout string, ok bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && strings.Contains(os.Getenv("PXELAB_REQUIRE"), "boot") {
		t.Fatalf("%v; scripts/install-deps.sh --test installs it", err)
	}
	if err != nil {
		t.Logf("not checked: %v", err)
		return "", false
	}
	out, err := exec.Command(path, args...).Output()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errorOutput(err))
	}
	return string(out), err == nil
}

// errorOutput is what a failed program said.
func errorOutput(err error) string {
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}
