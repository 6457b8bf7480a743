// Package labtest boots real firmware against a Go project's own DHCP, TFTP and HTTP servers, from an ordinary go test.
//
//	func TestMyServer(t *testing.T) {
//		l := labtest.New(t)                         // a network, 192.0.2.0/24, and a guest of each firmware
//		h := l.Host("mine", "192.0.2.1")            // a host there, in a network namespace of its own
//		go serveDHCP(h.ListenPacket("udp4", ":67")) // an ordinary net.PacketConn, which lives in that namespace
//		go serveTFTP(h.ListenPacket("udp4", ":69"), h.Files())
//		l.EachGuest(t, func(t *testing.T, g *labtest.Guest) { // subtests bios, ovmf-x64, ovmf-ia32
//			g.Boot(t, "booted: {image: probe, from: mine}", "ends: off")
//		})
//	}
//
// First say what there is (Host, Service, Guest), then use it: the first socket, file or boot brings the lab up, in namespaces of its
// own without a way out, and t.Cleanup takes it down. The servers themselves run in the test. What a boot is expected to do is said in
// the words of a topology's expect list, and a failure says in one sentence what was seen instead, and why, and what to change.
// TestOwnServers and TestHTTPBoot in examples_test.go are whole.
//
// On a host that cannot boot guests the test is skipped, with the reason; or it fails, where the environment variable PXELAB_REQUIRE
// names boot. With go test -short it is skipped, too. A run leaves its bundle (log, capture, consoles, reports) in the test's folder of
// artefacts: go test -artifacts keeps it.
//
// A lab is made of processes of the very program that starts it, so importing this package is enough to have them: a test binary that
// is started again by a lab does a part of the lab's work, and no test.
package labtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// init does the work of the processes that a lab starts of this test binary, and never returns in them: see lab.Main.
func init() {
	lab.Main()
	// The race detector, if the test has it, would keep each of these processes for a second after its end.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
}

// Lab is a virtual network with hosts and guests, for one test. Its methods fail that test where they cannot do what they say, and are
// for its goroutine.
type Lab struct {
	t      *testing.T
	parts  parts  // what it is made of, unless text is the whole of it
	text   string // the topology, once it is known
	topo   *topology.Topology
	plan   *plan.Plan
	guests []*Guest
	raise  sync.Once
	up     *running // nil until it is up
}

// New makes a lab with the network 192.0.2.0/24. It skips the test on a host that cannot boot guests.
func New(t *testing.T) *Lab {
	t.Helper()
	needBoots(t)
	return &Lab{t: t, parts: parts{name: slug(t.Name())}}
}

// Topology makes a lab of a whole topology, written in YAML as topologies/README.md says. Its guests are off until they are booted; its
// services run; Lookup gives its hosts for servers of the test (external).
func Topology(t *testing.T, text string) *Lab {
	t.Helper()
	needBoots(t)
	l := &Lab{t: t, text: text}
	l.read(t)
	return l
}

// Host adds a host with that IPv4 address to the network. The name, up to 11 of a-z, 0-9 and -, is what expectations call it. It
// answers the datagrams by which the lab's boot programs prove that they can reach it, on UDP port 7777.
func (l *Lab) Host(name, address string) *Host {
	l.t.Helper()
	l.Service(name, "{address: "+address+", external: {images: [probe]}}")
	l.Service(l.parts.echo(), "{on: "+name+", echo: {}}")
	return &Host{Name: name, Address: address, lab: l}
}

// Service adds a service of the lab's own, or a program in the lab, written as in a topology:
//
//	l.Service("theirs", "{address: 192.0.2.2, exec: {command: [dnsmasq, --no-daemon, ...], ready: {udp: 67}}}")
func (l *Lab) Service(name, settings string) {
	l.t.Helper()
	l.early("service " + name)
	l.parts.services = append(l.parts.services, part{name, settings})
}

// Guest adds a machine, written as in a topology: {firmware: ovmf-x64, over: http}. A lab to which none is added has one of each
// firmware, named after it: bios (SeaBIOS with iPXE), ovmf-x64 and ovmf-ia32.
func (l *Lab) Guest(name, settings string) *Guest {
	l.t.Helper()
	l.early("guest " + name)
	l.parts.guests = append(l.parts.guests, part{name, settings})
	g := &Guest{Name: name, lab: l}
	l.guests = append(l.guests, g)
	return g
}

// Clock sets the guests' clock: "real", "warp" or "auto", which is the default. Under warp time in which a guest waits passes at once,
// and a boot that fails because a server of the test may have been too slow for that is repeated in real time (docs/time-warp.md).
func (l *Lab) Clock(word string) {
	l.t.Helper()
	l.early("the clock")
	l.parts.clock = word
}

