package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// HostConfig says what a host on a bridge looks like.
type HostConfig struct {
	Name     string           // unique among the lab's hosts
	MAC      net.HardwareAddr // of its eth0
	Address  netip.Prefix     // of its eth0, IPv4, with the subnet's length
	Address6 netip.Prefix     // of its eth0, IPv6; either may be absent, and both only of a Client
	Client   bool             // it has no address: a DHCP client there gets one
}

// Host is a network namespace with an interface, eth0, on a bridge: where a service runs. Join gives it more.
type Host struct {
	name string
	port string // its veth's end on the bridge
	ns   *os.File

	further []string // the same of eth1 and so on
}

// AddHost adds a host to the bridge. Its eth0 carries frames when AddHost returns. Only with an IPv6 address has it a
// link-local one too, for which the kernel sends multicast reports. Both are usable at once: no duplicate address
// detection is sent, nor is a router solicited.
func (b *Bridge) AddHost(c HostConfig) (*Host, error) {
	if len(c.MAC) != 6 || (c.Address.IsValid() || c.Address6.IsValid()) == c.Client {
		return nil, fmt.Errorf("add host %q: needs a MAC and an address, has %q and %v", c.Name, c.MAC, c.Address)
	}
	ns, err := newNamespace()
	if err != nil {
		return nil, fmt.Errorf("add host %q: %w", c.Name, err)
	}
	h := &Host{name: c.Name, port: interfaceName("h", c.Name), ns: ns}
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: h.port})
	veth.PeerName, veth.PeerHardwareAddr, veth.PeerNamespace = "eth0", c.MAC, netlink.NsFd(int(ns.Fd()))
	if err := netlink.LinkAdd(veth); err != nil {
		ns.Close()
		return nil, fmt.Errorf("add host %q as interface %q: %w", c.Name, h.port, err)
	}
	err = h.Do(func() error { return furnish(c) })
	if err == nil {
		err = errors.Join(finishFrames(h.port), b.addPort(veth, "host "+c.Name+" on "+b.name))
	}
	if err == nil {
		err = h.Do(func() error { return awaitUp("eth0") })
	}
	if err != nil {
		h.Close()
		return nil, fmt.Errorf("add host %q: %w", c.Name, err)
	}
	return h, nil
}

// furnish makes the calling thread's network namespace a host.
func furnish(c HostConfig) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	err = errors.Join(netlink.LinkSetUp(lo), bringUp(eth0, c.Address), addAddress(eth0, c.Address6))
	if err == nil && c.Address6.IsValid() { // DHCPv6 and neighbour discovery speak to link-local addresses
		_, err = addLinkLocal(eth0.Attrs().Index, c.MAC)
	}
	if err != nil || !c.Address.IsValid() && !c.Client {
		return err
	}
	// A server that sends to a multicast group or to 255.255.255.255 without naming an interface relies on
	// the default route that hosts have, and this one must not have.
	for _, destination := range []string{"224.0.0.0/4", "255.255.255.255/32"} {
		dst, err := netlink.ParseIPNet(destination)
		if err != nil {
			return err
		}
		route := &netlink.Route{LinkIndex: eth0.Attrs().Index, Dst: dst, Scope: netlink.SCOPE_LINK}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("route %s to eth0: %w", destination, err)
		}
	}
	return nil
}

// addAddress gives an interface an address, if it is one.
func addAddress(link netlink.Link, p netip.Prefix) error {
	if !p.IsValid() {
		return nil
	}
	ipnet := &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
	return netlink.AddrAdd(link, &netlink.Addr{IPNet: ipnet, Flags: unix.IFA_F_NODAD})
}

// Start starts a command inside the host. The caller waits for it as for any other, and ends it.
//
// The command must not ask for a parent death signal: it would get it as soon as the thread that started it
// ends, which is at once. The sandbox ends with all its processes anyway.
func (h *Host) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr != nil && cmd.SysProcAttr.Pdeathsig != 0 {
		return fmt.Errorf("start %q on host %q: a parent death signal would end it at once; leave Pdeathsig out", cmd.Path, h.name)
	}
	if err := h.Do(cmd.Start); err != nil {
		return fmt.Errorf("start %q on host %q: %w", cmd.Path, h.name, err)
	}
	return nil
}

// Do runs f on a thread inside the host's network namespace. Sockets that f opens belong to the host for
// good and may be used from anywhere; goroutines that f starts do not run inside.
func (h *Host) Do(f func() error) error { return inNamespace(h.ns, f) }

// Close unplugs the host and gives its namespace up. Processes that still run in it lose their interfaces.
func (h *Host) Close() error {
	var errs []error
	for _, port := range append([]string{h.port}, h.further...) {
		link, err := netlink.LinkByName(port)
		if err == nil {
			err = netlink.LinkDel(link)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(append(errs, h.ns.Close())...); err != nil {
		return fmt.Errorf("remove host %q: %w", h.name, err)
	}
	return nil
}
