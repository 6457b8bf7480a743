package netns

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Program finds a program of somebody else's that a test runs against ours, and skips the test where it is missing, or
// fails it where the run was asked for.
func Program(t testing.TB, name string) (path string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
		t.Fatalf("needs %s, and PXELAB_REQUIRE says that it must be there: scripts/install-deps.sh --test installs it", name)
	}
	t.Skipf("needs %s: %v", name, err)
	return ""
}
