package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/pxelab/pxelab/lab/event"
)

// DHCPv6 message types, RFC 8415 section 7.3.
var dhcp6Types = []string{1: "SOLICIT", 2: "ADVERTISE", 3: "REQUEST", 4: "CONFIRM", 5: "RENEW", 6: "REBIND",
	7: "REPLY", 8: "RELEASE", 9: "DECLINE", 10: "RECONFIGURE", 11: "INFORMATION-REQUEST",
	12: "RELAY-FORW", 13: "RELAY-REPL"}

// optBootfileURL is the boot file's URL in DHCPv6, RFC 5970 section 3.1.
const optBootfileURL = 59

// dhcpv6 names the message and its boot file; the event log has no fields for more.
func (d *Decoder) dhcpv6(p *event.Packet, data []byte) bool {
	if len(data) < 4 {
		p.Error = fmt.Sprintf("DHCPv6 message of %d octets is shorter than its header (4)", len(data))
		return true
	}
	p.Proto = "dhcp6"
	t := int(data[0])
	p.Info = fmt.Sprintf("DHCPv6 type %d", t)
	if t > 0 && t < len(dhcp6Types) {
		p.Info = "DHCPv6 " + dhcp6Types[t]
	}
	if d.cur.foreign {
		return d.once(kind{what: "dhcp6", number: t}) // a question of another guest: servers answer by unicast
	}
	if t == 12 || t == 13 { // a relay's message has another header (RFC 8415 section 9)
		return true
	}
	for rest := data[4:]; len(rest) > 0; {
		if len(rest) < 4 {
			p.Error = fmt.Sprintf("DHCPv6 options end with %d stray octets", len(rest))
			break
		}
		code, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest)-4 {
			p.Error = fmt.Sprintf("DHCPv6 option %d says %d octets, %d are left", code, n, len(rest)-4)
			break
		}
		if code == optBootfileURL {
			p.Info += " file " + printable(rest[4:4+n])
		}
		rest = rest[4+n:]
	}
	return true
}
