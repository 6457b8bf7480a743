package server

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/pxe"
)

// validatePXE checks the roles of PXE, and that roles which exclude each other are not both played.
func (c Config) validatePXE(p *problems) {
	if c.DHCP != nil && c.DHCP.PXE != nil {
		c.DHCP.PXE.validate(p, "dhcp: pxe")
	}
	if c.DHCP != nil && c.BOOTP != nil {
		p.addf("dhcp and bootp would both give addresses on port %d; leave one out", dhcp.ServerPort)
	}
	if b := c.BOOTP; b != nil {
		d := DHCPConfig{First: b.First, Last: b.Last, Reservations: b.Reservations}
		d.validatePool(p, c.Address)
		d.validateReservations(p, c.Address)
		checkFile(p, "bootp: file", b.File)
		checkNext(p, "bootp", b.NextServer)
	}
	if x := c.ProxyDHCP; x != nil {
		x.validate(p)
	}
	if b := c.BootServer; b != nil {
		b.validate(p)
	}
}

func (x *ProxyDHCPConfig) validate(p *problems) {
	for _, port := range x.Ports {
		if port != dhcp.ServerPort && port != dhcp.PXEPort {
			p.addf("proxydhcp: port %d is neither %d nor %d", port, dhcp.ServerPort, dhcp.PXEPort)
		}
	}
	if x.Boot == nil && x.PXE == nil {
		p.addf("proxydhcp: neither boot nor pxe is configured, so there is nothing to tell clients")
	}
	if x.Boot != nil {
		x.Boot.validate(p, "proxydhcp: boot")
	}
	if x.PXE != nil {
		x.PXE.validate(p, "proxydhcp: pxe")
	}
}

func (x *PXEConfig) validate(p *problems, where string) {
	if x.Control != nil && (*x.Control < 0 || *x.Control > 15) {
		p.addf("%s: control %d has other bits than 0 to 3", where, *x.Control)
	}
	if x.Multicast.IsValid() && !(x.Multicast.Is4() && x.Multicast.IsMulticast()) {
		p.addf("%s: multicast %q is not an IPv4 multicast address", where, x.Multicast)
	}
	for _, s := range x.Servers {
		checkType(p, where+": servers", s.Type)
	}
	for _, m := range x.Menu {
		checkType(p, where+": menu", m.Type)
	}
	if x.Prompt != nil && (x.Prompt.Timeout < 0 || x.Prompt.Timeout > 255) {
		p.addf("%s: prompt: timeout %d is outside 0 to 255", where, x.Prompt.Timeout)
		return
	}
	o := x.offer()
	v := o.Vendor()
	for _, file := range slices.Sorted(maps.Keys(x.MTFTP)) {
		x.MTFTP[file].validate(p, where+": mtftp: "+file)
		m := o.MTFTP[file]
		v.MTFTP = &m // all are of one length
	}
	if _, err := v.Marshal(); err != nil {
		p.addf("%s: %w", where, err)
	}
}

// validate holds tags 1 to 5 to what option 43 carries.
func (m MTFTPTags) validate(p *problems, where string) {
	if !m.Group.Is4() || !m.Group.IsMulticast() {
		p.addf("%s: group %q is no IPv4 multicast address; 239.255.0.0/16 is free for use (RFC 2365)", where, m.Group)
	}
	for _, n := range []struct {
		name             string
		value, low, high int
	}{{"clientPort", m.ClientPort, 1, 65535}, {"serverPort", m.ServerPort, 1, 65535}, {"timeout", m.Timeout, 0, 255}, {"delay", m.Delay, 0, 255}} {
		if n.value < n.low || n.value > n.high {
			p.addf("%s: %s %d is outside %d to %d", where, n.name, n.value, n.low, n.high)
		}
	}
}

func (b *BootServerConfig) validate(p *problems) {
	if len(b.Boots) == 0 {
		p.addf("bootserver: boots is empty; name a type and its boot files")
	}
	seen := map[string]bool{}
	for _, i := range b.Boots {
		where := fmt.Sprintf("bootserver: type %#x layer %d", i.Type, i.Layer)
		checkType(p, "bootserver", i.Type)
		if i.Type == int(pxe.LocalBoot) {
			p.addf("%s: type 0 is the client's own disk, which no server boots", where)
		}
		if i.Layer < 0 || i.Layer >= pxe.CredentialsLayer {
			p.addf("%s: the layer is outside 0 to %d", where, pxe.CredentialsLayer-1)
		}
		if seen[where] {
			p.addf("%s is there twice", where)
		}
		seen[where] = true
		i.Boot.validate(p, where)
		if i.MTFTP != nil {
			i.MTFTP.validate(p, where+": mtftp")
		}
		for _, arch := range slices.Sorted(maps.Keys(i.CredentialsFile)) {
			checkFile(p, where+": credentialsFile: "+arch, i.CredentialsFile[arch])
		}
	}
	if b.Multicast.IsValid() && !(b.Multicast.Is4() && b.Multicast.IsMulticast()) {
		p.addf("bootserver: multicast %q is not an IPv4 multicast address", b.Multicast)
	}
}

func checkType(p *problems, where string, t int) {
	if t < 0 || t > 0xffff {
		p.addf("%s: type %d is outside 0 to 65535", where, t)
	}
}

func checkNext(p *problems, where string, a netip.Addr) {
	if a.IsValid() && !a.Is4() {
		p.addf("%s: nextServer %q is not an IPv4 address", where, a)
	}
}
