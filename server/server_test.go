package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/tests/golden"
)

// good is a configuration that uses every field.
func good() server.Config {
	a := netip.MustParseAddr
	return server.Config{
		Name: "dhcp", Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24"), Seed: 7,
		DHCP: &server.DHCPConfig{
			First: a("192.0.2.100"), Last: a("192.0.2.199"), Lease: time.Minute, Router: a("192.0.2.254"), DNS: []netip.Addr{a("192.0.2.53")},
			Reservations: []server.Reservation{
				{MAC: "52:54:00:12:34:56", Address: a("192.0.2.50"), File: "mine.0"},
				{UUID: "00112233-4455-6677-8899-aabbccddeeff", File: "x.efi"},
			},
			Boot: &server.BootConfig{NextServer: a("192.0.2.2"), Files: map[string]string{"bios": "probe.0"},
				IPXE: map[string]string{"bios": "x.ipxe"}, Default: "d", NoProxy: true},
		},
		TFTP: &server.TFTPConfig{Root: "/srv/tftp", MaxBlk: 1024, Silent: true, MaxWindow: 16, NoOptions: true, NoTsize: true, StopAfter: 3,
			Multicast: &server.MulticastConfig{First: netip.MustParseAddr("239.255.0.1"), Last: netip.MustParseAddr("239.255.0.8"), Port: 1758}},
		MTFTP: &server.MTFTPConfig{Root: "/srv/tftp", ClientPort: 1758, ServerPort: 1759, Timeout: 2, Delay: 3,
			Files: []server.MTFTPFile{{Name: "probe.0", Group: a("239.255.1.1")}}},
		Echo: &server.EchoConfig{Port: 7777},
	}
}

