package dhcp

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/pxelab/pxelab/server/lease"
	"github.com/pxelab/pxelab/server/pxe"
)

// step is one request and what is expected of it; want is "REPLY address file to", with "-" for what is absent.
type step struct {
	req    *Request
	after  time.Duration // since the step before
	want   string
	reason string // part of it
}

func outcome(r *Reply, d Decision) string {
	if r == nil {
		return "silent"
	}
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	to := r.To.String()
	if r.MAC != nil {
		to += " at " + r.MAC.String()
	}
	return fmt.Sprintf("%s %s %s %s", strings.TrimPrefix(d.Reply, "DHCP"), dash(d.Address), dash(d.File), to)
}

// TestRules walks through exchanges; each begins with no leases.
func TestRules(t *testing.T) {
	uuid, _ := pxe.ParseUUID(testOwn)
	uuid97 := opt(97, append([]byte{0}, uuid[:]...)...)
	reserved := func(c *Config) {
		c.Reservations = []Reservation{
			{MAC: mac(1), Address: ip("192.0.2.102"), File: "mine.0"},
			{UUID: uuid, Address: ip("192.0.2.50")},
			{MAC: mac(9), File: "nine.0"},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*Config)
		steps  []step
	}{
		{"offer and ack", nil, []step{
			{message(discover, 1, broadcast), 0, "OFFER 192.0.2.100 - " + bc, "next free address; not a boot client"},
			{message(request, 1, broadcast, ours, want50("192.0.2.100")), 0, "ACK 192.0.2.100 - " + bc, "it chose this server"},
			{message(discover, 2, broadcast), 0, "OFFER 192.0.2.101 - " + bc, "next free address"},
			{message(discover, 1, broadcast), 0, "OFFER 192.0.2.100 - " + bc, "the address it had before"},
		}},
		{"unicast when the flag is clear", nil, []step{
			{message(discover, 1), 0, "OFFER 192.0.2.100 - " + at(1, "192.0.2.100"), ""},
			{message(request, 1, ours, want50("192.0.2.100")), 0, "ACK 192.0.2.100 - " + at(1, "192.0.2.100"), ""},
		}},
		{"broadcast to other hardware than Ethernet", nil, []step{
			{message(discover, 1, func(p *packet) { p.HWType = iana.HWTypeInfiniband }), 0, "OFFER 192.0.2.100 - " + bc, ""},
		}},
		{"through a relay", nil, []step{
			{message(discover, 1, broadcast, giaddr("192.0.2.7")), 0, "OFFER 192.0.2.100 - 192.0.2.7:67", ""},
			{message(request, 1, giaddr("192.0.2.7"), want50("198.51.100.4")), 0, "NAK - - 192.0.2.7:67", "198.51.100.4 is not on this network"},
			{message(discover, 1, giaddr("198.51.100.7")), 0, "silent", "relayed from 198.51.100.7"},
		}},
		{"same address for another client identifier", nil, []step{
			{message(discover, 1, broadcast, opt(61, 1, 0x52, 0x54, 0, 0, 0, 1)), 0, "OFFER 192.0.2.100 - " + bc, ""},
			{message(discover, 1, broadcast, opt(61, 0, 1, 2, 3)), 0, "OFFER 192.0.2.100 - " + bc, "had before"},
			{message(discover, 1, broadcast), 0, "OFFER 192.0.2.100 - " + bc, "had before"},
		}},
		{"client identifier where there is no hardware address", nil, []step{
			{message(discover, 1, func(p *packet) { p.ClientHWAddr = nil }, opt(61, 0, 1)), 0, "OFFER 192.0.2.100 - " + bc, ""},
			{message(discover, 1, func(p *packet) { p.ClientHWAddr = nil }, opt(61, 0, 2)), 0, "OFFER 192.0.2.101 - " + bc, ""},
			{message(discover, 1, func(p *packet) { p.ClientHWAddr = nil }), 0, "silent", "neither hardware address nor client identifier"},
		}},
		{"the client chose another server", nil, []step{
			{message(discover, 1, broadcast), 0, "OFFER 192.0.2.100 - " + bc, ""},
			{message(request, 1, theirs, want50("192.0.2.200")), 0, "silent", "it chose server 192.0.2.9; the address offered to it is free again"},
			{message(request, 1, theirs, want50("192.0.2.200")), 0, "silent", "it chose server 192.0.2.9"},
			{message(request, 2, broadcast, ours, want50("192.0.2.100")), 0, "ACK 192.0.2.100 - " + bc, ""},
		}},
		{"choosing another server does not end a lease", nil, []step{
			{message(request, 1, broadcast, ours, want50("192.0.2.100")), 0, "ACK 192.0.2.100 - " + bc, ""},
			{message(discover, 1, broadcast), 0, "OFFER 192.0.2.100 - " + bc, ""},
			{message(request, 1, theirs, want50("192.0.2.200")), 0, "silent", "it chose server 192.0.2.9"},
			{message(request, 2, broadcast, ours, want50("192.0.2.100")), 0, "NAK - - " + bc, "192.0.2.100 belongs to another client"},
		}},
		{"wish granted and refused", nil, []step{
			{message(discover, 1, broadcast, want50("192.0.2.102")), 0, "OFFER 192.0.2.102 - " + bc, "the address it asked for"},
			{message(discover, 2, broadcast, want50("192.0.2.102")), 0, "OFFER 192.0.2.100 - " + bc, "next free address"},
			{message(discover, 3, broadcast, want50("192.0.2.1")), 0, "OFFER 192.0.2.101 - " + bc, "next free address"},
		}},
		{"pool exhausted, offers expire after a minute", nil, []step{
			{message(discover, 1), 0, "OFFER 192.0.2.100 - " + at(1, "192.0.2.100"), ""},
			{message(discover, 2), time.Second, "OFFER 192.0.2.101 - " + at(2, "192.0.2.101"), ""},
			{message(discover, 3), time.Second, "OFFER 192.0.2.102 - " + at(3, "192.0.2.102"), ""},
			{message(discover, 4), 57 * time.Second, "silent", "no address is free"},
			{message(discover, 4), time.Second, "OFFER 192.0.2.100 - " + at(4, "192.0.2.100"), "idle longest"},
			{message(request, 1, ours, want50("192.0.2.100")), 0, "NAK - - " + bc, "belongs to another client"},
		}},
		{"leases expire", nil, []step{
			{message(request, 1, ours, want50("192.0.2.100"), broadcast), 0, "ACK 192.0.2.100 - " + bc, ""},
			{message(request, 2, ours, want50("192.0.2.100"), broadcast), DefaultLease - 1, "NAK - - " + bc, ""},
			{message(request, 2, ours, want50("192.0.2.100"), broadcast), 1, "ACK 192.0.2.100 - " + bc, ""},
		}},
		{"requests that name nothing or too much", nil, []step{
			{message(request, 1), 0, "silent", "it names no address"},
			{message(request, 1, ours), 0, "silent", "it chose this server but names no address"},
			{message(request, 1, ours, want50("192.0.2.200"), broadcast), 0, "NAK - - " + bc, "192.0.2.200 is not in this server's pool"},
			{message(request, 1, opt(54), want50("192.0.2.100")), 0, "silent", "it chose server (none)"},
		}},
		{"init-reboot", nil, []step{
			{message(request, 1, want50("192.0.2.100"), broadcast), 0, "silent", "of which this server has no record"},
			{message(request, 1, want50("198.51.100.1"), broadcast), 0, "NAK - - " + bc, "198.51.100.1 is not on this network"},
			{message(request, 1, ours, want50("192.0.2.101"), broadcast), 0, "ACK 192.0.2.101 - " + bc, ""},
			{message(request, 1, want50("192.0.2.101"), broadcast), 0, "ACK 192.0.2.101 - " + bc, "the address it remembers"},
			{message(request, 1, want50("192.0.2.100"), broadcast), 0, "NAK - - " + bc, "it remembers 192.0.2.100 but has 192.0.2.101"},
		}},
		{"renewing and rebinding", nil, []step{
			{message(request, 1, ours, want50("192.0.2.100"), broadcast), 0, "ACK 192.0.2.100 - " + bc, ""},
			{message(request, 1, ciaddr("192.0.2.100"), from("192.0.2.100:1068")), 0, "ACK 192.0.2.100 - 192.0.2.100:1068", "renewed"},
			{message(request, 1, ciaddr("192.0.2.100"), from("192.0.2.200:1068"), broadcast), 0, "ACK 192.0.2.100 - 192.0.2.100:68", "renewed"},
			{message(request, 2, ciaddr("192.0.2.101"), from("192.0.2.101:68")), 0, "ACK 192.0.2.101 - 192.0.2.101:68", "no record of the lease"},
			{message(request, 3, ciaddr("192.0.2.101"), from("192.0.2.101:68")), 0, "NAK - - " + bc, "192.0.2.101 belongs to another client"},
			{message(request, 3, ciaddr("198.51.100.1"), from("198.51.100.1:68")), 0, "silent", "not on this network"},
		}},
		{"decline", nil, []step{
			{message(discover, 1, broadcast), 0, "OFFER 192.0.2.100 - " + bc, ""},
			{message(dhcpv4.MessageTypeDecline, 1, theirs, want50("192.0.2.100")), 0, "silent", "ignored: for server 192.0.2.9"},
			{message(dhcpv4.MessageTypeDecline, 2, ours, want50("192.0.2.100")), 0, "silent", "ignored: 192.0.2.100 is not its address"},
			{message(dhcpv4.MessageTypeDecline, 1, ours, want50("192.0.2.100")), 0, "silent", "192.0.2.100 is in use by another machine"},
			{message(discover, 1, broadcast, want50("192.0.2.100")), 0, "OFFER 192.0.2.101 - " + bc, ""},
			{message(request, 1, ours, want50("192.0.2.100"), broadcast), 0, "NAK - - " + bc, "belongs to another client"},
			{message(request, 1, ours, want50("192.0.2.100"), broadcast), lease.DeclineTime, "ACK 192.0.2.100 - " + bc, ""},
		}},
		{"release", nil, []step{
			{message(request, 1, ours, want50("192.0.2.100"), broadcast), 0, "ACK 192.0.2.100 - " + bc, ""},
			{message(dhcpv4.MessageTypeRelease, 2, ours, ciaddr("192.0.2.100")), 0, "silent", "ignored: 192.0.2.100 is not its address"},
			{message(dhcpv4.MessageTypeRelease, 1, ours, ciaddr("192.0.2.100")), 0, "silent", "192.0.2.100 is free again"},
			{message(request, 2, ours, want50("192.0.2.100"), broadcast), 0, "ACK 192.0.2.100 - " + bc, ""},
		}},
		{"inform", nil, []step{
			{message(inform, 1, ciaddr("192.0.2.77"), from("192.0.2.77:68"), arch(0, 7)), 0, "ACK - x64.efi 192.0.2.77:68", "configuration without an address"},
			{message(inform, 1), 0, "silent", "ciaddr 0.0.0.0 is no address of a client"},
			{message(inform, 1, ciaddr("198.51.100.1")), 0, "silent", "ciaddr 198.51.100.1 is no address of a client"},
		}},
		{"what a server does not answer", nil, []step{
			{message(dhcpv4.MessageTypeNone, 1), 0, "silent", "no option 53"},
			{message(dhcpv4.MessageTypeOffer, 1), 0, "silent", "not a message for servers"},
			{message(discover, 1, func(p *packet) { p.OpCode = dhcpv4.OpcodeBootReply }), 0, "silent", "not a BOOTREQUEST"},
			{message(discover, 1, opt(61, make([]byte, 255)...), opt(82, make([]byte, 60)...)), 0, "silent", "exceeds its maximum message size"},
			{message(discover, 1, opt(61, make([]byte, 1300)...), opt(57, 0xff, 0)), 0, "silent", "exceeds its maximum message size"}, // EDK2 says so, and takes 1472
			{message(discover, 1, broadcast, opt(61, make([]byte, 255)...), opt(57, 5, 0xc0)), 0, "OFFER 192.0.2.100 - " + bc, ""},
		}},
		{"reservations", reserved, []step{
			{message(discover, 1, broadcast, arch(0, 7)), 0, "OFFER 192.0.2.102 mine.0 " + bc, "address reserved for it; boot file reserved for it"},
			{message(discover, 1, broadcast), 0, "OFFER 192.0.2.102 - " + bc, "not a boot client"},
			{message(discover, 2, broadcast, uuid97), 0, "OFFER 192.0.2.50 - " + bc, "address reserved for it"},
			{message(discover, 9, broadcast, arch(0, 0)), 0, "OFFER 192.0.2.100 nine.0 " + bc, "next free address; boot file reserved for it"},
			{message(request, 1, broadcast, ours, want50("192.0.2.101")), 0, "NAK - - " + bc, "not the address reserved for it, 192.0.2.102"},
			{message(discover, 3, broadcast), 0, "OFFER 192.0.2.101 - " + bc, ""},
			{message(discover, 4, broadcast, want50("192.0.2.102")), 0, "silent", "no address is free"},
			{message(request, 2, broadcast, uuid97, want50("192.0.2.50")), 0, "ACK 192.0.2.50 - " + bc, "the address it remembers"},
		}},
		{"a reserved address in use by its other card", reserved, []step{
			{message(request, 2, broadcast, uuid97, ours, want50("192.0.2.50")), 0, "ACK 192.0.2.50 - " + bc, ""},
			{message(discover, 3, broadcast, uuid97), 0, "OFFER 192.0.2.100 - " + bc, "next free address"},
		}},
		{"UUID in printed order, and all zero", reserved, []step{
			{message(discover, 2, broadcast, opt(97, append([]byte{0}, func() []byte { u := uuid.BigEndian(); return u[:] }()...)...)), 0, "OFFER 192.0.2.50 - " + bc, ""},
			{message(discover, 3, broadcast, opt(97, make([]byte, 17)...)), 0, "OFFER 192.0.2.100 - " + bc, ""},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, leases, now := testConfig(), NewLeases(), t0
			if c.change != nil {
				c.change(cfg)
			}
			for i, s := range c.steps {
				now = now.Add(s.after)
				r, d := Answer(s.req, cfg, leases, now)
				if got := outcome(r, d); got != s.want || !strings.Contains(d.Reason, s.reason) {
					t.Fatalf("step %d, %s:\n got %s (%s)\nwant %s (%s)", i, d.Request, got, d.Reason, s.want, s.reason)
				}
			}
		})
	}
}

