package topology

import (
	"net/netip"
	"slices"
	"time"
)

// services builds the services with their own facts; dhcps and tftps check what refers to other parts.
func (c *checker) services() {
	taken := map[string]map[netip.Addr]string{}
	for _, name := range c.keys["services"] {
		f, key := c.form.Services[partName(name)], join("services", name)
		s := Service{Name: name, On: f.On, Address: f.Address.Addr}
		s.Router, s.Capture = f.Router, f.Capture
		if f.Exec != nil {
			s.Exec = &Exec{} // execs builds it, once all parts are known
		}
		if f.External != nil {
			s.External = &External{} // likewise
		}
		c.place(key, &s, f, taken)
		if c.whole(key) && f.DHCP == nil && f.DHCP6 == nil && f.TFTP == nil && f.Echo == nil && f.BOOTP == nil && f.ProxyDHCP == nil && f.BootServer == nil &&
			f.HTTP == nil && f.MTFTP == nil && f.Relay == nil && f.Exec == nil && f.External == nil && !f.Router {
			c.report(key, "plays no role; add dhcp, dhcp6, proxydhcp, bootserver, bootp, relay, tftp, mtftp, http, echo, router, exec or external")
		}
		if f.TFTP != nil {
			s.TFTP = c.tftp(join(key, "tftp"), f.TFTP)
		}
		s.MTFTP = c.mtftp(key, s, f)
		s.HTTP = f.HTTP.build()
		if f.Echo != nil {
			s.Echo = &Echo{Port: int(f.Echo.Port)}
			c.echo(join(key, "echo.port"), f)
		}
		c.topo.Services = append(c.topo.Services, s)
	}
}

// shares gives a service the network and address of the one whose host it shares, which stands before it.
func (c *checker) shares(key string, s *Service) {
	for _, k := range []string{"address", "address6", "network"} {
		if slices.Contains(c.keys[key], k) {
			c.report(join(key, k), "is that of %q, whose host it shares; leave it out", s.On)
		}
	}
	i := c.service(join(key, "on"), s.On)
	if i < 0 {
		return
	}
	if other := c.topo.Services[i]; other.On != "" {
		c.report(join(key, "on"), "%q itself shares the host of %q; name that one", other.Name, other.On)
	} else {
		s.Network, s.Address, s.Address6 = other.Network, other.Address, other.Address6
	}
}

// discovers is the boot server type that probes are to discover.
func discovers(f *probeForm) *int {
	if f == nil || f.Discover == nil {
		return nil
	}
	t := int(*f.Discover)
	return &t
}

func aliases(form map[string]fileName) map[string]string {
	out := map[string]string{}
	for name, file := range form {
		out[name] = string(file)
	}
	return out
}

// serviceAddress checks one of a service's addresses against its subnet and the services before it.
func (c *checker) serviceAddress(key string, s *Service, a netip.Addr, taken map[string]map[netip.Addr]string) {
	n := c.networkOf(s.Network)
	p, other := n.Subnet, n.Subnet6
	if a.Is6() {
		p, other = other, p
	}
	if !p.IsValid() {
		p = other // outside of it, which is what there is to say
	}
	if why := unusable(a, p); why != "" {
		c.report(key, "%s", why)
	}
	if other, dup := taken[s.Network][a]; dup {
		c.report(key, "service %q has %s already; give each service its own address", other, a)
	}
	if taken[s.Network] == nil {
		taken[s.Network] = map[netip.Addr]string{}
	}
	taken[s.Network][a] = s.Name
}

// echo checks that the echo's port is free on its host.
func (c *checker) echo(key string, f serviceForm) {
	if f.Echo.Port == 67 && f.DHCP != nil || f.Echo.Port == 69 && f.TFTP != nil || f.Echo.Port == 547 && f.DHCP6 != nil {
		c.report(key, "port %d belongs to this service's own server; use another, such as 7777", f.Echo.Port)
	}
}

// dhcps builds every DHCP server. Ranges of two servers may overlap: which of them is obeyed is a lab's subject.
func (c *checker) dhcps() {
	for i := range c.topo.Services {
		s := &c.topo.Services[i]
		f, key := c.form.Services[partName(s.Name)].DHCP, "services."+s.Name+".dhcp"
		if f == nil {
			continue
		}
		s.DHCP = &DHCP{First: f.Range.First, Last: f.Range.Last, Lease: time.Duration(f.Lease)}
		if s.DHCP.Lease != 0 && s.DHCP.Lease < time.Second {
			c.report(join(key, "lease"), "%s is too short, as leases count whole seconds; write 1s or more", s.DHCP.Lease)
		}
		if n := c.networkOf(s.Network); n.Subnet6.IsValid() && !n.Subnet.IsValid() {
			c.report(key, "network %q is IPv6, which DHCP (RFC 2131) does not serve; write dhcp6, or give it an IPv4 subnet such as 192.0.2.0/24", s.Network)
			continue
		}
		if s.Address6.IsValid() && !s.Address.IsValid() {
			c.report(key, "needs an IPv4 address of its own; add address")
		}
		if s.DHCP.First.IsValid() {
			c.pool(join(key, "range"), *s, s.DHCP.First, s.DHCP.Last)
		}
		c.pools(key, s, f)
		c.boot(key, s, f)
		s.DHCP.PXE = c.pxe(join(key, "pxe"), f.PXE)
		s.DHCP.Reservations = c.reservations(key, s, f.Reservations)
	}
}

