package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/tests/netns"
)

// beyond is a second network: its client cli1 in a namespace of its own, reached only through the relay's host, which
// is where newLAN has the client: cli0 at 192.0.2.9 and far0 at 198.51.100.1.
type beyond struct {
	*lan
	client *netns.Host // the far client
}

// newBeyond makes both networks. The server's side knows the way back to the far one.
func newBeyond(t *testing.T) *beyond {
	t.Helper()
	b := &beyond{lan: newLAN(t), client: netns.Add(t)}
	b.clientAddress("192.0.2.9/24")
	b.inClient(func() {
		must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "far0"}, PeerName: "cli1", PeerNamespace: b.client.NS}))
		netns.Address(t, netns.Link(t, "far0"), "198.51.100.1/24")
		must(t, netlink.LinkSetUp(netns.Link(t, "far0")))
		must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0))
	})
	b.far(func() { must(t, netlink.LinkSetUp(netns.Link(t, "cli1"))) })
	dst, err := netlink.ParseIPNet("198.51.100.0/24")
	must(t, err)
	must(t, netlink.RouteAdd(&netlink.Route{Dst: dst, Gw: netip.MustParseAddr("192.0.2.9").AsSlice()}))
	return b
}

// far runs f in the namespace of the far client.
func (b *beyond) far(f func()) { b.client.Do(f) }

// udhcpc takes a lease on the far network.
func (b *beyond) udhcpc(args ...string) string {
	b.t.Helper()
	path := netns.Program(b.t, "busybox")
	script := filepath.Join(b.t.TempDir(), "script")
	must(b.t, os.WriteFile(script, []byte("#!/bin/sh\nenv\n"), 0o700)) //nolint:gosec // the client executes it
	all := append([]string{"udhcpc", "-i", "cli1", "-f", "-n", "-q", "-t", "3", "-T", "2", "-s", script}, args...)
	var (
		out []byte
		err error
	)
	b.far(func() { out, err = exec.CommandContext(b.t.Context(), path, all...).CombinedOutput() })
	if err != nil {
		b.t.Fatalf("udhcpc: %v\n%s", err, out)
	}
	return string(out)
}

// serveRelay runs a relay of ours on the host between the networks.
func (b *beyond) serveRelay(change func(*server.RelayConfig)) *serving {
	b.t.Helper()
	c := server.Config{Name: "relay", Interface: "cli0", Address: netip.MustParsePrefix("192.0.2.9/24"), Relay: &server.RelayConfig{
		Servers: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		Links: []server.RelayLink{{Interface: "cli0", Address: netip.MustParseAddr("192.0.2.9")},
			{Interface: "far0", Address: netip.MustParseAddr("198.51.100.1"), Clients: true}}}}
	if change != nil {
		change(c.Relay)
	}
	s := &serving{t: b.t, decisions: make(chan server.Decision, 1000)}
	ctx, cancel := context.WithCancel(b.t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		// The sockets are opened on this thread, which only goes into the other namespace for that.
		b.inClientNamespace(func() { ended <- server.Run(ctx, c, s, func() { close(ready) }) })
	}()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	})
	return s
}

// inClientNamespace runs f on a thread of its own in the relay's namespace, beside what inClient runs there.
func (b *beyond) inClientNamespace(f func()) {
	var ns *os.File
	b.inClient(func() {
		var err error
		ns, err = os.Open("/proc/thread-self/ns/net")
		must(b.t, err)
	})
	defer ns.Close()
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		b.t.Error("setns:", err)
	}
	f()
}

// farConfig is a server with addresses for both networks.
func farConfig(t *testing.T) server.Config {
	c := config(t)
	c.DHCP.Pools = []server.PoolConfig{{Subnet: netip.MustParsePrefix("198.51.100.0/24"), First: netip.MustParseAddr("198.51.100.100"),
		Last: netip.MustParseAddr("198.51.100.199"), Router: netip.MustParseAddr("198.51.100.1")}}
	return c
}

