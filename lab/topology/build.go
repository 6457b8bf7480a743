package topology

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A checker turns a form into a topology and reports what the form's types cannot see: how parts of the lab
// fit together. A value that the decoder refused is zero and is not looked at again.
type checker struct {
	*decoder
	form *fileForm
	topo *Topology
}

// check builds the topology, part by part; each part may refer to those before it.
func (c *checker) check() {
	c.topo.Name, c.topo.About, c.topo.Clock = string(c.form.Name), c.form.About, string(c.form.Clock)
	c.networks()
	c.services()
	c.routers()
	c.guests()
	c.dhcps()
	c.dhcp6s()
	c.roles()
	c.relays()
	c.execs()
	c.hostPorts()
	c.tftps()
	c.https()
	c.expectations()
}

// report adds a problem at the place of key, or of the nearest part of the file that holds it.
func (c *checker) report(key, format string, args ...any) {
	at, ok := c.where[key]
	for holder := key; !ok && holder != ""; at, ok = c.where[holder] {
		holder = holder[:max(0, strings.LastIndexAny(holder, ".["))]
	}
	c.problem(at, key, format, args...)
}

// whole tells whether key is a mapping of which every key was understood. Of any other something was reported
// already, and what it lacks may be the same mistake.
func (c *checker) whole(key string) bool {
	_, mapping := c.keys[key]
	return mapping && !c.unknown[key]
}

// networks checks subnets against the ranges that collide with nothing, and against each other.
func (c *checker) networks() {
	names := c.keys["networks"]
	if len(names) == 0 && c.whole("networks") {
		c.report("networks", "needs at least one network, such as lan: {subnet: 192.0.2.0/24}")
	}
	for _, name := range names {
		f := c.form.Networks[partName(name)]
		n := Network{Name: name, RA: f.RA != raOff, Managed: f.RA == raManaged}
		c.subnets(join("networks", name), f, &n)
		c.topo.Networks = append(c.topo.Networks, n)
	}
}

// labRanges are the only addresses a lab may use. It has no way out, yet its captures, leases and habits do:
// none of them may be mistaken for a real network.
var labRanges = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"),    // RFC 5737, documentation
	netip.MustParsePrefix("198.51.100.0/24"), // RFC 5737
	netip.MustParsePrefix("203.0.113.0/24"),  // RFC 5737
	netip.MustParsePrefix("198.18.0.0/15"),   // RFC 2544, benchmarks
	netip.MustParsePrefix("10.0.0.0/8"),      // RFC 1918, private
	netip.MustParsePrefix("172.16.0.0/12"),   // RFC 1918
	netip.MustParsePrefix("192.168.0.0/16"),  // RFC 1918
	netip.MustParsePrefix("fc00::/7"),        // RFC 4193, unique local
	netip.MustParsePrefix("2001:db8::/32"),   // RFC 3849, documentation
}

// subnet checks one subnet; the networks before it are in the topology already.
func (c *checker) subnet(key string, p netip.Prefix) {
	within := func(r netip.Prefix) bool { return p.Bits() >= r.Bits() && r.Contains(p.Addr()) }
	if !slices.ContainsFunc(labRanges, within) {
		allowed := "192.0.2.0/24 (also allowed: 198.51.100.0/24, 203.0.113.0/24, 198.18.0.0/15, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16)"
		if p.Addr().Is6() {
			allowed = "2001:db8::/64 (also allowed: the rest of 2001:db8::/32, and fc00::/7)"
		}
		c.report(key, "%s would collide with real networks; use %s", p, allowed)
	}
	if room := p.Addr().BitLen() - p.Bits(); room < 2 {
		c.report(key, "%s has no room for a service and a guest; use /%d or shorter", p, p.Addr().BitLen()-2)
	}
	for _, other := range c.topo.Networks {
		for _, q := range []netip.Prefix{other.Subnet, other.Subnet6} {
			if q.IsValid() && q.Overlaps(p) {
				c.report(key, "%s overlaps %s of network %q; give each network its own", p, q, other.Name)
			}
		}
	}
}

// network resolves the network that a service or guest names, or the only one when it names none.
func (c *checker) network(key, given string) string {
	names := c.keys["networks"]
	switch {
	case given == "" && len(names) == 1:
		return names[0]
	case given == "" && len(names) > 1 && c.whole(key) && !slices.Contains(c.keys[key], "network"):
		c.report(key, "needs \"network\", as there are several %s", hint("", names))
	case given != "" && !slices.Contains(names, given):
		c.report(join(key, "network"), "unknown network %s %s", quote(given), hint(given, names))
	}
	return given
}

// subnetOf gives a network's IPv4 subnet, invalid if it has none that could be read.
func (c *checker) subnetOf(network string) netip.Prefix { return c.networkOf(network).Subnet }

// networkOf gives a network by its name, without subnets if there is none of that name.
func (c *checker) networkOf(name string) Network {
	for _, n := range c.topo.Networks {
		if n.Name == name {
			return n
		}
	}
	return Network{}
}

// unusable says why a host cannot have address a in subnet p, or "".
func unusable(a netip.Addr, p netip.Prefix) string {
	switch {
	case !p.IsValid():
		return ""
	case !p.Contains(a):
		return fmt.Sprintf("%s is outside the network's subnet %s", a, p)
	case a == p.Masked().Addr():
		return fmt.Sprintf("%s is the subnet's own address; use a higher one", a)
	case a.Is4() && !p.Contains(a.Next()):
		return fmt.Sprintf("%s is the subnet's broadcast address; use a lower one", a)
	}
	return ""
}

// guests checks the machines against each other.
func (c *checker) guests() {
	names := c.keys["guests"]
	if len(names) == 0 && c.whole("guests") {
		c.report("guests", "needs at least one guest, such as bios: {firmware: bios}")
	}
	macs, uuids := map[mac]string{}, map[uuid]string{}
	for _, name := range names {
		f, key := c.form.Guests[partName(name)], join("guests", name)
		g := Guest{Name: name, Network: c.network(key, f.Network), Firmware: string(f.Firmware), NIC: string(f.NIC), Stick: string(f.Stick),
			Memory: int(f.Memory), MAC: string(f.MAC), UUID: string(f.UUID), NoUUID: f.NoUUID, SameMAC: f.SameMAC,
			SameUUID: f.SameUUID, Together: f.Together, Keys: c.keysOf(f), Over: c.over(key, f)}
		c.identity(key, f)
		if g.NIC == "" {
			g.NIC = defaultNIC
		}
		if other, dup := macs[f.MAC]; dup {
			c.report(join(key, "mac"), "guest %q has the MAC address %s already; give each its own, or leave both to the default", other, f.MAC)
		} else if f.MAC != "" {
			macs[f.MAC] = name
		}
		if other, dup := uuids[f.UUID]; dup {
			c.report(join(key, "uuid"), "guest %q has the UUID %s already; give each its own, or leave both to the default", other, f.UUID)
		} else if f.UUID != "" {
			uuids[f.UUID] = name
		}
		g.Faults = c.faults(key, g.Network, f.Faults)
		c.topo.Guests = append(c.topo.Guests, g)
	}
}

// defaultNIC is the model that every firmware of the lab has a driver for.
const defaultNIC = "virtio"
