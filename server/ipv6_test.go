package server_test

import (
	"bufio"
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/tests/netns"
)

// addAddress6 gives an interface an IPv6 address that is usable at once, without duplicate address detection.
func addAddress6(t *testing.T, name, s string) {
	t.Helper()
	a, err := netlink.ParseAddr(s)
	must(t, err)
	a.Flags = unix.IFA_F_NODAD
	must(t, netlink.AddrAdd(netns.Link(t, name), a))
}

// newLAN6 is a LAN with IPv6 on both ends: link-local addresses, and 2001:db8::1 for the server.
func newLAN6(t *testing.T) *lan {
	t.Helper()
	l := newLAN(t)
	addAddress6(t, "svc0", "fe80::1/64")
	addAddress6(t, "svc0", "2001:db8::1/64")
	l.inClient(func() { addAddress6(t, "cli0", "fe80::7/64") })
	return l
}

// config6 is a server with all IPv6 roles at 2001:db8::1 and no IPv4.
func config6(t *testing.T) server.Config {
	t.Helper()
	c := config(t)
	a := netip.MustParseAddr
	c.Address, c.Address6, c.DHCP = netip.Prefix{}, netip.MustParsePrefix("2001:db8::1/64"), nil
	c.DHCP6 = &server.DHCP6Config{First: a("2001:db8::100"), Last: a("2001:db8::1ff"), DNS: []netip.Addr{a("2001:db8::53")},
		Boot: &server.Boot6Config{Files: map[string]string{"efi-x64": "x64.efi"}, Params: []string{"quiet"}}}
	return c
}

// dhclient6 takes a lease with the ISC client and gives the environment it told its script of at the last step.
func dhclient6(l *lan, dir string, args ...string) string {
	l.t.Helper()
	path := netns.Program(l.t, "dhclient")
	script, said := filepath.Join(dir, "script"), filepath.Join(dir, "said")
	must(l.t, os.WriteFile(script, []byte("#!/bin/sh\nenv > "+said+".new && mv "+said+".new "+said+"\n"), 0o700)) //nolint:gosec // the client executes it
	must(l.t, os.WriteFile(filepath.Join(dir, "conf"), []byte(`
option dhcp6.bootfile-url code 59 = text;
option dhcp6.client-arch-type code 61 = array of unsigned integer 16;
send dhcp6.client-arch-type 7;
also request dhcp6.bootfile-url, dhcp6.name-servers;
`), 0o600))
	ctx, cancel := context.WithCancel(l.t.Context())
	defer cancel()
	all := append([]string{"-6", "-d", "-1", "-sf", script, "-cf", filepath.Join(dir, "conf"), "-lf", filepath.Join(dir, "leases"),
		"-pf", filepath.Join(dir, "pid")}, args...)
	cmd := exec.CommandContext(ctx, path, append(all, "cli0")...)
	stderr, err := cmd.StderrPipe()
	must(l.t, err)
	l.inClient(func() { must(l.t, cmd.Start()) })
	var log strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		log.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "message status code") || strings.Contains(lines.Text(), "PRC: Renewal event scheduled") {
			break
		}
	}
	cancel()
	_ = cmd.Wait() // killed, unless it released
	out, err := os.ReadFile(said)
	if err != nil {
		l.t.Fatalf("dhclient told its script nothing: %v\n%s", err, log.String())
	}
	return string(out)
}

// TestDhclient6 is the ISC client taking a lease, confirming it at its second start, and giving it back.
func TestDhclient6(t *testing.T) {
	l := newLAN6(t)
	s := l.serve(config6(t))
	dir := t.TempDir()
	wantLines(t, dhclient6(l, dir), "new_ip6_address=2001:db8::100", "new_ip6_prefixlen=128", "new_max_life=3600",
		"new_dhcp6_name_servers=2001:db8::53", "new_dhcp6_bootfile_url=tftp://[2001:db8::1]/x64.efi")
	if d := s.expect("SOLICIT", "ADVERTISE"); d.Address != "2001:db8::100" || d.File != "tftp://[2001:db8::1]/x64.efi" ||
		!strings.HasSuffix(d.Reason, "option 61 = 7, so efi-x64") || len(d.XID) != 6 || d.Role != "dhcp6" {
		t.Errorf("%+v", d)
	}
	if d := s.expect("REQUEST", "REPLY"); d.Address != "2001:db8::100" {
		t.Errorf("%+v", d)
	}
	dhclient6(l, dir)
	if d := s.expect("CONFIRM", "REPLY"); d.Address != "2001:db8::100" || !strings.Contains(d.Reason, "are of this link") {
		t.Errorf("%+v", d)
	}
	dhclient6(l, dir, "-r")
	if d := s.expect("RELEASE", "REPLY"); !strings.Contains(d.Reason, "2001:db8::100 is free again") {
		t.Errorf("%+v", d)
	}
}

