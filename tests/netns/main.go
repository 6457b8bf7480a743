// Package netns gives tests network namespaces: one for the process that runs them, and others for further hosts.
package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// inside is set in the process that has a network namespace of its own.
const inside = "PXELAB_TEST_NETNS"

// Main is a TestMain that runs the tests in a network namespace of their own, where every port is free and no other
// network can be reached, and looks for goroutines that they leave behind. Where the host does not allow a namespace, it
// runs the tests outside; those that call Need are skipped.
func Main(m *testing.M) {
	if os.Getenv(inside) != "" {
		goleak.VerifyTestMain(m)
		return
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	runtime.LockOSThread() // the child is killed when the thread that started it ends
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no network namespace for the tests:", err)
		os.Exit(m.Run())
	}
}

// Need skips a test outside a namespace, or fails it where the run was asked for.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(inside) != "" {
		return
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
		t.Fatal("needs a network namespace, and PXELAB_REQUIRE says that it must have one")
	}
	t.Skip("needs a network namespace: run as root, or allow user namespaces")
}