func TestBootInformation(t *testing.T) {
	pxeClass := class("PXEClient:Arch:00007:UNDI:003000")
	ipxe := opt(77, []byte("iPXE")...)
	withDefault := func(c *Config) { c.Boot.Default = "any.0" }
	for _, c := range []struct {
		name   string
		change func(*Config)
		sets   []set
		file   string
		reason string
	}{
		{"x64 as 7", nil, []set{pxeClass, arch(0, 7)}, "x64.efi", "option 93 = 7, so efi-x64"},
		{"x64 as 9", nil, []set{arch(0, 9)}, "x64.efi", "option 93 = 9, so efi-x64"},
		{"first known of a list", nil, []set{arch(0, 11, 0, 0)}, "probe.0", "option 93 = 0, so bios"},
		{"option 93 outranks the class", nil, []set{pxeClass, arch(0, 0)}, "probe.0", "option 93 = 0, so bios"},
		{"class when there is no 93", nil, []set{pxeClass}, "x64.efi", "no option 93, and option 60's Arch = 7, so efi-x64"},
		{"bare PXEClient is a BIOS", nil, []set{class("PXEClient")}, "probe.0", "names no architecture, so bios"},
		{"unknown architecture", nil, []set{arch(0, 0x1b)}, "", "no boot file: none is configured for efi-riscv64"},
		{"default", withDefault, []set{arch(0, 0x1b)}, "any.0", "default file: none is configured for efi-riscv64"},
		{"asks for 67", withDefault, []set{opt(55, 1, 67)}, "any.0", "default file: it names no architecture"},
		{"asks for 67, no default", nil, []set{opt(55, 1, 67)}, "", "no boot file: it names no architecture"},
		{"asks for nothing", withDefault, []set{opt(55, 1, 3)}, "", "not a boot client"},
		{"HTTP boot", withDefault, []set{class("HTTPClient:Arch:00016:UNDI:003000"), arch(0, 16)}, "", "an HTTPClient takes a URI"},
		{"iPXE of a named architecture", nil, []set{ipxe, arch(0, 7)}, "x64.ipxe", "iPXE, and option 93 = 7, so efi-x64"},
		{"iPXE in a network card's ROM", nil, []set{ipxe, arch(0, 0)}, "probe.0", "option 93 = 0, so bios"},
		{"iPXE by option 175", nil, []set{opt(175, 0xb1, 0), arch(0, 7)}, "x64.ipxe", "iPXE, and option 93 = 7, so efi-x64"},
		{"nothing configured", func(c *Config) { c.Boot = nil }, []set{pxeClass, arch(0, 7)}, "", "next free address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig()
			if c.change != nil {
				c.change(cfg)
			}
			r, d := Answer(message(discover, 1, c.sets...), cfg, NewLeases(), t0)
			if r == nil || d.File != c.file || !strings.Contains(d.Reason, c.reason) {
				t.Fatalf("reply %v, file %q (%s), want %q (%s)", r != nil, d.File, d.Reason, c.file, c.reason)
			}
			wire := fields(t, r)
			if got := wire["67"]; c.file != "" && got != fmt.Sprintf("%x", c.file+"\x00") || c.file == "" && got != "" {
				t.Errorf("option 67 = %s", got)
			}
			if (c.file == "") != (r.Packet.ServerIPAddr.IsUnspecified()) || r.Packet.BootFileName != c.file {
				t.Errorf("siaddr %s, file %q", r.Packet.ServerIPAddr, r.Packet.BootFileName)
			}
			if _, ok := wire["60"]; ok {
				t.Error("option 60 sent: EDK2 would ask port 4011")
			}
		})
	}
}

