package server_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/bootserver"
	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/dhcp/dhcptest"
	"github.com/pxelab/pxelab/server/dhcp/octets"
	"github.com/pxelab/pxelab/server/proxydhcp"
	"github.com/pxelab/pxelab/server/pxe"
)

// roles are the servers of IPv4 that PXE clients ask, as functions of a request. Each has all there is to say: files for
// every architecture, a menu, and a name for the file that iPXE loads.
func roles() map[string]func(*dhcp.Request) *dhcp.Reply {
	own, control := netip.MustParsePrefix("192.0.2.1/24"), pxe.NoBroadcast|pxe.NoMulticast
	boot := &dhcp.Boot{Files: map[string]string{"bios": "bios.0", "efi-x64": "x64.efi", "efi-ia32": "ia32.efi"}}
	offer := pxe.Offer{Control: &control, Menu: []pxe.MenuItem{{Type: 0x8000, Text: "Probe"}}, Prompt: &pxe.Prompt{Timeout: 3, Text: "F8"},
		Servers: []pxe.Server{{Type: 0x8000, Addrs: []netip.Addr{own.Addr()}}}}
	d := &dhcp.Config{Address: own, First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"), Boot: boot, PXE: &offer}
	leases, bootpLeases := dhcp.NewLeases(), dhcp.NewLeases()
	return map[string]func(*dhcp.Request) *dhcp.Reply{
		"dhcp": func(q *dhcp.Request) *dhcp.Reply { r, _ := dhcp.Answer(q, d, leases, time.Unix(0, 0)); return r },
		"bootp": func(q *dhcp.Request) *dhcp.Reply {
			r, _ := dhcp.AnswerBOOTP(q, &dhcp.BOOTP{Config: *d, File: "bios.0"}, bootpLeases, time.Unix(0, 0))
			return r
		},
		"proxydhcp": func(q *dhcp.Request) *dhcp.Reply {
			r, _ := proxydhcp.Answer(q, &proxydhcp.Config{Address: own, Offer: offer, Boot: boot})
			return r
		},
		"bootserver": func(q *dhcp.Request) *dhcp.Reply {
			r, _ := bootserver.Answer(q, &bootserver.Config{Address: own, Boots: []bootserver.Boot{{Type: 0x8000, Boot: *boot}}})
			return r
		},
	}
}

// header changes a field of a request's header.
func header(change func(*dhcpv4.DHCPv4)) dhcptest.Set {
	return func(p *dhcpv4.DHCPv4, _, _ *netip.AddrPort) { change(p) }
}

// trap is something in which servers go wrong with one client or another: a request, and what of each reply must hold.
type trap struct {
	name string
	sets []dhcptest.Set // what the clients' requests say beside the usual
	// right judges one reply of a role to one client; an empty text is right.
	right func(role string, c dhcptest.Client, q *dhcp.Request, r *dhcp.Reply, p octets.Message) string
}

// equal words a difference.
func equal(what string, got, want any) string {
	if fmt.Sprint(got) == fmt.Sprint(want) {
		return ""
	}
	return fmt.Sprintf("%s is %v, not %v", what, got, want)
}

// destination is where a reply must go: to the relay; to an address that the client has, and to the port it asked from;
// to all if it asks for that, or if there is no address in the reply; else to its hardware address, without ARP.
func destination(role string, _ dhcptest.Client, q *dhcp.Request, r *dhcp.Reply, _ octets.Message) string {
	want := "255.255.255.255:68"
	switch {
	case !q.Packet.GatewayIPAddr.IsUnspecified():
		want = q.Packet.GatewayIPAddr.String() + ":67"
	case !q.Packet.ClientIPAddr.IsUnspecified():
		want = q.From.String()
	case role != "proxydhcp" && !q.Packet.IsBroadcast():
		want = r.Packet.YourIPAddr.String() + ":68"
		if r.MAC.String() != dhcptest.MAC.String() {
			return fmt.Sprintf("it goes to %v by ARP, which a client without an address does not answer", r.MAC)
		}
	}
	return equal("destination", r.To, want)
}

var traps = []trap{
	{"unicast, broadcast or the port asked from", nil, destination},
	{"the broadcast flag of a client that has an address means nothing", []dhcptest.Set{header(func(p *dhcpv4.DHCPv4) { p.SetBroadcast() })}, destination},
	{"a relay", []dhcptest.Set{dhcptest.Relayed("192.0.2.7"), dhcptest.Opt(82, 1, 1, 'x')},
		func(role string, c dhcptest.Client, q *dhcp.Request, r *dhcp.Reply, p octets.Message) string {
			if wrong := destination(role, c, q, r, p); wrong != "" || role == "bootp" { // RFC 3046 is of DHCP
				return wrong
			}
			return equal("giaddr and option 82", fmt.Sprint(r.Packet.GatewayIPAddr, p.Options[82]), fmt.Sprint(q.Packet.GatewayIPAddr, []byte{1, 1, 'x'}))
		}},
	{"option 54 is the server's own", nil, func(role string, _ dhcptest.Client, _ *dhcp.Request, _ *dhcp.Reply, p octets.Message) string {
		return equal("option 54", string(p.Options[54]), map[bool]string{role != "bootp": "\xc0\x00\x02\x01"}[true])
	}},
	{"siaddr is there whatever options 66 and 67 say", nil, func(_ string, _ dhcptest.Client, _ *dhcp.Request, r *dhcp.Reply, _ octets.Message) string {
		return equal("siaddr", r.Packet.ServerIPAddr, "192.0.2.1")
	}},
	{"only a DHCP or BOOTP server gives an address", nil, func(role string, _ dhcptest.Client, _ *dhcp.Request, r *dhcp.Reply, p octets.Message) string {
		gives := role == "dhcp" || role == "bootp"
		return equal("gives address, lease", fmt.Sprint(!r.Packet.YourIPAddr.IsUnspecified(), p.Options[51] != nil), fmt.Sprint(gives, role == "dhcp"))
	}},
	{"iPXE on EFI has no menu", nil, func(role string, c dhcptest.Client, _ *dhcp.Request, _ *dhcp.Reply, p octets.Message) string {
		tags, _, _ := octets.Tags(p.Options[43])
		return equal("menu", tags[pxe.TagMenu] != nil, (role == "dhcp" || role == "proxydhcp") && fmt.Sprint(c) != fmt.Sprint(dhcptest.IPXEEFI))
	}},
	{"transaction 0, as iPXE's boot server requests have", []dhcptest.Set{header(func(p *dhcpv4.DHCPv4) { p.TransactionID = dhcpv4.TransactionID{} })}, nil},
	{"secs is a bit field of iPXE's, and in EDK2 not in network order", []dhcptest.Set{header(func(p *dhcpv4.DHCPv4) { p.NumSeconds = 0xff07 })}, nil},
	{"a class in short, so that option 93 alone tells the architecture", []dhcptest.Set{dhcptest.Opt(60, []byte("PXEClient")...)},
		func(role string, c dhcptest.Client, _ *dhcp.Request, r *dhcp.Reply, _ octets.Message) string {
			files := map[uint16]string{0: "bios.0", 6: "ia32.efi", 7: "x64.efi"}
			return equal("file", r.Packet.BootFileName, map[bool]string{true: "bios.0", false: files[c.Arch]}[role == "bootp"])
		}},
	{"a UUID of zeros", []dhcptest.Set{dhcptest.Opt(97, make([]byte, 17)...)}, nil},
	{"a UUID of another type and length", []dhcptest.Set{dhcptest.Opt(97, 9, 8, 7)}, nil},
}

// TestTraps asks each role what clients ask it, with each trap. What octets.CheckReply holds is every row's: option 60
// exactly PXEClient, 97 as it was sent, 43 ended and not in parts, 67 as the file field and ended, no option 13, nothing
// overloaded, 300 octets.
func TestTraps(t *testing.T) {
	for _, c := range traps {
		t.Run(c.name, func(t *testing.T) {
			answers := roles()
			for name, client := range map[string]dhcptest.Client{"iPXE": dhcptest.IPXE, "iPXE on EFI": dhcptest.IPXEEFI, "EDK2": dhcptest.EDK2, "EDK2 IA-32": dhcptest.EDK2x32} {
				item := append([]dhcptest.Set{dhcptest.Item(0x8000, 0)}, c.sets...)
				for role, requests := range map[string][]*dhcp.Request{
					"dhcp": {client.Discover(t, c.sets...)}, "bootp": {client.Discover(t, c.sets...)},
					"proxydhcp":  {client.Discover(t, c.sets...), client.ToPXEPort(t, dhcpv4.MessageTypeRequest, c.sets...)},
					"bootserver": {client.ToPXEPort(t, dhcpv4.MessageTypeRequest, item...), client.ToPXEPort(t, dhcpv4.MessageTypeInform, item...)},
				} {
					for _, q := range requests {
						if wrong := c.judge(t, role, client, q, answers[role](q)); wrong != "" {
							t.Errorf("%s to %s's %s: %s", role, name, q.Packet.MessageType(), wrong)
						}
					}
				}
			}
		})
	}
}

// judge holds one reply to the rules of all, and to the trap's own.
func (c trap) judge(t *testing.T, role string, client dhcptest.Client, q *dhcp.Request, r *dhcp.Reply) string {
	t.Helper()
	if r == nil {
		return "no reply"
	}
	asked, err := octets.Read(q.Packet.ToBytes())
	must(t, err)
	p, err := octets.Read(r.Bytes())
	must(t, err)
	if err := octets.CheckReply(asked, p); err != nil {
		return err.Error()
	}
	if c.right == nil {
		return ""
	}
	return c.right(role, client, q, r, p)
}

// TestOfferedIsGiven: EDK2 declines an ACK for another address than the OFFER's; and machines that draw the same
// transaction number, as OVMF's builds do, are told apart by their hardware addresses.
func TestOfferedIsGiven(t *testing.T) {
	answer := roles()["dhcp"]
	given := map[string]bool{}
	for n := range byte(3) {
		station := header(func(p *dhcpv4.DHCPv4) { p.ClientHWAddr = []byte{0x52, 0x54, 0, 0, 1, n} })
		offered := answer(dhcptest.EDK2.Discover(t, station)).Packet.YourIPAddr
		again := answer(dhcptest.EDK2.Discover(t, station)).Packet.YourIPAddr
		ack := answer(dhcptest.EDK2.Discover(t, station, dhcptest.Opt(53, 3), dhcptest.Opt(50, offered.To4()...), dhcptest.Opt(54, 192, 0, 2, 1)))
		if ack == nil || !ack.Packet.YourIPAddr.Equal(offered) || !again.Equal(offered) || given[offered.String()] {
			t.Errorf("station %d: offered %s, then %s, and given %v", n, offered, again, ack)
		}
		given[offered.String()] = true
	}
}