// pool checks a DHCP range: no address in it may be another's.
func (c *checker) pool(key string, s Service, first, last netip.Addr) {
	p := c.subnetOf(s.Network)
	why := unusable(first, p)
	if why == "" {
		why = unusable(last, p)
	}
	if why != "" {
		c.report(key, "%s", why)
	}
	for _, other := range c.topo.Services {
		if a := other.At(s.Network); a.IsValid() && other.On == "" && first.Compare(a) <= 0 && a.Compare(last) <= 0 {
			c.report(key, "covers %s, the address of service %q; narrow the range", a, other.Name)
		}
	}
}

// boot checks what a DHCP server tells PXE clients, and that somebody serves it.
func (c *checker) boot(key string, s *Service, f *dhcpForm) {
	told := slices.IndexFunc(f.Reservations, func(r reservationForm) bool { return r.File != "" })
	byTFTP := slices.IndexFunc(f.Reservations, func(r reservationForm) bool { return r.File != "" && !IsURI(r.File) })
	if f.Boot == nil {
		if byTFTP >= 0 {
			c.servesTFTP(item(join(key, "reservations"), byTFTP)+".file", s, s.Name)
		}
		return
	}
	s.DHCP.Boot = c.bootOf(join(key, "boot"), s, f.Boot, told >= 0, byTFTP >= 0)
}

// bootOf builds the boot files that a service names. If it reserves some too, it need name no others.
func (c *checker) bootOf(key string, s *Service, f *bootForm, reserves, byTFTP bool) *Boot {
	b := &Boot{Server: f.Server, Files: c.files(key, f.Files), IPXE: c.files(join(key, "ipxe"), f.IPXE), NoProxy: f.NoProxy}
	if c.whole(key) && len(f.Files) == 0 && len(f.IPXE) == 0 && f.HTTP == nil && !reserves {
		c.report(key, "names no boot file; write an architecture and its image, such as %s", c.someBoot())
	}
	b.HTTP, b.HTTPServer = c.httpBoot(key, s, f.HTTP, false)
	if f.Server != "" {
		c.servesTFTP(join(key, "server"), s, f.Server)
	} else if b.wantsTFTP() || byTFTP {
		c.servesTFTP(key, s, s.Name)
	}
	return b
}

// someBoot is an example of architecture and image.
func (c *checker) someBoot() string {
	if len(c.known.Archs) == 0 || len(c.known.Images) == 0 {
		return "bios: probe.0"
	}
	return c.known.Archs[0] + ": " + c.known.Images[0]
}

// servesTFTP checks that the service that s sends its clients to can serve them.
func (c *checker) servesTFTP(key string, s *Service, server string) {
	i := c.service(key, server)
	if i < 0 {
		return
	}
	switch to := c.topo.Services[i]; {
	case to.Foreign(): // only its author knows what it serves
	case to.TFTP == nil && to.Name == s.Name:
		c.report(key, "nobody serves these files, as %q has no tftp; add tftp: {} to it, or name the service that has it with boot: {server: ...}", s.Name)
	case to.TFTP == nil:
		c.report(key, "service %q has no tftp, so it cannot serve the boot files; add tftp: {} to it", to.Name)
	case !c.reaches(s.Network, to.Network):
		c.report(key, "service %q is on network %q, which clients on %q cannot reach", to.Name, to.Network, s.Network)
	}
}

// service finds a service by name, or reports that there is none and returns -1.
func (c *checker) service(key, name string) int {
	i := slices.IndexFunc(c.topo.Services, func(s Service) bool { return s.Name == name })
	if i < 0 {
		c.report(key, "unknown service %s %s", quote(name), hint(name, c.keys["services"]))
	}
	return i
}

// files checks the boot files by architecture.
func (c *checker) files(key string, form archFiles) map[string]string {
	if len(form) == 0 {
		return nil
	}
	files := map[string]string{}
	for arch, f := range form {
		files[string(arch)] = string(f)
		c.fileName(join(key, string(arch)), string(f))
	}
	return files
}

// maxFile is the longest boot file name: the BOOTP file field has 128 octets and ends with a zero (RFC 2131).
const maxFile = 127

// fileName checks an image or a file's name on the wire.
func (c *checker) fileName(key, name string) {
	switch {
	case name == "" || c.known.isImage(name):
	case IsURI(name) && len(name) <= maxFile:
		c.uri(key, name)
	case !isFile(name):
		c.report(key, "unknown image %s %s; a file's name on the wire has a dot or a slash, such as probe.0", quote(name), hint(name, c.known.Images))
	case len(name) > maxFile:
		c.report(key, "%s has %d octets; a boot file name may have %d", quote(name), len(name), maxFile)
	}
}

func plain(names []fileName) []string {
	var out []string
	for _, n := range names {
		out = append(out, string(n))
	}
	return out
}
