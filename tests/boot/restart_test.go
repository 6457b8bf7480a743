package boot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/tests/built"
)

// crashLoop has a program that ends by itself soon after it serves, and from then on before it does; another serves only after that.
const crashLoop = `name: crash-loop
networks: {lan: {subnet: 192.0.2.0/24}}
services:
  late:
    address: 192.0.2.3
    exec:
      command: [./late.sh]
      files: {late.sh: "#!/bin/sh\nuntil [ -e ../loop/again ]; do sleep .01; done\necho serving\nexec cat\n"}
      ready: {log: serving}
  boot: {address: 192.0.2.1, dhcp: {range: 192.0.2.100-192.0.2.199, boot: {bios: probe}}, tftp: {}}
  loop:
    address: 192.0.2.2
    exec:
      command: [./loop.sh]
      files: {loop.sh: "#!/bin/sh\n[ -e there ] && touch again && exit 3\ntouch there\necho serving\nexit 1\n"}
      ready: {log: serving}
      restart: {policy: on-failure, times: 3, delay: 20ms}
guests: {bios: {firmware: bios}}
expect:
  bios: [{booted: {image: probe}}]
  loop: [{restarts: 3}]
`

// TestCrashLoop: a program that keeps on crashing is started again as often as its policy says, later each time, and no more; the
// machine beside it boots.
func TestCrashLoop(t *testing.T) {
	built.NeedBoots(t)
	file := filepath.Join(t.TempDir(), "crash-loop.yaml")
	if err := os.WriteFile(file, []byte(crashLoop), 0o600); err != nil {
		t.Fatal(err)
	}
	r := boots(t, file, "--clock", "real")
	if r.code != 0 {
		t.Fatal(r.explain())
	}
	var got []string
	for _, e := range r.events {
		if slices.Contains([]event.Kind{event.ServiceStarted, event.ServiceExited, event.ServiceRestart, event.ServiceLost}, e.Kind) && e.Service == "loop" {
			got = append(got, strings.TrimPrefix(string(e.Kind), "service-")+" "+e.Text)
		}
	}
	want := []string{"started ./loop.sh", "exited exit status 1", "restart it is started again in 20ms (1 of 3 times)", "started ./loop.sh", "exited exit status 3",
		"restart it is started again in 40ms (2 of 3 times)", "started ./loop.sh", "exited exit status 3", "restart it is started again in 80ms (3 of 3 times)",
		"started ./loop.sh", "exited exit status 3", "lost it stays away: its policy has it started again 3 times at most"}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
