package dhcp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxelab/pxelab/server/pxe"
)

// Ports of BOOTP and DHCP (RFC 951 section 5), and of proxyDHCP and boot servers (PXE 2.1 section 2.2).
const (
	ServerPort = 67
	ClientPort = 68
	PXEPort    = 4011
)

// Request is one received message.
type Request struct {
	Packet   *dhcpv4.DHCPv4
	From     netip.AddrPort // source of the datagram
	To       netip.AddrPort // where it was sent to: the own address, a broadcast address or a group, and the port
	Client   pxe.Client
	NoCookie bool // the vendor area does not begin with DHCP's magic cookie: plain RFC 951
}

// BOOTP reports whether the message is of a BOOTP client: it has no option 53.
func (r *Request) BOOTP() bool { return r.Packet.MessageType() == dhcpv4.MessageTypeNone }

// The header of a message (RFC 951 section 3).
const (
	hlenAt      = 2   // where the length of the hardware address is
	maxHlen     = 16  // its greatest value
	bootpHeader = 236 // octets before the vendor area
)

var magicCookie = []byte{99, 130, 83, 99}

// ParseRequest reads a datagram. The error says why it cannot be answered, as a reason for a Decision.
//
// BOOTP clients need not know the magic cookie (RFC 951), nor end their options (RFC 1048 asks for that, programs
// forget it), both of which the DHCP codec insists on.
func ParseRequest(datagram []byte, from, to netip.AddrPort) (*Request, error) {
	r := &Request{From: from, To: to}
	// The codec would make 16 octets of it, and the answer would be to a client that nobody is.
	if len(datagram) > hlenAt && datagram[hlenAt] > maxHlen {
		return nil, fmt.Errorf("malformed message of %d octets: a hardware address of %d, and the field has %d", len(datagram), datagram[hlenAt], maxHlen)
	}
	if len(datagram) >= bootpHeader+len(magicCookie) && !bytes.HasPrefix(datagram[bootpHeader:], magicCookie) {
		r.NoCookie = true
		datagram = slices.Concat(datagram[:bootpHeader], magicCookie, []byte{endOption})
	}
	p, err := dhcpv4.FromBytes(datagram)
	if err != nil {
		var again error
		if p, again = dhcpv4.FromBytes(slices.Concat(datagram, []byte{endOption})); again != nil || p.MessageType() != dhcpv4.MessageTypeNone {
			return nil, fmt.Errorf("malformed message of %d octets: %w", len(datagram), err)
		}
	}
	r.Packet, r.Client = p, pxe.Identify(p.Options)
	return r, nil
}

// hasSource reports whether the source can be the sender's own address: then an answer reaches it there.
func (r *Request) hasSource() bool {
	a := r.From.Addr()
	return a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// key names the client in Leases; see there.
func (r *Request) key() string {
	if len(r.Packet.ClientHWAddr) > 0 {
		return fmt.Sprintf("hw %d %s", r.Packet.HWType, r.Packet.ClientHWAddr)
	}
	if id := r.Packet.Options[optClientID]; len(id) > 0 {
		return "id " + hex.EncodeToString(id)
	}
	return ""
}

// mac gives the hardware address if it is Ethernet's, the only kind a reply can be unicast to.
func (r *Request) mac() net.HardwareAddr {
	if r.Packet.HWType == iana.HWTypeEthernet && len(r.Packet.ClientHWAddr) == 6 {
		return r.Packet.ClientHWAddr
	}
	return nil
}

// addrOption reads an option that holds exactly one IPv4 address; zero if it does not.
func (r *Request) addrOption(code uint8) netip.Addr {
	if v := r.Packet.Options[code]; len(v) == 4 {
		return netip.AddrFrom4([4]byte(v))
	}
	return netip.Addr{}
}

// asks reports whether the parameter request list names an option.
func (r *Request) asks(code uint8) bool {
	for _, c := range r.Packet.Options[optParameterList] {
		if c == code {
			return true
		}
	}
	return false
}

// addrField turns a header field into an address; 0.0.0.0 means none.
func addrField(ip net.IP) netip.Addr {
	a, ok := netip.AddrFromSlice(ip.To4())
	if !ok || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// Option codes of RFC 2132 and RFC 3046 that replies are built from.
const (
	optSubnetMask    = 1
	optRouter        = 3
	optDNS           = 6
	optRequestedAddr = 50
	optLeaseTime     = 51
	optMessageType   = 53
	optServerID      = 54
	optParameterList = 55
	optMessage       = 56
	optMaxSize       = 57
	optClientID      = 61
	optBootFile      = 67
	optRelayInfo     = 82
	endOption        = 255
)
