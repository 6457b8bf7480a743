package topology

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// What a network's router may be, besides the default: one that offers nothing.
const (
	raOff     raWord = "off"
	raManaged raWord = "managed"
)

// router reads a network's ra: true, false or a word.
func (d *decoder) router(n ast.Node, key string, v reflect.Value) {
	switch x := n.(type) {
	case *ast.BoolNode:
		if !x.Value {
			v.SetString(string(raOff))
		}
	case *ast.StringNode:
		if x.Value != string(raManaged) {
			d.problem(d.where[key], key, "unknown router %s (have true, false, managed)", quote(x.Value))
			return
		}
		v.SetString(x.Value)
	default:
		d.mismatch(n, key, "true, false or managed")
	}
}

// subnets sorts a network's subnets by their family: one that is IPv6 alone may be written either way.
func (c *checker) subnets(key string, f networkForm, n *Network) {
	n.Subnet, n.Subnet6 = f.Subnet.Prefix, f.Subnet6.Prefix
	key4, key6 := join(key, "subnet"), join(key, "subnet6")
	if n.Subnet6.IsValid() && n.Subnet6.Addr().Is4() {
		c.report(key6, "%s is IPv4; write it as subnet", n.Subnet6)
		n.Subnet6 = netip.Prefix{}
	}
	if n.Subnet.IsValid() && n.Subnet.Addr().Is6() {
		if slices.Contains(c.keys[key], "subnet6") {
			c.report(key4, "%s is IPv6, and so is subnet6; make one of them IPv4, or leave it out", n.Subnet)
		}
		n.Subnet, n.Subnet6, key6 = netip.Prefix{}, n.Subnet, key4
	}
	if n.Subnet.IsValid() {
		c.subnet(key4, n.Subnet)
	}
	if n.Subnet6.IsValid() {
		c.subnet(key6, n.Subnet6)
	}
	if !slices.Contains(c.keys[key], "subnet") && !slices.Contains(c.keys[key], "subnet6") && c.whole(key) {
		c.report(key, "needs \"subnet\", such as subnet: 192.0.2.0/24")
	}
	if n.Managed && c.whole(key) && slices.Contains(c.keys[key], "subnet") && n.Subnet.IsValid() && !slices.Contains(c.keys[key], "subnet6") {
		c.report(join(key, "ra"), "managed is for IPv6 addresses, of which this network has none; add subnet6, such as subnet6: 2001:db8::/64")
	}
}

// addresses sorts a service's addresses by their family, and checks each.
func (c *checker) addresses(key string, f serviceForm, s *Service, taken map[string]map[netip.Addr]string) {
	s.Address, s.Address6 = f.Address.Addr, f.Address6.Addr
	key4, key6 := join(key, "address"), join(key, "address6")
	if s.Address6.Is4() {
		c.report(key6, "%s is IPv4; write it as address", s.Address6)
		s.Address6 = netip.Addr{}
	}
	if s.Address.Is6() {
		if slices.Contains(c.keys[key], "address6") {
			c.report(key4, "%s is IPv6, and so is address6; make one of them IPv4, or leave it out", s.Address)
		}
		s.Address, s.Address6, key6 = netip.Addr{}, s.Address, key4
	}
	if s.Address.IsValid() {
		c.serviceAddress(key4, s, s.Address, taken)
	}
	if s.Address6.IsValid() {
		c.serviceAddress(key6, s, s.Address6, taken)
	}
	if !slices.Contains(c.keys[key], "address") && !slices.Contains(c.keys[key], "address6") && c.whole(key) && f.Exec == nil {
		c.report(key, "needs \"address\", such as address: 192.0.2.1; or on, with the service whose host it shares")
	}
}

// dhcp6s builds every DHCPv6 server.
func (c *checker) dhcp6s() {
	for i := range c.topo.Services {
		s := &c.topo.Services[i]
		f, key := c.form.Services[partName(s.Name)].DHCP6, "services."+s.Name+".dhcp6"
		if f == nil {
			continue
		}
		s.DHCP6 = &DHCP6{First: f.Range.First, Last: f.Range.Last, Lease: time.Duration(f.Lease), RapidCommit: f.RapidCommit}
		if s.DHCP6.Lease != 0 && s.DHCP6.Lease < time.Second {
			c.report(join(key, "lease"), "%s is too short, as leases count whole seconds; write 1s or more", s.DHCP6.Lease)
		}
		n := c.networkOf(s.Network)
		switch {
		case n.Subnet.IsValid() && !n.Subnet6.IsValid():
			c.report(key, "network %q has no IPv6 addresses; add subnet6 to it, such as subnet6: 2001:db8::/64", s.Network)
		case s.Address.IsValid() && !s.Address6.IsValid():
			c.report(key, "needs an IPv6 address of its own; add address6")
		case s.DHCP6.First.IsValid():
			c.pool6(join(key, "range"), *s, n.Subnet6)
		}
		c.boot6(key, s, f)
	}
}

// pool6 checks a DHCPv6 range: no address in it may be another's.
func (c *checker) pool6(key string, s Service, p netip.Prefix) {
	why := unusable(s.DHCP6.First, p)
	if why == "" {
		why = unusable(s.DHCP6.Last, p)
	}
	if why != "" {
		c.report(key, "%s", why)
	}
	for _, other := range c.topo.Services {
		if a := other.Address6; other.Network == s.Network && a.IsValid() && s.DHCP6.First.Compare(a) <= 0 && a.Compare(s.DHCP6.Last) <= 0 {
			c.report(key, "covers %s, the address of service %q; narrow the range", a, other.Name)
		}
	}
}

// onlyURLs tells whether all files are whole URLs.
func (b *Boot6) onlyURLs() bool {
	for _, files := range []map[string]string{b.Files, b.IPXE} {
		for _, f := range files {
			if !strings.Contains(f, "://") {
				return false
			}
		}
	}
	return len(b.Files)+len(b.IPXE)+len(b.HTTP) > 0
}

// boot6 checks what a DHCPv6 server tells network boot clients, and that somebody serves it over IPv6.
func (c *checker) boot6(key string, s *Service, f *dhcp6Form) {
	if f.Boot == nil {
		return
	}
	key = join(key, "boot")
	s.DHCP6.Boot = &Boot6{Server: f.Boot.Server, Files: c.files(key, f.Boot.Files), IPXE: c.files(join(key, "ipxe"), f.Boot.IPXE), Params: f.Boot.Params}
	s.DHCP6.Boot.HTTP, s.DHCP6.Boot.HTTPServer = c.httpBoot(key, s, f.Boot.HTTP, true)
	if c.whole(key) && len(f.Boot.Files) == 0 && len(f.Boot.IPXE) == 0 && f.Boot.HTTP == nil {
		c.report(key, "names no boot file; write an architecture and its image, such as %s", c.someBoot())
	}
	if s.DHCP6.Boot.onlyURLs() {
		return // they say themselves who serves them
	}
	at, server := key, s.Name
	if f.Boot.Server != "" {
		at, server = join(key, "server"), f.Boot.Server
	}
	c.servesTFTP(at, s, server)
	if i := slices.IndexFunc(c.topo.Services, func(o Service) bool { return o.Name == server }); i >= 0 {
		if to := c.topo.Services[i]; to.TFTP != nil && to.Address.IsValid() && !to.Address6.IsValid() {
			c.report(at, "service %q cannot be reached over IPv6; add address6 to it", server)
		}
	}
}
