package dhcp

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

func bootpConfig() *BOOTP {
	c := *testConfig()
	c.Boot, c.DNS = nil, nil
	c.Reservations = []Reservation{{MAC: mac(9), File: "nine.0"}}
	return &BOOTP{Config: c, File: "probe.0"}
}

// TestBOOTP walks through exchanges with a server that knows no DHCP.
func TestBOOTP(t *testing.T) {
	none := dhcpv4.MessageTypeNone
	for _, c := range []struct {
		name   string
		change func(*BOOTP)
		steps  []step
	}{
		{"every request is answered, whatever its kind", nil, []step{
			{message(none, 1, broadcast), 0, "BOOTREPLY 192.0.2.100 probe.0 " + bc, "the boot file of all"},
			{message(discover, 1, broadcast, arch(0, 7)), 0, "BOOTREPLY 192.0.2.100 probe.0 " + bc, "had before"},
			{message(request, 1, optAddr(54, netip.IPv4Unspecified()), want50("192.0.2.100")), 0,
				"BOOTREPLY 192.0.2.100 probe.0 " + at(1, "192.0.2.100"), "had before"},
			{message(none, 9, broadcast), 0, "BOOTREPLY 192.0.2.101 nine.0 " + bc, "reserved"},
		}},
		{"a client that has an address", nil, []step{
			{message(none, 1, ciaddr("192.0.2.77")), 0, "BOOTREPLY 192.0.2.100 probe.0 192.0.2.77:68", ""},
		}},
		{"through a relay", nil, []step{
			{message(none, 1, giaddr("192.0.2.7")), 0, "BOOTREPLY 192.0.2.100 probe.0 192.0.2.7:67", ""},
			{message(none, 1, giaddr("198.51.100.7")), 0, "silent", "relayed from 198.51.100.7"},
		}},
		{"once", func(b *BOOTP) { b.Once = true }, []step{
			{message(discover, 1, broadcast), 0, "BOOTREPLY 192.0.2.100 probe.0 " + bc, ""},
			{message(request, 1, broadcast), 0, "silent", "answered once"},
			{message(discover, 2, broadcast), 0, "BOOTREPLY 192.0.2.101 probe.0 " + bc, ""},
		}},
		{"boot server requests are not for it", nil, []step{
			{message(request, 1, ciaddr("192.0.2.100"), class("PXEClient"), opt(43, 71, 4, 0x80, 0, 0, 0, 255)), 0, "silent", "boot server"},
		}},
		{"the pool runs dry, and nothing comes back to it", nil, []step{
			{message(none, 1, broadcast), 0, "BOOTREPLY 192.0.2.100 probe.0 " + bc, ""},
			{message(none, 2, broadcast), 0, "BOOTREPLY 192.0.2.101 probe.0 " + bc, ""},
			{message(none, 3, broadcast), 0, "BOOTREPLY 192.0.2.102 probe.0 " + bc, ""},
			{message(none, 4, broadcast), DefaultLease * 24 * 365, "silent", "no address is free"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, leases, now := bootpConfig(), NewLeases(), t0
			if c.change != nil {
				c.change(cfg)
			}
			for i, s := range c.steps {
				now = now.Add(s.after)
				r, d := AnswerBOOTP(s.req, cfg, leases, now)
				if got := outcome(r, d); got != s.want || !strings.Contains(d.Reason, s.reason) {
					t.Errorf("step %d: %s (%s), want %s (%s)", i+1, got, d.Reason, s.want, s.reason)
				}
				if r != nil {
					checkBOOTP(t, r)
				}
			}
		})
	}
}

// checkBOOTP holds a reply to RFC 951 and RFC 1048: nothing in it is DHCP's.
func checkBOOTP(t *testing.T, r *Reply) {
	t.Helper()
	b := r.Bytes()
	if len(b) != 300 {
		t.Errorf("a BOOTP reply of %d octets, not 300", len(b))
	}
	p, err := dhcpv4.FromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	for code := range p.Options {
		if code >= 50 && code <= 61 || code == 43 || code == 66 || code == 67 {
			t.Errorf("a BOOTP reply carries option %d", code)
		}
	}
}

// TestNoCookie: a client that knows plain RFC 951 only, and one that forgets to end its options.
func TestNoCookie(t *testing.T) {
	good := message(dhcpv4.MessageTypeNone, 1, broadcast).Packet.ToBytes()
	plain := append([]byte{}, good...)
	copy(plain[236:], make([]byte, 64))
	req, err := ParseRequest(plain, netip.MustParseAddrPort("0.0.0.0:68"), netip.AddrPort{})
	if err != nil || !req.NoCookie || !req.BOOTP() {
		t.Fatalf("request without cookie: %+v, %v", req, err)
	}
	r, _ := AnswerBOOTP(req, bootpConfig(), NewLeases(), t0)
	if r == nil || len(r.Bytes()) != 300 || !bytes.Equal(r.Bytes()[236:], make([]byte, 64)) {
		t.Errorf("its reply: %v", r)
	}
	if _, d := Answer(req, testConfig(), NewLeases(), t0); d.Reply != "" || !strings.Contains(d.Reason, "BOOTP client") {
		t.Errorf("a DHCP server said %+v", d)
	}
	if req, err := ParseRequest(good[:240], netip.AddrPort{}, netip.AddrPort{}); err != nil || req.NoCookie || !req.BOOTP() {
		t.Errorf("request without END: %+v, %v", req, err)
	}
}
