package pxeclient_test

import (
	"testing"

	"github.com/pxelab/pxelab/server/pxeclient"
	"github.com/pxelab/pxelab/tests/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

// lan is the LAN of one test, where our own servers run with address 192.0.2.1.
type lan struct {
	t *testing.T
	*netns.LAN
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	return &lan{t, netns.NewLAN(t)}
}

// host is a network namespace whose interface eth0 is on the LAN.
type host struct {
	t  *testing.T
	ns *netns.Host
}

func (l *lan) host(addresses ...string) *host {
	l.t.Helper()
	return &host{t: l.t, ns: l.Add(l.t, addresses...)}
}

// in runs f in the host's namespace; a program that f starts lives there too.
func (h *host) in(f func()) { h.ns.Do(f) }

// client puts a PXE client on the host's interface.
func (h *host) client(cfg pxeclient.Config) *pxeclient.Client {
	h.t.Helper()
	cfg.Interface = "eth0"
	var c *pxeclient.Client
	var err error
	h.in(func() { c, err = pxeclient.New(cfg) })
	must(h.t, err)
	h.t.Cleanup(func() { must(h.t, c.Close()) })
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
