package dhcp

import (
	"fmt"
	"strings"
	"testing"
)

// TestHTTPBoot: what clients of UEFI HTTP boot are told, and what others are told beside them.
func TestHTTPBoot(t *testing.T) {
	const x64, ia32, long = "http://192.0.2.1/x64.efi", "http://192.0.2.1:8080/ia32.efi", 230
	httpClass := class("HTTPClient:Arch:00016:UNDI:003000")
	for _, c := range []struct {
		name   string
		sets   []set
		class  string // option 60 of the reply
		file   string
		siaddr string
		reason string
	}{
		{"x64", []set{httpClass, arch(0, 16)}, "HTTPClient", x64, "0.0.0.0", "HTTPClient, and option 93 = 16, so the URI for efi-x64"},
		{"ia32", []set{httpClass, arch(0, 15)}, "HTTPClient", ia32, "0.0.0.0", "option 93 = 15, so the URI for efi-ia32"},
		{"first known of a list", []set{httpClass, arch(0, 19, 0, 15)}, "HTTPClient", ia32, "0.0.0.0", "option 93 = 15"},
		{"class when there is no 93", []set{httpClass}, "HTTPClient", x64, "0.0.0.0", "option 60's Arch = 16"},
		{"the code of the machine", []set{httpClass, arch(0, 7)}, "HTTPClient", x64, "0.0.0.0", "option 93 = 7, so the URI for efi-x64"},
		{"no architecture", []set{class("HTTPClient")}, "", "", "0.0.0.0", "no URI: it names no architecture"},
		{"none for it", []set{httpClass, arch(0, 19)}, "", "", "0.0.0.0", "no URI: none is configured for efi-aa64"},
		{"a PXE client beside it", []set{class("PXEClient:Arch:00007:UNDI:003000"), arch(0, 7)}, "", "x64.efi", "192.0.2.1", "so efi-x64"},
		{"iPXE told a URI", []set{opt(77, []byte("iPXE")...), class("PXEClient:Arch:00000:UNDI:002001"), arch(0, 0)}, "", "http://192.0.2.1/probe.0", "192.0.2.1", "iPXE, and option 93 = 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Boot.HTTP = map[string]string{"efi-x64": x64, "efi-ia32": ia32}
			cfg.Boot.IPXE["bios"] = "http://192.0.2.1/probe.0"
			r, d := Answer(message(discover, 1, c.sets...), cfg, NewLeases(), t0)
			if r == nil || d.File != c.file || !strings.Contains(d.Reason, c.reason) {
				t.Fatalf("reply %v, file %q (%s), want %q (%s)", r != nil, d.File, d.Reason, c.file, c.reason)
			}
			wire := fields(t, r)
			if got := wire["60"]; got != fmt.Sprintf("%x", c.class) {
				t.Errorf("option 60 = %s, want %q", got, c.class)
			}
			if got := wire["67"]; c.file != "" && got != fmt.Sprintf("%x", c.file+"\x00") || c.file == "" && got != "" {
				t.Errorf("option 67 = %s", got)
			}
			if r.Packet.ServerIPAddr.String() != c.siaddr || r.Packet.BootFileName != c.file {
				t.Errorf("siaddr %s, file %q", r.Packet.ServerIPAddr, r.Packet.BootFileName)
			}
		})
	}

	// A URI that the file field cannot hold is in option 67 alone.
	cfg := testConfig()
	cfg.Boot.HTTP = map[string]string{"efi-x64": "http://192.0.2.1/" + strings.Repeat("x", long)}
	r, d := Answer(message(discover, 1, httpClass, arch(0, 16), opt(57, 5, 0xc0)), cfg, NewLeases(), t0)
	if wire := fields(t, r); r.Packet.BootFileName != "" || wire["67"] != fmt.Sprintf("%x", d.File+"\x00") {
		t.Errorf("file field %q, option 67 of %d octets", r.Packet.BootFileName, len(wire["67"])/2)
	}
	// A reserved file serves HTTP boot only if it is a URI.
	for file, want := range map[string]string{"mine.efi": "", "http://192.0.2.1/mine.efi": "http://192.0.2.1/mine.efi"} {
		cfg := testConfig()
		cfg.Reservations = []Reservation{{MAC: mac(1), File: file}}
		if _, d := Answer(message(discover, 1, httpClass, arch(0, 16)), cfg, NewLeases(), t0); d.File != want {
			t.Errorf("reserved %q: told %q (%s)", file, d.File, d.Reason)
		}
	}
}
