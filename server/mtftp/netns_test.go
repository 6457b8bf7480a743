package mtftp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/tests/netns"
)

// serves is set in the process that is to be a server.
const serves = "PXELAB_TEST_MTFTP_ROOT"

func TestMain(m *testing.M) {
	if root := os.Getenv(serves); root != "" {
		serveProcess(root)
		return
	}
	netns.Main(m)
}

// serverIP is the address of the bridge, where the server is.
var serverIP = netip.MustParseAddr("192.0.2.1")

// lan is a bridge with an address, and hosts plugged into it.
type lan struct {
	t      *testing.T
	bridge netlink.Link
	n      int
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	netns.Need(t)
	snooping := false
	must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}, MulticastSnooping: &snooping}))
	l := &lan{t: t, bridge: netns.Link(t, "br0")}
	t.Cleanup(func() { must(t, netlink.LinkDel(l.bridge)) })
	address(t, l.bridge, serverIP)
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// address gives a link an address, and takes it up.
func address(t testing.TB, l netlink.Link, a netip.Addr) {
	t.Helper()
	must(t, netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(24, 32)}}))
	must(t, netlink.LinkSetUp(l))
}

// host is a network namespace of its own with one interface, eth0.
type host struct {
	t    *testing.T
	addr netip.Addr
	ns   *netns.Host
	port string // the other end of its wire
}

// plug adds a host, wired to the bridge.
func (l *lan) plug() *host { return l.host(l.bridge) }

// host adds a host; with a nil bridge the other end of its wire, named pN, is left for a relay.
func (l *lan) host(bridge netlink.Link) *host {
	l.t.Helper()
	l.n++
	h := &host{t: l.t, ns: netns.Add(l.t), addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + l.n)})}
	name := fmt.Sprint("p", l.n)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "eth0", PeerNamespace: h.ns.NS}
	must(l.t, netlink.LinkAdd(veth))
	h.port = name
	port := netns.Link(l.t, name)
	l.t.Cleanup(func() { must(l.t, netlink.LinkDel(port)) })
	if bridge != nil {
		must(l.t, netlink.LinkSetMaster(port, bridge))
	}
	updates, enough := make(chan netlink.LinkUpdate, 64), make(chan struct{})
	must(l.t, netlink.LinkSubscribe(updates, enough))
	defer close(enough)
	must(l.t, netlink.LinkSetUp(port))
	h.do(func() { address(l.t, netns.Link(l.t, "eth0"), h.addr) })
	for netns.Link(l.t, name).Attrs().OperState != netlink.OperUp { // till then the bridge forwards nothing to it
		<-updates
	}
	return h
}

// do runs f in the host's namespace, to its end.
func (h *host) do(f func()) { h.ns.Do(f) }
