package bootserver

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/dhcp/dhcptest"
	"github.com/pxelab/pxelab/server/dhcp/octets"
	"github.com/pxelab/pxelab/server/pxe"
)

func config(change func(*Config)) *Config {
	files := func(bios, x64 string) dhcp.Boot {
		return dhcp.Boot{Files: map[string]string{"bios": bios, "efi-x64": x64}}
	}
	c := &Config{Address: netip.MustParsePrefix("192.0.2.2/24"), Boots: []Boot{
		{Type: 0x8000, Boot: files("a.0", "a.efi")},
		{Type: 0x8000, Layer: 1, Boot: files("a1.0", "a1.efi")},
		{Type: 0x8001, Boot: dhcp.Boot{Files: map[string]string{"bios": "b.0"}, NextServer: netip.MustParseAddr("192.0.2.9")},
			MTFTP:       &pxe.MTFTP{Addr: netip.MustParseAddr("239.255.1.1"), ClientPort: 1758, ServerPort: 1759, Timeout: 2, Delay: 3},
			Credentials: &Credentials{Types: []uint32{1}, Files: map[string]string{"bios": "b.bis"}}},
	}}
	if change != nil {
		change(c)
	}
	return c
}

const (
	request = dhcpv4.MessageTypeRequest
	inform  = dhcpv4.MessageTypeInform
	mtftp   = "0104efff0101020206de030206df040102050103"
)

// show is "TYPE file siaddr to 43", with "-" for what is absent.
func show(r *dhcp.Reply) string {
	if r == nil {
		return "silent"
	}
	p := r.Packet
	return fmt.Sprintf("%s %s %s %s %x", p.MessageType(), p.BootFileName, p.ServerIPAddr, r.To, p.Options[43])
}

// TestAnswer holds the rules of PXE 2.1 section 2.2.4 and what real clients need, one row each.
func TestAnswer(t *testing.T) {
	credentials := func(layer uint16, types ...byte) dhcptest.Set {
		item := append([]byte{71, 4, 0x80, 1, byte(layer >> 8), byte(layer)}, types...)
		return dhcptest.Opt(43, append(item, 255)...)
	}
	for _, c := range []struct {
		name   string
		change func(*Config)
		req    *dhcp.Request
		want   string
		reason string
	}{
		{"EDK2 asks from port 4011 and is answered there", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 0)), "ACK a.efi 192.0.2.2 192.0.2.100:4011 470480000000ff", "efi-x64"},
		{"iPXE asks from port 68 and is answered there, by unicast", nil, dhcptest.IPXE.ToPXEPort(t, request, dhcptest.Item(0x8000, 0)), "ACK a.0 192.0.2.2 192.0.2.100:68 470480000000ff", "bios"},
		{"iPXE says its class in short", nil, dhcptest.IPXE.ToPXEPort(t, request, dhcptest.Item(0x8000, 0), dhcptest.Opt(60, []byte("PXEClient")...)), "ACK a.0 192.0.2.2 192.0.2.100:68 470480000000ff", "option 93 = 0"},
		{"INFORM", nil, dhcptest.EDK2.ToPXEPort(t, inform, dhcptest.Item(0x8000, 0)), "ACK a.efi 192.0.2.2 192.0.2.100:4011 470480000000ff", ""},
		{"by multicast", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 0), dhcptest.To("224.0.1.2:4011")), "ACK a.efi 192.0.2.2 192.0.2.100:4011 470480000000ff", ""},
		{"by broadcast: the answer is unicast all the same", nil, dhcptest.IPXE.ToPXEPort(t, request, dhcptest.Item(0x8000, 0), dhcptest.To("255.255.255.255:67")), "ACK a.0 192.0.2.2 192.0.2.100:68 470480000000ff", ""},
		{"the layer is echoed", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 1)), "ACK a1.efi 192.0.2.2 192.0.2.100:4011 470480000001ff", ""},
		{"another TFTP server, and MTFTP", nil, dhcptest.IPXE.ToPXEPort(t, request, dhcptest.Item(0x8001, 0)), "ACK b.0 192.0.2.9 192.0.2.100:68 " + mtftp + "470480010000ff", ""},
		{"another type", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8002, 0)), "silent", "not one of its own, type 0x8000 layer 0, type 0x8000 layer 1, type 0x8001 layer 0"},
		{"another layer", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 2)), "silent", "not one of its own"},
		{"another architecture", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8001, 0)), "silent", "none is configured for efi-x64"},
		{"no item", nil, dhcptest.EDK2.ToPXEPort(t, request), "silent", "names no boot server type"},
		{"no PXE client", nil, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 0), dhcptest.Opt(60, 'x')), "silent", "not a PXE client"},
		{"a DISCOVER", nil, dhcptest.EDK2.Discover(t, dhcptest.Item(0x8000, 0)), "silent", "neither DHCPREQUEST nor DHCPINFORM"},
		{"for another server", nil, dhcptest.IPXE.ToPXEPort(t, request, dhcptest.Item(0x8000, 0), dhcptest.Opt(54, 192, 0, 2, 9)), "silent", "for server 192.0.2.9"},
		{"nowhere to answer to", nil, dhcptest.EDK2.ToPXEPort(t, inform, dhcptest.Item(0x8000, 0), dhcptest.From("0.0.0.0:68"), func(p *dhcpv4.DHCPv4, _, _ *netip.AddrPort) { p.ClientIPAddr = nil }), "silent", "neither its source nor ciaddr"},
		{"credentials", nil, dhcptest.IPXE.ToPXEPort(t, request, credentials(0x8000, 12, 4, 0, 0, 0, 1)), "ACK b.0 192.0.2.9", "credentials of type 0x1"},
		{"credentials of types it has not", nil, dhcptest.IPXE.ToPXEPort(t, request, credentials(0x8000, 12, 4, 0, 0, 0, 2)), "silent", "of the types 0x2 (option 43.12), and there are none but 0x1"},
		{"credentials of no type", nil, dhcptest.IPXE.ToPXEPort(t, request, credentials(0x8000)), "silent", "(none)"},
		{"credentials that there are not", nil, dhcptest.IPXE.ToPXEPort(t, request, dhcptest.Item(0x8000, 0x8000)), "silent", "this boot program has none"},
		{"flaw: to all", func(c *Config) { c.Flaws.Broadcast = true }, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 0)), "ACK a.efi 192.0.2.2 255.255.255.255:68 470480000000ff", "as configured"},
		{"flaw: to port 68", func(c *Config) { c.Flaws.ClientPort = true }, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 0)), "ACK a.efi 192.0.2.2 192.0.2.100:68 470480000000ff", "as configured"},
		{"flaw: no item", func(c *Config) { c.Flaws.NoItem = true }, dhcptest.EDK2.ToPXEPort(t, request, dhcptest.Item(0x8000, 0)), "ACK a.efi 192.0.2.2 192.0.2.100:4011 ff", "as configured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "credentials" {
				c.want = "ACK b.bis 192.0.2.9 192.0.2.100:68 " + mtftp + "470480018000ff"
			}
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

