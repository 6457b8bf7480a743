package pxeclient

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// Option is one DHCP option as it stands in a message.
type Option struct {
	Code  uint8
	Value []byte
}

// Message is a BOOTP or DHCP message whose options keep their order.
type Message struct {
	Reply   bool // BOOTREPLY, not BOOTREQUEST
	Hops    uint8
	XID     uint32
	Secs    uint16
	Flags   uint16
	CIAddr  netip.Addr // the zero Addr and 0.0.0.0 are the same on the wire; parsing gives the former
	YIAddr  netip.Addr
	SIAddr  netip.Addr
	GIAddr  netip.Addr
	CHAddr  net.HardwareAddr
	SName   string // header field, up to its first NUL; empty when option 52 fills it with options
	File    string
	Cookie  bool     // the magic cookie and so the options are there (RFC 2131 section 3, RFC 1497)
	Options []Option // in the order of the wire; those of overloaded fields follow (RFC 2132 section 9.3)
}

// FlagBroadcast is the flag by which a client asks for replies by broadcast (RFC 2131 figure 2).
const FlagBroadcast = 0x8000

// minMessage is BOOTP's fixed length (RFC 951 section 3), below which relays and ROMs drop a message (RFC 1542 section
// 2.1).
const minMessage = 300

// headerSize is the length of the message without cookie and options.
const headerSize = 236

var cookie = []byte{99, 130, 83, 99}

// Get gives an option's value, its parts joined if it is there more than once (RFC 3396).
func (m *Message) Get(code uint8) (value []byte, ok bool) {
	for _, o := range m.Options {
		if o.Code == code {
			value, ok = append(value, o.Value...), true
		}
	}
	return value, ok
}

// Set replaces an option where it stands, or adds it at the end.
func (m *Message) Set(code uint8, value ...byte) {
	for i, o := range m.Options {
		if o.Code == code {
			m.Options[i].Value = value
			return
		}
	}
	m.Options = append(m.Options, Option{code, value})
}

// Del removes an option.
func (m *Message) Del(code uint8) {
	var kept []Option
	for _, o := range m.Options {
		if o.Code != code {
			kept = append(kept, o)
		}
	}
	m.Options = kept
}

// Type gives option 53; zero (none) for BOOTP.
func (m *Message) Type() dhcpv4.MessageType {
	if v, _ := m.Get(optMessageType); len(v) == 1 {
		return dhcpv4.MessageType(v[0])
	}
	return dhcpv4.MessageTypeNone
}

// Name tells what a message is, as RFC 2131 and RFC 951 name it.
func (m *Message) Name() string {
	switch t := m.Type(); {
	case t != dhcpv4.MessageTypeNone:
		return "DHCP" + t.String()
	case m.Reply:
		return "BOOTREPLY"
	}
	return "BOOTREQUEST"
}

// Addr gives an option that holds one IPv4 address; zero if it does not.
func (m *Message) Addr(code uint8) netip.Addr {
	if v, _ := m.Get(code); len(v) == 4 {
		return some(netip.AddrFrom4([4]byte(v)))
	}
	return netip.Addr{}
}

// Marshal gives the message as it goes on the wire, padded to BOOTP's 300 octets.
func (m *Message) Marshal() []byte {
	h := dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootRequest, HWType: iana.HWTypeEthernet, HopCount: m.Hops, NumSeconds: m.Secs,
		Flags: m.Flags, ClientIPAddr: field(m.CIAddr), YourIPAddr: field(m.YIAddr), ServerIPAddr: field(m.SIAddr),
		GatewayIPAddr: field(m.GIAddr), ClientHWAddr: m.CHAddr, ServerHostName: m.SName, BootFileName: m.File}
	if m.Reply {
		h.OpCode = dhcpv4.OpcodeBootReply
	}
	binary.BigEndian.PutUint32(h.TransactionID[:], m.XID)
	b := h.ToBytes()[:headerSize:headerSize]
	if m.Cookie {
		b = append(b, cookie...)
		for _, o := range m.Options {
			for v := o.Value; ; v = v[255:] { // RFC 3396: one too long is split
				n := min(len(v), 255)
				b = append(append(b, o.Code, byte(n)), v[:n]...)
				if len(v) <= 255 {
					break
				}
			}
		}
		b = append(b, 255)
	}
	if short := minMessage - len(b); short > 0 {
		b = append(b, make([]byte, short)...)
	}
	return b
}

// ParseMessage reads a datagram. Beside an error it returns what could be read; nil if that is not even a header.
func ParseMessage(b []byte) (*Message, error) {
	if len(b) < headerSize {
		return nil, fmt.Errorf("message of %d octets: the header alone has %d", len(b), headerSize)
	}
	h, err := dhcpv4.FromBytes(append(append(bytes.Clone(b[:headerSize]), cookie...), 255))
	if err != nil {
		return nil, err
	}
	m := &Message{Reply: h.OpCode == dhcpv4.OpcodeBootReply, Hops: h.HopCount, XID: binary.BigEndian.Uint32(h.TransactionID[:]),
		Secs: h.NumSeconds, Flags: h.Flags, CIAddr: addrOf(h.ClientIPAddr), YIAddr: addrOf(h.YourIPAddr), SIAddr: addrOf(h.ServerIPAddr),
		GIAddr: addrOf(h.GatewayIPAddr), CHAddr: h.ClientHWAddr, SName: h.ServerHostName, File: h.BootFileName}
	rest := b[headerSize:]
	if m.Cookie = bytes.HasPrefix(rest, cookie); !m.Cookie {
		return m, nil
	}
	if err := m.parseOptions(rest[4:], "options"); err != nil {
		return m, err
	}
	overload, _ := m.Get(optOverload)
	if len(overload) != 1 {
		return m, nil
	}
	if overload[0]&1 != 0 {
		m.File = ""
		err = m.parseOptions(b[108:236], "options in the file field")
	}
	if overload[0]&2 != 0 && err == nil {
		m.SName = ""
		err = m.parseOptions(b[44:108], "options in the sname field")
	}
	return m, err
}

func (m *Message) parseOptions(b []byte, where string) error {
	for len(b) > 0 {
		switch b[0] {
		case 0:
			b = b[1:]
			continue
		case 255:
			return nil
		}
		if len(b) < 2 || len(b)-2 < int(b[1]) {
			return fmt.Errorf("%s: option %d is cut short", where, b[0])
		}
		m.Options = append(m.Options, Option{b[0], b[2 : 2+int(b[1])]})
		b = b[2+int(b[1]):]
	}
	return fmt.Errorf("%s do not end with option 255", where)
}

func field(a netip.Addr) net.IP {
	if !a.Is4() {
		return net.IPv4zero
	}
	return a.AsSlice()
}

func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip.To4())
	return some(a)
}

// some turns 0.0.0.0 into no address.
func some(a netip.Addr) netip.Addr {
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// Option codes of RFC 2132 and its successors.
const (
	optSubnetMask    = 1
	optRouter        = 3
	optFileSize      = 13
	optVendor        = 43
	optRequestedAddr = 50
	optLeaseTime     = 51
	optOverload      = 52
	optMessageType   = 53
	optServerID      = 54
	optParameterList = 55
	optMessage       = 56
	optMaxSize       = 57
	optClassID       = 60
	optClientID      = 61
	optBootFile      = 67
	optUserClass     = 77
	optRelayInfo     = 82 // RFC 3046
	optArch          = 93 // RFC 4578
	optNII           = 94
	optUUID          = 97
)