// fields gives a reply's options as hex, read back from its wire form.
func fields(t *testing.T, r *Reply) map[string]string {
	t.Helper()
	b := r.Packet.ToBytes()
	if len(b) < 300 {
		t.Errorf("reply of %d octets, want the 300 of a BOOTP message at least (RFC 951)", len(b))
	}
	p, err := dhcpv4.FromBytes(b)
	if err != nil {
		t.Fatalf("reply does not parse: %v", err)
	}
	m := map[string]string{}
	for c, v := range p.Options {
		m[fmt.Sprint(c)] = fmt.Sprintf("%x", v)
	}
	return m
}

func TestReplyOptions(t *testing.T) {
	uuid := append([]byte{0}, make([]byte, 16)...)
	echoed := []set{opt(61, 1, 2, 3), opt(82, 1, 2, 0xaa, 0xbb), opt(97, uuid...), arch(0, 0), opt(77, []byte("iPXE")...)}
	cfg := testConfig()
	cfg.Boot.NoProxy, cfg.Boot.NextServer = true, ip("192.0.2.2")
	common := map[string]string{
		"53": "02", "54": "c0000201", "51": "00000e10", "1": "ffffff00", "3": "c00002fe", "6": "c0000235c0000236",
		"61": "010203", "82": "0102aabb", "97": fmt.Sprintf("%x", uuid), "67": fmt.Sprintf("%x", "probe.0\x00"), "175": "b00101",
	}
	leases := NewLeases()
	r, _ := Answer(message(discover, 1, echoed...), cfg, leases, t0)
	if diff := cmp.Diff(common, fields(t, r)); diff != "" {
		t.Errorf("OFFER -want +got\n%s", diff)
	}
	if !r.Packet.ServerIPAddr.Equal(net.ParseIP("192.0.2.2")) || !r.Packet.ClientIPAddr.IsUnspecified() {
		t.Errorf("siaddr %s, ciaddr %s", r.Packet.ServerIPAddr, r.Packet.ClientIPAddr)
	}
	r, _ = Answer(message(request, 1, append(echoed, ours, want50("192.0.2.100"))...), cfg, leases, t0)
	common["53"] = "05"
	if diff := cmp.Diff(common, fields(t, r)); diff != "" {
		t.Errorf("ACK -want +got\n%s", diff)
	}
	r, _ = Answer(message(inform, 1, append(echoed, ciaddr("192.0.2.7"))...), cfg, leases, t0)
	delete(common, "51")
	if diff := cmp.Diff(common, fields(t, r)); diff != "" {
		t.Errorf("ACK to INFORM -want +got\n%s", diff)
	}
	if !r.Packet.YourIPAddr.IsUnspecified() {
		t.Errorf("yiaddr %s in the answer to an INFORM", r.Packet.YourIPAddr)
	}
	r, _ = Answer(message(request, 2, append(echoed, ours, want50("192.0.2.100"), giaddr("192.0.2.3"))...), cfg, leases, t0)
	want := map[string]string{"53": "06", "54": "c0000201", "61": "010203", "82": "0102aabb", "97": fmt.Sprintf("%x", uuid),
		"56": fmt.Sprintf("%x", "192.0.2.100 belongs to another client")}
	if diff := cmp.Diff(want, fields(t, r)); diff != "" {
		t.Errorf("NAK -want +got\n%s", diff)
	}
	if !r.Packet.IsBroadcast() || !r.Packet.YourIPAddr.IsUnspecified() {
		t.Errorf("NAK through a relay: flags %04x, yiaddr %s", r.Packet.Flags, r.Packet.YourIPAddr)
	}
}

// TestOnlyReservations is a server without a pool.
func TestOnlyReservations(t *testing.T) {
	cfg := &Config{Address: netip.MustParsePrefix("192.0.2.1/24"), Reservations: []Reservation{{MAC: mac(1), Address: ip("192.0.2.8")}}}
	if r, d := Answer(message(discover, 1, broadcast), cfg, NewLeases(), t0); outcome(r, d) != "OFFER 192.0.2.8 - "+bc {
		t.Errorf("known client: %s (%s)", outcome(r, d), d.Reason)
	}
	if r, d := Answer(message(discover, 2), cfg, NewLeases(), t0); r != nil || !strings.Contains(d.Reason, "no address is free") {
		t.Errorf("unknown client: %s (%s)", outcome(r, d), d.Reason)
	}
}

func TestParseRequestReasons(t *testing.T) {
	good := message(discover, 1).Packet.ToBytes()
	far := append([]byte{}, good...)
	far[2] = 17
	for want, b := range map[string][]byte{
		"malformed message of 0 octets": {},
		"malformed message of 239":      good[:239],
		"malformed message of 243":      good[:243], // no END
		"a hardware address of 17":      far,
	} {
		if _, err := ParseRequest(b, netip.AddrPort{}, netip.AddrPort{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
