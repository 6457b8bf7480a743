package advice

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"golang.org/x/net/ipv6"

	"github.com/pxelab/pxelab/server/dhcp6"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/socket"
)

// Six is what was told over IPv6.
type Six struct {
	Router  bool // a router advertised itself
	Managed bool // and sends hosts to DHCPv6 for an address (M flag, RFC 4861 section 4.2)
	Answers []Answer6
}

// Answer6 is what one asker was told over IPv6. No more is asked than SOLICIT, so no server leases anything.
type Answer6 struct {
	Asker
	Offers []Offer6
}

// Offer6 is a DHCPv6 ADVERTISE.
type Offer6 struct {
	From    netip.Addr
	Address netip.Addr // the first of an IA_NA; zero: none
	URL     string     // option 59
	Params  []string   // option 60
	Class   string     // option 16, the first class of it
}

// Askers6 lists the machines that are asked as over IPv6: EDK2's clients for PXE and for HTTP boot on x86-64.
func Askers6() []Asker { return []Asker{{Arch: pxe.ArchEFIX64}, {Arch: 16, HTTP: true}} }

// Ask6 collects what each asker is told over IPv6. It speaks from the interface's own link-local address, because IPv6 has no other
// for who has none yet.
func (s Survey) Ask6(ctx context.Context, askers []Asker) (*Six, error) {
	link, err := net.InterfaceByName(s.Interface)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", s.Interface, err)
	}
	six := &Six{}
	if six.Router, six.Managed, err = s.solicitRouter(ctx, link); err != nil {
		return nil, err
	}
	conn, err := listen6(link)
	if err != nil {
		return nil, err
	}
	defer socket.CloseWith(ctx, conn)()
	for i, a := range askers {
		answer := Answer6{Asker: a}
		if answer.Offers, err = s.solicit(conn, link.Name, a, i); err != nil {
			return nil, fmt.Errorf("ask as %s over IPv6: %w", a, err)
		}
		six.Answers = append(six.Answers, answer)
	}
	return six, nil
}

// listen6 opens the DHCPv6 client's port at an address that the link's neighbours know the interface by.
func listen6(link *net.Interface) (*net.UDPConn, error) {
	addrs, err := link.Addrs()
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w", link.Name, err)
	}
	err = errors.New("it has no link-local address; switch IPv6 on there, or ask without --ipv6")
	for _, a := range addrs {
		p, bad := netip.ParsePrefix(a.String())
		if bad != nil || !p.Addr().Is6() || !p.Addr().IsLinkLocalUnicast() {
			continue
		}
		conn, refused := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.Addr().WithZone(link.Name), dhcp6.ClientPort)))
		if refused == nil {
			return conn, nil
		} // in use by this host's own client, or still tentative (RFC 4862 section 5.4): there may be another
		err = fmt.Errorf("%w; end the DHCPv6 client of this host, or ask without --ipv6", refused)
	}
	return nil, fmt.Errorf("ask over IPv6 on %q: %w", link.Name, err)
}

// solicit sends a SOLICIT, twice at most, and gathers who advertises.
func (s Survey) solicit(conn *net.UDPConn, zone string, a Asker, number int) ([]Offer6, error) {
	m, err := s.solicitation(a, number)
	if err != nil {
		return nil, err
	}
	var all []Offer6
	for range 2 {
		to := netip.AddrPortFrom(dhcp6.AllServers.WithZone(zone), dhcp6.ServerPort)
		if _, err := conn.WriteToUDPAddrPort(m.ToBytes(), to); err != nil {
			return nil, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(s.Wait)); err != nil {
			return nil, err
		}
		b := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return nil, err
			}
			if o, ok := parseOffer6(b[:n], from.Addr().WithZone(""), m.TransactionID); ok {
				all = append(all, o)
			}
			if s.Offers > 0 && len(all) >= s.Offers {
				return all, nil
			}
		}
		if len(all) > 0 {
			break
		}
	}
	return all, nil
}

// intel is the enterprise number under which EDK2 sends its class.
const intel = 343