// TestDhclient6Stateless asks for configuration only.
func TestDhclient6Stateless(t *testing.T) {
	l := newLAN6(t)
	s := l.serve(config6(t))
	path := netns.Program(t, "dhclient")
	dir := t.TempDir()
	out := l.run(path, "-6", "-S", "-1", "-v", "-sf", "/bin/true", "-lf", filepath.Join(dir, "l"), "-pf", filepath.Join(dir, "p"), "cli0")
	if d := s.expect("INFORMATION-REQUEST", "REPLY"); !strings.HasPrefix(d.Reason, "configuration without an address") {
		t.Errorf("%+v\n%s", d, out)
	}
}

func TestTFTPOverIPv6(t *testing.T) {
	l := newLAN6(t)
	c := config6(t)
	s := l.serve(c)
	l.inClient(func() { addAddress6(t, "cli0", "2001:db8::7/64") })
	want, err := os.ReadFile(filepath.Join(c.TFTP.Root, "x64.efi"))
	must(t, err)
	t.Run("curl", func(t *testing.T) {
		l.t, s.t = t, t
		if out := l.run("curl", "-gsS", "--tftp-blksize", "1468", "tftp://[2001:db8::1]/x64.efi"); out != string(want) {
			t.Errorf("%d octets", len(out))
		}
		// 1448 = MTU 1500 - IPv6 40 - UDP 8 - TFTP 4, less than what was asked for.
		if d := s.expect("RRQ x64.efi", "OACK"); !strings.Contains(d.Reason, "blocks of 1448") {
			t.Errorf("%+v", d)
		}
		if d := s.expect("RRQ x64.efi", ""); d.Outcome != "ok" || d.Bytes != 5000 || !strings.HasPrefix(d.Client, "[2001:db8::7]:") {
			t.Errorf("%+v", d)
		}
	})
	t.Run("tftp-hpa", func(t *testing.T) {
		l.t, s.t = t, t
		file := filepath.Join(t.TempDir(), "got")
		l.run("tftp", "-6", "-m", "binary", "2001:db8::1", "-c", "get", "x64.efi", file)
		if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
			t.Errorf("%d octets, %v", len(got), err)
		}
		for d := s.expectAny(); d.Outcome != "ok"; d = s.expectAny() {
			if d.Outcome != "" {
				t.Fatalf("%+v", d)
			}
		}
	})
	l.t, s.t = t, t
	l.inClient(func() {
		if from, b := ask(t, "[2001:db8::1]:7777", "ping"); string(b) != "ECHO:ping" || from.String() != "[2001:db8::1]:7777" {
			t.Errorf("%s answered %q", from, b)
		}
	})
	s.expect("datagram of 4 octets", "echo")
	l.inClient(func() {
		if from, b := ask(t, "[fe80::1%cli0]:69", "\x00\x01none\x00octet\x00"); from.Addr() != netip.MustParseAddr("fe80::1%cli0") ||
			!strings.HasPrefix(string(b), "\x00\x05\x00\x01") {
			t.Errorf("the link-local address was asked, and %s answered %q", from, b)
		}
	})
	if d := s.expect("RRQ none", "ERROR 1"); d.Outcome != "not-found" {
		t.Errorf("%+v", d)
	}
}

// expectAny gives the next decision.
func (s *serving) expectAny() server.Decision { return <-s.decisions }

