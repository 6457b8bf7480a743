package topology

import (
	"net/netip"
	"slices"
)

// Relay is our DHCP relay agent.
type Relay struct {
	To       []netip.Addr
	Clients  []string // networks
	MaxHops  int      // zero means 4
	MinSecs  int
	Option82 string // "" means "add"

	LinkSelection, ServerOverride bool
}

// Pool is what a DHCP server gives on a network other than its own, behind a relay.
type Pool struct {
	Network     string
	First, Last netip.Addr
	Router      netip.Addr // invalid: clients there have none
}

// relays builds the relay agents.
func (c *checker) relays() {
	for i := range c.topo.Services {
		s := &c.topo.Services[i]
		if f := c.form.Services[partName(s.Name)].Relay; f != nil {
			s.Relay = c.relay("services."+s.Name+".relay", s, f)
		}
	}
}

func (c *checker) relay(key string, s *Service, f *relayForm) *Relay {
	r := &Relay{MaxHops: int(f.MaxHops), MinSecs: int(f.MinSecs), Option82: string(f.Option82),
		LinkSelection: f.LinkSelection, ServerOverride: f.ServerOverride}
	var beyond []string // networks that servers are on
	for i, name := range f.To {
		at := item(join(key, "to"), i)
		if a, err := netip.ParseAddr(name); err == nil {
			r.To = append(r.To, a)
			continue
		}
		j := c.service(at, name)
		if j < 0 {
			continue
		}
		to := c.topo.Services[j]
		if !to.Address.IsValid() || to.Name == s.Name || to.On == s.Name {
			c.report(at, "%q has no address that this relay could send to", name)
			continue
		}
		r.To = append(r.To, to.Address)
		beyond = append(beyond, to.Network)
	}
	if len(f.To) == 0 && c.whole(key) {
		c.report(join(key, "to"), "names no server; write the services that get the requests")
	}
	for i, name := range f.Clients {
		if !s.At(name).IsValid() {
			c.report(item(join(key, "clients"), i), "%q is not on network %s; give it an address there", s.Name, quote(name))
		}
		r.Clients = append(r.Clients, name)
	}
	for _, l := range s.Networks() {
		if len(f.Clients) == 0 && !slices.Contains(beyond, l.Network) {
			r.Clients = append(r.Clients, l.Network)
		}
	}
	if len(r.Clients) == 0 && len(r.To) > 0 {
		c.report(key, "has servers on every network of %q, and so no clients; give it addresses on another network", s.Name)
	}
	if f.LinkSelection && len(r.Clients) == len(s.Networks()) {
		c.report(join(key, "linkSelection"), "needs a network without clients, on whose side giaddr is; name the others in clients")
	}
	return r
}

// pools builds what a DHCP server gives behind relays.
func (c *checker) pools(key string, s *Service, f *dhcpForm) {
	s.DHCP.Router = c.routerOf("", s.Network, "")
	for _, name := range c.keys[join(key, "pools")] {
		at := join(join(key, "pools"), name)
		form := f.Pools[partName(name)]
		switch {
		case !slices.Contains(c.keys["networks"], name):
			c.report(at, "unknown network %s %s", quote(name), hint(name, c.keys["networks"]))
			continue
		case s.At(name).IsValid():
			c.report(at, "%q is on network %q itself, where it gives what range says", s.Name, name)
			continue
		}
		p := Pool{Network: name, First: form.Range.First, Last: form.Range.Last}
		if p.First.IsValid() {
			c.pool(join(at, "range"), Service{Name: s.Name, Network: name}, p.First, p.Last)
		}
		p.Router = c.routerOf(join(at, "router"), name, form.Router)
		s.DHCP.Pools = append(s.DHCP.Pools, p)
	}
}

// routerOf finds what clients on a network are to take for their router.
func (c *checker) routerOf(key, network, name string) netip.Addr {
	if name != "" {
		i := c.service(key, name)
		if i < 0 {
			return netip.Addr{}
		}
		a := c.topo.Services[i].At(network)
		if !a.IsValid() {
			c.report(key, "service %q is not on network %q, so clients there cannot send to it", name, network)
		}
		return a
	}
	var all []netip.Addr
	for _, s := range c.topo.Services {
		if a := s.At(network); s.Router && a.IsValid() {
			all = append(all, a)
		}
	}
	if len(all) != 1 {
		return netip.Addr{}
	}
	return all[0]
}
