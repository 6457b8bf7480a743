package story

import (
	"net/netip"
	"slices"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// lanes finds the lane of whoever sends and receives.
type lanes struct {
	list     []Lane
	known    map[string]bool
	networks []plan.Network
	services []plan.Service
	guests   map[string][]string       // names, by MAC address: a topology may give two the same
	hosts    map[string][]plan.Service // by address: services may share a host
	learned  map[string]string         // lanes, by an address that was seen to be theirs
}

func guestLane(name string) string   { return "guest:" + name }
func serviceLane(name string) string { return "service:" + name }

func (l *lanes) begin(p *plan.Plan) {
	*l = lanes{known: map[string]bool{}, networks: p.Networks, services: p.Services, guests: map[string][]string{}, hosts: map[string][]plan.Service{}, learned: map[string]string{}}
	for _, g := range p.Guests {
		l.add(Lane{ID: guestLane(g.Name), Kind: "guest", Name: g.Name, Networks: on(g.Network)})
		l.guests[g.MAC] = append(l.guests[g.MAC], g.Name)
	}
	for _, passes := range []bool{true, false} { // a relay stands between those that it joins
		for _, x := range p.Services {
			if relays := x.Router || x.Server != nil && x.Server.Relay != nil; relays == passes {
				l.add(Lane{ID: serviceLane(x.Name), Kind: "service", Name: x.Name, Networks: networksOf(p, x), Roles: x.Roles})
			}
		}
	}
	for _, x := range p.Services {
		host := hostOf(p, x)
		for _, link := range host.Interfaces() {
			l.hosts[link.Address.Addr().String()] = append(l.hosts[link.Address.Addr().String()], x)
		}
		if host.Address6.IsValid() {
			l.hosts[host.Address6.Addr().String()] = append(l.hosts[host.Address6.Addr().String()], x)
		}
	}
}

// hostOf is the service whose host a service is on, mostly itself.
func hostOf(p *plan.Plan, x plan.Service) plan.Service {
	if i := slices.IndexFunc(p.Services, func(y plan.Service) bool { return y.Name == x.Host }); i >= 0 {
		return p.Services[i]
	}
	return x
}

func networksOf(p *plan.Plan, x plan.Service) []string {
	var out []string
	for _, link := range hostOf(p, x).Interfaces() {
		out = append(out, on(link.Network)...)
	}
	return out
}

func on(network string) []string {
	if network == "" {
		return nil
	}
	return []string{network}
}

func (l *lanes) add(lane Lane) string {
	if !l.known[lane.ID] {
		l.known[lane.ID] = true
		l.list = append(l.list, lane)
	}
	return lane.ID
}

// other is the lane of an address that is no guest's and no service's.
func (l *lanes) other(name string) string {
	if name == "" {
		name = "unknown"
	}
	return l.add(Lane{ID: "other:" + name, Kind: "other", Name: name})
}

// from is the lane of a packet's sender.
func (l *lanes) from(e event.Event) string {
	p := e.Packet
	host := event.HostOf(p.Src)
	id := ""
	switch {
	case e.Guest != "" && p.FromGuest:
		id = guestLane(e.Guest)
	case e.Service != "":
		id = serviceLane(e.Service)
	case l.guest(p.SrcMAC, e.Guest) != "":
		id = guestLane(l.guest(p.SrcMAC, e.Guest))
	case l.at(host, event.PortOf(p.Src)) != "":
		return l.at(host, event.PortOf(p.Src))
	case slices.ContainsFunc(l.networks, func(n plan.Network) bool { return n.Name == e.Network }):
		return l.other("network " + e.Network) // the lab's own: its router, or the bridge
	default:
		return l.other(event.AddressOr(host, p.SrcMAC))
	}
	if a, err := netip.ParseAddr(host); err == nil && !a.IsUnspecified() && e.Via == "" {
		l.learned[host] = id
	}
	return l.add(laneOf(id))
}

// laneOf is a lane of a guest or service that the plan does not name: a log may know more.
func laneOf(id string) Lane {
	if name, ok := cut(id, "guest:"); ok {
		return Lane{ID: id, Kind: "guest", Name: name}
	}
	name, _ := cut(id, "service:")
	return Lane{ID: id, Kind: "service", Name: name}
}

func cut(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

// guest names the guest that has a MAC address; of several not this one.
func (l *lanes) guest(mac, not string) string {
	for _, name := range l.guests[mac] {
		if name != not {
			return name
		}
	}
	return ""
}

// ofMAC is the lane of the guest, or of the service that is a client, that has a MAC address; empty if none has.
func (l *lanes) ofMAC(mac string) string {
	if names := l.guests[mac]; len(names) > 0 {
		return guestLane(names[0])
	}
	if name := l.service(&event.Packet{SrcMAC: mac}); name != "" {
		return serviceLane(name)
	}
	return ""
}

// at is the lane of whoever has an address, empty if nobody is known to.
func (l *lanes) at(host string, port int) string {
	on := l.hosts[host]
	for _, x := range on {
		if slices.Contains(x.Ports(), port) {
			return serviceLane(x.Name)
		}
	}
	for _, x := range on { // a transfer's own port
		if len(on) > 1 && port > 1023 && x.Server != nil && x.Server.TFTP != nil {
			return serviceLane(x.Name)
		}
	}
	if len(on) > 0 {
		return serviceLane(on[0].Name)
	}
	return l.learned[host]
}

// to is the lane that a packet goes to.
func (l *lanes) to(e event.Event) string {
	p := e.Packet
	host := event.HostOf(p.Dst)
	switch {
	case host == "" || l.everybody(host) || p.Proto == "arp" && p.FromGuest && p.Info != "" && !isReply(p.Info):
		return All
	case p.Proto == "arp" && !isReply(p.Info):
		return All
	case e.Guest != "" && !p.FromGuest:
		return l.add(laneOf(guestLane(e.Guest)))
	case p.DHCP != nil && p.DHCP.Reply() && host == p.DHCP.YIAddr && l.ofMAC(p.DHCP.CHAddr) != "": // which nobody has as yet
		l.learned[host] = l.ofMAC(p.DHCP.CHAddr)
	}
	if id := l.at(host, event.PortOf(p.Dst)); id != "" {
		return id
	}
	return l.other(host)
}

// hears is the lane of who was sent a packet, if that went to all the one at whose cable it was seen.
func (l *lanes) hears(e event.Event, to string) string {
	switch {
	case to != All:
		return to
	case e.Guest != "":
		return l.add(laneOf(guestLane(e.Guest)))
	}
	return l.other(event.HostOf(e.Packet.Dst))
}

// everybody tells a broadcast or multicast address.
func (l *lanes) everybody(host string) bool {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	for _, n := range l.networks {
		if n.Subnet.IsValid() && n.Subnet.Addr().Is4() && n.Subnet.Bits() < 31 && n.Subnet.Contains(a) && !n.Subnet.Contains(a.Next()) {
			return true
		}
	}
	return false
}

// service names the service that sent a packet, by its MAC address and, where services share a host, by its port.
func (l *lanes) service(p *event.Packet) string {
	found := ""
	for _, x := range l.services {
		if !slices.ContainsFunc(x.Interfaces(), func(i plan.Link) bool { return i.MAC == p.SrcMAC }) {
			continue
		}
		if slices.Contains(x.Ports(), event.PortOf(p.Src)) {
			return x.Name
		}
		if found == "" {
			found = x.Name
		}
	}
	return found
}
