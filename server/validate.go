package server

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/dhcp6"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/tftp"
)

// problems collects what is wrong with a Config, in the order of its fields.
type problems struct{ list []error }

func (p *problems) addf(format string, args ...any) {
	p.list = append(p.list, fmt.Errorf(format, args...))
}

// Validate reports everything that is wrong with a Config, joined; nil if it can be run.
func (c Config) Validate() error {
	var p problems
	if c.Interface == "" {
		p.addf("interface is empty; name the one to serve")
	}
	c.validateAddresses(&p)
	if c.DHCP == nil && c.DHCP6 == nil && c.BOOTP == nil && c.ProxyDHCP == nil && c.BootServer == nil && c.TFTP == nil && c.MTFTP == nil && c.HTTP == nil && c.Echo == nil && c.Relay == nil {
		p.addf("no role is configured; have dhcp, dhcp6, bootp, proxydhcp, bootserver, tftp, mtftp, http, echo and relay")
	}
	if c.DHCP != nil {
		c.DHCP.validate(&p, c.Address)
	}
	if c.DHCP6 != nil {
		c.DHCP6.validate(&p, c.Address6)
	}
	c.validatePXE(&p)
	if c.Relay != nil {
		c.Relay.validate(&p, c)
	}
	if c.TFTP != nil {
		c.TFTP.validate(&p)
	}
	if c.MTFTP != nil {
		c.MTFTP.validate(&p, c.Address)
	}
	if c.HTTP != nil {
		c.HTTP.validate(&p)
	}
	if e := c.Echo; e != nil {
		if e.Port < 1 || e.Port > 65535 {
			p.addf("echo: port %d is outside 1 to 65535", e.Port)
		}
		if e.Port == dhcp.ServerPort && (c.DHCP != nil || c.Relay != nil) || e.Port == tftp.Port && c.TFTP != nil ||
			e.Port == dhcp6.ServerPort && c.DHCP6 != nil ||
			c.MTFTP != nil && e.Port == c.MTFTP.Port() {
			p.addf("echo: port %d belongs to another role", e.Port)
		}
	}
	return errors.Join(p.list...)
}

func (d *DHCPConfig) validate(p *problems, own netip.Prefix) {
	d.validatePool(p, own)
	d.validatePools(p, own)
	if d.Lease < 0 || d.Lease > 0 && d.Lease < minLease {
		p.addf("dhcp: lease %s is shorter than %s", d.Lease, minLease)
	}
	if d.Lease > maxLease {
		p.addf("dhcp: lease %s is longer than %s, the longest that option 51 says", d.Lease, maxLease)
	}
	if d.Router.IsValid() && !d.Router.Is4() {
		p.addf("dhcp: router %q is not an IPv4 address", d.Router)
	}
	for _, a := range d.DNS {
		if !a.Is4() {
			p.addf("dhcp: dns %q is not an IPv4 address", a)
		}
	}
	if len(d.DNS) > 63 {
		p.addf("dhcp: %d dns addresses are more than option 6 holds (63)", len(d.DNS))
	}
	d.validateReservations(p, own)
	if d.Boot != nil {
		d.Boot.validate(p, "dhcp: boot")
	}
}

func (d *DHCPConfig) validatePool(p *problems, own netip.Prefix) {
	hasFixed := slices.ContainsFunc(d.Reservations, func(r Reservation) bool { return r.Address.IsValid() })
	switch {
	case !d.First.IsValid() && !d.Last.IsValid() && hasFixed: // known clients only
	case !d.First.IsValid() || !d.Last.IsValid():
		p.addf("dhcp: first and last are both needed, unless there are only reserved addresses")
	case !usable(own, d.First):
		p.addf("dhcp: first %s is no host address of %s", d.First, own.Masked())
	case !usable(own, d.Last):
		p.addf("dhcp: last %s is no host address of %s", d.Last, own.Masked())
	case d.Last.Less(d.First):
		p.addf("dhcp: last %s is before first %s", d.Last, d.First)
	}
}

// usable reports whether a host of the subnet can have the address. The own one can be inside the pool: it is left out.
func usable(subnet netip.Prefix, a netip.Addr) bool {
	if !a.Is4() || !subnet.Contains(a) {
		return false
	}
	return subnet.Bits() >= 31 || a != subnet.Masked().Addr() && subnet.Contains(a.Next())
}

func (d *DHCPConfig) validateReservations(p *problems, own netip.Prefix) {
	seen := map[string]int{}
	once := func(i int, what string) {
		if first, ok := seen[what]; ok {
			p.addf("dhcp: reservation %d: %s is in reservation %d too", i+1, what, first+1)
			return
		}
		seen[what] = i
	}
	for i, r := range d.Reservations {
		if (r.MAC == "") == (r.UUID == "") {
			p.addf("dhcp: reservation %d: exactly one of mac and uuid names its client", i+1)
		}
		if mac, uuid, err := r.client(); err != nil {
			p.addf("dhcp: reservation %d: %w", i+1, err)
		} else if mac != nil {
			once(i, mac.String())
		} else if r.UUID != "" {
			once(i, uuid.String())
		}
		if !r.Address.IsValid() && r.File == "" {
			p.addf("dhcp: reservation %d: neither address nor file is reserved", i+1)
		}
		if r.Address.IsValid() {
			if !d.anywhere(own, r.Address) || r.Address == own.Addr() {
				p.addf("dhcp: reservation %d: address %s is no address of another host of %s", i+1, r.Address, own.Masked())
			}
			once(i, r.Address.String())
		}
		checkFile(p, fmt.Sprintf("dhcp: reservation %d", i+1), r.File)
	}
}

// client parses whom a reservation is for.
func (r Reservation) client() (net.HardwareAddr, pxe.UUID, error) {
	if r.MAC != "" {
		mac, err := net.ParseMAC(r.MAC)
		if err != nil || len(mac) != 6 {
			return nil, pxe.UUID{}, fmt.Errorf("mac %q is not six octets like 52:54:00:12:34:56", r.MAC)
		}
		return mac, pxe.UUID{}, nil
	}
	if r.UUID == "" {
		return nil, pxe.UUID{}, nil
	}
	uuid, err := pxe.ParseUUID(r.UUID)
	if err == nil && uuid.IsZero() {
		err = errors.New("an all-zero uuid means that a machine has none")
	}
	return nil, uuid, err
}

func (b *BootConfig) validate(p *problems, where string) {
	checkNext(p, where, b.NextServer)
	for _, m := range []struct {
		name  string
		files map[string]string
	}{{"files", b.Files}, {"ipxe", b.IPXE}} {
		for _, arch := range slices.Sorted(maps.Keys(m.files)) {
			if _, err := pxe.ParseArch(arch); err != nil {
				p.addf("%s: %s: %w", where, m.name, err)
			}
			if m.files[arch] == "" {
				p.addf("%s: %s: %s names no file", where, m.name, arch)
			}
			checkFile(p, where+": "+m.name+": "+arch, m.files[arch])
		}
	}
	validateURIs(p, where, b.HTTP, 254)
	checkFile(p, where+": default", b.Default)
}

// checkFile holds a boot file name to what the file field of the header carries: 128 octets with a NUL at the end.
func checkFile(p *problems, where, file string) {
	if len(file) > 127 {
		p.addf("%s: file name of %d octets is longer than a DHCP reply carries (127)", where, len(file))
	}
	if strings.ContainsFunc(file, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		p.addf("%s: file name %q has control characters", where, file)
	}
}
