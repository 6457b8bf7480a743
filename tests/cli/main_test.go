// Package cli holds the command line to its contract: what each command prints, and with which exit status it ends.
package cli

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/*.txtar")

// bin is the folder of the binary under test, root that of the checkout.
var bin, root string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if root, err = filepath.Abs("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if bin, err = os.MkdirTemp("", "pxelab-cli-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(bin)
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v0.test", "-o", bin, "../../lab/cmd/pxelab")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build pxelab:", err)
		return 2
	}
	return m.Run()
}

// pxelab is the binary under test.
func pxelab() string { return filepath.Join(bin, "pxelab") }

// private are the variables that keep a test's labs, bundles and caches apart from all others.
func private(dir string) []string {
	return []string{"XDG_RUNTIME_DIR=" + filepath.Join(dir, "run"), "XDG_STATE_HOME=" + filepath.Join(dir, "state"),
		"XDG_CACHE_HOME=" + filepath.Join(dir, "cache")}
}

// needs says what a test cannot do without, and how to see whether it is there.
var needs = map[string]struct {
	word    string // of PXELAB_REQUIRE: with it, a test that cannot run fails
	missing func() string
}{
	"boots":      {"boot", sync.OnceValue(noBoots)},
	"namespaces": {"root", sync.OnceValue(noNamespaces)},
	"net":        {"root", noRoot},
	"qemu":       {"qemu", sync.OnceValue(noQEMU)},
}

// lacks tells why a test cannot run here (empty: it can), and whether PXELAB_REQUIRE says that it must.
func lacks(what string) (why string, must bool) {
	n, ok := needs[what]
	if !ok {
		return fmt.Sprintf("nobody knows how to see whether there is %q", what), true
	}
	why = n.missing()
	return why, why != "" && strings.Contains(os.Getenv("PXELAB_REQUIRE"), n.word)
}

// need skips a test that cannot run here, or fails it where it must run.
func need(t *testing.T, what string) {
	t.Helper()
	why, must := lacks(what)
	switch {
	case must:
		t.Fatalf("this host lacks %s, and PXELAB_REQUIRE says it must not: %s", what, why)
	case why != "":
		t.Skip(why)
	}
}

func noBoots() string {
	if testing.Short() {
		return "boots real firmware, which takes seconds: left out by -short"
	}
	if out, err := exec.Command(pxelab(), "doctor").CombinedOutput(); err != nil {
		return "this host cannot boot guests:\n" + string(out)
	}
	return ""
}

func noNamespaces() string {
	if out, err := exec.Command("unshare", "--map-root-user", "--mount", "--net", "mount", "-t", "tmpfs", "tmpfs", "/mnt").CombinedOutput(); err != nil {
		return fmt.Sprintf("no namespace can be made here: %v: %s", err, out)
	}
	return ""
}

func noRoot() string {
	if os.Geteuid() != 0 {
		return "needs root, to make a network namespace and listen in it"
	}
	return ""
}

func noQEMU() string {
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		return err.Error()
	}
	return ""
}
