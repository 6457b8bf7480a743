package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// DHCPv6 message types, RFC 8415 section 7.3.
var dhcp6Types = []string{1: "SOLICIT", 2: "ADVERTISE", 3: "REQUEST", 4: "CONFIRM", 5: "RENEW", 6: "REBIND",
	7: "REPLY", 8: "RELEASE", 9: "DECLINE", 10: "RECONFIGURE", 11: "INFORMATION-REQUEST",
	12: "RELAY-FORW", 13: "RELAY-REPL"}

// DHCPv6 status codes, RFC 8415 section 21.13.
var dhcp6Statuses = []string{"Success", "UnspecFail", "NoAddrsAvail", "NoBinding", "NotOnLink", "UseMulticast", "NoPrefixAvail"}

// DHCPv6 options that an event tells of: RFC 8415 section 21, and from 59 on RFC 5970 section 3.
const (
	opt6ClientID    = 1
	opt6ServerID    = 2
	opt6IANA        = 3
	opt6IAAddr      = 5
	opt6Request     = 6
	opt6Status      = 13
	opt6RapidCommit = 14
	opt6VendorClass = 16
	opt6BootURL     = 59
	opt6BootParams  = 60
	opt6Arch        = 61
	opt6NII         = 62
)

// dhcp6Key tells the messages apart whose repetitions are counted.
type dhcp6Key struct {
	kind      string
	xid       string
	fromGuest bool
	src       netip.AddrPort
}

// dhcpv6 decodes DHCPv6. Another guest's question, which goes to the servers' group, is folded as a broadcast of DHCPv4 is:
// its own cable tells of it. Servers answer by unicast.
func (d *Decoder) dhcpv6(p *event.Packet, data []byte) bool {
	if len(data) < 4 {
		p.Error = fmt.Sprintf("DHCPv6 message of %d octets is shorter than its header (4)", len(data))
		return true
	}
	t := int(data[0])
	m := &event.DHCP6{Type: fmt.Sprintf("TYPE %d", t)}
	if t > 0 && t < len(dhcp6Types) {
		m.Type = dhcp6Types[t]
	}
	p.Proto, p.DHCP6 = "dhcp6", m
	p.Info = "DHCPv6 " + m.Type
	if t == 12 || t == 13 { // a relay's message has another header (RFC 8415 section 9)
		return !d.cur.foreign
	}
	m.XID = hex.EncodeToString(data[1:4])
	p.Error = walk6(data[4:], func(code int, v []byte) {
		m.Options = append(m.Options, strconv.Itoa(code))
		fill6(m, code, v)
	})
	if !d.cur.foreign {
		k := dhcp6Key{m.Type, m.XID, d.cur.fromGuest, d.cur.src}
		m.Repeat = d.dhcp6[k]
		room(d.dhcp6)
		d.dhcp6[k]++
	}
	p.Info += dhcp6Line(m) + again(m.Repeat)
	return !d.cur.foreign
}

// walk6 visits options, and says where it had to stop.
func walk6(rest []byte, visit func(code int, v []byte)) string {
	for len(rest) > 0 {
		if len(rest) < 4 {
			return fmt.Sprintf("DHCPv6 options end with %d stray octets", len(rest))
		}
		code, n := int(binary.BigEndian.Uint16(rest)), int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest)-4 {
			return fmt.Sprintf("DHCPv6 option %d says %d octets, %d are left", code, n, len(rest)-4)
		}
		visit(code, rest[4:4+n])
		rest = rest[4+n:]
	}
	return ""
}

// fill6 puts an option into the event, if the event tells of it.
func fill6(m *event.DHCP6, code int, v []byte) {
	switch code {
	case opt6ClientID:
		m.ClientID = hex.EncodeToString(v)
	case opt6ServerID:
		m.ServerID = hex.EncodeToString(v)
	case opt6IANA:
		if len(v) >= 12 {
			m.IAs = append(m.IAs, association(v))
		}
	case opt6Request:
		m.Requested = words16(v)
	case opt6Status:
		m.Status = status6(v)
	case opt6RapidCommit:
		m.RapidCommit = true
	case opt6VendorClass:
		if len(v) >= 6 {
			m.VendorClass = printable(v[6:min(6+int(binary.BigEndian.Uint16(v[4:])), len(v))])
		}
	case opt6BootURL:
		m.BootURL = printable(cutNUL(v))
	case opt6BootParams:
		m.BootParams = params6(v)
	case opt6Arch:
		m.Archs = words16(v)
	case opt6NII:
		m.NII = hex.EncodeToString(v)
	}
}

// association reads an IA_NA of at least its 12 octets of header (RFC 8415 section 21.4).
func association(v []byte) event.IA {
	ia := event.IA{ID: hex.EncodeToString(v[:4])}
	_ = walk6(v[12:], func(code int, v []byte) {
		switch {
		case code == opt6IAAddr && len(v) >= 24:
			ia.Addresses = append(ia.Addresses, netip.AddrFrom16([16]byte(v[:16])).String())
		case code == opt6Status:
			ia.Status = status6(v)
		}
	})
	return ia
}

// status6 gives a status code by name, with its message.
func status6(v []byte) string {
	if len(v) < 2 {
		return ""
	}
	code := int(binary.BigEndian.Uint16(v))
	name := fmt.Sprintf("status %d", code)
	if code < len(dhcp6Statuses) {
		name = dhcp6Statuses[code]
	}
	return strings.TrimSpace(name + " " + printable(v[2:]))
}

// words16 reads a list of 16-bit numbers.
func words16(v []byte) []int {
	var out []int
	for ; len(v) >= 2; v = v[2:] {
		out = append(out, int(binary.BigEndian.Uint16(v)))
	}
	return out
}

// params6 reads a list of strings, each behind its length in 16 bits.
func params6(v []byte) []string {
	var out []string
	for len(v) >= 2 {
		n := min(2+int(binary.BigEndian.Uint16(v)), len(v))
		out = append(out, printable(v[2:n]))
		v = v[n:]
	}
	return out
}

// dhcp6Line tells a message in one line: what a client is, or what a server gives.
func dhcp6Line(m *event.DHCP6) string {
	var w []string
	add := func(label, value string) {
		if value != "" {
			w = append(w, " "+label+value)
		}
	}
	for _, ia := range m.IAs {
		add("", strings.Join(ia.Addresses, " "))
		add("", quote(ia.Status))
	}
	add("", quote(m.Status))
	add("file ", m.BootURL)
	for _, a := range m.Archs[:min(len(m.Archs), 4)] {
		add("arch ", strconv.Itoa(a))
	}
	add("", quote(m.VendorClass))
	return strings.Join(w, "")
}
