package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Join gives the host one more interface on another bridge: eth1, eth2 and so on. It carries frames when Join returns.
func (h *Host) Join(b *Bridge, mac net.HardwareAddr, address netip.Prefix) error {
	n := 1 + len(h.further)
	inner, port := fmt.Sprintf("eth%d", n), interfaceName(fmt.Sprintf("h%d", n), h.name)
	if len(mac) != 6 {
		return fmt.Errorf("join host %q to %q: needs a MAC, has %q", h.name, b.name, mac)
	}
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: port})
	veth.PeerName, veth.PeerHardwareAddr, veth.PeerNamespace = inner, mac, netlink.NsFd(int(h.ns.Fd()))
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("join host %q to %q as interface %q: %w", h.name, b.name, port, err)
	}
	h.further = append(h.further, port)
	err := h.Do(func() error {
		link, err := netlink.LinkByName(inner)
		if err != nil {
			return err
		}
		return bringUp(link, address)
	})
	if err == nil {
		err = errors.Join(finishFrames(port), b.addPort(veth, "host "+h.name+" on "+b.name))
	}
	if err == nil {
		err = h.Do(func() error { return awaitUp(inner) })
	}
	if err != nil {
		return fmt.Errorf("join host %q to %q: %w", h.name, b.name, err)
	}
	return nil
}

// bringUp makes an interface in the calling thread's network namespace ready; without a valid address it has none.
func bringUp(link netlink.Link, address netip.Prefix) error {
	err := errors.Join(finishFrames(link.Attrs().Name), keepQuiet(link), netlink.LinkSetUp(link))
	if err != nil || !address.IsValid() {
		return err
	}
	ipnet := &net.IPNet{IP: address.Addr().AsSlice(), Mask: net.CIDRMask(address.Bits(), address.Addr().BitLen())}
	return netlink.AddrAdd(link, &netlink.Addr{IPNet: ipnet, Flags: unix.IFA_F_NODAD})
}

// Forward makes the host a router between its networks: IPv4 datagrams for others are passed on.
func (h *Host) Forward() error {
	err := h.Do(func() error {
		links, err := netlink.LinkList()
		if err != nil {
			return err
		}
		for _, l := range links {
			if err := forwardFrom(l.Attrs().Index); err != nil {
				return fmt.Errorf("interface %q: %w", l.Attrs().Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make host %q a router: %w", h.name, err)
	}
	return nil
}

// forwardFrom has the kernel forward what arrives at an interface. It is asked over netlink, because some containers
// have /proc/sys read-only.
func forwardFrom(index int) error {
	const inetConf, devconfForwarding = 1, 1 // IFLA_INET_CONF of linux/if_link.h, IPV4_DEVCONF_FORWARDING of linux/ip.h
	request := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(index)
	request.AddData(msg)
	spec := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
	spec.AddRtAttr(unix.AF_INET, nil).AddRtAttr(inetConf, nil).AddRtAttr(devconfForwarding, nl.Uint32Attr(1))
	request.AddData(spec)
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// AddRoute tells the host by which router it reaches another network of the lab.
func (h *Host) AddRoute(to netip.Prefix, via netip.Addr) error {
	dst := &net.IPNet{IP: to.Masked().Addr().AsSlice(), Mask: net.CIDRMask(to.Bits(), to.Addr().BitLen())}
	err := h.Do(func() error { return netlink.RouteAdd(&netlink.Route{Dst: dst, Gw: via.AsSlice()}) })
	if err != nil {
		return fmt.Errorf("route %s of host %q by way of %s: %w", to, h.name, via, err)
	}
	return nil
}
