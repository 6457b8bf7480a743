package netns

import (
	"fmt"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// LAN is a bridge, lan0, in the namespace of the process, where servers of the test's own run with address 192.0.2.1. Other
// hosts have namespaces of their own.
type LAN struct {
	bridge netlink.Link
	ports  int
}

// NewLAN makes a LAN that is gone when the test ends.
func NewLAN(t testing.TB) *LAN {
	t.Helper()
	Need(t)
	no := false // nobody sends the queries that snooping needs
	must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, MulticastSnooping: &no}))
	l := &LAN{bridge: Link(t, "lan0")}
	t.Cleanup(func() { must(t, netlink.LinkDel(l.bridge)) })
	Address(t, l.bridge, "192.0.2.1/24")
	must(t, netlink.LinkSetUp(l.bridge))
	return l
}

// Add makes a host whose interface eth0 is on the LAN.
func (l *LAN) Add(t testing.TB, addresses ...string) *Host {
	t.Helper()
	h := Add(t)
	l.ports++
	name := fmt.Sprintf("port%d", l.ports)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, MasterIndex: l.bridge.Attrs().Index}, PeerName: "eth0", PeerNamespace: h.NS}
	must(t, netlink.LinkAdd(veth))
	must(t, netlink.LinkSetUp(Link(t, name)))
	t.Cleanup(func() { must(t, netlink.LinkDel(veth)) })
	h.Do(func() {
		eth0 := Link(t, "eth0")
		for _, a := range addresses {
			Address(t, eth0, a)
		}
		must(t, netlink.LinkSetUp(Link(t, "lo")))
		must(t, netlink.LinkSetUp(eth0))
		awaitUp(t, "eth0")
	})
	awaitUp(t, name)
	return h
}

// awaitUp waits until an interface carries frames: a port of a bridge drops them until somewhat after it was set up, and
// the first of a client that speaks at once would be lost.
func awaitUp(t testing.TB, name string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for Link(t, name).Attrs().OperState != netlink.OperUp {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("interface %s did not come up", name)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
