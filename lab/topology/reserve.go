package topology

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
)

// reservations builds a DHCP server's reservations.
func (c *checker) reservations(key string, s *Service, list []reservationForm) []Reservation {
	var out []Reservation
	addresses, clients := map[netip.Addr]int{}, map[string]int{}
	for i, r := range list {
		at := item(join(key, "reservations"), i)
		c.client(at, r, clients, i)
		if r.Address.IsValid() {
			c.reserved(join(at, "address"), s, r.Address.Addr)
			if first, dup := addresses[r.Address.Addr]; dup {
				c.report(join(at, "address"), "%s is reserved already, by number %d; give each client its own", r.Address, first+1)
			}
			addresses[r.Address.Addr] = i
		}
		if c.whole(at) && !slices.Contains(c.keys[at], "address") && !slices.Contains(c.keys[at], "file") {
			c.report(at, "reserves nothing; add address, file or both")
		}
		c.reservedFile(join(at, "file"), r.File)
		out = append(out, Reservation{Guest: r.Guest, MAC: string(r.MAC), UUID: string(r.UUID), Address: r.Address.Addr, File: r.File})
	}
	return out
}

// client checks that a reservation names one client, and one that has none yet.
func (c *checker) client(at string, r reservationForm, clients map[string]int, i int) {
	named := 0
	for _, k := range c.keys[at] {
		if k == "guest" || k == "mac" || k == "uuid" {
			named++
		}
	}
	if named != 1 && c.whole(at) {
		c.report(at, "names %d clients; write exactly one of guest, mac and uuid", named)
		return
	}
	if r.Guest != "" && !slices.Contains(c.keys["guests"], r.Guest) {
		c.report(join(at, "guest"), "unknown guest %s %s", quote(r.Guest), hint(r.Guest, c.keys["guests"]))
	}
	// The three kinds cannot be mistaken for each other: a name has no colon and at most 11 characters.
	id := r.Guest + string(r.MAC) + string(r.UUID)
	if id == "" {
		return
	}
	if first, dup := clients[id]; dup {
		c.report(at, "%s has a reservation already, number %d; write one for both", id, first+1)
	}
	clients[id] = i
}

// reserved checks a reserved address. It may lie in the range or beside it.
func (c *checker) reserved(key string, s *Service, a netip.Addr) {
	where := s.Network
	if s.DHCP != nil {
		for _, p := range s.DHCP.Pools {
			if c.subnetOf(p.Network).Contains(a) {
				where = p.Network
			}
		}
	}
	if why := unusable(a, c.subnetOf(where)); why != "" {
		c.report(key, "%s", why)
	}
	for _, other := range c.topo.Services {
		if other.At(where) == a {
			c.report(key, "%s is the address of service %q; reserve another", a, other.Name)
		}
	}
}

// reservedFile checks the boot file of one client, which is told to it whatever its architecture.
func (c *checker) reservedFile(key, name string) {
	switch {
	case name == "":
	case !isFile(name) && c.known.isImage(name):
		c.report(key, "%q is an image with a file for each architecture; write the one file, by its name on the wire", name)
	default:
		c.fileName(key, name)
	}
}

// tftps checks what TFTP servers serve and withhold.
func (c *checker) tftps() {
	named := c.named()
	for _, s := range c.topo.Services {
		if s.TFTP == nil {
			continue
		}
		key := "services." + s.Name + ".tftp"
		for i, name := range s.TFTP.Images {
			c.fileName(item(join(key, "images"), i), name)
		}
		for _, name := range c.keys[join(key, "alias")] {
			at := join(join(key, "alias"), name)
			if !isFile(name) {
				c.report(at, "%s is no file's name on the wire, which has a dot or a slash, such as special/probe.0", quote(name))
			}
			if !filepath.IsLocal(name) {
				c.report(at, "%s leads out of the server's folder; write a name without \"..\" that does not begin with a slash", quote(name))
			}
			c.reservedFile(at, s.TFTP.Alias[name])
		}
		for i, name := range s.TFTP.Missing {
			at := item(join(key, "missing"), i)
			c.fileName(at, name)
			if c.known.isImage(name) && !named[name] && !slices.Contains(s.TFTP.Images, name) {
				c.report(at, "no boot names image %q, so it is missing anyway; name it in a boot, or leave it out here", name)
			}
		}
	}
}

// named collects what the boots of the lab name.
func (c *checker) named() map[string]bool {
	named := map[string]bool{}
	for _, s := range c.topo.Services {
		if s.DHCP6 != nil && s.DHCP6.Boot != nil {
			for _, name := range s.DHCP6.Boot.Files {
				named[name] = true
			}
			for _, name := range s.DHCP6.Boot.IPXE {
				named[name] = true
			}
		}
	}
	for _, b := range c.topo.Boots() {
		for _, name := range b.Files {
			named[name] = true
		}
		for _, name := range b.IPXE {
			named[name] = true
		}
	}
	return named
}

// item is the key of a list's item.
func item(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }
