package boot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/tests/built"
)

// TestUp brings a lab up and walks through what one does with it, until it is down and nothing of it is left.
func TestUp(t *testing.T) {
	built.NeedBoots(t)
	folder := filepath.Join(t.TempDir(), "bundle")
	up := []string{"up", topologyFile(t, "bios-only"), "--clock", "real", "--out", folder} // under warp a boot is over before the next command has begun
	say(t, 0, "bios-only stays up", up...)
	t.Cleanup(func() { _ = exec.Command(built.Pxelab, "down", "--all").Run() }) // if the test failed half-way
	say(t, 2, "already up", append(up[:len(up)-1:len(up)-1], folder+"-2")...)
	say(t, 0, "pass", "status")
	say(t, 2, `have bios`, "power", "nobody", "on")
	say(t, 2, "is off", "power", "bios", "pause")
	isolated(t)
	say(t, 0, "", "power", "bios", "on")
	say(t, 0, "", "power", "bios", "pause")
	say(t, 0, "", "power", "bios", "resume")
	say(t, 0, "boot 2", "logs")
	say(t, 0, "", "power", "bios", "off")
	say(t, 0, "is down", "down")
	say(t, 2, "no lab is up", "down")
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "pxelab", "*.sock")); len(left) > 0 {
		t.Errorf("sockets left: %v", left)
	}
	if _, events, err := bundle.Read(folder); err != nil || len(events) == 0 {
		t.Errorf("the bundle holds %d events (%v)", len(events), err)
	}
}

// isolated looks around inside the lab: nothing leads out.
func isolated(t *testing.T) {
	t.Helper()
	for _, where := range [][]string{{"shell"}, {"shell", "--service", "boot"}} {
		if routes := say(t, 0, "", append(where, "--", "ip", "route", "show", "default")...); strings.TrimSpace(routes) != "" {
			t.Errorf("%v: there is a default route: %s", where, routes)
		}
		for line := range strings.Lines(say(t, 0, "", append(where, "--", "ip", "-brief", "link")...)) {
			name := strings.Fields(line)[0]
			known := name == "lo" || name == "br0" || strings.HasPrefix(name, "c-") || strings.HasPrefix(name, "h-") || strings.HasPrefix(name, "eth0")
			if !known {
				t.Errorf("%v: an interface that the lab did not make: %s", where, line)
			}
		}
	}
}

// say runs pxelab and holds it to its exit status and to a word it must say; it gives what it printed.
func say(t *testing.T, code int, want string, args ...string) string {
	t.Helper()
	r := command(t, args...)
	if r.code != code || !strings.Contains(r.stdout+r.stderr, want) {
		t.Errorf("pxelab %s: exit %d, want %d and %q:\n%s%s", strings.Join(args, " "), r.code, code, want, r.stdout, r.stderr)
	}
	return r.stdout
}
