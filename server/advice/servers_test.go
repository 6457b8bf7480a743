package advice_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/advice"
	"github.com/pxelab/pxelab/tests/golden"
	"github.com/pxelab/pxelab/tests/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file makes a file for a daemon, which may have dropped its rights.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(content), 0o644)) //nolint:gosec // a daemon reads it
	return path
}

// files makes a folder to serve from.
func files(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	must(t, os.Chmod(root, 0o755)) //nolint:gosec // other programs serve it
	for i, n := range names {
		must(t, os.WriteFile(filepath.Join(root, n), make([]byte, 1000+i), 0o644)) //nolint:gosec // other programs serve it
	}
	return root
}

// serve runs our own server on the LAN, with address 192.0.2.1.
func serve(t *testing.T, c server.Config) {
	t.Helper()
	c.Name, c.Interface, c.Address = "own", "lan0", netip.MustParsePrefix("192.0.2.1/24")
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- server.Run(ctx, c, silent{}, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
}

type silent struct{}

func (silent) Observe(server.Decision) {}

// The pools of these servers have one address, so that each asker gets one only if the one before gave it back.
const (
	keaConfig = `{"Dhcp4": {
  "interfaces-config": {"interfaces": ["eth0"]},
  "lease-database": {"type": "memfile", "persist": false},
  "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stderr", "flush": true}]}],
  "client-classes": [
    {"name": "ipxe", "test": "option[77].hex == 'iPXE'", "boot-file-name": "http://192.0.2.1/boot.ipxe"},
    {"name": "x64", "test": "option[93].hex == 0x0007 and not member('ipxe')", "boot-file-name": "x64.efi", "next-server": "192.0.2.1"},
    {"name": "bios", "test": "option[93].hex == 0x0000 and not member('ipxe')", "boot-file-name": "bios.0", "next-server": "192.0.2.1"},
    {"name": "http", "test": "substring(option[60].hex,0,10) == 'HTTPClient'", "boot-file-name": "http://192.0.2.1/x64.efi",
     "option-data": [{"name": "vendor-class-identifier", "data": "HTTPClient", "always-send": true}]}],
  "subnet4": [{"subnet": "192.0.2.0/24", "pools": [{"pool": "192.0.2.110-192.0.2.110"}]}]}}`

	// As it is on many pages: HTTP clients get a URI and no class, and what is not EFI x64 a file for BIOS.
	dhcpdConfig = `
option arch code 93 = unsigned integer 16;
subnet 192.0.2.0 netmask 255.255.255.0 {
	range 192.0.2.120 192.0.2.120;
	ping-check false;
	next-server 192.0.2.1;
	if exists user-class and option user-class = "iPXE" { filename "undionly.kpxe"; }
	elsif substring(option vendor-class-identifier, 0, 10) = "HTTPClient" { filename "http://192.0.2.1/x64.efi"; }
	elsif option arch = 00:07 or option arch = 00:09 { filename "x64.efi"; }
	else { filename "undionly.kpxe"; }
}
`
)

// servers are those that a survey is held against, each started on a LAN.
var servers = map[string]func(*testing.T, *netns.LAN){
	"kea": func(t *testing.T, l *netns.LAN) {
		serve(t, server.Config{TFTP: &server.TFTPConfig{Root: files(t, "x64.efi", "bios.0")}})
		l.Add(t, "192.0.2.3/24").Daemon(t, "DHCP4_STARTED", "kea-dhcp4", "-c", file(t, "kea.json", keaConfig))
	},
	"dhcpd": func(t *testing.T, l *netns.LAN) {
		serve(t, server.Config{TFTP: &server.TFTPConfig{Root: files(t, "x64.efi")}}) // and no undionly.kpxe
		l.Add(t, "192.0.2.4/24").Daemon(t, "Server starting service.", "dhcpd", "-4", "-f", "-d", "-user", "root", "-group", "root",
			"-cf", file(t, "dhcpd.conf", dhcpdConfig), "-lf", file(t, "leases", ""), "-pf", filepath.Join(t.TempDir(), "pid"), "eth0")
	},
	"dnsmasq": func(t *testing.T, l *netns.LAN) {
		l.Add(t, "192.0.2.2/24").Daemon(t, "started, version", "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--user=root", "--group=root",
			"--conf-file=/dev/null", "--pid-file", "--port=0", "--no-ping", "--interface=eth0", "--bind-interfaces",
			"--dhcp-leasefile="+filepath.Join(t.TempDir(), "leases"), "--dhcp-range=192.0.2.100,192.0.2.100,1h", "--enable-tftp",
			"--tftp-root="+files(t, "bios.0", "x64.efi"), "--dhcp-match=set:efi,option:client-arch,9", "--dhcp-boot=tag:!efi,bios.0",
			"--dhcp-boot=tag:efi,x64.efi")
	},
	"own": func(t *testing.T, _ *netns.LAN) {
		a := netip.MustParseAddr("192.0.2.100")
		serve(t, server.Config{TFTP: &server.TFTPConfig{Root: files(t, "bios.0", "ia32.efi", "x64.efi", "boot.ipxe")},
			DHCP: &server.DHCPConfig{First: a, Last: a, Boot: &server.BootConfig{
				Files: map[string]string{"bios": "bios.0", "efi-ia32": "ia32.efi", "efi-x64": "x64.efi"},
				IPXE:  map[string]string{"bios": "boot.ipxe", "efi-ia32": "boot.ipxe", "efi-x64": "boot.ipxe"},
				HTTP:  map[string]string{"efi-x64": "http://192.0.2.1/x64.efi"}}}})
	},
	"own-no-tsize": func(t *testing.T, _ *netns.LAN) {
		a := netip.MustParseAddr("192.0.2.100")
		serve(t, server.Config{TFTP: &server.TFTPConfig{Root: files(t, "bios.0"), NoTsize: true},
			DHCP: &server.DHCPConfig{First: a, Last: a, Boot: &server.BootConfig{Default: "bios.0"}}})
	},
}

// TestServers asks real servers as each machine, and holds the whole table.
func TestServers(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			l := netns.NewLAN(t)
			start(t, l)
			host := l.Add(t)
			s := advice.Survey{Interface: "eth0", MAC: net.HardwareAddr{2, 'p', 'x', 'e', 0, 1}, Wait: 5 * time.Second, Offers: 1}
			var answers []advice.Answer
			var err error
			host.Do(func() { answers, err = s.Ask(t.Context(), advice.Askers()) })
			must(t, err)
			golden.Check(t, filepath.Join("testdata", name+".txt"), advice.NewReport(s.MAC, answers).String())
		})
	}
}
