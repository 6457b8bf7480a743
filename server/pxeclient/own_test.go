package pxeclient_test

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// program is what the servers of these tests have to give.
var program = bytes.Repeat([]byte("boot program "), 5000)

func tftpRoot(t *testing.T, names ...string) string {
	root := t.TempDir()
	must(t, os.Chmod(root, 0o755)) //nolint:gosec // other programs serve it
	for _, n := range names {
		must(t, os.WriteFile(filepath.Join(root, n), program, 0o644)) //nolint:gosec // other programs serve it
	}
	return root
}

// decisions is an Observer that keeps what our server said.
type decisions chan server.Decision

func (d decisions) Observe(x server.Decision) { d <- x }

// serve runs our own server on the LAN.
func (l *lan) serve(c server.Config) decisions {
	l.t.Helper()
	c.Name, c.Interface, c.Address = "own", "lan0", netip.MustParsePrefix("192.0.2.1/24")
	said := make(decisions, 1000)
	ctx, cancel := context.WithCancel(l.t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- server.Run(ctx, c, said, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		cancel()
		must(l.t, <-ended)
	})
	return said
}

// enough ends the collection of offers at this many.
func enough(n int) func([]*pxeclient.Reply) bool {
	return func(offers []*pxeclient.Reply) bool { return len(offers) >= n }
}

func TestOwnServer(t *testing.T) {
	l := newLAN(t)
	l.serve(server.Config{TFTP: &server.TFTPConfig{Root: tftpRoot(t, "x64.efi")},
		DHCP: &server.DHCPConfig{First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"),
			Boot: &server.BootConfig{Files: map[string]string{"efi-x64": "x64.efi"}}}})
	h := l.host()
	for name, broadcast := range map[string]bool{"unicast": false, "broadcast": true} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			c := h.client(pxeclient.Config{Archs: []pxe.Arch{pxe.ArchEFIX64}, UUID: &pxe.UUID{}, Broadcast: broadcast, Enough: enough(1)})
			w, err := c.Boot(t.Context(), pxeclient.FirstItem)
			must(t, err)
			if w.Choice.Kind != pxeclient.PlainDHCP || w.Lease.YIAddr != netip.MustParseAddr("192.0.2.100") || !bytes.Equal(w.Program, program) {
				t.Errorf("%s", w)
			}
			if _, err := c.Renew(t.Context()); err != nil {
				t.Error(err)
			}
			must(t, c.Release())
			to := "192.0.2.100:68"
			if broadcast {
				to = "255.255.255.255:68"
			}
			wantDialogue(t, c, "0.0.0.0:68 > 255.255.255.255:67 DHCPDISCOVER", "192.0.2.1:67 > "+to+" DHCPOFFER",
				"0.0.0.0:68 > 255.255.255.255:67 DHCPREQUEST", "192.0.2.1:67 > "+to+" DHCPACK",
				"192.0.2.100:68 > 192.0.2.1:67 DHCPREQUEST", "192.0.2.1:67 > 192.0.2.100:68 DHCPACK", "192.0.2.100:68 > 192.0.2.1:67 DHCPRELEASE")
			problems(t, c)
		})
	}
}