func TestValidate(t *testing.T) {
	if err := good().Validate(); err != nil {
		t.Errorf("the good one: %v", err)
	}
	bad := good()
	a := netip.MustParseAddr
	bad.Interface, bad.Address = "", netip.MustParsePrefix("192.0.2.1/24")
	bad.TFTP = &server.TFTPConfig{MaxBlk: 7, MaxWindow: 65536, StopAfter: -1, Multicast: &server.MulticastConfig{
		First: netip.MustParseAddr("239.255.0.2"), Last: netip.MustParseAddr("224.0.0.1"), Port: 65536}}
	bad.Echo.Port = 69
	bad.MTFTP = &server.MTFTPConfig{ClientPort: 70000, Delay: 256, Files: []server.MTFTPFile{{Name: "/abs", Group: a("224.0.0.1")},
		{Name: "f", Group: a("239.255.1.1")}, {Name: "g", Group: a("239.255.1.1")}, {Name: "f", Group: a("fd00::1")}}}
	bad.DHCP.First, bad.DHCP.Last, bad.DHCP.Lease = a("192.0.2.99"), a("192.0.2.98"), time.Second
	bad.DHCP.Router, bad.DHCP.DNS = a("fd00::1"), []netip.Addr{a("fd00::2")}
	bad.DHCP.Boot = &server.BootConfig{NextServer: a("fd00::3"), Files: map[string]string{"efi32": "x", "bios": ""},
		IPXE: map[string]string{"bios": strings.Repeat("x", 128)}, Default: "a\nb"}
	bad.DHCP.Reservations = []server.Reservation{
		{MAC: "52:54:00:12:34:56", Address: a("192.0.2.50")},
		{MAC: "52-54-00-12-34-56", Address: a("192.0.2.50")},
		{MAC: "52:54", File: "x"},
		{UUID: "00000000-0000-0000-0000-000000000000", File: "x"},
		{MAC: "52:54:00:12:34:57", UUID: "00112233-4455-6677-8899-aabbccddeeff"},
		{File: "x"},
		{MAC: "52:54:00:12:34:58", Address: a("192.0.2.1")},
		{MAC: "52:54:00:12:34:59", Address: a("198.51.100.1")},
	}
	golden.Check(t, "testdata/problems.txt", bad.Validate().Error()+"\n")
	for want, c := range map[string]server.Config{
		"no role is configured":                          {Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24")},
		`address "fd00::1/64" is not an IPv4`:            {Interface: "eth0", Address: netip.MustParsePrefix("fd00::1/64"), Echo: &server.EchoConfig{Port: 7}},
		"first and last are both needed":                 {Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24"), DHCP: &server.DHCPConfig{}},
		"first 192.0.2.0 is no host address":             {Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24"), DHCP: &server.DHCPConfig{First: a("192.0.2.0"), Last: a("192.0.2.9")}},
		"last 192.0.2.255 is no host address":            {Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24"), DHCP: &server.DHCPConfig{First: a("192.0.2.9"), Last: a("192.0.2.255")}},
		"mtftp: files is empty":                          {Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24"), MTFTP: &server.MTFTPConfig{Root: "/x"}},
		`pxe: mtftp: f: group "192.0.2.9" is no IPv4 mu`: {Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24"), DHCP: withTags(server.MTFTPTags{Group: a("192.0.2.9")})},
		`pxe: mtftp: f: timeout 256 is outside 0 to 255`: {Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24"), DHCP: withTags(server.MTFTPTags{Timeout: 256})},
		"echo: port 70000 is outside 1 to 655":           {Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.1/24"), Echo: &server.EchoConfig{Port: 70000}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// withTags is a DHCP server that tells how to have a file by multicast.
func withTags(tags server.MTFTPTags) *server.DHCPConfig {
	return &server.DHCPConfig{First: netip.MustParseAddr("192.0.2.8"), Last: netip.MustParseAddr("192.0.2.9"),
		PXE: &server.PXEConfig{MTFTP: map[string]server.MTFTPTags{"f": tags}}}
}

// TestConfigJSON: what the lab writes is what the server reads, and nothing is dropped in silence.
func TestConfigJSON(t *testing.T) {
	b, err := json.Marshal(good())
	if err != nil {
		t.Fatal(err)
	}
	c := good()
	c.Interface = "none such"
	b = []byte(strings.Replace(string(b), `"eth0"`, `"none such"`, 1))
	// A configuration that arrives whole fails only when the interface is looked for.
	if err := server.Main(t.Context(), strings.NewReader(string(b)), io.Discard, nil); err == nil || !strings.Contains(err.Error(), `server "dhcp": interface "none such"`) {
		t.Errorf("%v", err)
	}
	for in, want := range map[string]string{
		strings.Replace(string(b), `"lease"`, `"leese"`, 1): `unknown field "leese"`,
		string(b) + "\n{}": `"\n{}" follows it`,
		string(b[:50]):     "unexpected EOF",
		"{}":               "interface is empty",
	} {
		if err := server.Main(t.Context(), strings.NewReader(in), io.Discard, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestServerProcess is a server process: configuration in, messages out, ended from outside.
func TestServerProcess(t *testing.T) {
	l := newLAN(t)
	b, err := json.Marshal(config(t))
	must(t, err)
	in, writeIn := io.Pipe() // stays open, as the lab's does
	go func() { _, _ = writeIn.Write(b) }()
	out, writeOut := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- server.Main(ctx, in, writeOut, nil)
		writeOut.Close()
	}()
	var got []server.Message
	read := server.ReadMessages(out, func(m server.Message) {
		got = append(got, m)
		switch {
		case m.Ready:
			l.clientAddress("192.0.2.7/24")
			l.inClient(func() { ask(t, "192.0.2.1:7777", "one") })
		case m.Decision != nil:
			cancel()
		}
	})
	if err := <-ended; err != nil || read != nil {
		t.Errorf("Main: %v, ReadMessages: %v", err, read)
	}
	if len(got) != 2 || !got[0].Ready || got[0].Decision != nil || got[1].Decision.Role != "echo" || got[1].Decision.Bytes != 3 {
		t.Errorf("messages %+v", got)
	}
}

// TestReaderGone: a server whose lab died ends by itself.
func TestReaderGone(t *testing.T) {
	newLAN(t)
	b, err := json.Marshal(config(t))
	must(t, err)
	out, writeOut := io.Pipe()
	out.Close()
	if err := server.Main(t.Context(), strings.NewReader(string(b)), writeOut, nil); err == nil || !strings.Contains(err.Error(), "closed pipe") {
		t.Errorf("%v", err)
	}
}

func TestReadMessagesCutShort(t *testing.T) {
	n := 0
	err := server.ReadMessages(strings.NewReader(`{"ready":true,"later":1}`+"\n"+`{"deci`), func(server.Message) { n++ })
	if err == nil || n != 1 {
		t.Errorf("%d messages, %v", n, err)
	}
}

// TestMTFTPTags: what a boot server tells is what the MTFTP server does.
func TestMTFTPTags(t *testing.T) {
	m := &server.MTFTPConfig{Timeout: 1, Delay: 2, Files: []server.MTFTPFile{{Name: "a"}, {Name: "b", Group: netip.MustParseAddr("239.255.1.2")}}}
	want := &server.MTFTPTags{Group: netip.MustParseAddr("239.255.1.2"), ClientPort: 1758, ServerPort: 1759, Timeout: 1, Delay: 2}
	if diff := cmp.Diff(want, m.Tags("/b"), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if m.Tags("c") != nil {
		t.Error("tags of a file that is not there")
	}
}
