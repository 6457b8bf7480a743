package dhcp

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

var (
	t0      = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	us      = netip.MustParseAddr("192.0.2.1")
	other   = netip.MustParseAddr("192.0.2.9")
	testOwn = "00112233-4455-6677-8899-aabbccddeeff"
)

func mac(n byte) net.HardwareAddr { return net.HardwareAddr{0x52, 0x54, 0, 0, 0, n} }

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func testConfig() *Config {
	return &Config{
		Address: netip.MustParsePrefix("192.0.2.1/24"),
		First:   ip("192.0.2.100"), Last: ip("192.0.2.102"),
		Router: ip("192.0.2.254"), DNS: []netip.Addr{ip("192.0.2.53"), ip("192.0.2.54")},
		Boot: &Boot{
			Files: map[string]string{"bios": "probe.0", "efi-x64": "x64.efi"},
			IPXE:  map[string]string{"efi-x64": "x64.ipxe"},
		},
	}
}

// packet is a request in the making; the functions that change it read like the fields they set.
type packet struct {
	*dhcpv4.DHCPv4
	from netip.AddrPort
}

type set func(*packet)

func message(typ dhcpv4.MessageType, n byte, sets ...set) *Request {
	p := &packet{from: netip.MustParseAddrPort("0.0.0.0:68"), DHCPv4: &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootRequest, HWType: iana.HWTypeEthernet, ClientHWAddr: mac(n),
		TransactionID: dhcpv4.TransactionID{1, 2, 3, n}, Options: dhcpv4.Options{},
	}}
	if typ != dhcpv4.MessageTypeNone {
		p.Options[53] = []byte{byte(typ)}
	}
	for _, s := range sets {
		s(p)
	}
	r, err := ParseRequest(p.ToBytes(), p.from, netip.AddrPort{})
	if err != nil {
		panic(err)
	}
	return r
}

func opt(code uint8, v ...byte) set        { return func(p *packet) { p.Options[code] = v } }
func optAddr(code uint8, a netip.Addr) set { return opt(code, a.AsSlice()...) }
func ciaddr(s string) set                  { return func(p *packet) { p.ClientIPAddr = net.ParseIP(s) } }
func giaddr(s string) set                  { return func(p *packet) { p.GatewayIPAddr = net.ParseIP(s) } }
func from(s string) set                    { return func(p *packet) { p.from = netip.MustParseAddrPort(s) } }
func broadcast(p *packet)                  { p.SetBroadcast() }
func class(s string) set                   { return opt(60, []byte(s)...) }
func arch(n ...byte) set                   { return opt(93, n...) }

const (
	discover = dhcpv4.MessageTypeDiscover
	request  = dhcpv4.MessageTypeRequest
	inform   = dhcpv4.MessageTypeInform
	bc       = "255.255.255.255:68"
)

var (
	ours   = optAddr(54, us)
	theirs = optAddr(54, other)
)

func want50(s string) set { return optAddr(50, ip(s)) }

func at(n byte, a string) string { return fmt.Sprintf("%s:68 at %s", a, mac(n)) }