// TestRelay: a client takes a lease of the far network through our relay, by unicast and by broadcast.
func TestRelay(t *testing.T) {
	b := newBeyond(t)
	s := b.serve(farConfig(t))
	r := b.serveRelay(nil)
	for name, flags := range map[string][]string{"unicast": nil, "broadcast": {"-B"}} {
		t.Run(name, func(t *testing.T) {
			b.t, s.t, r.t = t, t, t
			wantLines(t, b.udhcpc(flags...), "ip=198.51.100.100", "mask=24", "router=198.51.100.1", "serverid=192.0.2.1")
			for _, step := range [][2]string{{"DHCPDISCOVER", "DHCPOFFER"}, {"DHCPREQUEST", "DHCPACK"}} {
				if d := s.expect(step[0], step[1]); d.Address != "198.51.100.100" {
					t.Errorf("%+v", d)
				}
				if d := r.expect(step[0], "relayed"); !strings.Contains(d.Reason, "from far0 to 192.0.2.1, giaddr 198.51.100.1, option 82 added") {
					t.Errorf("%+v", d)
				}
				if d := r.expect(step[1], "relayed"); d.Address != "198.51.100.100" || !strings.HasPrefix(d.Reason, "from 192.0.2.1: to ") ||
					!strings.Contains(d.Reason, "option 82 came back and is taken out") || strings.Contains(d.Reason, "255.255.255.255") != (name == "broadcast") {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

// TestRelayVariants: the server finds the client's network by option 82.5, and goes by the relay's address.
func TestRelayVariants(t *testing.T) {
	b := newBeyond(t)
	s := b.serve(farConfig(t))
	r := b.serveRelay(func(c *server.RelayConfig) { c.LinkSelection, c.ServerOverride = true, true })
	wantLines(t, b.udhcpc(), "ip=198.51.100.100", "serverid=198.51.100.1")
	s.expect("DHCPDISCOVER", "DHCPOFFER")
	s.expect("DHCPREQUEST", "DHCPACK")
	if d := r.expect("DHCPDISCOVER", "relayed"); !strings.Contains(d.Reason, "giaddr 192.0.2.9") {
		t.Errorf("%+v", d)
	}
}

// TestRelayWithoutPool: a server that has no addresses for the client's network says so.
func TestRelayWithoutPool(t *testing.T) {
	b := newBeyond(t)
	s := b.serve(config(t))
	r := b.serveRelay(nil)
	b.far(func() { discoverOnce(t, "cli1") })
	r.expect("DHCPDISCOVER", "relayed")
	if d := s.expect("DHCPDISCOVER", ""); d.Reason != "ignored: relayed from 198.51.100.1, a network this server has no addresses for" {
		t.Errorf("%+v", d)
	}
}

// discoverOnce broadcasts one DHCPDISCOVER from a socket with no address.
func discoverOnce(t *testing.T, ifname string) {
	t.Helper()
	netns.Address(t, netns.Link(t, ifname), "198.51.100.77/24")
	m := make([]byte, 240, 300)
	copy(m, []byte{1, 1, 6, 0, 9, 9, 9, 9})
	copy(m[28:], []byte{0x52, 0x54, 0, 0, 0, 1})
	copy(m[236:], []byte{99, 130, 83, 99})
	send(t, "198.51.100.255:67", append(m, 53, 1, 1, 255))
}

// send sends one datagram.
func send(t *testing.T, to string, payload []byte) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", nil)
	must(t, err)
	defer conn.Close()
	_, err = conn.WriteToUDPAddrPort(payload, netip.MustParseAddrPort(to))
	must(t, err)
}

// readUntil reads lines up to one that begins with a text.
func readUntil(r io.Reader, begins string) {
	for lines := bufio.NewScanner(r); lines.Scan() && !strings.HasPrefix(lines.Text(), begins); {
	}
}

// TestDebianRelay is ISC's relay agent in place of ours, in front of our server: what it adds comes back to the octet,
// or it would not pass the replies on (it drops what it cannot find its own circuit in).
func TestDebianRelay(t *testing.T) {
	b := newBeyond(t)
	path := netns.Program(t, "/usr/sbin/dhcrelay")
	s := b.serve(farConfig(t))
	for name, flags := range map[string][]string{"plain": nil, "option 82": {"-a", "-D", "-m", "discard"}} {
		t.Run(name, func(t *testing.T) {
			b.t, s.t = t, t
			ctx, cancel := context.WithCancel(t.Context())
			args := append([]string{"-4", "-d", "--no-pid"}, flags...)
			args = append(args, "-id", "far0", "-iu", "cli0", "192.0.2.1")
			cmd := exec.CommandContext(ctx, path, args...)
			said, err := cmd.StderrPipe()
			must(t, err)
			b.inClient(func() { must(t, cmd.Start()) })
			readUntil(said, "Sending on   Socket/fallback")
			wantLines(t, b.udhcpc(), "ip=198.51.100.100", "router=198.51.100.1", "serverid=192.0.2.1")
			cancel()
			_ = cmd.Wait() // killed
			if d := s.expect("DHCPDISCOVER", "DHCPOFFER"); d.Address != "198.51.100.100" {
				t.Errorf("%+v", d)
			}
			s.expect("DHCPREQUEST", "DHCPACK")
		})
	}
}

// TestRelayProblems names what is wrong with a relay's configuration, and with a host that cannot run it.
func TestRelayProblems(t *testing.T) {
	a := netip.MustParseAddr
	bad := server.Config{Name: "relay", Interface: "cli0", Address: netip.MustParsePrefix("192.0.2.9/24"),
		DHCP: &server.DHCPConfig{First: a("192.0.2.100"), Last: a("192.0.2.199"), Pools: []server.PoolConfig{
			{Subnet: netip.MustParsePrefix("198.51.100.7/24")},
			{Subnet: netip.MustParsePrefix("192.0.2.128/25"), First: a("192.0.2.130"), Last: a("192.0.2.140")},
			{Subnet: netip.MustParsePrefix("203.0.113.0/24"), First: a("203.0.113.9"), Last: a("203.0.113.8"), Router: a("198.51.100.1")},
		}},
		Relay: &server.RelayConfig{Links: []server.RelayLink{{Interface: "x", Address: a("192.0.2.9")}, {Interface: "x"}}, LinkSelection: true,
			Servers: []netip.Addr{a("224.0.0.1")}, MaxHops: 17, MinSecs: -1, Option82: "maybe"}}
	want := strings.Join([]string{
		`dhcp: pool 1: subnet "198.51.100.7/24" is not an IPv4 subnet like 198.51.100.0/24`,
		`dhcp: pool 2: subnet 192.0.2.128/25 overlaps the server's own or an earlier pool's`,
		`dhcp: pool 3: 203.0.113.9 to 203.0.113.8 is no range of 203.0.113.0/24`,
		`dhcp: pool 3: router 198.51.100.1 is no host address of 203.0.113.0/24`,
		`relay: a relay listens on UDP 67, like this server's other DHCP roles; run it on a host of its own`,
		`relay: link 2: needs an interface and the relay's IPv4 address there, has "x" and "invalid IP"`,
		`relay: link 2: interface "x" is named twice`,
		`relay: no link has clients; mark those whose requests are to be relayed`,
		`relay: server "224.0.0.1" is not the IPv4 address of a host`,
		`relay: maxHops 17 is outside 1 to 16 (RFC 1542 section 4.1.1)`,
		`relay: minSecs -1 is outside 0 to 65535`,
		`relay: option82 "maybe" is none of add, append, replace, keep, none`,
	}, "\n")
	if diff := cmp.Diff(want, bad.Validate().Error()); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
	b := newBeyond(t)
	for want, change := range map[string]func(*server.RelayConfig){
		`interface "eth7": `:                  func(c *server.RelayConfig) { c.Links[1].Interface = "eth7" },
		`server 203.0.113.1: no route to it`:  func(c *server.RelayConfig) { c.Servers = []netip.Addr{a("203.0.113.1")} },
		`on which this relay does not listen`: func(c *server.RelayConfig) { c.Links = c.Links[1:] },
	} {
		c := server.Config{Name: "relay", Interface: "cli0", Address: netip.MustParsePrefix("192.0.2.9/24"), Relay: &server.RelayConfig{
			Servers: []netip.Addr{a("192.0.2.1")}, Links: []server.RelayLink{{Interface: "cli0", Address: a("192.0.2.9")},
				{Interface: "far0", Address: a("198.51.100.1"), Clients: true}}}}
		change(c.Relay)
		b.inClient(func() {
			if err := server.Run(t.Context(), c, &serving{}, func() { t.Error("ready") }); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}
