package dhcp

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxelab/pxelab/server/pxe"
)

// Ports of BOOTP and DHCP (RFC 951 section 5).
const (
	ServerPort = 67
	ClientPort = 68
)

// Request is one received message.
type Request struct {
	Packet *dhcpv4.DHCPv4
	From   netip.AddrPort // source of the datagram
	Client pxe.Client
}

// ParseRequest reads a datagram. The error says why it cannot be answered, as a reason for a Decision.
func ParseRequest(datagram []byte, from netip.AddrPort) (*Request, error) {
	if len(datagram) >= 240 && [4]byte(datagram[236:240]) != [4]byte{99, 130, 83, 99} {
		return nil, fmt.Errorf("no DHCP magic cookie: a BOOTP client, which this role does not serve")
	}
	p, err := dhcpv4.FromBytes(datagram)
	if err != nil {
		return nil, fmt.Errorf("malformed message of %d octets: %w", len(datagram), err)
	}
	return &Request{Packet: p, From: from, Client: pxe.Identify(p.Options)}, nil
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
)
