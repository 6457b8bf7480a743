package server_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/server"
)

func TestHTTPProblems(t *testing.T) {
	c := good()
	c.HTTP = &server.HTTPConfig{Root: "/srv/http", Port: 8080, NoLength: true}
	c.DHCP.Boot.HTTP = map[string]string{"efi-x64": "http://192.0.2.1:8080/x64.efi", "efi-ia32": "https://boot.example/ia32.efi"}
	if err := c.Validate(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	c.HTTP = &server.HTTPConfig{Port: 70000}
	c.DHCP.Boot.HTTP = map[string]string{"x64": "http://192.0.2.1/", "efi-x64": "x64.efi", "efi-ia32": "tftp://192.0.2.1/x", "bios": "http://" + strings.Repeat("x", 250)}
	err := c.Validate()
	for _, want := range []string{"http: root is empty", "http: port 70000 is outside", `unknown architecture "x64"`,
		`efi-x64: "x64.efi" is no URI like http://`, `efi-ia32: "tftp://192.0.2.1/x" is no URI`, "bios: URI of 257 octets is longer"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}

// TestHTTPOverTheLAN has real clients take a lease with a URI and fetch what it names.
func TestHTTPOverTheLAN(t *testing.T) {
	l := newLAN(t, "192.0.2.2/24")
	c := config(t)
	c.HTTP = &server.HTTPConfig{Root: t.TempDir(), Port: 8080}
	must(t, os.WriteFile(filepath.Join(c.HTTP.Root, "x64.efi"), make([]byte, 300_000), 0o600))
	c.DHCP.Boot.HTTP = map[string]string{"efi-x64": "http://192.0.2.1:8080/x64.efi"}
	s := l.serve(c)
	out := udhcpc(l, "-V", "HTTPClient:Arch:00016:UNDI:003000", "-x", "0x5d:0010", "-O", "bootfile", "-O", "vendor")
	wantLines(t, out, "ip=192.0.2.100", "vendor=HTTPClient", "boot_file=http://192.0.2.1:8080/x64.efi")
	if d := s.expect("DHCPDISCOVER", "DHCPOFFER"); d.File != "http://192.0.2.1:8080/x64.efi" {
		t.Errorf("%+v", d)
	}
	s.expect("DHCPREQUEST", "DHCPACK")
	l.clientAddress("192.0.2.7/24")
	for _, host := range []string{"192.0.2.1", "192.0.2.2"} {
		if out := l.run("curl", "-sS", "http://"+host+":8080/x64.efi"); len(out) != 300_000 {
			t.Errorf("%d octets from %s", len(out), host)
		}
		d := s.expect("GET /x64.efi", "200")
		if d.Role != "http" || d.Bytes != 300_000 || d.Outcome != "ok" || d.Took <= 0 || netip.MustParseAddrPort(d.Client).Addr() != netip.MustParseAddr("192.0.2.7") {
			t.Errorf("%+v", d)
		}
	}
}

func TestHTTPPortInUse(t *testing.T) {
	l := newLAN(t)
	c := config(t)
	c.HTTP = &server.HTTPConfig{Root: t.TempDir()}
	l.serve(c)
	if err := server.Run(t.Context(), c, &serving{}, func() { t.Error("ready") }); err == nil || !strings.Contains(err.Error(), `http: port 80 on "svc0" is in use by another program`) {
		t.Errorf("%v", err)
	}
}

// TestHTTPOverIPv6 fetches over both families of one host, and checks what UEFI HTTP boot may be told over DHCPv6.
func TestHTTPOverIPv6(t *testing.T) {
	l := newLAN6(t)
	c := config6(t)
	c.Address, c.DHCP = netip.MustParsePrefix("192.0.2.1/24"), config(t).DHCP
	c.HTTP = &server.HTTPConfig{Root: t.TempDir()}
	must(t, os.WriteFile(filepath.Join(c.HTTP.Root, "x64.efi"), make([]byte, 100_000), 0o600))
	c.DHCP6.Boot.HTTP = map[string]string{"efi-x64": "http://[2001:db8::1]/x64.efi"}
	s := l.serve(c)
	l.clientAddress("192.0.2.7/24")
	l.inClient(func() { addAddress6(t, "cli0", "2001:db8::7/64") })
	for host, client := range map[string]string{"192.0.2.1": "192.0.2.7", "[2001:db8::1]": "2001:db8::7"} {
		if out := l.run("curl", "-sS", "-g", "http://"+host+"/x64.efi"); len(out) != 100_000 {
			t.Errorf("%d octets from %s", len(out), host)
		}
		if d := s.expect("GET /x64.efi", "200"); d.Bytes != 100_000 || netip.MustParseAddrPort(d.Client).Addr() != netip.MustParseAddr(client) {
			t.Errorf("%+v", d)
		}
	}
	c.DHCP6.Boot.HTTP = map[string]string{"efi-x64": "x64.efi"}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `dhcp6: boot: http: efi-x64: "x64.efi" is no URI`) {
		t.Error(err)
	}
}