// TestBothFamilies serves one host over both.
func TestBothFamilies(t *testing.T) {
	l := newLAN6(t)
	c := config(t)
	c.Address6, c.DHCP6 = config6(t).Address6, config6(t).DHCP6
	l.serve(c)
	l.clientAddress("192.0.2.7/24")
	l.inClient(func() {
		addAddress6(t, "cli0", "2001:db8::7/64")
		if from, _ := ask(t, "192.0.2.1:7777", "x"); from.String() != "192.0.2.1:7777" {
			t.Errorf("over IPv4 %s answered", from)
		}
		if from, _ := ask(t, "[2001:db8::1]:7777", "x"); from.String() != "[2001:db8::1]:7777" {
			t.Errorf("over IPv6 %s answered", from)
		}
	})
	if out := l.run("curl", "-sS", "tftp://192.0.2.1/x64.efi"); len(out) != 5000 {
		t.Errorf("%d octets over IPv4", len(out))
	}
	if out := l.run("curl", "-gsS", "tftp://[2001:db8::1]/x64.efi"); len(out) != 5000 {
		t.Errorf("%d octets over IPv6", len(out))
	}
}

func TestValidateIPv6(t *testing.T) {
	a, p := netip.MustParseAddr, netip.MustParsePrefix
	own := p("2001:db8::1/64")
	with := func(d server.DHCP6Config) server.Config {
		return server.Config{Interface: "eth0", Address6: own, DHCP6: &d}
	}
	boot := func(file string) server.Config {
		return with(server.DHCP6Config{Boot: &server.Boot6Config{Files: map[string]string{"efi-x64": file}}})
	}
	for _, c := range []server.Config{with(server.DHCP6Config{}), boot("x.efi"), boot("http://[2001:db8::2]:8080/x.efi"),
		with(server.DHCP6Config{First: a("2001:db8::2"), Last: a("2001:db8::ffff"), Lease: time.Minute})} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c.DHCP6, err)
		}
	}
	for want, c := range map[string]server.Config{
		"address6 \"192.0.2.1/24\" is not an IPv6":  {Interface: "eth0", Address6: p("192.0.2.1/24"), Echo: &server.EchoConfig{Port: 7}},
		"dhcp6: needs address6":                     {Interface: "eth0", Address: p("192.0.2.1/24"), DHCP6: &server.DHCP6Config{}},
		"dhcp: needs address, the host's own IPv4":  {Interface: "eth0", Address6: own, DHCP: &server.DHCPConfig{First: a("192.0.2.1"), Last: a("192.0.2.2")}},
		"dhcp6: first and last are both needed":     with(server.DHCP6Config{First: a("2001:db8::2")}),
		"first 2001:db8:1::2 is no address of":      with(server.DHCP6Config{First: a("2001:db8:1::2"), Last: a("2001:db8:1::3")}),
		"last 192.0.2.3 is no address of":           with(server.DHCP6Config{First: a("2001:db8::2"), Last: a("192.0.2.3")}),
		"last 2001:db8::2 is before first":          with(server.DHCP6Config{First: a("2001:db8::3"), Last: a("2001:db8::2")}),
		"lease 1s is shorter":                       with(server.DHCP6Config{Lease: time.Second}),
		"which means for ever":                      with(server.DHCP6Config{Lease: (1<<32 - 1) * time.Second}),
		"dns \"192.0.2.53\" is not an IPv6":         with(server.DHCP6Config{DNS: []netip.Addr{a("192.0.2.53")}}),
		"server \"192.0.2.2\" is not an IPv6":       with(server.DHCP6Config{Boot: &server.Boot6Config{Server: a("192.0.2.2")}}),
		"params: number 1 has 2000 octets":          with(server.DHCP6Config{Boot: &server.Boot6Config{Params: []string{strings.Repeat("x", 2000)}}}),
		"efi-x64 names no file":                     boot(""),
		"is no URL of a file, like":                 boot("ftp://[2001:db8::2]/x.efi"),
		"\"tftp://[2001:db8::2]/\" is no URL":       boot("tftp://[2001:db8::2]/"),
		"missing ']' in host":                       boot("tftp://[2001:db8::2/x.efi"),
		"echo: port 547 belongs to another role":    {Interface: "eth0", Address6: own, DHCP6: &server.DHCP6Config{}, Echo: &server.EchoConfig{Port: 547}},
		"have dhcp, dhcp6, bootp,":                  {Interface: "eth0", Address6: own},
		"address \"invalid Prefix\" is not an IPv4": {Interface: "eth0", Echo: &server.EchoConfig{Port: 7}},
		"unknown architecture \"vax\"":              with(server.DHCP6Config{Boot: &server.Boot6Config{Files: map[string]string{"vax": "x"}}}),
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
