package labtest_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pin/tftp/v3"

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
  bios: {firmware: bios}
expect:
  bios:
    - offer: {from: theirs, file: probe.0}
    - booted: {image: probe, from: mine}
`)
	h := l.Lookup("mine")
	files := tftp.NewServer(readFrom(h.Files()), nil)
	files.EnableSinglePort()
	go files.Serve(h.ListenPacket("udp4", net.JoinHostPort(h.Address, "69"))) //nolint:errcheck // it ends with its socket
	t.Cleanup(files.Shutdown)
	for _, g := range l.Guests() {
		b := g.Boot(t) // judged on what the topology expects
		if len(b.Verdicts) != 2 || b.From != "theirs" {
			t.Errorf("judged on %d claims, address from %s", len(b.Verdicts), b.From)
		}
		listens := 0
		for _, e := range g.Boot(t, "ends: off").Events { // again, on something else
			if e.Kind == event.GuestPowered {
				listens++
			}
			if e.Boot != 2 {
				t.Fatalf("an event of another boot: %+v", e)
			}
		}
		if listens != 1 {
			t.Errorf("powered on %d times", listens)
		}
	}
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