// Guests gives the lab's guests, in their order.
func (l *Lab) Guests() []*Guest {
	l.t.Helper()
	l.read(l.t)
	return slices.Clone(l.guests)
}

// EachGuest runs f as a subtest for each guest, named after it. A guest whose firmware this host does not have is skipped with the
// reason. Subtests may be parallel: no more guests run at once than there are cores for.
func (l *Lab) EachGuest(t *testing.T, f func(t *testing.T, g *Guest)) {
	t.Helper()
	for _, g := range l.Guests() {
		t.Run(g.Name, func(t *testing.T) {
			g.need(t)
			f(t, g)
		})
	}
}

// Lookup gives the host of a service that the topology leaves to servers outside the lab: external: {}.
func (l *Lab) Lookup(service string) *Host {
	l.t.Helper()
	l.read(l.t)
	for _, s := range l.topo.Services {
		if s.Name == service && s.External != nil {
			address := s.Address
			if !address.IsValid() {
				address = s.Address6
			}
			return &Host{Name: s.Name, Address: address.String(), lab: l}
		}
	}
	l.t.Fatalf("labtest: no service %q with external: {} in the topology", service)
	return nil
}

// Bundle is the folder with what the lab records: events, capture, consoles, and once the test is over its reports.
func (l *Lab) Bundle() string {
	l.t.Helper()
	return l.start(l.t).Bundle
}

// early fails the test if it is too late to add something.
func (l *Lab) early(what string) {
	l.t.Helper()
	if l.topo != nil {
		l.t.Fatalf("labtest: %s comes too late, the lab is up or its topology is whole: say what there is before the first socket, file or boot", what)
	}
}

// read makes the topology of what was said, if it is not known yet, and plans it.
func (l *Lab) read(t *testing.T) {
	t.Helper()
	if l.topo != nil {
		return
	}
	if l.text == "" {
		if len(l.parts.guests) == 0 {
			for _, firmware := range []string{"bios", "ovmf-x64", "ovmf-ia32"} {
				l.Guest(firmware, "{firmware: "+firmware+"}")
			}
		}
		l.text = l.parts.text()
	}
	topo, err := topology.Parse("topology", []byte(l.text), lab.Known())
	if err != nil {
		t.Fatalf("labtest: %v\n%s", err, numbered(l.text))
	}
	l.topo = topo
	if len(l.guests) == 0 {
		for _, g := range topo.Guests {
			l.guests = append(l.guests, &Guest{Name: g.Name, lab: l})
		}
	}
	l.prepare(t)
}

// part is a service or a guest, as it is written in a topology.
type part struct{ name, settings string }

// parts are what a topology is made of.
type parts struct {
	name, clock      string
	services, guests []part
}

// echo gives a service that answers datagrams a name that no other has.
func (p *parts) echo() string {
	name := "echo"
	for i := 2; slices.ContainsFunc(p.services, func(s part) bool { return s.name == name }); i++ {
		name = fmt.Sprintf("echo%d", i)
	}
	return name
}

// text is the topology.
func (p *parts) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\n", p.name)
	if p.clock != "" {
		fmt.Fprintf(&b, "clock: %s\n", p.clock)
	}
	b.WriteString("networks: {lan: {subnet: 192.0.2.0/24}}\n")
	section := func(key string, list []part) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s:\n", key)
		for _, x := range list {
			settings := strings.Trim(strings.ReplaceAll(x.settings, "\t", "    "), "\n")
			fmt.Fprintf(&b, "  %s:\n    %s\n", x.name, strings.ReplaceAll(dedented(settings), "\n", "\n    "))
		}
	}
	section("services", p.services)
	section("guests", p.guests)
	return b.String()
}

// dedented takes the indentation of the first line from all lines, as far as they have it: settings may be written indented.
func dedented(text string) string {
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, indent)
	}
	return strings.Join(lines, "\n")
}

// numbered is a text with the numbers of its lines, for messages that name them.
func numbered(text string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(&b, "%4d  %s\n", i+1, line)
	}
	return b.String()
}

var labs atomic.Int64 // that this process has named

// unique names a lab as no other that is up: labs of one user have one folder for their sockets.
func unique(name string) string {
	return fmt.Sprintf("%s-%d-%d", name[:min(len(name), 24)], os.Getpid(), labs.Add(1))
}

// slug makes the name of a lab of the name of a test.
func slug(test string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, strings.TrimPrefix(test, "Test"))
	return strings.Trim("test-"+text[:min(len(text), 24)], "-")
}

// newFolder is a folder below dir that does not exist, for one lab of several of a test.
func newFolder(dir string) string {
	for i := 1; ; i++ {
		name := filepath.Join(dir, fmt.Sprintf("lab%d", i))
		if _, err := os.Lstat(name); err != nil {
			return name
		}
	}
}
