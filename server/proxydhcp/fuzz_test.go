package proxydhcp

import (
	"net/netip"
	"testing"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/dhcp/dhcptest"
	"github.com/pxelab/pxelab/server/dhcp/octets"
)

// FuzzAnswer feeds a datagram to a service on port 67 or 4011: no panic, no answer but to a PXE client's DHCPDISCOVER on
// the one and its DHCPREQUEST or DHCPINFORM on the other, never an address, and no reply that breaks a rule of replies.
func FuzzAnswer(f *testing.F) {
	for _, c := range []dhcptest.Client{dhcptest.IPXE, dhcptest.IPXEEFI, dhcptest.EDK2, dhcptest.EDK2x32} {
		discover, asks := c.Discover(f).Packet.ToBytes(), c.ToPXEPort(f, request).Packet.ToBytes()
		f.Add(discover, false, false)
		f.Add(asks, true, true)
		f.Add(append(asks[:236:236], make([]byte, 64)...), true, false)
		f.Add(c.Discover(f, dhcptest.Relayed("198.51.100.1")).Packet.ToBytes()[:270], false, true)
		f.Add(c.ToPXEPort(f, inform, dhcptest.Item(0x8000, 0)).Packet.ToBytes(), true, true)
	}
	f.Fuzz(func(t *testing.T, datagram []byte, pxePort, menu bool) {
		port, cfg := uint16(dhcp.ServerPort), config(nil)
		if pxePort {
			port = dhcp.PXEPort
		}
		if menu {
			withMenu(cfg)
		}
		req, err := dhcp.ParseRequest(datagram, netip.MustParseAddrPort("192.0.2.100:68"), netip.AddrPortFrom(cfg.Address.Addr(), port))
		if err != nil {
			return
		}
		r, d := Answer(req, cfg)
		if d.Reason == "" || d.Request == "" {
			t.Fatalf("decision without a reason: %+v", d)
		}
		if r == nil {
			return
		}
		q, err := octets.Read(datagram)
		if err != nil || !q.Class("PXEClient") || pxePort && !q.Is(3, 8) || !pxePort && !q.Is(1) {
			t.Fatalf("answered on port %d: type %x, class %q, %v", port, q.Options[53], q.Options[60], err)
		}
		p, err := octets.Read(r.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := octets.CheckReply(q, p); err != nil {
			t.Fatal(err)
		}
		if !r.Packet.YourIPAddr.IsUnspecified() || p.Options[51] != nil || string(p.Options[54]) != string(cfg.Address.Addr().AsSlice()) {
			t.Fatalf("not a proxy's reply: %s", r.Packet.Summary())
		}
	})
}
