package server_test

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/tests/netns"
)

// udhcpc takes a lease with busybox's client and gives what it told its script.
func udhcpc(l *lan, args ...string) string {
	l.t.Helper()
	script := filepath.Join(l.t.TempDir(), "script")
	must(l.t, os.WriteFile(script, []byte("#!/bin/sh\nenv\n"), 0o700)) //nolint:gosec // the client executes it
	return l.run("busybox", append([]string{"udhcpc", "-i", "cli0", "-f", "-n", "-q", "-t", "3", "-T", "2", "-s", script}, args...)...)
}

func wantLines(t *testing.T, out string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+out, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, out)
		}
	}
}

func TestUdhcpc(t *testing.T) {
	l := newLAN(t)
	s := l.serve(config(t))
	pxe := []string{"-V", "PXEClient:Arch:00007:UNDI:003000", "-x", "0x5d:0007", "-O", "bootfile"} // an x64 firmware
	for name, flags := range map[string][]string{"unicast": nil, "broadcast": {"-B"}} {
		t.Run(name, func(t *testing.T) {
			l.t, s.t = t, t
			out := udhcpc(l, append(flags, pxe...)...)
			wantLines(t, out, "ip=192.0.2.100", "mask=24", "router=192.0.2.254", "dns=192.0.2.53", "serverid=192.0.2.1",
				"lease=3600", "boot_file=x64.efi", "siaddr=192.0.2.1")
			d := s.expect("DHCPDISCOVER", "DHCPOFFER")
			if d.File != "x64.efi" || d.Address != "192.0.2.100" || len(d.XID) != 8 || strings.Contains(d.Reason, "broadcast") {
				t.Errorf("%+v", d)
			}
			s.expect("DHCPREQUEST", "DHCPACK")
		})
	}
}

// TestDhclient is the ISC client, which at its second start asks for the address it remembers (INIT-REBOOT).
func TestDhclient(t *testing.T) {
	l := newLAN(t)
	dhclient := netns.Program(t, "dhclient")
	s := l.serve(config(t))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "conf"), []byte("request subnet-mask, routers;\n"), 0o600))
	take := func() {
		ctx, cancel := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, dhclient, "-4", "-d", "-1", "-sf", "/bin/true", "-cf", filepath.Join(dir, "conf"),
			"-lf", filepath.Join(dir, "leases"), "-pf", filepath.Join(dir, "pid"), "cli0")
		said, err := cmd.StderrPipe()
		must(t, err)
		l.inClient(func() { must(t, cmd.Start()) })
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if strings.Contains(lines.Text(), "bound to 192.0.2.100") {
				break
			}
		}
		cancel()
		_ = cmd.Wait() // killed
	}
	take()
	s.expect("DHCPDISCOVER", "DHCPOFFER")
	if d := s.expect("DHCPREQUEST", "DHCPACK"); d.Address != "192.0.2.100" || d.File != "" {
		t.Errorf("%+v", d)
	}
	take()
	if d := s.expect("DHCPREQUEST", "DHCPACK"); !strings.HasPrefix(d.Reason, "the address it remembers") {
		t.Errorf("%+v", d)
	}
}

func TestTFTPOverTheLAN(t *testing.T) {
	l := newLAN(t, "192.0.2.2/24")
	must(t, netlink.LinkSetMTU(l.svc, 1400))
	s := l.serve(config(t))
	l.clientAddress("192.0.2.7/24")
	if out := l.run("curl", "-sS", "--tftp-blksize", "1468", "tftp://192.0.2.1/x64.efi"); len(out) != 5000 {
		t.Errorf("%d octets", len(out))
	}
	if d := s.expect("RRQ x64.efi", "OACK"); !strings.Contains(d.Reason, "blocks of 1368") || d.Role != "tftp" {
		t.Errorf("%+v", d)
	}
	if d := s.expect("RRQ x64.efi", ""); d.Outcome != "ok" || d.Bytes != 5000 || d.Took <= 0 || !strings.HasPrefix(d.Client, "192.0.2.7:") {
		t.Errorf("%+v", d)
	}
	l.inClient(func() {
		from, b := ask(t, "192.0.2.2:69", "\x00\x01none\x00octet\x00")
		if from.Addr() != netip.MustParseAddr("192.0.2.2") || !strings.HasPrefix(string(b), "\x00\x05\x00\x01") {
			t.Errorf("the second address was asked, and %s answered %q", from, b)
		}
	})
	if d := s.expect("RRQ none", "ERROR 1"); d.Outcome != "not-found" {
		t.Errorf("%+v", d)
	}
	l.inClient(func() { // only now: roles run side by side, and the one asked later may tell of it first
		if _, b := ask(t, "192.0.2.1:7777", "ping"); string(b) != "ECHO:ping" {
			t.Errorf("echo %q", b)
		}
	})
	s.expect("datagram of 4 octets", "echo")
}

