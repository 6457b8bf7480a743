package network

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/pxelab/pxelab/lab/network/sandbox"
)

// The tests run inside a sandbox: TestMain starts this binary once more in one, with the same flags, and a
// second time as a user without rights. These variables tell the process inside who it is.
const (
	insideVar    = "PXELAB_TEST_INSIDE"
	outsideVar   = "PXELAB_TEST_OUTSIDE" // addresses at which the host can be reached, if not from a lab
	unprivileged = "^Test(Hosts|Cable|Router|NoWay|Start)"
)

var refused error // why this host has no sandbox

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else each process started here ends a second late
	sandbox.Main()
	flag.Parse()
	if os.Getenv(insideVar) != "" {
		os.Exit(m.Run())
	}
	if refused = sandbox.Probe(); refused != nil {
		os.Exit(m.Run())
	}
	if err := runInside(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// need skips a test outside a sandbox, or fails it where the run was asked for.
func need(t testing.TB) {
	t.Helper()
	if refused == nil {
		return
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
		t.Fatalf("PXELAB_REQUIRE asks for this test, but: %v", refused)
	}
	t.Skip(refused)
}

func runInside() error {
	if _, err := NewBridge("pxelab-outside"); err == nil {
		return errors.New("FAIL: NewBridge changes the host's own network")
	}
	reachable, err := listenEverywhere()
	if err != nil {
		return err
	}
	p, err := sandbox.Spawn(sandbox.Options{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr,
		Env: append(os.Environ(), insideVar+"=1", outsideVar+"="+reachable), Foreground: true})
	if err != nil {
		return err
	}
	state, err := p.Wait()
	if err != nil {
		return fmt.Errorf("inside the sandbox: %w", err)
	}
	if !state.Success() {
		return fmt.Errorf("inside the sandbox: %v", state)
	}
	if os.Getuid() != 0 || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.list").Value.String() != "" {
		return nil
	}
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run="+unprivileged)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Count(out, []byte("--- PASS")) < 5 || bytes.Contains(out, []byte("--- SKIP")) {
		return fmt.Errorf("as uid 65534: %w\n%s", err, out)
	}
	return nil
}

// listenEverywhere opens a TCP port at every address of the host and checks that it can be reached there.
func listenEverywhere() (reachable string, err error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	var all []string
	for _, a := range addresses {
		ip := a.(*net.IPNet).IP
		if ip.IsLinkLocalUnicast() {
			continue // means another host on every link
		}
		address := net.JoinHostPort(ip.String(), port)
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return "", err
		}
		conn.Close()
		all = append(all, address)
	}
	return strings.Join(all, " "), nil
}
