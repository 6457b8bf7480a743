package labtest_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/labtest"
)

// A shipped topology is booted and judged as `pxelab run` does it.
func TestRun(t *testing.T) {
	boots := labtest.Run(t, "../../topologies/bios-only.yaml")
	if len(boots) != 1 || boots[0].Guest != "bios" || !boots[0].Passed || len(boots[0].Console) == 0 {
		t.Errorf("%+v", boots)
	}
}

// In a topology the lab's own DHCP server, a process and a server of this test stand side by side.
func TestTopology(t *testing.T) {
	l := labtest.Topology(t, `
name: mixed
networks: {lan: {subnet: 192.0.2.0/24}}
services:
  theirs:
    address: 192.0.2.1
    exec:
      package: dnsmasq-base
      command: [dnsmasq, --no-daemon, --conf-file=/dev/null, --port=0, "--interface=${self.interface}", --bind-dynamic, --user=root,
        --dhcp-leasefile=leases, --no-ping, "--dhcp-range=192.0.2.100,192.0.2.199", "--dhcp-boot=probe.0,,${mine.address}"]
      ready: {udp: 67}
  mine: {address: 192.0.2.2, external: {images: [probe]}}
  echo: {on: mine, echo: {}}
guests:
  one: {firmware: bios}
  two: {firmware: bios}
expect:
  "*":
    - offer: {from: theirs, file: probe.0}
    - booted: {image: probe, from: mine}
`)
	h := l.Lookup("mine")
	go newTFTP(h.Files()).Serve(h.ListenPacket("udp4", net.JoinHostPort(h.Address, "69"))) //nolint:errcheck // it ends with its socket
	l.EachGuest(t, func(t *testing.T, g *labtest.Guest) {
		t.Parallel()
		b := g.Boot(t) // judged on what the topology expects
		if len(b.Verdicts) != 2 || b.From != "theirs" {
			t.Errorf("judged on %d claims, address from %s", len(b.Verdicts), b.From)
		}
		first := b.Result.Boot
		b = g.Boot(t, "ends: off") // again, on something else
		if len(b.Verdicts) != 1 || b.Events[0].Kind != event.GuestPowered || b.Events[0].Boot <= first {
			t.Errorf("judged on %d claims, by events of boot %d: %+v", len(b.Verdicts), b.Events[0].Boot, b.Events[0])
		}
	})
}

// Where there is no QEMU the test is skipped with the reason, or fails if boots are required.
func TestSkips(t *testing.T) {
	for require, want := range map[string]string{"": "--- SKIP: TestRun", "qemu,boot": "--- FAIL: TestRun"} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.run=^TestRun$")
		cmd.Env = append(os.Environ(), "PATH=/nonexistent", "PXELAB_REQUIRE="+require)
		out, _ := cmd.CombinedOutput()
		for _, want := range []string{want, "this host cannot boot guests: qemu: no qemu-system-x86_64 in $PATH"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("with PXELAB_REQUIRE=%q the output does not say %q:\n%s", require, want, out)
			}
		}
	}
}

// An ordinary user can do the same: the lab opens the sockets of ports below 1024.
func TestRootless(t *testing.T) {
	labtest.New(t)
	if os.Getuid() != 0 {
		t.Skip("only root can become another user; as that user, every other test of this package shows the same")
	}
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) { // testing closes its folders to others
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const nobody = 65534
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.run=^TestTopology$/^one$")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir, "XDG_RUNTIME_DIR="+dir, "XDG_CACHE_HOME="+dir, "PXELAB_REQUIRE=boot")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A test that is killed leaves no lab behind.
func TestKilled(t *testing.T) {
	labtest.New(t)
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestTopology$")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var processes []string
	until(t, "the lab of that test has a service", func() bool {
		labs, err := control.List()
		if err != nil || len(labs) != 1 {
			return false
		}
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", labs[0].PID))
		processes = []string{strconv.Itoa(labs[0].PID)}
		for _, file := range lists {
			list, _ := os.ReadFile(file)
			processes = append(processes, strings.Fields(string(list))...)
		}
		return len(processes) > 1
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	until(t, "no process of the lab is left", func() bool {
		return !slices.ContainsFunc(processes, func(pid string) bool {
			_, err := os.Stat("/proc/" + pid)
			return err == nil
		})
	})
}

// until waits until something is so, as long as the test may last.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); !is(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after a minute it is not so that %s", what)
		}
	}
}