// ask sends a datagram, over the family of the address, and waits for one, wherever it comes from.
func ask(t *testing.T, to, payload string) (netip.AddrPort, []byte) {
	t.Helper()
	address, network := netip.MustParseAddrPort(to), "udp4"
	if address.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, nil)
	must(t, err)
	defer conn.Close()
	_, err = conn.WriteToUDPAddrPort([]byte(payload), address)
	must(t, err)
	b := make([]byte, 2000)
	n, from, err := conn.ReadFromUDPAddrPort(b)
	must(t, err)
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), b[:n]
}

// TestSecondAddress serves from an address that the kernel would not choose by itself.
func TestSecondAddress(t *testing.T) {
	l := newLAN(t, "192.0.2.9/24") // added before 192.0.2.1, so it is the primary one
	l.serve(config(t))
	l.run("busybox", "ip", "address", "add", "192.0.2.77/24", "dev", "cli0")
	l.inClient(func() {
		inform := make([]byte, 240, 300)
		copy(inform, []byte{1, 1, 6, 0, 9, 9, 9, 9, 0, 0, 0, 0, 192, 0, 2, 77})
		copy(inform[28:], []byte{0x52, 0x54, 0, 0, 0, 1})
		copy(inform[236:], []byte{99, 130, 83, 99})
		if from, _ := ask(t, "192.0.2.1:67", string(append(inform, 53, 1, 8, 255))); from.String() != "192.0.2.1:67" {
			t.Errorf("answered from %s", from)
		}
		if from, _ := ask(t, "192.0.2.1:7777", "x"); from.String() != "192.0.2.1:7777" {
			t.Errorf("echoed from %s", from)
		}
	})
}

// TestLinkFlap: a link that goes down ends nothing.
func TestLinkFlap(t *testing.T) {
	l := newLAN(t)
	s := l.serve(config(t))
	must(t, netlink.LinkSetDown(l.svc))
	must(t, netlink.LinkSetUp(l.svc))
	wantLines(t, udhcpc(l), "ip=192.0.2.100")
	s.expect("DHCPDISCOVER", "DHCPOFFER")
	s.expect("DHCPREQUEST", "DHCPACK")
}

func TestPortInUse(t *testing.T) {
	newLAN(t)
	for port, role := range map[int]string{67: "dhcp", 69: "tftp", 7777: "echo"} {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
		must(t, err)
		err = server.Run(t.Context(), config(t), &serving{}, func() { t.Error("ready") })
		if err == nil || !strings.Contains(err.Error(), role+": port ") || !strings.Contains(err.Error(), `on "svc0" is in use by another program; stop it`) {
			t.Errorf("%v", err)
		}
		conn.Close()
	}
}

func TestOpenProblems(t *testing.T) {
	newLAN(t)
	for want, change := range map[string]func(*server.Config){
		`interface "eth7": `: func(c *server.Config) { c.Interface = "eth7" },
		`does not have address 192.0.2.3 (it has [192.0.2.1/24`: func(c *server.Config) { c.Address = netip.MustParsePrefix("192.0.2.3/24") },
		"tftp: TFTP root: open /nowhere/at/all: no such file":   func(c *server.Config) { c.TFTP.Root = "/nowhere/at/all" },
	} {
		c := config(t)
		change(&c)
		if err := server.Run(t.Context(), c, &serving{}, func() { t.Error("ready") }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
