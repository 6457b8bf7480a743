package dhcp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// FuzzAnswer feeds two datagrams to one server: whatever they are, no panic, no answer to an answer, no reply that
// does not parse, and no address given to two stations.
func FuzzAnswer(f *testing.F) {
	b := func(r *Request) []byte { return r.Packet.ToBytes() }
	for _, r := range []*Request{
		message(discover, 1, broadcast, arch(0, 7), class("PXEClient:Arch:00007:UNDI:003000")),
		message(request, 1, ours, want50("192.0.2.100"), opt(97, make([]byte, 17)...)),
		message(request, 1, ciaddr("192.0.2.100")),
		message(inform, 1, ciaddr("192.0.2.101"), giaddr("192.0.2.3"), opt(82, 1, 1, 1)),
		message(dhcpv4.MessageTypeDecline, 1, ours, want50("192.0.2.100")),
		message(dhcpv4.MessageTypeRelease, 1, ours, ciaddr("192.0.2.100"), opt(61, 1, 2)),
		message(discover, 1, opt(77, []byte("\x04iPXE")...), opt(175, 0xb1, 1), opt(57, 0, 1), opt(55, 67)),
		message(dhcpv4.MessageTypeNone, 3),
		message(discover, 1, giaddr("198.51.100.1"), opt(82, 1, 1, 1, 5, 4, 203, 0, 113, 1, 11, 4, 198, 51, 100, 1)),
	} {
		f.Add(b(r), b(message(request, 2, ours, want50("192.0.2.101"))))
		f.Add(b(r)[:250], b(r)[:236])
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		cfg, leases := testConfig(), NewLeases()
		farther(cfg)
		cfg.Boot.NoProxy = true
		holder := map[string]string{}
		for i, datagram := range [][]byte{one, two, one} {
			req, err := ParseRequest(datagram, netip.MustParseAddrPort("192.0.2.100:68"), netip.AddrPort{})
			if err != nil {
				continue
			}
			r, d := Answer(req, cfg, leases, t0.Add(time.Duration(i)*time.Second))
			if d.Reason == "" || d.Request == "" {
				t.Fatalf("decision without a reason: %+v", d)
			}
			if r != nil {
				checkReply(t, req, r, d, holder)
			}
		}
	})
}

func checkReply(t *testing.T, req *Request, r *Reply, d Decision, holder map[string]string) {
	t.Helper()
	p, err := dhcpv4.FromBytes(r.Packet.ToBytes())
	if err != nil {
		t.Fatalf("reply does not parse: %v", err)
	}
	if req.Packet.OpCode != dhcpv4.OpcodeBootRequest || p.OpCode != dhcpv4.OpcodeBootReply || d.Reply == "" {
		t.Fatalf("op %d answered with op %d as %q", req.Packet.OpCode, p.OpCode, d.Reply)
	}
	if p.TransactionID != req.Packet.TransactionID || !r.To.IsValid() || r.To.Addr().IsUnspecified() {
		t.Fatalf("reply to %s with xid %s for %s", r.To, p.TransactionID, req.Packet.TransactionID)
	}
	if p.MessageType() == dhcpv4.MessageTypeAck && !p.YourIPAddr.IsUnspecified() {
		if who := holder[d.Address]; who != "" && who != req.key() && req.Packet.MessageType() == request {
			t.Fatalf("%s given to %s and %s", d.Address, who, req.key())
		}
		holder[d.Address] = req.key()
	}
}
