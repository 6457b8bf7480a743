package relay

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Offsets of the header fields that a relay reads or writes (RFC 951 section 3).
const (
	opAt     = 0
	htypeAt  = 1
	hlenAt   = 2
	hopsAt   = 3
	xidAt    = 4
	secsAt   = 8
	flagsAt  = 10
	ciaddrAt = 12
	yiaddrAt = 16
	giaddrAt = 24
	chaddrAt = 28
	vendorAt = 236 // the vendor area, where DHCP's options begin with a cookie
)

const (
	bootRequest = 1
	bootReply   = 2
)

// minLength is the shortest message that BOOTP speakers take (RFC 1542 section 2.1); maxLength what fits an Ethernet
// frame: a relay must not make a datagram that needs fragments (RFC 3046 section 2.1).
const (
	minLength = 300
	maxLength = 1500 - 28
)

const (
	optMessageType = 53
	optRelayInfo   = 82
	optPad         = 0
	optEnd         = 255
)

var cookie = []byte{99, 130, 83, 99}

// option is one option of a message, as it lies there.
type option struct {
	code       byte
	start, end int // of code, length and value
}

// message is the octets of a BOOTP or DHCP message, and where in them the options are.
type message struct {
	octets  []byte
	options []option
	ends    int  // where the END option is, or would be
	dhcp    bool // it has the cookie and well-formed options
}

// parse finds its way through a datagram; an error if it is no BOOTP message at all. Options that are malformed count
// as none: what no cookie or no sense is in is carried as it is (RFC 1542 section 2).
func parse(datagram []byte) (*message, error) {
	if len(datagram) < vendorAt {
		return nil, fmt.Errorf("%d octets are shorter than a BOOTP header (%d)", len(datagram), vendorAt)
	}
	m := &message{octets: datagram}
	if !bytes.HasPrefix(datagram[vendorAt:], cookie) {
		return m, nil
	}
	for at := vendorAt + len(cookie); ; {
		switch {
		case at >= len(datagram) || datagram[at] == optEnd:
			m.ends, m.dhcp = at, true
			return m, nil
		case datagram[at] == optPad:
			at++
		case at+1 >= len(datagram) || at+2+int(datagram[at+1]) > len(datagram):
			m.options = nil
			return m, nil
		default:
			o := option{datagram[at], at, at + 2 + int(datagram[at+1])}
			m.options = append(m.options, o)
			at = o.end
		}
	}
}

// find gives the value of an option, nil if there is none, and where it lies.
func (m *message) find(code byte) ([]byte, option) {
	for _, o := range m.options {
		if o.code == code {
			return m.octets[o.start+2 : o.end : o.end], o
		}
	}
	return nil, option{}
}

func (m *message) address(at int) netip.Addr {
	a := netip.AddrFrom4([4]byte(m.octets[at : at+4]))
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// station is the client's hardware address.
func (m *message) station() net.HardwareAddr {
	return m.octets[chaddrAt : chaddrAt+min(int(m.octets[hlenAt]), 16)]
}

func (m *message) broadcast() bool { return m.octets[flagsAt]&0x80 != 0 }

// decision begins a Decision on the message.
func (m *message) decision() Decision {
	d := Decision{Client: m.station().String(), XID: hex.EncodeToString(m.octets[xidAt : xidAt+4]), Request: "BOOTREQUEST"}
	if m.octets[opAt] == bootReply {
		d.Request = "BOOTREPLY"
	}
	if v, _ := m.find(optMessageType); len(v) == 1 {
		d.Request = fmt.Sprintf("DHCP type %d", v[0])
		if name := dhcpv4.MessageType(v[0]).String(); !strings.HasPrefix(name, "unknown") {
			d.Request = "DHCP" + name
		}
	}
	return d
}

// with gives the message with an option 82 as its last option, in place of one at old (RFC 3046 section 2.1: "the last
// option before the end"). A nil value takes the old one out. Padding behind the end makes room where there is any, so
// a message does not grow needlessly. It is nil if the option does not fit.
func (m *message) with(value []byte, old option) []byte {
	if len(value) > 255 {
		return nil
	}
	out := slices.Clone(m.octets[:m.ends])
	if old.end > 0 {
		out = append(out[:old.start], m.octets[old.end:m.ends]...)
	}
	if value != nil {
		out = append(append(out, optRelayInfo, byte(len(value))), value...)
	}
	out = append(out, optEnd)
	if behind := m.octets[min(m.ends+1, len(m.octets)):]; len(behind) > 0 {
		out = append(out, bytes.TrimRight(behind, "\x00")...)
	}
	if missing := max(min(len(m.octets), maxLength), minLength) - len(out); missing > 0 {
		out = append(out, make([]byte, missing)...)
	}
	if len(out) > max(maxLength, len(m.octets)) {
		return nil
	}
	return out
}
