package dhcp6

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxelab/pxelab/server/pxe"
)

// Ports, RFC 8415 section 7.2.
const (
	ClientPort = 546
	ServerPort = 547
)

// AllServers is the group that clients send to: All_DHCP_Relay_Agents_and_Servers, RFC 8415 section 7.1.
var AllServers = netip.MustParseAddr("ff02::1:2")

const (
	maxDUID = 130 // octets, RFC 8415 section 11.1
	maxIAs  = 16  // of one message; a machine needs one or two, and the reply must fit a datagram
)

// Request is a message from a client and where it came from.
type Request struct {
	Message *dhcpv6.Message
	From    netip.AddrPort // with the zone, if it is link-local
	To      netip.Addr     // the address it was sent to; zero if unknown
	DUID    []byte         // option 1; nil when absent
	Client  pxe.Client
}

// ParseRequest reads one datagram. What is no whole DHCPv6 message of a client is an error.
func ParseRequest(datagram []byte, from netip.AddrPort, to netip.Addr) (*Request, error) {
	if len(datagram) < dhcpv6.MessageHeaderSize {
		return nil, fmt.Errorf("%d octets are no DHCPv6 message", len(datagram))
	}
	switch t := dhcpv6.MessageType(datagram[0]); t {
	case dhcpv6.MessageTypeRelayForward, dhcpv6.MessageTypeRelayReply:
		return nil, fmt.Errorf("%s: relays are not served", t)
	}
	m, err := dhcpv6.MessageFromBytes(datagram)
	if err != nil {
		return nil, fmt.Errorf("malformed: %w", err)
	}
	r := &Request{Message: m, From: from, To: to, Client: identify(m)}
	if id := m.Options.ClientID(); id != nil {
		r.DUID = id.ToBytes()
		if len(r.DUID) < 3 || len(r.DUID) > maxDUID {
			return nil, fmt.Errorf("malformed: client identifier of %d octets", len(r.DUID))
		}
	}
	if n := len(m.Options.IANA()) + len(m.Options.IATA()) + len(m.Options.IAPD()); n > maxIAs {
		return nil, fmt.Errorf("malformed: %d identity associations", n)
	}
	return r, nil
}

// asks reports whether the client's option request (option 6) names an option.
func (r *Request) asks(code dhcpv6.OptionCode) bool {
	return r.Message.Options.RequestedOptions().Contains(code)
}

// key names an identity association for the leases.
func (r *Request) key(iaid [4]byte) string { return string(r.DUID) + "/" + string(iaid[:]) }

// name says who a client is, for people: its MAC if its identifier holds it, or else its link-local address (which a
// firmware makes of the MAC, RFC 4291 appendix A); else the identifier in hex.
func (r *Request) name() string {
	switch id := r.Message.Options.ClientID().(type) {
	case *dhcpv6.DUIDLLT:
		if id.HWType == iana.HWTypeEthernet && len(id.LinkLayerAddr) == 6 {
			return id.LinkLayerAddr.String()
		}
	case *dhcpv6.DUIDLL:
		if id.HWType == iana.HWTypeEthernet && len(id.LinkLayerAddr) == 6 {
			return id.LinkLayerAddr.String()
		}
	}
	if a := r.From.Addr().As16(); r.From.Addr().IsLinkLocalUnicast() && a[11] == 0xff && a[12] == 0xfe {
		return net.HardwareAddr{a[8] ^ 2, a[9], a[10], a[13], a[14], a[15]}.String()
	}
	if r.DUID == nil {
		return r.From.Addr().String()
	}
	return "duid " + hex.EncodeToString(r.DUID)
}

var (
	errNoID  = errors.New("no client identifier")
	errOther = errors.New("for another server")
)

// valid checks the rules of RFC 8415 section 16 for a message that servers answer; the error says which was broken.
func (r *Request) valid(own dhcpv6.DUID) error {
	id := r.Message.Options.ServerID()
	ours := id != nil && id.Equal(own)
	switch t := r.Message.MessageType; t {
	case dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeConfirm, dhcpv6.MessageTypeRebind:
		if r.DUID == nil {
			return errNoID
		}
		if id != nil {
			return errors.New("it names a server, which this message may not")
		}
	case dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		if r.DUID == nil {
			return errNoID
		}
		if id == nil {
			return errors.New("it names no server")
		}
		if !ours {
			return errOther
		}
	case dhcpv6.MessageTypeInformationRequest:
		if id != nil && !ours {
			return errOther
		}
		if len(r.Message.Options.IANA())+len(r.Message.Options.IATA())+len(r.Message.Options.IAPD()) > 0 {
			return errors.New("it asks for an address too, which this message may not")
		}
	default:
		return errors.New("not a message for servers")
	}
	return nil
}

// unicast reports whether a message that must go to the group went to this server alone.
func (r *Request) unicast() bool { return r.To.IsValid() && !r.To.IsMulticast() }
