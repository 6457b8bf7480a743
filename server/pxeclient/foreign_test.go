package pxeclient_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/pxelab/pxelab/server/pxeclient"
)

// daemon runs a server of somebody else's on the host until the test ends.
func (h *host) daemon(ready, program string, args ...string) {
	h.t.Helper()
	h.ns.Daemon(h.t, ready, program, args...)
}

// file makes a file for a daemon's arguments.
func file(t *testing.T, name, content string) string {
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(content), 0o644)) //nolint:gosec // a daemon may have dropped its rights
	return path
}

// dnsmasq runs dnsmasq on the host with what every test here wants of it.
func (h *host) dnsmasq(args ...string) {
	h.t.Helper()
	h.daemon("started, version", "dnsmasq", append([]string{"--keep-in-foreground", "--log-facility=-", "--user=root", "--group=root",
		"--conf-file=/dev/null", "--pid-file", "--port=0", "--no-ping", "--interface=eth0", "--bind-interfaces",
		"--dhcp-leasefile=" + filepath.Join(h.t.TempDir(), "leases")}, args...)...)
}

// boots makes a client boot from a server of somebody else's, each message sent once, and holds the kind of its choice,
// the file and, unless that is for HTTP to fetch, the program against what they should be.
func (l *lan) boots(t *testing.T, cfg pxeclient.Config, kind pxeclient.Kind, file string) *pxeclient.Client {
	t.Helper()
	h := l.host()
	h.t = t
	cfg.Enough, cfg.Schedule = enough(1), once
	client := h.client(cfg)
	w, err := client.Boot(t.Context(), pxeclient.FirstItem)
	must(t, err)
	if w.Choice.Kind != kind || w.File.Name != file || kind != pxeclient.HTTP && !bytes.Equal(w.Program, program) {
		t.Errorf("%s", w)
	}
	return client
}
