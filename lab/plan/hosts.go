package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// Link is one interface of a service's host.
type Link struct {
	Network   string       `json:"network"`
	Interface string       `json:"interface"` // eth0, eth1 ...
	Address   netip.Prefix `json:"address"`
	MAC       string       `json:"mac"`
}

// Route is a way to another network of the lab. None leads out of it.
type Route struct {
	To  netip.Prefix `json:"to"`
	Via netip.Addr   `json:"via"`
}

// Interfaces lists the interfaces of the service's host.
func (s Service) Interfaces() []Link {
	if len(s.Links) > 0 {
		return s.Links
	}
	return []Link{{s.Network, "eth0", s.Address, s.MAC}}
}

// On gives the host's interface on a network, and whether it has one there.
func (s Service) On(network string) (Link, bool) {
	for _, l := range s.Interfaces() {
		if l.Network == network {
			return l, true
		}
	}
	return Link{}, false
}

// hostOf plans the host of a service: its interfaces and what it knows of the lab's other networks.
func hostOf(t *topology.Topology, nets []Network, s topology.Service, slot int, ps *Service) {
	ps.Router, ps.Capture = s.Router, s.Capture
	if s.On != "" {
		return
	}
	for k, l := range s.Links {
		mac := ps.MAC
		if k > 0 {
			mac = fmt.Sprintf("52:54:00:70:%02x:%02x", 0x80+k, slot)
		}
		ps.Links = append(ps.Links, Link{l.Network, fmt.Sprintf("eth%d", k), prefix(nets, l.Network, l.Address), mac})
	}
	for _, n := range nets {
		if s.At(n.Name).IsValid() || n.Name == s.Network {
			continue
		}
		for _, l := range s.Networks() {
			if _, via := t.Router(l.Network, n.Name, s.Name); via.IsValid() && l.Address.IsValid() {
				ps.Routes = append(ps.Routes, Route{n.Subnet, via})
				break
			}
		}
	}
}

// relay turns the topology's relay agent into the configuration of ours.
func relay(ps Service, r *topology.Relay) *server.RelayConfig {
	c := &server.RelayConfig{Servers: r.To, MaxHops: r.MaxHops, MinSecs: r.MinSecs, Option82: r.Option82,
		LinkSelection: r.LinkSelection, ServerOverride: r.ServerOverride}
	for _, l := range ps.Interfaces() {
		if l.Address.Addr().Is4() {
			c.Links = append(c.Links, server.RelayLink{Interface: l.Interface, Address: l.Address.Addr(), Clients: slices.Contains(r.Clients, l.Network)})
		}
	}
	return c
}

func subnetOf(t *topology.Topology, network string) netip.Prefix {
	i := slices.IndexFunc(t.Networks, func(n topology.Network) bool { return n.Name == network })
	return t.Networks[i].Subnet.Masked()
}

func (s Service) addressText() string {
	if text := addressText(s.Address, s.Address6); text != "" {
		return text
	}
	return "no address"
}

// writeHost prints what is special about a service's host, and what is not ours there.
func (s Service) writeHost(b *strings.Builder) {
	for _, l := range s.Links {
		fmt.Fprintf(b, "  %s on %s  %s  %s\n", l.Interface, l.Network, l.Address, l.MAC)
	}
	if s.Router {
		b.WriteString("  forwards between its networks\n")
	}
	for _, r := range s.Routes {
		fmt.Fprintf(b, "  route to %s by way of %s\n", r.To, r.Via)
	}
	if s.Capture {
		b.WriteString("  what passes its interfaces is recorded\n")
	}
	if s.External {
		b.WriteString("  servers outside the lab are given sockets here\n")
		if len(s.Files) > 0 {
			fmt.Fprintf(b, "  is given %s\n", strings.Join(s.Files, " "))
		}
	}
	if s.Exec != nil {
		s.Exec.writeText(b, s.Files)
	}
	if s.Server != nil && s.Server.Relay != nil {
		writeRelay(b, s.Server.Relay)
	}
	for _, x := range s.Expect {
		fmt.Fprintf(b, "  expect %s\n", x)
	}
}

func writeRelay(b *strings.Builder, r *server.RelayConfig) {
	for _, l := range r.Links {
		if l.Clients {
			fmt.Fprintf(b, "  relay from %s at %s to %s\n", l.Interface, l.Address, strings.Trim(fmt.Sprint(r.Servers), "[]"))
		}
	}
}

func writePools(b *strings.Builder, pools []server.PoolConfig) {
	for _, p := range pools {
		fmt.Fprintf(b, "  dhcp %s-%s for %s behind a relay", p.First, p.Last, p.Subnet)
		if p.Router.IsValid() {
			fmt.Fprintf(b, "  router %s", p.Router)
		}
		b.WriteString("\n")
	}
}