// checkReply holds every reply to what all of a boot server's replies must keep to.
func checkReply(t *testing.T, r *dhcp.Reply) {
	t.Helper()
	p := r.Packet
	if !p.YourIPAddr.IsUnspecified() || !p.ClientIPAddr.Equal(dhcptest.Address.AsSlice()) || string(p.Options[60]) != "PXEClient" ||
		string(p.Options[97]) != string(dhcptest.UUID) || p.Options[52] != nil || fmt.Sprintf("%x", p.Options[54]) != "c0000202" {
		t.Errorf("%s", p.Summary())
	}
}

// FuzzAnswer: whatever option 43 holds, no panic, no answer but to a PXE client's DHCPREQUEST or DHCPINFORM that names a
// boot item, and none without the same item, ended, in its own option 43.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte{71, 4, 0x80, 0, 0, 0, 255}, "PXEClient", byte(3), byte(1))
	f.Add([]byte{12, 4, 0, 0, 0, 1, 71, 4, 0x80, 1, 0x80, 0}, "PXEClient:Arch:00000", byte(8), byte(1))
	f.Add([]byte{71, 4, 0x80, 0, 0, 0, 71, 4, 0x80, 1, 0, 0, 255}, "PXEClient", byte(3), byte(2))
	f.Fuzz(func(t *testing.T, vendor []byte, class string, typ, op byte) {
		if len(vendor) == 0 || len(vendor) > 255 || len(class) == 0 || len(class) > 255 {
			return
		}
		req := dhcptest.IPXE.ToPXEPort(t, request, dhcptest.Opt(43, vendor...), dhcptest.Opt(60, []byte(class)...), dhcptest.Opt(53, typ),
			func(p *dhcpv4.DHCPv4, _, _ *netip.AddrPort) { p.OpCode = dhcpv4.OpcodeType(op) })
		r, d := Answer(req, config(nil))
		if d.Reason == "" {
			t.Errorf("%x decided without a reason: %+v", vendor, d)
		}
		if r == nil {
			return
		}
		q, err := octets.Read(req.Packet.ToBytes())
		tags, _, bad := octets.Tags(q.Options[43])
		if err != nil || bad != nil || len(tags[71]) != 4 || !q.Class("PXEClient") || !q.Is(3, 8) {
			t.Fatalf("op %d, type %d, class %q, option 43 %x answered: %+v", op, typ, class, vendor, d)
		}
		p, err := octets.Read(r.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := octets.CheckReply(q, p); err != nil {
			t.Fatal(err)
		}
		if echo, _, _ := octets.Tags(p.Options[43]); string(echo[71]) != string(tags[71]) {
			t.Fatalf("item %x answered with item %x", tags[71], echo[71])
		}
	})
}