// solicitation is the SOLICIT of an EDK2 client. The askers have one DUID and an IAID each.
func (s Survey) solicitation(a Asker, number int) (*dhcpv6.Message, error) {
	m, err := dhcpv6.NewMessage()
	if err != nil {
		return nil, err
	}
	m.MessageType = dhcpv6.MessageTypeSolicit
	ia := &dhcpv6.OptIANA{}
	binary.BigEndian.PutUint32(ia.IaId[:], uint32(number)+1) //nolint:gosec // a handful
	m.AddOption(dhcpv6.OptClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: s.MAC}))
	m.AddOption(dhcpv6.OptElapsedTime(0))
	m.AddOption(ia)
	m.AddOption(dhcpv6.OptRequestedOption(dhcpv6.OptionBootfileURL, dhcpv6.OptionBootfileParam, dhcpv6.OptionDNSRecursiveNameServer, dhcpv6.OptionVendorClass))
	m.AddOption(dhcpv6.OptClientArchType(iana.Arch(a.Arch)))
	m.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionNII, OptionData: []byte{1, 3, 0}})
	class := fmt.Sprintf("PXEClient:Arch:%05d:UNDI:003000", a.Arch)
	if a.HTTP {
		class = fmt.Sprintf("HTTPClient:Arch:%05d:UNDI:003000", a.Arch)
	}
	m.AddOption(&dhcpv6.OptVendorClass{EnterpriseNumber: intel, Data: [][]byte{[]byte(class)}})
	return m, nil
}

// parseOffer6 reads an ADVERTISE that answers a transaction.
func parseOffer6(b []byte, from netip.Addr, xid dhcpv6.TransactionID) (o Offer6, ok bool) {
	m, err := dhcpv6.MessageFromBytes(b)
	if err != nil || m.MessageType != dhcpv6.MessageTypeAdvertise || m.TransactionID != xid {
		return o, false
	}
	o = Offer6{From: from, URL: m.Options.BootFileURL(), Params: m.Options.BootFileParam()}
	for _, ia := range m.Options.IANA() {
		for _, a := range ia.Options.Addresses() {
			if addr, ok := netip.AddrFromSlice(a.IPv6Addr); ok && !o.Address.IsValid() {
				o.Address = addr
			}
		}
	}
	if c, ok := m.GetOneOption(dhcpv6.OptionVendorClass).(*dhcpv6.OptVendorClass); ok && len(c.Data) > 0 {
		o.Class = string(c.Data[0])
	}
	return o, true
}

// solicitRouter asks the routers of the link to advertise themselves (RFC 4861 section 4.1), and waits for the first.
func (s Survey) solicitRouter(ctx context.Context, link *net.Interface) (heard, managed bool, err error) {
	conn, err := net.ListenPacket("ip6:ipv6-icmp", "::")
	if err != nil {
		return false, false, fmt.Errorf("ask for routers: %w", err)
	}
	defer socket.CloseWith(ctx, conn)()
	p := ipv6.NewPacketConn(conn)
	var only ipv6.ICMPFilter
	only.SetAll(true)
	only.Accept(ipv6.ICMPTypeRouterAdvertisement)
	err = errors.Join(p.SetICMPFilter(&only), p.SetControlMessage(ipv6.FlagInterface, true), p.SetMulticastHopLimit(255), p.SetMulticastInterface(link),
		p.SetReadDeadline(time.Now().Add(s.Wait)))
	if err != nil {
		return false, false, fmt.Errorf("ask for routers: %w", err)
	}
	routers := &net.IPAddr{IP: net.IPv6linklocalallrouters, Zone: link.Name}
	if _, err := p.WriteTo([]byte{133, 0, 0, 0, 0, 0, 0, 0}, nil, routers); err != nil {
		return false, false, fmt.Errorf("ask for routers: %w", err)
	}
	b := make([]byte, 1500)
	for {
		n, about, _, err := p.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, false, nil
		}
		if err != nil {
			return false, false, fmt.Errorf("ask for routers: %w", err)
		}
		if about != nil && about.IfIndex == link.Index && n >= 16 {
			return true, b[5]&0x80 != 0, nil
		}
	}
}
