package proxydhcp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/dhcp/dhcptest"
	"github.com/pxelab/pxelab/server/pxe"
)

func config(change func(*Config)) *Config {
	c := &Config{Address: netip.MustParsePrefix("192.0.2.2/24"),
		Boot: &dhcp.Boot{Files: map[string]string{"bios": "probe.0", "efi-x64": "x64.efi"}}}
	if change != nil {
		change(c)
	}
	return c
}

func withMenu(c *Config) {
	control := pxe.NoBroadcast | pxe.NoMulticast
	c.Offer = pxe.Offer{Control: &control, Menu: []pxe.MenuItem{{Type: 0x8000, Text: "Probe"}},
		Servers: []pxe.Server{{Type: 0x8000, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.2")}}}}
}

const (
	direct    = "060108ff"
	fullMenu  = "060103080780000 1c0000202 0908800005 50726f6265ff"
	request   = dhcpv4.MessageTypeRequest
	inform    = dhcpv4.MessageTypeInform
	broadcast = "255.255.255.255:68"
)

// show is "TYPE file to 60 43", with "-" for what is absent.
func show(r *dhcp.Reply) string {
	if r == nil {
		return "silent"
	}
	text := func(v []byte, form string) string {
		if len(v) == 0 {
			return "-"
		}
		return fmt.Sprintf(form, v)
	}
	p := r.Packet
	return fmt.Sprintf("%s %s %s %s %s", p.MessageType(), text([]byte(p.BootFileName), "%s"), r.To,
		text(p.Options[60], "%s"), text(p.Options[43], "%x"))
}

// TestAnswer holds the rules of PXE 2.1 section 2.2.3 and what real clients need, one row each.
func TestAnswer(t *testing.T) {
	menu := strings.ReplaceAll(fullMenu, " ", "")
	for _, c := range []struct {
		name   string
		change func(*Config)
		req    *dhcp.Request
		want   string
		reason string
	}{
		{"an offer for a DISCOVER, to all because it has no address", nil, dhcptest.IPXE.Discover(t), "OFFER probe.0 " + broadcast + " PXEClient " + direct, "option 93 = 0, so bios"},
		{"EDK2", nil, dhcptest.EDK2.Discover(t), "OFFER x64.efi " + broadcast + " PXEClient " + direct, "efi-x64"},
		{"no file for the architecture, and nothing else to say", nil, dhcptest.EDK2x32.Discover(t), "silent", "none is configured for efi-ia32"},
		{"a client that is no PXE client", nil, dhcptest.IPXE.Discover(t, dhcptest.Opt(60, []byte("MSFT 5.0")...)), "silent", "not a PXE client"},
		{"a client without a class", nil, dhcptest.IPXE.Discover(t, dhcptest.Opt(60)), "silent", "not a PXE client"},
		{"HTTP boot is another protocol", nil, dhcptest.EDK2.Discover(t, dhcptest.Opt(60, []byte("HTTPClient:Arch:00016")...)), "silent", "HTTPClient"},
		{"through a relay", nil, dhcptest.EDK2.Discover(t, dhcptest.Relayed("198.51.100.1")), "OFFER x64.efi 198.51.100.1:67 PXEClient " + direct, ""},
		{"a REQUEST on port 67 names another server", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.To("255.255.255.255:67")), "silent", "for the DHCP server"},
		{"an INFORM on port 67", nil, dhcptest.EDK2.ToPXEPort(t, inform, dhcptest.To("192.0.2.2:67")), "silent", "not a DHCPDISCOVER"},
		{"EDK2 on port 4011 is answered on port 4011", nil, dhcptest.EDK2.ToPXEPort(t, request), "ACK x64.efi 192.0.2.100:4011 PXEClient " + direct, ""},
		{"iPXE on port 4011 is answered on port 68, and by unicast although it says broadcast", nil, dhcptest.IPXE.ToPXEPort(t, request), "ACK probe.0 192.0.2.100:68 PXEClient " + direct, ""},
		{"INFORM on port 4011", nil, dhcptest.EDK2.ToPXEPort(t, inform), "ACK x64.efi 192.0.2.100:4011 PXEClient " + direct, ""},
		{"a DISCOVER on port 4011", nil, dhcptest.EDK2.Discover(t, dhcptest.To("192.0.2.2:4011")), "silent", "neither DHCPREQUEST nor DHCPINFORM"},
		{"a boot server request is a boot server's", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 0)), "silent", "boot server"},
		{"nowhere to answer to", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.From("0.0.0.0:68"), func(p *dhcpv4.DHCPv4, _, _ *netip.AddrPort) { p.ClientIPAddr = nil }), "silent", "neither its source nor ciaddr"},
		{"a file that may be had by multicast; EDK2 would drop the offer without bit 3", func(c *Config) {
			c.Offer.MTFTP = map[string]pxe.MTFTP{"x64.efi": {Addr: netip.MustParseAddr("239.255.1.1"), ClientPort: 1758, ServerPort: 1759, Timeout: 2, Delay: 3}}
		}, dhcptest.EDK2.Discover(t), "OFFER x64.efi " + broadcast + " PXEClient 0104efff0101020206de030206df040102050103" + direct, "bit 3"},
		{"class only: the client shall ask port 4011", func(c *Config) { c.ClassOnly = true }, dhcptest.EDK2.Discover(t), "OFFER - " + broadcast + " PXEClient -", "asks port 4011"},
		{"class only: and there it is told", func(c *Config) { c.ClassOnly = true }, dhcptest.EDK2.ToPXEPort(t, request), "ACK x64.efi 192.0.2.100:4011 PXEClient " + direct, ""},
		{"a menu", withMenu, dhcptest.IPXE.Discover(t), "OFFER probe.0 " + broadcast + " PXEClient " + menu, "menu"},
		{"a menu and no file", func(c *Config) { withMenu(c); c.Boot = nil }, dhcptest.EDK2x32.Discover(t), "OFFER - " + broadcast + " PXEClient " + menu, "menu"},
		{"iPXE on EFI is never sent a menu", withMenu, dhcptest.IPXEEFI.Discover(t), "OFFER x64.efi " + broadcast + " PXEClient " + direct, "no PXE menu"},
		{"iPXE on EFI without a file to boot instead", func(c *Config) { withMenu(c); c.Boot = nil }, dhcptest.IPXEEFI.Discover(t), "silent", "no PXE menu"},
		{"flaw: a menu all the same", func(c *Config) { withMenu(c); c.Offer.Flaws.MenuForEFI = true }, dhcptest.IPXEEFI.Discover(t), "OFFER x64.efi " + broadcast + " PXEClient " + menu, ""},
		{"flaw: no class", func(c *Config) { c.Offer.Flaws.NoClass = true }, dhcptest.IPXE.Discover(t), "OFFER probe.0 " + broadcast + " - " + direct, ""},
		{"flaw: the client's class", func(c *Config) { c.Offer.Flaws.ClientClass = true }, dhcptest.IPXE.Discover(t), "OFFER probe.0 " + broadcast + " PXEClient:Arch:00000:UNDI:002001 " + direct, ""},
		{"flaw: no end", func(c *Config) { c.Offer.Flaws.NoEnd = true }, dhcptest.IPXE.Discover(t), "OFFER probe.0 " + broadcast + " PXEClient 060108", ""},
		{"flaw: any client", func(c *Config) { c.AnyClient = true }, dhcptest.IPXE.Discover(t, dhcptest.Opt(60), dhcptest.Opt(93)), "OFFER probe.0 " + broadcast + " PXEClient " + direct, "names no architecture, so bios"},
		{"flaw: any client, and HTTP boot is another protocol all the same", func(c *Config) { c.AnyClient = true }, dhcptest.EDK2.Discover(t, dhcptest.Opt(60, []byte("HTTPClient:Arch:00016")...)), "silent", "HTTPClient"},
		{"flaw: deaf to relays", func(c *Config) { c.Unrelayed = true }, dhcptest.EDK2.Discover(t, dhcptest.Relayed("198.51.100.1")), "OFFER x64.efi " + broadcast + " PXEClient " + direct, ""},
		{"nothing to say at all", func(c *Config) { c.Boot = nil }, dhcptest.IPXE.Discover(t), "silent", "neither boot files nor boot servers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, d := Answer(c.req, config(c.change))
			if got := show(r); got != c.want || !strings.Contains(d.Reason, c.reason) || d.Reason == "" {
				t.Errorf("%s (%s)\nwant %s (%s)", got, d.Reason, c.want, c.reason)
			}
			if r != nil {
				checkReply(t, r)
			}
		})
	}
}

