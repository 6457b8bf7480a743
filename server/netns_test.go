package server_test

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/tests/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

// lan is a cable between the server's interface svc0, in the namespace of the process, and cli0 in the client's.
type lan struct {
	t      *testing.T
	svc    netlink.Link
	client *netns.Host
}

func newLAN(t *testing.T, addresses ...string) *lan {
	t.Helper()
	netns.Need(t)
	l := &lan{t: t, client: netns.Add(t)}
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "svc0"}, PeerName: "cli0", PeerNamespace: l.client.NS}
	must(t, netlink.LinkAdd(veth))
	l.svc = netns.Link(t, "svc0")
	t.Cleanup(func() { must(t, netlink.LinkDel(l.svc)) })
	for _, a := range append(addresses, "192.0.2.1/24") {
		netns.Address(t, l.svc, a)
	}
	must(t, netlink.LinkSetUp(l.svc))
	l.inClient(func() { must(t, netlink.LinkSetUp(netns.Link(t, "cli0"))) })
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inClient runs f in the client's namespace; a program that f starts lives there too.
func (l *lan) inClient(f func()) { l.client.Do(f) }

// clientAddress gives cli0 an address by hand.
func (l *lan) clientAddress(a string) {
	l.inClient(func() { netns.Address(l.t, netns.Link(l.t, "cli0"), a) })
}

// run runs a client program to its end and gives its output.
func (l *lan) run(program string, args ...string) string {
	l.t.Helper()
	path := netns.Program(l.t, program)
	var (
		out []byte
		err error
	)
	l.inClient(func() { out, err = exec.CommandContext(l.t.Context(), path, args...).CombinedOutput() })
	if err != nil {
		l.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// serving is a running server and what it decides.
type serving struct {
	t         *testing.T
	decisions chan server.Decision
	last      server.Decision // that expect gave
	stop      func()
}

// Observe keeps a decision for expect.
func (s *serving) Observe(d server.Decision) { s.decisions <- d }

func (l *lan) serve(c server.Config) *serving {
	l.t.Helper()
	s := &serving{t: l.t, decisions: make(chan server.Decision, 1000)}
	ctx, cancel := context.WithCancel(l.t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- server.Run(ctx, c, s, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		l.t.Fatal(err)
	}
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
		ended <- nil
	}
	l.t.Cleanup(s.stop)
	return s
}

// expect gives the next decision that answers a request of this name. A client that waited for a processor may have
// repeated the request before, which is passed over.
func (s *serving) expect(request, reply string) server.Decision {
	s.t.Helper()
	d := <-s.decisions
	for d.Request != request && d.Request == s.last.Request && d.Client == s.last.Client && d.XID == s.last.XID {
		d = <-s.decisions
	}
	s.last = d
	if d.Request != request || d.Reply != reply || d.Reason == "" || d.Time.IsZero() {
		s.t.Fatalf("decision %+v\nwant %q answered with %q", d, request, reply)
	}
	return d
}

// config is a server with all roles at 192.0.2.1.
func config(t *testing.T) server.Config {
	t.Helper()
	root := t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, "x64.efi"), make([]byte, 5000), 0o600))
	return server.Config{
		Name: "all", Interface: "svc0", Address: netip.MustParsePrefix("192.0.2.1/24"),
		DHCP: &server.DHCPConfig{First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"),
			Router: netip.MustParseAddr("192.0.2.254"), DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
			Boot: &server.BootConfig{Files: map[string]string{"efi-x64": "x64.efi"}}},
		TFTP: &server.TFTPConfig{Root: root},
		Echo: &server.EchoConfig{Port: 7777},
	}
}
