// Package built has tests run pxelab as users do: built, and with a private place for its labs.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Pxelab is the binary under test, once Main has built it.
var Pxelab string

// Main is what a TestMain calls: it builds the binary, with the inits of its Linux and its stick beside it, makes a private place for
// control sockets and bundles, runs the tests of a package two folders below the module's, and gives the status to exit with.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pxelab-built-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	Pxelab = filepath.Join(dir, "pxelab")
	build := exec.Command("go", "build", "-o", dir, "../../lab/cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // an initrd has no C library
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build pxelab:", err)
		return 2
	}
	for _, name := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME"} {
		private := filepath.Join(dir, strings.ToLower(name))
		if err := os.Mkdir(private, 0o700); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		os.Setenv(name, private)
	}
	return m.Run()
}

// NeedBoots skips a test on a host that cannot boot guests, with the doctor's reasons; where PXELAB_REQUIRE
// says that boots must run, it fails instead.
func NeedBoots(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots real firmware, which takes seconds to minutes: left out by -short")
	}
	out, err := doctor()
	if err == nil {
		return
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "boot") {
		t.Fatalf("this host cannot boot guests, and PXELAB_REQUIRE says it must:\n%s", out)
	}
	t.Skipf("this host cannot boot guests:\n%s", out)
}

// doctor is asked once: the host stays what it is.
var doctor = sync.OnceValues(func() ([]byte, error) { return exec.Command(Pxelab, "doctor").CombinedOutput() })
