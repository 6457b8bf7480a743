package lab

import (
	"net/netip"
	"slices"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// senders tells which service sent a packet: by the host's MAC address, which the lab gave it, and where services
// share a host, by the port it was sent from.
type senders map[string][]plan.Service

// add takes the next service of the plan; host is the one whose host it is on, mostly itself.
func (s senders) add(x, host plan.Service) {
	for _, l := range host.Interfaces() {
		s[l.MAC] = append(s[l.MAC], x)
	}
}

// origin names the service that sent a packet, and the one that passed it on to the network it was seen on; both are
// empty if they are no services of the lab. Of routed packets the source address tells who sent them. A relayed reply
// is the relay's own packet: only the server identifier in it (option 54) tells who answered, and where a relay has
// servers go by its own address it passes for the answer of the relay.
func (s senders) origin(p event.Packet) (service, via string) {
	service = pick(s[p.SrcMAC], p)
	at := s[p.SrcMAC]
	if service == "" || len(at[0].Links) < 2 {
		return service, ""
	}
	from, err := netip.ParseAddrPort(p.Src)
	address := from.Addr()
	if err != nil {
		address, _ = netip.ParseAddr(p.Src)
	}
	if p.DHCP != nil && p.DHCP.Relayed && p.DHCP.Reply() && p.DHCP.ServerID != "" {
		address, _ = netip.ParseAddr(p.DHCP.ServerID)
	}
	for _, others := range s {
		has := func(l plan.Link) bool { return l.Address.IsValid() && l.Address.Addr() == address }
		if others[0].Name != at[0].Name && slices.ContainsFunc(others[0].Interfaces(), has) {
			return pick(others, p), service
		}
	}
	return service, ""
}

// pick tells which of the services on one host sent a packet; empty if there are none.
func pick(at []plan.Service, p event.Packet) string {
	if len(at) == 0 {
		return ""
	}
	port := event.PortOf(p.Src)
	for _, x := range at {
		if slices.Contains(x.Ports(), port) {
			return x.Name
		}
	}
	for _, x := range at { // a transfer's own port
		if p.TFTP != nil && x.Server != nil && x.Server.TFTP != nil {
			return x.Name
		}
	}
	return at[0].Name
}
