package server

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/relay"
)

// PoolConfig is what a DHCP server gives to clients on a network other than its own, behind a relay agent: the network
// that giaddr or option 82.5 lies in.
type PoolConfig struct {
	Subnet netip.Prefix `json:"subnet"`
	First  netip.Addr   `json:"first"` // both ends included
	Last   netip.Addr   `json:"last"`
	Router netip.Addr   `json:"router,omitzero"` // option 3 there; zero sends none
}

// RelayConfig is a DHCP relay agent (RFC 1542, RFC 3046). It listens on its links; Config.Interface need not be one.
type RelayConfig struct {
	Links          []RelayLink  `json:"links"`
	Servers        []netip.Addr `json:"servers"`                  // each gets every request
	MaxHops        int          `json:"maxHops,omitempty"`        // 1 to 16; zero means 4
	MinSecs        int          `json:"minSecs,omitempty"`        // relay only who has tried for so many seconds
	Option82       string       `json:"option82,omitempty"`       // "add" (the default), "append", "replace", "keep", "none"
	LinkSelection  bool         `json:"linkSelection,omitempty"`  // option 82.5 (RFC 3527)
	ServerOverride bool         `json:"serverOverride,omitempty"` // option 82.11 (RFC 5107)
}

// RelayLink is one interface of a relay agent.
type RelayLink struct {
	Interface string     `json:"interface"`
	Address   netip.Addr `json:"address"`           // of the relay there: giaddr for its clients
	Clients   bool       `json:"clients,omitempty"` // requests that arrive here are relayed; otherwise only replies are taken
}

// validatePools checks the networks behind relays against the own one and each other.
func (d *DHCPConfig) validatePools(p *problems, own netip.Prefix) {
	for i, pool := range d.Pools {
		n := i + 1
		if !pool.Subnet.IsValid() || !pool.Subnet.Addr().Is4() || pool.Subnet != pool.Subnet.Masked() {
			p.addf("dhcp: pool %d: subnet %q is not an IPv4 subnet like 198.51.100.0/24", n, pool.Subnet)
			continue
		}
		before := []netip.Prefix{own}
		for _, other := range d.Pools[:i] {
			before = append(before, other.Subnet)
		}
		if slices.ContainsFunc(before, pool.Subnet.Overlaps) {
			p.addf("dhcp: pool %d: subnet %s overlaps the server's own or an earlier pool's", n, pool.Subnet)
		}
		if !usable(pool.Subnet, pool.First) || !usable(pool.Subnet, pool.Last) || pool.Last.Less(pool.First) {
			p.addf("dhcp: pool %d: %s to %s is no range of %s", n, pool.First, pool.Last, pool.Subnet)
		}
		if pool.Router.IsValid() && !usable(pool.Subnet, pool.Router) {
			p.addf("dhcp: pool %d: router %s is no host address of %s", n, pool.Router, pool.Subnet)
		}
	}
}

// anywhere reports whether a host of the server's own network, or of one of its pools', can have the address.
func (d *DHCPConfig) anywhere(own netip.Prefix, a netip.Addr) bool {
	return usable(own, a) || slices.ContainsFunc(d.Pools, func(p PoolConfig) bool { return usable(p.Subnet, a) })
}

func (r *RelayConfig) validate(p *problems, c Config) {
	if c.DHCP != nil || c.BOOTP != nil || c.ProxyDHCP != nil || c.BootServer != nil {
		p.addf("relay: a relay listens on UDP 67, like this server's other DHCP roles; run it on a host of its own")
	}
	clients := 0
	for i, l := range r.Links {
		if l.Interface == "" || !l.Address.Is4() || l.Address.IsUnspecified() {
			p.addf("relay: link %d: needs an interface and the relay's IPv4 address there, has %q and %q", i+1, l.Interface, l.Address)
		}
		if slices.ContainsFunc(r.Links[:i], func(o RelayLink) bool { return o.Interface == l.Interface }) {
			p.addf("relay: link %d: interface %q is named twice", i+1, l.Interface)
		}
		if l.Clients {
			clients++
		}
	}
	if clients == 0 {
		p.addf("relay: no link has clients; mark those whose requests are to be relayed")
	}
	if r.LinkSelection && clients == len(r.Links) {
		p.addf("relay: linkSelection needs a link without clients, whose address becomes giaddr")
	}
	if len(r.Servers) == 0 {
		p.addf("relay: no server is named; requests have nowhere to go")
	}
	for _, s := range r.Servers {
		if !s.Is4() || s.IsUnspecified() || s.IsMulticast() {
			p.addf("relay: server %q is not the IPv4 address of a host", s)
		}
	}
	if r.MaxHops < 0 || r.MaxHops > 16 {
		p.addf("relay: maxHops %d is outside 1 to 16 (RFC 1542 section 4.1.1)", r.MaxHops)
	}
	if r.MinSecs < 0 || r.MinSecs > 65535 {
		p.addf("relay: minSecs %d is outside 0 to 65535", r.MinSecs)
	}
	if r.Option82 != "" && !slices.Contains(relay.Policies(), r.Option82) {
		p.addf("relay: option82 %q is none of %s", r.Option82, strings.Join(relay.Policies(), ", "))
	}
}

func (r *RelayConfig) open(observe func(Decision)) (role, error) {
	cfg := relay.Config{Servers: r.Servers, MaxHops: r.MaxHops, MinSecs: r.MinSecs, Option82: relay.Policy(r.Option82),
		LinkSelection: r.LinkSelection, ServerOverride: r.ServerOverride}
	for _, l := range r.Links {
		cfg.Links = append(cfg.Links, relay.Link{Interface: l.Interface, Address: l.Address, Clients: l.Clients})
	}
	return relay.Listen(cfg, func(d relay.Decision) {
		observe(Decision{Role: "relay", Client: d.Client, Request: d.Request, Reply: d.Reply, Reason: d.Reason, XID: d.XID,
			Address: d.Address})
	})
}

// pools turns the checked pools into the role's own.
func (d *DHCPConfig) pools() []dhcp.Pool {
	var out []dhcp.Pool
	for _, p := range d.Pools {
		out = append(out, dhcp.Pool{Subnet: p.Subnet, First: p.First, Last: p.Last, Router: p.Router})
	}
	return out
}
