// Package network makes a lab's networks inside a sandbox: bridges, hosts in network namespaces of their own,
// and the cables that plug guests in.
//
// What it makes keeps quiet unless asked: no solicitation of its own disturbs a wire that a lab judges, and no
// multicast report one without IPv6. Everything hangs on descriptors of this process, so nothing outlives the sandbox.
package network

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/network/sandbox"
)

// Bridge is one network of a lab: a Linux bridge that forwards from its first frame on.
type Bridge struct {
	name  string
	index int
	mac   net.HardwareAddr
}

// NewBridge makes a bridge and brings it up. It refuses outside a sandbox, where it would change the host.
func NewBridge(name string) (*Bridge, error) {
	if !sandbox.Inside() {
		return nil, fmt.Errorf("make bridge %q: this is not the inside of a sandbox, but the host's own network", name)
	}
	snooping := false // would hold back multicast until a querier is heard, which a lab has none of
	b := &Bridge{name: name, mac: macFor(name)}
	link := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name, HardwareAddr: b.mac}, MulticastSnooping: &snooping}
	if err := netlink.LinkAdd(link); err != nil {
		return nil, fmt.Errorf("make bridge %q: %w", name, err)
	}
	b.index = link.Index
	if err := errors.Join(forwardAtOnce(b.index), keepQuiet(link), netlink.LinkSetUp(link)); err != nil {
		b.Close()
		return nil, fmt.Errorf("make bridge %q: %w", name, err)
	}
	return b, nil
}

// Name is the bridge's interface name.
func (b *Bridge) Name() string { return b.name }

// Close removes the bridge. What was plugged into it stays, with nowhere to send to.
func (b *Bridge) Close() error {
	if err := netlink.LinkDel(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Index: b.index}}); err != nil {
		return fmt.Errorf("remove bridge %q: %w", b.name, err)
	}
	return nil
}

// macFor gives a locally administered address that follows from a name: a bridge without an address of its
// own takes one of its ports', and another one when that port goes.
func macFor(name string) net.HardwareAddr {
	h := fnv.New32a()
	h.Write([]byte(name))
	return net.HardwareAddr(h.Sum([]byte{0x02, 0xb0}))
}

// forwardAtOnce turns the spanning tree off, and with it the 15 s in which a new port only listens.
func forwardAtOnce(index int) error {
	request := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(index)
	request.AddData(msg)
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	data.AddRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(0))
	data.AddRtAttr(nl.IFLA_BR_FORWARD_DELAY, nl.Uint32Attr(0))
	request.AddData(info)
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	if err != nil {
		return fmt.Errorf("turn the spanning tree off: %w", err)
	}
	return nil
}

// addPort makes link a port of the bridge, brings it up, and waits until the bridge forwards its frames.
func (b *Bridge) addPort(link netlink.Link, alias string) error {
	err := errors.Join(
		netlink.LinkSetAlias(link, alias), // "ip link" in the lab shows the whole name
		keepQuiet(link),
		netlink.LinkSetMasterByIndex(link, b.index),
		netlink.LinkSetUp(link))
	if err != nil {
		return err
	}
	if link.Type() == "veth" { // a tap forwards from the moment it is up, and does not say so
		if err := awaitUp(link.Attrs().Name); err != nil {
			return err
		}
	}
	return awaitUp(b.name)
}
