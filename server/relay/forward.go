package relay

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// relayed is what a Decision has for Reply when the message goes on.
const relayed = "relayed"

// Forward decides on a request that arrived on a link: what to send to every server, nil if nothing (RFC 1542
// section 4.1.1).
func Forward(datagram []byte, on *Link, cfg *Config) ([]byte, Decision) {
	m, err := parse(datagram)
	if err != nil {
		return nil, Decision{Request: "BOOTREQUEST", Reason: "discarded: " + err.Error()}
	}
	d := m.decision()
	if why := cfg.refuses(m, on); why != "" {
		d.Reason = why
		return nil, d
	}
	giaddr := m.address(giaddrAt)
	out, about := slices.Clone(datagram), "giaddr stays "+giaddr.String()
	if !giaddr.IsValid() {
		giaddr = cfg.giaddr(on)
		if out, about, d.Reason = cfg.inform(m, on); d.Reason != "" {
			return nil, d
		}
		copy(out[giaddrAt:], giaddr.AsSlice())
		about = fmt.Sprintf("giaddr %s, %s", giaddr, about)
	}
	out[hopsAt]++
	d.Reply, d.Reason = relayed, fmt.Sprintf("from %s to %s, %s", on.Interface, list(cfg.Servers), about)
	return out, d
}

// refuses says why a request ends here; empty if it does not.
func (c *Config) refuses(m *message, on *Link) string {
	giaddr := m.address(giaddrAt)
	switch hops, secs := int(m.octets[hopsAt]), int(binary.BigEndian.Uint16(m.octets[secsAt:])); {
	case m.octets[opAt] != bootRequest:
		return "discarded: not a BOOTREQUEST"
	case !on.Clients:
		return fmt.Sprintf("ignored: it came over %s, where the servers hear it themselves", on.Interface)
	case hops > c.maxHops():
		return fmt.Sprintf("discarded: it has made %d hops, more than %d: relays that send it in a circle", hops, c.maxHops())
	case secs < c.MinSecs:
		return fmt.Sprintf("ignored: its client has tried for %d s, and is relayed after %d: a server on its own network may answer", secs, c.MinSecs)
	case giaddr.IsValid() && c.owns(giaddr):
		return fmt.Sprintf("discarded: its giaddr %s is this relay's own, which it did not put there", giaddr)
	}
	return ""
}

// inform gives a copy of a client's request with option 82 as the policy has it, and what was done about it; refused
// if the request must not go on. A request without a cookie, or whose options do not parse, has no place for it.
func (c *Config) inform(m *message, on *Link) (out []byte, about, refused string) {
	theirs, old := m.find(optRelayInfo)
	has, ours := old.end > 0, c.information(on)
	plain := slices.Clone(m.octets)
	switch {
	case has && c.policy() == Add:
		return nil, "", "discarded: its client sent an option 82 (relay agent information), which only relays may"
	case c.policy() == None || !m.dhcp:
		return plain, "no option 82 added", ""
	case has && c.policy() == Keep:
		return plain, "its option 82 kept", ""
	case has && c.policy() == Append:
		ours = slices.Concat(theirs, ours)
	}
	if out = m.with(ours, old); out == nil {
		return plain, fmt.Sprintf("no option 82 added: no room in %d octets", len(plain)), ""
	}
	return out, fmt.Sprintf("option 82 added with circuit %q", on.Interface), ""
}

// list names addresses.
func list(all []netip.Addr) string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.String()
	}
	return strings.Join(names, ", ")
}
