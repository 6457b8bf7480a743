package dhcp6

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

var (
	t0     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ours   = &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr{0x52, 0x54, 0, 0, 0, 0xff}}
	theirs = &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr{0x52, 0x54, 0, 0, 0, 0xee}}
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func testConfig() *Config {
	return &Config{
		Address: netip.MustParsePrefix("2001:db8::1/64"), ServerID: ours,
		First: ip("2001:db8::100"), Last: ip("2001:db8::102"), DNS: []netip.Addr{ip("2001:db8::53")},
		Boot: &Boot{Files: map[string]string{"efi-x64": "x64.efi", "efi-ia32": "http://[2001:db8::2]/ia32.efi"}},
	}
}

// asking is a request in the making; the functions that change it read like the options they add.
type asking struct {
	*dhcpv6.Message
	from netip.AddrPort
	to   netip.Addr
}

type set func(*asking)

// message is one of client n, with its identifier.
func message(t dhcpv6.MessageType, n byte, sets ...set) *Request {
	a := &asking{from: netip.MustParseAddrPort("[fe80::5054:ff:fe00:1%svc0]:546"), to: AllServers,
		Message: &dhcpv6.Message{MessageType: t, TransactionID: dhcpv6.TransactionID{1, 2, n}}}
	a.AddOption(dhcpv6.OptClientID(&dhcpv6.DUIDLLT{HWType: iana.HWTypeEthernet, Time: 1, LinkLayerAddr: net.HardwareAddr{0x52, 0x54, 0, 0, 0, n}}))
	for _, s := range sets {
		s(a)
	}
	r, err := ParseRequest(a.ToBytes(), a.from, a.to)
	if err != nil {
		panic(err)
	}
	return r
}

func opt(o dhcpv6.Option) set { return func(a *asking) { a.AddOption(o) } }

func from(s string) set { return func(a *asking) { a.from = netip.MustParseAddrPort(s) } }
func to(s string) set   { return func(a *asking) { a.to = ip(s) } }

func without(code dhcpv6.OptionCode) set { return func(a *asking) { a.Options.Del(code) } }

func server(id dhcpv6.DUID) set { return opt(dhcpv6.OptServerID(id)) }

func oro(codes ...dhcpv6.OptionCode) set { return opt(dhcpv6.OptRequestedOption(codes...)) }

func arch(list ...iana.Arch) set { return opt(dhcpv6.OptClientArchType(list...)) }

func class(s string) set {
	return opt(&dhcpv6.OptVendorClass{EnterpriseNumber: 343, Data: [][]byte{[]byte(s)}})
}

// ia is an association, with the addresses it names.
func ia(n byte, list ...string) set {
	o := &dhcpv6.OptIANA{IaId: [4]byte{0, 0, 0, n}}
	for _, a := range list {
		o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: ip(a).AsSlice()})
	}
	return opt(o)
}

// edk2 is what UefiPxeBcDxe adds to its messages.
func edk2(a *asking) {
	oro(dhcpv6.OptionBootfileURL, dhcpv6.OptionBootfileParam, dhcpv6.OptionDNSRecursiveNameServer, dhcpv6.OptionVendorClass)(a)
	opt(&dhcpv6.OptNetworkInterfaceID{Typ: 1, Major: 3, Minor: 0})(a)
	arch(7)(a)
	class("PXEClient:Arch:00007:UNDI:003000")(a)
}

// ipxe is the user class of iPXE (option 15).
func ipxe(a *asking) { opt(&dhcpv6.OptUserClass{UserClasses: [][]byte{[]byte("iPXE")}})(a) }

const (
	solicit = dhcpv6.MessageTypeSolicit
	request = dhcpv6.MessageTypeRequest
	renew   = dhcpv6.MessageTypeRenew
	rebind  = dhcpv6.MessageTypeRebind
	confirm = dhcpv6.MessageTypeConfirm
	release = dhcpv6.MessageTypeRelease
	decline = dhcpv6.MessageTypeDecline
	inform  = dhcpv6.MessageTypeInformationRequest
)
