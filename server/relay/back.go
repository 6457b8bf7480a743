package relay

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"

	"github.com/pxelab/pxelab/server/socket"
)

const (
	clientPort = 68
	ethernet   = 1 // htype (RFC 826)
)

// Delivery is a reply on its way to a client.
type Delivery struct {
	Datagram []byte
	Link     *Link
	To       netip.AddrPort
	MAC      net.HardwareAddr // not nil: deliver to this station without ARP, which it cannot answer yet
}

// Return decides on a reply from a server: where it goes, nil if nowhere (RFC 1542 section 4.1.2).
func Return(datagram []byte, cfg *Config) (*Delivery, Decision) {
	m, err := parse(datagram)
	if err != nil {
		return nil, Decision{Request: "BOOTREPLY", Reason: "discarded: " + err.Error()}
	}
	d := m.decision()
	link, why := cfg.linkOf(m)
	if link == nil {
		d.Reason = "discarded: " + why
		return nil, d
	}
	if a := m.address(yiaddrAt); a.IsValid() {
		d.Address = a.String()
	}
	r := &Delivery{Link: link}
	var about string
	r.Datagram, about = cfg.strip(m, link)
	r.To, r.MAC, why = m.destination()
	d.Reply, d.Reason = relayed, fmt.Sprintf("to %s on %s, %s; %s", r.To, link.Interface, why, about)
	return r, d
}

// linkOf finds the link a reply belongs to: by giaddr, and where that is the same for all of them by option 82.
func (c *Config) linkOf(m *message) (link *Link, why string) {
	giaddr := m.address(giaddrAt)
	if m.octets[opAt] != bootReply {
		return nil, "not a BOOTREPLY"
	}
	if !giaddr.IsValid() {
		return nil, "no giaddr: not an answer to what this relay sent"
	}
	info, _ := m.find(optRelayInfo)
	for i := range c.Links {
		l := &c.Links[i]
		if l.Clients && c.giaddr(l) == giaddr && (!c.LinkSelection || bytes.HasSuffix(info, c.information(l))) {
			return l, ""
		}
	}
	if c.LinkSelection && c.owns(giaddr) {
		return nil, "option 82 did not come back, so nothing says which network the client is on"
	}
	return nil, fmt.Sprintf("giaddr %s is no address of this relay on a network with clients", giaddr)
}

// destination is where a reply goes: RFC 1542 section 5.4 for the flag, RFC 2131 section 4.1 for the rest. An offer of
// a proxyDHCP service gives no address, and its client has none: broadcast is the only way to it.
func (m *message) destination() (to netip.AddrPort, station net.HardwareAddr, why string) {
	yiaddr, ciaddr := m.address(yiaddrAt), m.address(ciaddrAt)
	switch {
	case ciaddr.IsValid() && (!yiaddr.IsValid() || yiaddr == ciaddr):
		return netip.AddrPortFrom(ciaddr, clientPort), nil, "which the client has already"
	case m.broadcast():
		return socket.EveryClient, nil, "as its client asked for broadcast"
	case !yiaddr.IsValid():
		return socket.EveryClient, nil, "as the reply gives no address"
	case m.octets[htypeAt] != ethernet || m.octets[hlenAt] != 6:
		return socket.EveryClient, nil, "as its client has no Ethernet address"
	}
	return netip.AddrPortFrom(yiaddr, clientPort), m.station(), "by its hardware address"
}