// checkReply holds every reply to what all of a proxy's replies must keep to.
func checkReply(t *testing.T, r *dhcp.Reply) {
	t.Helper()
	p := r.Packet
	if !p.YourIPAddr.IsUnspecified() || p.Options[51] != nil || p.Options[1] != nil {
		t.Errorf("a proxy gives an address (%s), a lease or a mask: %v", p.YourIPAddr, p.Options)
	}
	if got := fmt.Sprintf("%x", p.Options[54]); got != "c0000202" {
		t.Errorf("option 54 is %s, not its own address", got)
	}
	if string(p.Options[97]) != string(dhcptest.UUID) {
		t.Errorf("option 97 comes back as %x", p.Options[97])
	}
	if p.Options[52] != nil || len(r.Bytes()) < 300 {
		t.Errorf("option 52 %x, %d octets", p.Options[52], len(r.Bytes()))
	}
	if v := p.Options[67]; len(v) > 0 && v[len(v)-1] != 0 {
		t.Errorf("option 67 %q does not end in NUL", v)
	}
}

// TestYourIP: the flaw that turns a proxy's offer into a DHCP server's.
func TestYourIP(t *testing.T) {
	r, _ := Answer(dhcptest.IPXE.Discover(t), config(func(c *Config) { c.YourIP = netip.MustParseAddr("192.0.2.254") }))
	if r == nil || r.Packet.YourIPAddr.String() != "192.0.2.254" {
		t.Errorf("%s", show(r))
	}
}
