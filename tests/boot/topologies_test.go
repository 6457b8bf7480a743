package boot

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// deadline bounds one pxelab command by what is left of the test's own time.
func deadline(t *testing.T) time.Duration {
	if end, ok := t.Deadline(); ok {
		return time.Until(end) - 5*time.Second
	}
	return 30 * time.Minute
}

// TestTopologies boots every shipped topology under both clocks: each must be judged as its file expects.
func TestTopologies(t *testing.T) {
	needBoots(t)
	for _, clock := range []string{"warp", "real"} {
		for _, file := range shipped(t) {
			name := strings.TrimSuffix(filepath.Base(file), ".yaml")
			t.Run(clock+"/"+name, func(t *testing.T) {
				if clock == "real" { // guests mostly wait: several labs at once share the cores well
					t.Parallel()
				}
				for range *repeat {
					r := boots(t, file, "--clock", clock)
					if r.code != 0 {
						t.Fatalf("%s under %s is not judged as expected:\n%s", name, clock, r.explain())
					}
					checkOffline(t, r)
					checkCapture(t, r)
				}
			})
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

// checkCapture has tshark read the capture: no frame may be malformed.
func checkCapture(t *testing.T, r result) {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Log("the capture is not checked: tshark is not installed")
		return
	}
	capture := filepath.Join(r.bundle, "wire.pcapng")
	out, err := exec.Command(tshark, "-r", capture, "-Y", "_ws.malformed").CombinedOutput()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.TrimSpace(line) != "" && !strings.Contains(line, "Running as user") {
			t.Errorf("malformed frame in %s: %s", filepath.Base(capture), line)
		}
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
	out, err = exec.Command(tshark, "-r", capture, "-Y", fmt.Sprintf("frame.number == %d", frames)).Output()
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		t.Errorf("the log speaks of frame %d, which the capture does not hold (%v)", frames, err)
	}
}
