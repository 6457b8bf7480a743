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

// nobody is a user without any right.
const nobody = 65534

// TestRootless boots the trio as an ordinary user: without /dev/net/tun, where the cable speaks AF_PACKET on a
// veth, and with one that everybody may open, as most distributions have it.
func TestRootless(t *testing.T) {
	built.NeedBoots(t)
	if os.Getuid() != 0 {
		t.Skip("only root can become another user; as that user, every other test of this package shows the same")
	}
	for cable, script := range map[string]string{
		"packet socket": `mount -t tmpfs none "$DIR/empty" && mount --bind "$DIR/empty" /dev/net`,
		"tap":           `mknod -m 666 "$DIR/tun" c 10 200 && mount --bind "$DIR/tun" /dev/net/tun`,
	} {
		t.Run(cable, func(t *testing.T) {
			dir := ownDir(t)
			script += ` && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`
			folder := filepath.Join(dir, "bundle")
			cmd := exec.Command("unshare", "--mount", "sh", "-c", script, "sh", filepath.Join(dir, "under-test"),
				"run", filepath.Join(dir, "firmware-trio.yaml"), "--out", folder)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "DIR="+dir, "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "XDG_CACHE_HOME="+dir, "XDG_STATE_HOME="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			if !strings.Contains(string(out), "all 3 guests as expected") {
				t.Errorf("not all three booted:\n%s", out)
			}
			_, events, err := bundle.Read(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Power != nil && e.Power.Cable != cable {
					t.Errorf("the cable of %s is a %s, want a %s", e.Guest, e.Power.Cable, cable)
				}
			}
		})
	}
}

// ownDir makes a folder of that user's, with copies of what the test reads: the checkout may be closed to them.
func ownDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pxelab-rootless-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	copies := map[string]string{built.Pxelab: "under-test", topologyFile(t, "firmware-trio"): "firmware-trio.yaml"}
	for from, to := range copies {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return dir
}
