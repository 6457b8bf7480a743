package topology

import (
	"net/netip"
	"slices"
)

// Link is a service's place on one of several networks.
type Link struct {
	Network string
	Address netip.Addr
}

// Networks lists where a service is: the first is its eth0, the next eth1, and so on.
func (s Service) Networks() []Link {
	if len(s.Links) > 0 {
		return s.Links
	}
	return []Link{{s.Network, s.Address}}
}

// At gives a service's address on a network, invalid if it is not there.
func (s Service) At(network string) netip.Addr {
	for _, l := range s.Networks() {
		if l.Network == network {
			return l.Address
		}
	}
	return netip.Addr{}
}

// place puts a service on its network, or on each of several.
func (c *checker) place(key string, s *Service, f serviceForm, taken map[string]map[netip.Addr]string) {
	switch {
	case s.On != "":
		c.shares(key, s)
		return
	case len(c.keys[join(key, "addresses")]) == 0:
		s.Network = c.network(key, f.Network)
		s.Links = nil
		c.addresses(key, f, s, taken)
		return
	}
	for _, k := range []string{"address", "address6", "network"} {
		if slices.Contains(c.keys[key], k) {
			c.report(join(key, k), "is one of its addresses already; leave it out")
		}
	}
	for _, name := range c.keys[join(key, "addresses")] {
		at := join(join(key, "addresses"), name)
		if !slices.Contains(c.keys["networks"], name) {
			c.report(at, "unknown network %s %s", quote(name), hint(name, c.keys["networks"]))
		}
		l := Link{name, f.Addresses[partName(name)].Addr}
		if l.Address.IsValid() {
			c.serviceAddress(at, &Service{Name: s.Name, Network: name}, l.Address, taken)
		}
		s.Links = append(s.Links, l)
	}
	s.Network, s.Address = s.Links[0].Network, s.Links[0].Address
}

// routers checks the hosts that forward, once all services are placed.
func (c *checker) routers() {
	for _, s := range c.topo.Services {
		for what, is := range map[string]bool{"router": s.Router, "capture": s.Capture} {
			if is && s.On != "" {
				c.report(join(join("services", s.Name), what), "is a matter of the host, which is that of %q; write it there", s.On)
			}
		}
		if s.Router && s.On == "" && len(s.Networks()) < 2 {
			c.report(join(join("services", s.Name), "router"), "forwards nothing, as %q is on one network only; give it addresses on two", s.Name)
		}
	}
}

// Router finds the service that forwards from a network to another: the first hop of the shortest way, which does not
// lead through the host of except. The address is invalid if there is no way, or if both are the same network.
func (t *Topology) Router(from, to, except string) (name string, address netip.Addr) {
	type step struct {
		network, name string
		address       netip.Addr
	}
	seen := map[string]bool{from: true}
	for queue := []step{{network: from}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, s := range t.Services {
			if !s.Router || s.Name == except || !s.At(at.network).IsValid() {
				continue
			}
			first := step{name: at.name, address: at.address}
			if first.name == "" {
				first.name, first.address = s.Name, s.At(from)
			}
			for _, l := range s.Networks() {
				if seen[l.Network] {
					continue
				}
				if l.Network == to {
					return first.name, first.address
				}
				seen[l.Network] = true
				queue = append(queue, step{l.Network, first.name, first.address})
			}
		}
	}
	return "", netip.Addr{}
}

// reaches tells whether datagrams of hosts on one network come to another.
func (c *checker) reaches(from, to string) bool {
	_, hop := c.topo.Router(from, to, "")
	return from == to || hop.IsValid()
}
