package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// parse reads a topology from text.
func parse(t *testing.T, text string) *topology.Topology {
	t.Helper()
	topo, err := topology.Parse("lab.yaml", []byte(text), known())
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

const withExec = `name: exec
networks: {lan: {subnet: 192.0.2.0/25}, far: {subnet: 198.51.100.0/24}, deep: {subnet: 203.0.113.0/24}}
services:
  boot: {network: lan, address: 192.0.2.1, tftp: {}}
  relay: {addresses: {lan: 192.0.2.9, far: 198.51.100.1}, router: true}
  deeper: {addresses: {deep: 203.0.113.1, far: 198.51.100.2}, router: true}
  theirs:
    addresses: {far: 198.51.100.3, lan: 192.0.2.3}
    exec:
      package: isc-dhcp-relay
      command: [dhcrelay, "%s"]
      files: {a: "%s"}
      env: {B: "%s", A: plain}
      ready: {udp: 67}
guests: {bios: {network: far, firmware: bios}}
`

// TestVariables gives every variable that a topology may use a value.
func TestVariables(t *testing.T) {
	topo := parse(t, strings.ReplaceAll(withExec, "%s", "x"))
	var all []string
	for _, name := range topo.Variables("theirs") {
		all = append(all, name+" ${"+name+"}")
	}
	text := strings.Join(all, ", ")
	p, err := plan.New(parse(t, strings.ReplaceAll(withExec, "%s", text)), withPrograms(debian(), topo), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := p.Services[3].Exec
	if x.Argv[0] != "/usr/sbin/dhcrelay" || len(x.Argv) != 2 || x.Files["a"] != x.Argv[1] || x.Env[0] != "A=plain" || x.Env[1] != "B="+x.Argv[1] {
		t.Errorf("%+v", x)
	}
	if strings.Contains(x.Argv[1], "${") {
		t.Errorf("a variable is left: %s", x.Argv[1])
	}
	for _, want := range []string{"self.interface.lan eth1", "self.address 198.51.100.3", "theirs.mac.lan 52:54:00:70:81:04", "boot.address 192.0.2.1",
		"relay.address.far 198.51.100.1", "network.lan.subnet 192.0.2.0/25", "network.lan.netmask 255.255.255.128",
		"network.lan.broadcast 192.0.2.127", "network.far.broadcast 198.51.100.255", "guest.bios.mac 52:54:00:70:78:01"} {
		if !strings.Contains(x.Argv[1]+",", want+",") {
			t.Errorf("no %q in %s", want, x.Argv[1])
		}
	}
}

// TestRoutes leads every host to every network of the lab, by the shortest way, and nowhere else.
func TestRoutes(t *testing.T) {
	topo := parse(t, strings.ReplaceAll(withExec, "%s", "x"))
	p, err := plan.New(topo, withPrograms(debian(), topo), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, s := range p.Services {
		for _, r := range s.Routes {
			got[s.Name] = append(got[s.Name], r.To.String()+" "+r.Via.String())
		}
	}
	want := map[string][]string{
		"boot":   {"198.51.100.0/24 192.0.2.9", "203.0.113.0/24 192.0.2.9"},
		"relay":  {"203.0.113.0/24 198.51.100.2"},
		"deeper": {"192.0.2.0/25 198.51.100.1"},
		"theirs": {"203.0.113.0/24 198.51.100.2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
}

// TestMissingProgram names the package that has it: another host can run the lab.
func TestMissingProgram(t *testing.T) {
	_, err := plan.New(parse(t, strings.ReplaceAll(withExec, "%s", "x")), debian(), plan.Options{})
	want := `service "theirs": the program "dhcrelay" is not on this host: run: sudo apt-get install --no-install-recommends isc-dhcp-relay`
	if !errors.Is(err, plan.ErrHost) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
}
