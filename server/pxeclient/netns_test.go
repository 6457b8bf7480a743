package pxeclient_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/server/pxeclient"
	"github.com/pxelab/pxelab/tests/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

// lan is a bridge, lan0, in the namespace of the process, where our own servers run with address 192.0.2.1. Other hosts
// have namespaces of their own.
type lan struct {
	t      *testing.T
	bridge netlink.Link
	ports  int
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	netns.Need(t)
	no := false // nobody sends the queries that snooping needs
	must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, MulticastSnooping: &no}))
	l := &lan{t: t, bridge: netns.Link(t, "lan0")}
	t.Cleanup(func() { must(t, netlink.LinkDel(l.bridge)) })
	netns.Address(t, l.bridge, "192.0.2.1/24")
	must(t, netlink.LinkSetUp(l.bridge))
	return l
}

// host is a network namespace whose interface eth0 is on the LAN.
type host struct {
	t  *testing.T
	ns *netns.Host
}

func (l *lan) host(addresses ...string) *host {
	l.t.Helper()
	h := &host{t: l.t, ns: netns.Add(l.t)}
	l.ports++
	name := fmt.Sprintf("port%d", l.ports)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, MasterIndex: l.bridge.Attrs().Index}, PeerName: "eth0",
		PeerNamespace: h.ns.NS}
	must(l.t, netlink.LinkAdd(veth))
	must(l.t, netlink.LinkSetUp(netns.Link(l.t, name)))
	l.t.Cleanup(func() { must(l.t, netlink.LinkDel(veth)) })
	h.in(func() {
		eth0 := netns.Link(l.t, "eth0")
		for _, a := range addresses {
			netns.Address(l.t, eth0, a)
		}
		must(l.t, netlink.LinkSetUp(netns.Link(l.t, "lo")))
		must(l.t, netlink.LinkSetUp(eth0))
		awaitUp(l.t, "eth0")
	})
	awaitUp(l.t, name)
	return h
}

// in runs f in the host's namespace; a program that f starts lives there too.
func (h *host) in(f func()) { h.ns.Do(f) }

// awaitUp waits until an interface carries frames: a port of a bridge drops them until somewhat after it was set up, and
// the first of a client that speaks at once would be lost.
func awaitUp(t *testing.T, name string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for netns.Link(t, name).Attrs().OperState != netlink.OperUp {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("interface %s did not come up", name)
		}
	}
}

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
