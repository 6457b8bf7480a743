package labtest

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/topology"
)

// What is said of a lab becomes a topology, however it is indented.
func TestParts(t *testing.T) {
	p := parts{name: slug("TestMy_Server/ovmf x64 and all that follows"), clock: "real",
		services: []part{{"mine", "{address: 192.0.2.1, external: {images: [probe]}}"}, {"echo", "{on: mine, echo: {}}"}, {"theirs", `
		address: 192.0.2.2
		exec:
			command: [dnsmasq, --no-daemon]
			files:
				dnsmasq.conf: |
					port=0
			ready: {udp: 67}
		`}},
		guests: []part{{"x64", "{firmware: ovmf-x64, over: http}"}}}
	topo, err := topology.Parse("topology", []byte(p.text()), lab.Known())
	if err != nil {
		t.Fatalf("%v\n%s", err, numbered(p.text()))
	}
	if topo.Name != "test-my-server-ovmf-x64-and-a" || topo.Clock != "real" || len(topo.Services) != 3 || len(topo.Guests) != 1 {
		t.Errorf("%+v", topo)
	}
	if x := topo.Services[2].Exec; x == nil || x.Files["dnsmasq.conf"] != "port=0\n" || x.Ready.UDP != 67 {
		t.Errorf("%+v", x)
	}
	if got := p.echo(); got != "echo2" {
		t.Errorf("a second echo is named %q", got)
	}
}

func TestNames(t *testing.T) {
	for test, want := range map[string]string{"TestÜ": "test", "TestMyServer": "test-myserver", "Test_": "test"} {
		if got := slug(test); got != want {
			t.Errorf("%s makes a lab named %q, want %q", test, got, want)
		}
	}
	if a, b := unique("lab"), unique("lab"); a == b || !strings.HasPrefix(a, "lab-") {
		t.Errorf("two labs are named %q and %q", a, b)
	}
}
