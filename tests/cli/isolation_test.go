package cli

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// served is a lab whose one guest boots, and powers itself off. A router leads to its second network.
const served = `name: served
networks:
  lan: {subnet: 192.0.2.0/24}
  far: {subnet: 203.0.113.0/24}
services:
  router: {addresses: {lan: 192.0.2.9, far: 203.0.113.1}, router: true}
  boot: {network: lan, address: 192.0.2.1, dhcp: {range: 192.0.2.100-192.0.2.199, boot: {bios: probe}}, tftp: {}}
guests:
  bios: {network: lan, firmware: bios}
expect:
  bios:
    - booted: {image: probe}
`

// upForTest brings a lab up until the test ends; up itself must end with that status.
func upForTest(t *testing.T, topology string, code int, flags ...string) (env []string) {
	t.Helper()
	dir := t.TempDir()
	env = private(dir)
	file := filepath.Join(dir, "lab.yaml")
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(topology), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { say(t, env, 0, "", "down", "--all") })
	say(t, env, code, "stays up", append([]string{"up", file}, flags...)...)
	return env
}

// say runs pxelab and holds it to its exit status and to a word it must say; it gives what it printed.
func say(t *testing.T, env []string, code int, want string, args ...string) string {
	t.Helper()
	cmd := exec.Command(pxelab(), args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(string(out), want) {
		t.Errorf("pxelab %s: exit %d, want %d and %q:\n%s", strings.Join(args, " "), got, code, want, out)
	}
	return string(out)
}

// TestIsolation looks around inside a running lab: nothing of the host can be seen or reached.
func TestIsolation(t *testing.T) {
	need(t, "boots")
	env := upForTest(t, served, 0, "--clock", "warp")
	for _, where := range [][]string{{"shell", "--"}, {"shell", "--service", "boot", "--"}} {
		inside := func(code int, want string, command ...string) string {
			t.Helper()
			return say(t, env, code, want, append(where, command...)...)
		}
		for _, family := range []string{"-4", "-6"} {
			if routes := inside(0, "", "ip", family, "route", "show", "default"); strings.TrimSpace(routes) != "" {
				t.Errorf("%v: there is a default route: %s", where, routes)
			}
		}
		inside(2, "unreachable", "ip", "route", "get", "198.51.100.1")
		if len(where) > 2 { // a service knows the lab's other network, and nothing beyond
			inside(0, "via 192.0.2.9", "ip", "route", "get", "203.0.113.7")
		}
		for line := range strings.Lines(inside(0, "lo ", "ip", "-brief", "link")) {
			if !ours(strings.Fields(line)[0]) {
				t.Errorf("%v: an interface that the lab did not make: %s", where, line)
			}
		}
		for _, address := range hostListens(t) {
			host, port, _ := net.SplitHostPort(address)
			host, _, _ = strings.Cut(host, "%")
			connect := fmt.Sprintf("exec 3<>/dev/tcp/%s/%s", host, port)
			if out, err := exec.Command("bash", "-c", connect).CombinedOutput(); err != nil {
				t.Fatalf("%s cannot be reached from the host itself: %s", address, out)
			}
			inside(1, "", "bash", "-c", connect)
		}
	}
}

// ours tells whether an interface is one that the lab makes.
func ours(name string) bool {
	name, _, _ = strings.Cut(name, "@")
	return slices.Contains([]string{"lo", "br0", "br1", "eth0"}, name) || strings.HasPrefix(name, "c-") ||
		strings.HasPrefix(name, "h-") || strings.HasPrefix(name, "h1-")
}

// hostListens listens on the host's addresses until the test ends. Link-local ones need a scope and are left out.
func hostListens(t *testing.T) []string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range addrs {
		ip := a.(*net.IPNet).IP
		if ip.IsLinkLocalUnicast() {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		out = append(out, l.Addr().String())
	}
	if len(out) == 0 {
		t.Fatal("this host has no address to try")
	}
	return out
}
