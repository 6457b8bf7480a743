package server

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/server/dhcp6"
	"github.com/pxelab/pxelab/server/pxe"
)

// DHCP6Config is a DHCPv6 server (RFC 8415), with or without boot information (RFC 5970).
type DHCP6Config struct {
	First       netip.Addr    `json:"first,omitzero"` // range of the pool, both ends included; none: configuration only
	Last        netip.Addr    `json:"last,omitzero"`
	Lease       time.Duration `json:"lease,omitempty"` // preferred and valid lifetime; zero means one hour
	DNS         []netip.Addr  `json:"dns,omitempty"`
	RapidCommit bool          `json:"rapidCommit,omitempty"` // answer a SOLICIT that asks for it with a REPLY at once
	Boot        *Boot6Config  `json:"boot,omitempty"`        // nil: this server has never heard of network boot
}

// Boot6Config is what a network boot client is told over DHCPv6.
type Boot6Config struct {
	Server  netip.Addr        `json:"server,omitzero"`   // TFTP server of files that are no URL; zero means the server's own address
	Files   map[string]string `json:"files,omitempty"`   // architecture name to boot file, or to a whole URL
	IPXE    map[string]string `json:"ipxe,omitempty"`    // the same for clients whose option 15 is "iPXE"
	HTTP    map[string]string `json:"http,omitempty"`    // architecture name to URI, for UEFI HTTP boot (option 16 HTTPClient)
	Default string            `json:"default,omitempty"` // for an architecture that Files does not name
	Params  []string          `json:"params,omitempty"`  // option 60
}

// dhcp6 turns the checked configuration into the role's own.
func (c Config) dhcp6() dhcp6.Config {
	d := c.DHCP6
	out := dhcp6.Config{Address: c.Address6, First: d.First, Last: d.Last, Lease: d.Lease, DNS: d.DNS, RapidCommit: d.RapidCommit}
	if b := d.Boot; b != nil {
		out.Boot = &dhcp6.Boot{Server: b.Server, Files: b.Files, IPXE: b.IPXE, HTTP: b.HTTP, Default: b.Default, Params: b.Params}
	}
	return out
}

// is6 tells whether a is an IPv6 address that a host can have.
func is6(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && a.Zone() == "" && !a.IsUnspecified() && !a.IsMulticast()
}

// validateAddresses checks the host's own addresses: at least one, and each of its family.
func (c Config) validateAddresses(p *problems) {
	if a := c.Address.Addr(); c.Address.IsValid() || !c.Address6.IsValid() {
		if !a.Is4() || a.IsUnspecified() || a.IsMulticast() {
			p.addf("address %q is not an IPv4 address with its subnet's length, like 192.0.2.1/24", c.Address)
		}
	}
	if c.Address6.IsValid() && !is6(c.Address6.Addr()) {
		p.addf("address6 %q is not an IPv6 address with its subnet's length, like 2001:db8::1/64", c.Address6)
	}
	if c.DHCP != nil && !c.Address.IsValid() && c.Address6.IsValid() {
		p.addf("dhcp: needs address, the host's own IPv4 address")
	}
	if c.DHCP6 != nil && !c.Address6.IsValid() {
		p.addf("dhcp6: needs address6, the host's own IPv6 address")
	}
}

func (d *DHCP6Config) validate(p *problems, own netip.Prefix) {
	inside := func(a netip.Addr) bool { return is6(a) && own.Contains(a) }
	switch {
	case !d.First.IsValid() && !d.Last.IsValid(): // configuration only
	case !d.First.IsValid() || !d.Last.IsValid():
		p.addf("dhcp6: first and last are both needed, or neither")
	case !own.IsValid(): // said already
	case !inside(d.First):
		p.addf("dhcp6: first %s is no address of %s", d.First, own.Masked())
	case !inside(d.Last):
		p.addf("dhcp6: last %s is no address of %s", d.Last, own.Masked())
	case d.Last.Less(d.First):
		p.addf("dhcp6: last %s is before first %s", d.Last, d.First)
	}
	if d.Lease < 0 || d.Lease > 0 && d.Lease < minLease {
		p.addf("dhcp6: lease %s is shorter than %s", d.Lease, minLease)
	}
	if d.Lease >= maxLease { // all ones means for ever (RFC 8415 section 7.7)
		p.addf("dhcp6: lease %s is not shorter than %s, which means for ever", d.Lease, maxLease)
	}
	for _, a := range d.DNS {
		if !is6(a) {
			p.addf("dhcp6: dns %q is not an IPv6 address", a)
		}
	}
	if d.Boot != nil {
		d.Boot.validate(p)
	}
}

func (b *Boot6Config) validate(p *problems) {
	if b.Server.IsValid() && !is6(b.Server) {
		p.addf("dhcp6: boot: server %q is not an IPv6 address", b.Server)
	}
	b.validateFiles(p, "files", b.Files)
	b.validateFiles(p, "ipxe", b.IPXE)
	validateURIs(p, "dhcp6: boot", b.HTTP, 1024)
	checkURL(p, "dhcp6: boot: default", b.Default)
	for i, param := range b.Params {
		if len(param) > 1024 {
			p.addf("dhcp6: boot: params: number %d has %d octets; one may have 1024", i+1, len(param))
		}
	}
}

func (b *Boot6Config) validateFiles(p *problems, name string, files map[string]string) {
	for _, arch := range slices.Sorted(maps.Keys(files)) {
		if _, err := pxe.ParseArch(arch); err != nil {
			p.addf("dhcp6: boot: %s: %w", name, err)
		}
		if files[arch] == "" {
			p.addf("dhcp6: boot: %s: %s names no file", name, arch)
		}
		checkURL(p, "dhcp6: boot: "+name+": "+arch, files[arch])
	}
}

// checkURL holds what option 59 will say to a URL, and a bare file name to what checkFile allows.
func checkURL(p *problems, where, file string) {
	if !strings.Contains(file, "://") {
		checkFile(p, where, file)
		return
	}
	u, err := url.Parse(file)
	if err != nil {
		p.addf("%s: %w", where, err)
		return
	}
	if !slices.Contains([]string{"tftp", "http", "https"}, u.Scheme) || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		p.addf("%s: %q is no URL of a file, like %s", where, file, fmt.Sprintf("tftp://[%s]/x64.efi", "2001:db8::1"))
	}
}
