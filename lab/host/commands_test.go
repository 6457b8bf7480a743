package host

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestCommands(t *testing.T) {
	program := &fstest.MapFile{Mode: 0o755}
	m := machine{
		root: fstest.MapFS{"usr/bin/dnsmasq": program, "usr/sbin/dnsmasq": program, "usr/sbin/dhcrelay": program,
			"usr/bin/notes": {Mode: 0o644}, "opt/own/server": program, "bin/relative": program,
			"home/.cache/pxelab/servers/nginx/usr/sbin/nginx": program, "home/.cache/pxelab/servers/dnsmasq/usr/sbin/dnsmasq": program},
		cache:  "/home/.cache/pxelab",
		getenv: func(string) string { return "bin:/usr/bin" },
	}
	got := m.commands([]string{"dnsmasq", "dhcrelay", "notes", "/opt/own/server", "/opt/own/none", "relative", "none", "nginx"})
	want := map[string]string{"dnsmasq": "/home/.cache/pxelab/servers/dnsmasq/usr/sbin/dnsmasq", "dhcrelay": "/usr/sbin/dhcrelay", "/opt/own/server": "/opt/own/server",
		"nginx": "/home/.cache/pxelab/servers/nginx/usr/sbin/nginx"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
}

func TestInstall(t *testing.T) {
	for _, c := range []struct{ distro, pkg, want string }{
		{"debian", "isc-dhcp-relay", "run: sudo apt-get install --no-install-recommends isc-dhcp-relay"},
		{"fedora", "isc-dhcp-relay", "install isc-dhcp-relay (its name in Debian) from your distribution"},
		{"", "", "install it from your distribution"},
	} {
		if got := (&Host{Distro: c.distro}).Install(c.pkg); got != c.want {
			t.Errorf("%q on %q: %q, want %q", c.pkg, c.distro, got, c.want)
		}
	}
}
