// Package dhcptest makes requests as PXE clients send them, for tests of the roles that answer.
package dhcptest

import (
	"net"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxelab/pxelab/server/dhcp"
)

// Client is one way of asking: what iPXE and EDK2 send differs in what servers must heed.
type Client struct {
	Arch      uint16
	Class     string
	UserClass string
	Broadcast bool   // flags bit 15 while it has no address
	PXEPort   uint16 // source port of its requests to port 4011
}

// The clients that the lab boots.
var (
	IPXE    = Client{Arch: 0, Class: "PXEClient:Arch:00000:UNDI:002001", UserClass: "iPXE", PXEPort: 68}
	IPXEEFI = Client{Arch: 7, Class: "PXEClient:Arch:00007:UNDI:003010", UserClass: "iPXE", PXEPort: 68}
	EDK2    = Client{Arch: 7, Class: "PXEClient:Arch:00007:UNDI:003000", Broadcast: true, PXEPort: 4011}
	EDK2x32 = Client{Arch: 6, Class: "PXEClient:Arch:00006:UNDI:003000", Broadcast: true, PXEPort: 4011}
)

// MAC is the hardware address of every client here, and UUID its option 97.
var (
	MAC  = net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	UUID = append([]byte{0}, []byte("0123456789abcdef")...)
)

// Address is what every client here that has an address has.
var Address = netip.MustParseAddr("192.0.2.100")

// Set changes a request in the making.
type Set func(p *dhcpv4.DHCPv4, from, to *netip.AddrPort)

// Opt sets an option; without a value it takes it out.
func Opt(code uint8, v ...byte) Set {
	return func(p *dhcpv4.DHCPv4, _, _ *netip.AddrPort) {
		if p.Options[code] = v; len(v) == 0 {
			delete(p.Options, code)
		}
	}
}

// Item names a boot server type and layer (option 43.71).
func Item(typ, layer uint16) Set {
	return Opt(43, 71, 4, byte(typ>>8), byte(typ), byte(layer>>8), byte(layer), 255)
}

// Relayed comes through a relay agent.
func Relayed(giaddr string) Set {
	return func(p *dhcpv4.DHCPv4, from, _ *netip.AddrPort) {
		p.GatewayIPAddr = net.ParseIP(giaddr)
		*from = netip.AddrPortFrom(netip.MustParseAddr(giaddr), 67)
	}
}

// From sets where the datagram came from, To where it was sent.
func From(a string) Set {
	return func(_ *dhcpv4.DHCPv4, from, _ *netip.AddrPort) { *from = netip.MustParseAddrPort(a) }
}

// To sets where the datagram was sent to.
func To(a string) Set {
	return func(_ *dhcpv4.DHCPv4, _, to *netip.AddrPort) { *to = netip.MustParseAddrPort(a) }
}

// Discover is a DHCPDISCOVER.
func (c Client) Discover(t testing.TB, sets ...Set) *dhcp.Request {
	return c.request(t, dhcpv4.MessageTypeDiscover, "0.0.0.0:68", "255.255.255.255:67", c.Broadcast, sets)
}

// ToPXEPort is a request to port 4011 by a client that has its address, or an INFORM.
func (c Client) ToPXEPort(t testing.TB, typ dhcpv4.MessageType, sets ...Set) *dhcp.Request {
	from := netip.AddrPortFrom(Address, c.PXEPort).String()
	own := func(p *dhcpv4.DHCPv4, _, _ *netip.AddrPort) { p.ClientIPAddr = Address.AsSlice() }
	return c.request(t, typ, from, "192.0.2.2:4011", c.PXEPort == 68, append([]Set{own}, sets...))
}

func (c Client) request(t testing.TB, typ dhcpv4.MessageType, from, to string, broadcast bool, sets []Set) *dhcp.Request {
	t.Helper()
	p := &dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootRequest, HWType: iana.HWTypeEthernet, ClientHWAddr: MAC,
		TransactionID: dhcpv4.TransactionID{1, 2, 3, 4}, Options: dhcpv4.Options{
			53: {byte(typ)}, 57: {5, 0xc0}, 60: []byte(c.Class), 93: {byte(c.Arch >> 8), byte(c.Arch)}, 97: UUID}}
	if c.UserClass != "" {
		p.Options[77] = []byte(c.UserClass)
	}
	if broadcast {
		p.SetBroadcast()
	}
	source, destination := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	for _, set := range sets {
		set(p, &source, &destination)
	}
	r, err := dhcp.ParseRequest(p.ToBytes(), source, destination)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
