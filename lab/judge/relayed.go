package judge

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// pool is a range of addresses that a server of the lab gives on one network.
type pool struct {
	subnet      netip.Prefix
	first, last netip.Addr
}

// pools lists what a service's DHCP server gives, its own network first.
func pools(s plan.Service) []pool {
	d := s.Server.DHCP
	out := []pool{{s.Address.Masked(), d.First, d.Last}}
	for _, p := range d.Pools {
		out = append(out, pool{p.Subnet, p.First, p.Last})
	}
	return out
}

// subnet is the network that the guest is on; invalid if the plan does not say.
func (b *boot) subnet() netip.Prefix {
	for _, n := range b.t.plan.Networks {
		if n.Name == b.guest.Network {
			return n.Subnet
		}
	}
	return netip.Prefix{}
}

// outsidePools says why an address is not of the range that a service has for the guest's network; empty if it is.
func (b *boot) outsidePools(s plan.Service, address string) string {
	a, err := netip.ParseAddr(address)
	var here *pool
	for _, p := range pools(s) {
		if p.subnet == b.subnet() {
			here = &p
		}
	}
	switch {
	case here == nil:
		return fmt.Sprintf("%s got %s from %q, which has no addresses for network %q", b.guest.Name, address, s.Name, b.guest.Network)
	case err != nil || !here.first.IsValid() || a.Less(here.first) || here.last.Less(a):
		return fmt.Sprintf("%s got %s from %q, which is neither in its range %s-%s nor reserved", b.guest.Name, address, s.Name, here.first, here.last)
	}
	return ""
}

// by words who sent a packet, and who passed it on.
func (b *boot) by(e event.Event) string {
	if e.Via == "" {
		return b.sender(e)
	}
	return fmt.Sprintf("%s by way of %q", b.sender(e), e.Via)
}

// relays tells whether a service may carry broadcasts of the guest's network to that server: our relay agent says so;
// of a program that is not ours on several networks nobody knows.
func (b *boot) relays(relay, server *plan.Service) bool {
	on, ok := relay.On(b.guest.Network)
	switch {
	case !ok || relay.Name == server.Name:
		return false
	case relay.Exec != nil:
		return len(relay.Links) > 1
	}
	return servesLink(relay, on) && slices.Contains(relay.Server.Relay.Servers, server.Address.Addr())
}

// servesLink tells whether a service is our relay agent for clients on one of its interfaces.
func servesLink(relay *plan.Service, on plan.Link) bool {
	if relay.Server == nil || relay.Server.Relay == nil {
		return false
	}
	for _, l := range relay.Server.Relay.Links {
		if l.Clients && l.Interface == on.Interface {
			return true
		}
	}
	return false
}

// relayedBy tells whether a decision is that of the relay agent for the guest's network. One for other networks hears
// the guest too, and is right not to care.
func (b *boot) relayedBy(e event.Event) bool {
	i := slices.IndexFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Name == e.Service })
	if i < 0 || e.Decision.Role != "relay" {
		return false
	}
	on, ok := b.t.plan.Services[i].On(b.guest.Network)
	return ok && servesLink(&b.t.plan.Services[i], on)
}

// hears tells whether broadcasts of the guest reach a service: it is on the same network, or a relay is.
func (b *boot) hears(s *plan.Service) bool {
	if _, here := s.On(b.guest.Network); here {
		return true
	}
	for i := range b.t.plan.Services {
		if b.relays(&b.t.plan.Services[i], s) {
			return true
		}
	}
	return false
}

// relayHint says what is missing when there are services in one of these roles and none hears the guest; empty if it
// is not that.
func (b *boot) relayHint(roles ...string) string {
	var deaf *plan.Service
	for i := range b.t.plan.Services {
		s := &b.t.plan.Services[i]
		switch {
		case !playsAny(*s, roles):
		case b.hears(s):
			return ""
		case deaf == nil:
			deaf = s
		}
	}
	if deaf == nil {
		return ""
	}
	for i := range b.t.plan.Services {
		relay := &b.t.plan.Services[i]
		if on, ok := relay.On(b.guest.Network); ok && servesLink(relay, on) {
			return fmt.Sprintf("service %q is on network %q, and relay %q does not send to it: add %s to the relay's servers",
				deaf.Name, deaf.Network, relay.Name, deaf.Address.Addr())
		}
	}
	return fmt.Sprintf("service %q is on network %q, and a router passes no broadcasts on: run a DHCP relay agent on network %q that sends to %s",
		deaf.Name, deaf.Network, b.guest.Network, deaf.Address.Addr())
}

// byWay words the service that a claim wants a packet to have come through.
func byWay(via string) string {
	if via == "" {
		return ""
	}
	return fmt.Sprintf(" by way of %q", via)
}
