package dhcp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/pxe"
)

// TestPXEPart holds what a combined server says in options 60 and 43, and to whom.
func TestPXEPart(t *testing.T) {
	control := func(c pxe.Control) *pxe.Control { return &c }
	direct := &pxe.Offer{Control: control(pxe.Direct)}
	menu := &pxe.Offer{Control: control(3), Menu: []pxe.MenuItem{{Type: 0x8000, Text: "P"}}}
	tags := map[string]pxe.MTFTP{"probe.0": {Addr: netip.MustParseAddr("239.255.1.1"), ClientPort: 1758, ServerPort: 1759, Timeout: 2, Delay: 3}}
	const tags1to5 = "0104efff0101020206de030206df040102050103"
	bios, x64 := class("PXEClient:Arch:00000:UNDI:002001"), class("PXEClient:Arch:00007:UNDI:003000")
	ipxe := opt(77, []byte("iPXE")...)
	item := opt(43, 71, 4, 0x80, 0, 0, 0, 255)
	for _, c := range []struct {
		name   string
		offer  *pxe.Offer
		req    *Request
		want   string // TYPE file 60 43
		reason string
	}{
		{"no PXE: the file and no more", nil, message(discover, 1, bios, arch(0, 0)), "OFFER probe.0 - -", ""},
		{"direct", direct, message(discover, 1, bios, arch(0, 0)), "OFFER probe.0 PXEClient 060108ff", "bit 3"},
		{"direct, acknowledged", direct, message(request, 1, bios, arch(0, 0), ours, want50("192.0.2.100")), "ACK probe.0 PXEClient 060108ff", "bit 3"},
		{"direct, informed", direct, message(inform, 1, bios, arch(0, 0), ciaddr("192.0.2.100")), "ACK probe.0 PXEClient 060108ff", ""},
		{"direct without a file is no direct", direct, message(discover, 1, class("PXEClient"), arch(0, 6)), "OFFER - PXEClient 060108ff", "none is configured"},
		{"class alone", &pxe.Offer{}, message(discover, 1, bios, arch(0, 0)), "OFFER probe.0 PXEClient -", "asks port 4011"},
		{"menu", menu, message(discover, 1, x64, arch(0, 7)), "OFFER x64.efi PXEClient 060103090480000150ff", "menu"},
		{"menu for iPXE's BIOS build", menu, message(discover, 1, bios, arch(0, 0), ipxe), "OFFER probe.0 PXEClient 060103090480000150ff", "menu"},
		{"no menu for iPXE's EFI build", menu, message(discover, 1, x64, arch(0, 7), ipxe), "OFFER x64.ipxe PXEClient 060108ff", "no PXE menu"},
		{"nor without a file: it is left to the address", menu, message(discover, 1, class("PXEClient"), arch(0, 6), ipxe), "OFFER - - -", "no PXE menu"},
		{"MTFTP, and boot at once", &pxe.Offer{Control: control(pxe.Direct), MTFTP: tags}, message(discover, 1, bios, arch(0, 0)), "OFFER probe.0 PXEClient " + tags1to5 + "060108ff", "bit 3"},
		{"MTFTP alone", &pxe.Offer{MTFTP: tags}, message(discover, 1, bios, arch(0, 0)), "OFFER probe.0 PXEClient " + tags1to5 + "ff", "by multicast"},
		{"no MTFTP for another file", &pxe.Offer{MTFTP: tags}, message(discover, 1, x64, arch(0, 7)), "OFFER x64.efi PXEClient -", "asks port 4011"},
		{"not for others", direct, message(discover, 1, class("MSFT 5.0"), opt(55, 67)), "OFFER - - -", ""},
		{"not for HTTP boot", direct, message(discover, 1, class("HTTPClient:Arch:00016"), arch(0, 16)), "OFFER - - -", "HTTPClient"},
		{"a boot server request by broadcast is no renewal", direct, message(request, 1, bios, ciaddr("192.0.2.100"), item), "silent", "boot server"},
		{"option 43 of somebody else is none", direct, message(request, 1, ciaddr("192.0.2.100"), item), "ACK - - -", "renewed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.PXE = c.offer
			r, d := Answer(c.req, cfg, NewLeases(), t0)
			got := "silent"
			if r != nil {
				got = pxePart(r.Packet)
			}
			if got != c.want || !strings.Contains(d.Reason, c.reason) {
				t.Errorf("%s (%s), want %s (%s)", got, d.Reason, c.want, c.reason)
			}
			if r != nil && r.Packet.Options[52] != nil {
				t.Error("the reply overloads its fields (option 52), which iPXE does not read")
			}
		})
	}
}

func pxePart(p *dhcpv4.DHCPv4) string {
	text := func(v []byte, form string) string {
		if len(v) == 0 {
			return "-"
		}
		return fmt.Sprintf(form, v)
	}
	return fmt.Sprintf("%s %s %s %s", p.MessageType(), text([]byte(p.BootFileName), "%s"), text(p.Options[60], "%s"), text(p.Options[43], "%x"))
}

// TestToSource: answers to clients that ask port 4011 go where they asked from.
func TestToSource(t *testing.T) {
	for name, c := range map[string]struct {
		req  *Request
		want string
	}{
		"port 68":         {message(request, 1, ciaddr("192.0.2.100"), from("192.0.2.100:68")), "192.0.2.100:68"},
		"port 4011":       {message(request, 1, ciaddr("192.0.2.100"), from("192.0.2.100:4011")), "192.0.2.100:4011"},
		"another segment": {message(request, 1, ciaddr("198.51.100.7"), from("198.51.100.7:4011")), "198.51.100.7:4011"},
		"no source":       {message(request, 1, ciaddr("192.0.2.100"), from("0.0.0.0:68")), "192.0.2.100:68"},
		"a relay":         {message(request, 1, ciaddr("192.0.2.100"), giaddr("192.0.2.7"), from("192.0.2.7:67")), "192.0.2.7:67"},
		"nothing":         {message(request, 1, from("0.0.0.0:68")), "invalid AddrPort"},
		"a group":         {message(request, 1, from("224.0.0.1:68")), "invalid AddrPort"},
	} {
		r := NewReply(c.req, dhcpv4.MessageTypeAck, us)
		ok := r.ToSource(c.req)
		if r.To.String() != c.want || ok != (r.To != netip.AddrPort{}) {
			t.Errorf("%s: to %s (%v), want %s", name, r.To, ok, c.want)
		}
	}
}
