package event

import "net/netip"

// PortOf is the port of "address:port", zero without one.
func PortOf(s string) int {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return 0
	}
	return int(ap.Port())
}

// HostOf is the address of "address:port", or of a bare address.
func HostOf(s string) string {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().String()
	}
	return s
}

// IsSet tells whether an address field of a DHCP message names an address: not if it is empty or 0.0.0.0.
func IsSet(address string) bool { return address != "" && address != "0.0.0.0" }

// AddressOr is an address field of a DHCP message, or other if it names none.
func AddressOr(address, other string) string {
	if !IsSet(address) {
		return other
	}
	return address
}

// Sender names who sent a packet: a service of the lab, else an address.
func (e Event) Sender() string {
	if e.Service != "" {
		return e.Service
	}
	return AddressOr(HostOf(e.Packet.Src), e.Packet.SrcMAC)
}
