package dhcp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/dhcp/octets"
	"github.com/pxelab/pxelab/server/pxe"
)

// addDatagrams gives a fuzzer pairs of datagrams to begin with, with the magic cookie and without it.
func addDatagrams(f *testing.F) {
	b := func(r *Request) []byte { return r.Packet.ToBytes() }
	for _, r := range []*Request{
		message(discover, 1, broadcast, arch(0, 7), class("PXEClient:Arch:00007:UNDI:003000")),
		message(discover, 1, arch(0, 7), class("PXEClient:Arch:00007:UNDI:003010"), opt(77, []byte("iPXE")...)),
		message(discover, 1, arch(0, 16), class("HTTPClient:Arch:00016:UNDI:003000")),
		message(request, 1, ours, want50("192.0.2.100"), opt(97, make([]byte, 17)...)),
		message(request, 1, ciaddr("192.0.2.100"), class("PXEClient"), opt(43, 71, 4, 0x80, 0, 0, 0, 255)),
		message(request, 1, ciaddr("192.0.2.100")),
		message(inform, 1, ciaddr("192.0.2.101"), giaddr("192.0.2.3"), opt(82, 1, 1, 1)),
		message(dhcpv4.MessageTypeDecline, 1, ours, want50("192.0.2.100")),
		message(dhcpv4.MessageTypeRelease, 1, ours, ciaddr("192.0.2.100"), opt(61, 1, 2)),
		message(discover, 1, opt(77, []byte("\x04iPXE")...), opt(175, 0xb1, 1), opt(57, 0, 1), opt(55, 67)),
		message(dhcpv4.MessageTypeNone, 3),
		message(dhcpv4.MessageTypeOffer, 1, func(p *packet) { p.OpCode = dhcpv4.OpcodeBootReply }),
		message(discover, 1, giaddr("198.51.100.1"), opt(82, 1, 1, 1, 5, 4, 203, 0, 113, 1, 11, 4, 198, 51, 100, 1)),
	} {
		plain := append(b(r)[:bootpHeader:bootpHeader], make([]byte, 64)...)
		f.Add(b(r), b(message(request, 2, ours, want50("192.0.2.101"))))
		f.Add(b(r)[:250], b(r)[:bootpHeader])
		f.Add(plain, b(r))
	}
}

// FuzzAnswer feeds two datagrams to one DHCP server: whatever they are, no panic, no answer but to a whole DHCPDISCOVER,
// DHCPREQUEST or DHCPINFORM, no reply that breaks a rule of replies, and no address given to two stations.
func FuzzAnswer(f *testing.F) {
	addDatagrams(f)
	control := pxe.NoMulticast
	f.Fuzz(func(t *testing.T, one, two []byte) {
		cfg, leases := testConfig(), NewLeases()
		farther(cfg)
		cfg.Boot.NoProxy = true
		cfg.Boot.HTTP = map[string]string{"efi-x64": "http://192.0.2.1/x64.efi"}
		cfg.PXE = &pxe.Offer{Control: &control, Menu: []pxe.MenuItem{{Type: 0x8000, Text: "P"}}}
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
				q, p := checkReply(t, datagram, r, d)
				if answers := map[byte]string{1: "\x02", 3: "\x05\x06", 8: "\x05"}; !q.Cookie || !q.Is(1, 3, 8) ||
					!strings.Contains(answers[q.Options[53][0]], string(p.Options[53])) {
					t.Fatalf("type %x answered with type %x", q.Options[53], p.Options[53])
				}
				checkHolder(t, req, r, d, holder)
			}
		}
	})
}

// FuzzAnswerBOOTP feeds two datagrams, with the magic cookie or without it, to one BOOTP server: no panic, no answer but
// to a whole BOOTREQUEST, and nothing of DHCP in any.
func FuzzAnswerBOOTP(f *testing.F) {
	addDatagrams(f)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		cfg, leases := bootpConfig(), NewLeases()
		for i, datagram := range [][]byte{one, two, one} {
			req, err := ParseRequest(datagram, netip.MustParseAddrPort("0.0.0.0:68"), netip.AddrPort{})
			if err != nil {
				continue
			}
			r, d := AnswerBOOTP(req, cfg, leases, t0.Add(time.Duration(i)*time.Second))
			if d.Reason == "" || d.Request == "" {
				t.Fatalf("decision without a reason: %+v", d)
			}
			if r == nil {
				continue
			}
			if _, p := checkReply(t, datagram, r, d); p.Cookie {
				checkBOOTP(t, r)
			}
		}
	})
}

// checkReply holds a reply to the octets of the datagram that it answers.
func checkReply(t *testing.T, datagram []byte, r *Reply, d Decision) (q, p octets.Message) {
	t.Helper()
	q, err := octets.Read(datagram)
	if err != nil {
		t.Fatalf("answered, although %v", err)
	}
	if p, err = octets.Read(r.Bytes()); err != nil {
		t.Fatalf("the reply: %v", err)
	}
	if err := octets.CheckReply(q, p); err != nil {
		t.Fatal(err)
	}
	if d.Reply == "" || !r.To.IsValid() || r.To.Addr().IsUnspecified() {
		t.Fatalf("reply %q to %s", d.Reply, r.To)
	}
	return q, p
}

// checkHolder holds that an address has one holder.
func checkHolder(t *testing.T, req *Request, r *Reply, d Decision, holder map[string]string) {
	t.Helper()
	if r.Packet.MessageType() != dhcpv4.MessageTypeAck || r.Packet.YourIPAddr.IsUnspecified() {
		return
	}
	if who := holder[d.Address]; who != "" && who != req.key() && req.Packet.MessageType() == request {
		t.Fatalf("%s given to %s and %s", d.Address, who, req.key())
	}
	holder[d.Address] = req.key()
}
