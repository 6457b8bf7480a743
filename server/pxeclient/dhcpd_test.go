package pxeclient_test

import (
	"path/filepath"
	"testing"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// keaConfig chooses the boot file by option 93, as Kea's manual has it.
const keaConfig = `{"Dhcp4": {
  "interfaces-config": {"interfaces": ["eth0"]},
  "lease-database": {"type": "memfile", "persist": false},
  "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stderr", "flush": true}]}],
  "client-classes": [
    {"name": "x64", "test": "option[93].hex == 0x0007", "boot-file-name": "x64.efi", "next-server": "192.0.2.1"},
    {"name": "bios", "test": "option[93].hex == 0x0000", "boot-file-name": "bios.0", "next-server": "192.0.2.1"},
    {"name": "http", "test": "substring(option[60].hex,0,10) == 'HTTPClient'", "boot-file-name": "http://192.0.2.1/x64.efi",
     "option-data": [{"name": "vendor-class-identifier", "data": "HTTPClient", "always-send": true}]}],
  "subnet4": [{"subnet": "192.0.2.0/24", "pools": [{"pool": "192.0.2.110-192.0.2.119"}],
    "option-data": [{"name": "routers", "data": "192.0.2.254"}]}]}}`

func TestKea(t *testing.T) {
	l := newLAN(t)
	l.serve(server.Config{TFTP: &server.TFTPConfig{Root: tftpRoot(t, "x64.efi", "bios.0")}})
	s := l.host("192.0.2.3/24")
	s.daemon("DHCP4_STARTED", "kea-dhcp4", "-c", file(t, "kea.json", keaConfig))
	for name, c := range map[string]struct {
		cfg  pxeclient.Config
		kind pxeclient.Kind
		file string
	}{
		"x64":       {pxeclient.Config{Archs: x64, UUID: zero}, pxeclient.PlainDHCP, "x64.efi"},
		"bios":      {pxeclient.Config{Archs: bios, UUID: zero}, pxeclient.PlainDHCP, "bios.0"},
		"broadcast": {pxeclient.Config{Archs: bios, UUID: zero, Broadcast: true}, pxeclient.PlainDHCP, "bios.0"},
		"http":      {pxeclient.Config{Archs: []pxe.Arch{16}, HTTP: true}, pxeclient.HTTP, "http://192.0.2.1/x64.efi"},
	} {
		t.Run(name, func(t *testing.T) {
			client := l.boots(t, c.cfg, c.kind, c.file)
			if _, err := client.Renew(t.Context()); err != nil {
				t.Error(err)
			}
			must(t, client.Release())
			problems(t, client, "shorter than 300 octets") // Kea fills no reply up
		})
	}
}

// dhcpdConfig chooses by option 93, and gives clients of the UNDI 2.1 kind PXE options as ISC's manual has it.
const dhcpdConfig = `
option arch code 93 = unsigned integer 16;
option space PXE;
option PXE.control code 6 = unsigned integer 8;
class "direct" {
	match if option vendor-class-identifier = "PXEClient:Arch:00000:UNDI:002001";
	vendor-option-space PXE;
	option vendor-class-identifier "PXEClient";
	option PXE.control 8;
}
subnet 192.0.2.0 netmask 255.255.255.0 {
	range dynamic-bootp 192.0.2.120 192.0.2.129;
	option routers 192.0.2.254;
	next-server 192.0.2.1;
	if option arch = 00:07 { filename "x64.efi"; } else { filename "bios.0"; }
}
`

func TestDhcpd(t *testing.T) {
	l := newLAN(t)
	l.serve(server.Config{TFTP: &server.TFTPConfig{Root: tftpRoot(t, "x64.efi", "bios.0")}})
	s := l.host("192.0.2.4/24")
	dir := t.TempDir()
	leases := file(t, "leases", "")
	s.daemon("Server starting service.", "dhcpd", "-4", "-f", "-d", "-user", "root", "-group", "root", "-cf", file(t, "dhcpd.conf", dhcpdConfig),
		"-lf", leases, "-pf", filepath.Join(dir, "pid"), "eth0")
	for name, c := range map[string]struct {
		cfg  pxeclient.Config
		kind pxeclient.Kind
		file string
		bad  []string
	}{
		"x64":                  {pxeclient.Config{Archs: x64, UUID: zero}, pxeclient.PlainDHCP, "x64.efi", nil},
		"bootp":                {pxeclient.Config{BOOTP: true, Class: "none"}, pxeclient.BOOTP, "bios.0", nil},
		"bootp without cookie": {pxeclient.Config{BOOTP: true, NoCookie: true}, pxeclient.BOOTP, "bios.0", nil},
		"direct":               {pxeclient.Config{Archs: bios, UUID: zero, Broadcast: true}, pxeclient.DHCPPXE, "bios.0", []string{"option 43 not ended", "option 97 not returned"}},
	} {
		t.Run(name, func(t *testing.T) {
			client := l.boots(t, c.cfg, c.kind, c.file)
			problems(t, client, c.bad...)
		})
	}
}
