package relay

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testConfig relays from eth1 (and eth2) to two servers beyond eth0.
func testConfig() *Config {
	link := func(name, a string, clients bool) Link {
		address := netip.MustParseAddr(a)
		return Link{Interface: name, Address: address, Clients: clients, MAC: net.HardwareAddr{2, 0, 0, 0, 0, address.As4()[3]}}
	}
	return &Config{
		Links:   []Link{link("eth0", "192.0.2.9", false), link("eth1", "198.51.100.1", true), link("eth2", "203.0.113.2", true)},
		Servers: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")},
	}
}

// ours is what eth1's information is with the configuration above.
var ours = []byte{1, 4, 'e', 't', 'h', '1', 2, 6, 2, 0, 0, 0, 0, 1}

// wire is a message in the making.
type wire struct {
	octets  []byte
	options []byte
	bare    bool // no cookie
}

type set func(*wire)

// bootp makes a message; without changes a DHCPDISCOVER of 52:54:00:00:00:01.
func bootp(op byte, sets ...set) []byte {
	w := &wire{octets: make([]byte, 236), options: []byte{53, 1, 1, 60, 9, 'P', 'X', 'E', 'C', 'l', 'i', 'e', 'n', 't', 0, 61, 2, 9, 9}}
	copy(w.octets, []byte{op, 1, 6, 0, 0xa, 0xb, 0xc, 0xd})
	copy(w.octets[chaddrAt:], []byte{0x52, 0x54, 0, 0, 0, 1})
	copy(w.octets[108:], "a name that stays")
	for _, s := range sets {
		s(w)
	}
	if w.bare {
		return append(w.octets, make([]byte, 64)...)
	}
	out := append(append(append(w.octets, cookie...), w.options...), optEnd)
	return append(out, make([]byte, max(0, 300-len(out)))...)
}

func field(at int, v ...byte) set { return func(w *wire) { copy(w.octets[at:], v) } }
func addr(at int, a string) set {
	b := netip.MustParseAddr(a).As4()
	return field(at, b[:]...)
}
func opt(code byte, v ...byte) set {
	return func(w *wire) { w.options = append(append(w.options, code, byte(len(v))), v...) }
}
func noCookie(w *wire)   { w.bare = true }
func only(v ...byte) set { return func(w *wire) { w.options = v } }

// TestForward holds what becomes of requests. want is the value of option 82 behind, "-" for none, "" for silence.
func TestForward(t *testing.T) {
	policy := func(p Policy) func(*Config) { return func(c *Config) { c.Option82 = p } }
	for _, c := range []struct {
		name    string
		request []byte
		on      int
		change  func(*Config)
		giaddr  string
		want    string
		reason  string
	}{
		{"plain", bootp(1), 1, nil, "198.51.100.1", string(ours), `from eth1 to 192.0.2.1, 192.0.2.2, giaddr 198.51.100.1, option 82 added with circuit "eth1"`},
		{"on another link", bootp(1), 2, nil, "203.0.113.2", "\x01\x04eth2\x02\x06\x02\x00\x00\x00\x00\x02", "giaddr 203.0.113.2"},
		{"on the servers' side", bootp(1), 0, nil, "", "", "ignored: it came over eth0"},
		{"a reply", bootp(2), 1, nil, "", "", "not a BOOTREQUEST"},
		{"hops", bootp(1, field(hopsAt, 4)), 1, nil, "198.51.100.1", string(ours), ""},
		{"too many hops", bootp(1, field(hopsAt, 5)), 1, nil, "", "", "made 5 hops, more than 4"},
		{"as many hops as RFC 1542 ever allows", bootp(1, field(hopsAt, 16)), 1, func(c *Config) { c.MaxHops = 16 }, "198.51.100.1", string(ours), ""},
		{"too soon", bootp(1, field(secsAt, 0, 3)), 1, func(c *Config) { c.MinSecs = 4 }, "", "", "tried for 3 s, and is relayed after 4"},
		{"soon enough", bootp(1, field(secsAt, 1, 0)), 1, func(c *Config) { c.MinSecs = 4 }, "198.51.100.1", string(ours), ""},
		{"relayed before", bootp(1, addr(giaddrAt, "10.0.0.1")), 1, nil, "10.0.0.1", "-", "giaddr stays 10.0.0.1"},
		{"relayed before, with option 82", bootp(1, addr(giaddrAt, "10.0.0.1"), opt(82, 1, 1, 7)), 1, nil, "10.0.0.1", "\x01\x01\x07", ""},
		{"our giaddr made up", bootp(1, addr(giaddrAt, "192.0.2.9")), 1, nil, "", "", "giaddr 192.0.2.9 is this relay's own"},
		{"client's own option 82", bootp(1, opt(82, 1, 1, 7)), 1, nil, "", "", "which only relays may"},
		{"appended", bootp(1, opt(82, 1, 1, 7), opt(12, 'h')), 1, policy(Append), "198.51.100.1", "\x01\x01\x07" + string(ours), ""},
		{"replaced", bootp(1, opt(82, 1, 1, 7), opt(12, 'h')), 1, policy(Replace), "198.51.100.1", string(ours), ""},
		{"kept", bootp(1, opt(82, 1, 1, 7)), 1, policy(Keep), "198.51.100.1", "\x01\x01\x07", "its option 82 kept"},
		{"keep adds where there is none", bootp(1), 1, policy(Keep), "198.51.100.1", string(ours), ""},
		{"none", bootp(1), 1, policy(None), "198.51.100.1", "-", "no option 82 added"},
		{"BOOTP without cookie", bootp(1, noCookie), 1, nil, "198.51.100.1", "-", "no option 82 added"},
		{"options without sense", bootp(1, only(53, 1, 1, 60, 200, 1)), 1, nil, "198.51.100.1", "-", "no option 82 added"},
		{"no room in the message", bootp(1, only(bytes.Repeat(append([]byte{224, 202}, make([]byte, 202)...), 6)...)), 1, nil, "198.51.100.1", "-", "no room"},
		{"no room in the option", bootp(1, opt(82, make([]byte, 250)...)), 1, policy(Append), "198.51.100.1", string(make([]byte, 250)), "no room"},
		{"link selection", bootp(1), 1, func(c *Config) { c.LinkSelection = true }, "192.0.2.9", string(ours) + "\x05\x04\xc6\x33\x64\x01", "giaddr 192.0.2.9"},
		{"server override", bootp(1), 1, func(c *Config) { c.ServerOverride = true }, "198.51.100.1", string(ours) + "\x0b\x04\xc6\x33\x64\x01", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig()
			if c.change != nil {
				c.change(cfg)
			}
			before := bytes.Clone(c.request)
			out, d := Forward(c.request, &cfg.Links[c.on], cfg)
			if !bytes.Equal(before, c.request) {
				t.Error("the request itself was changed")
			}
			if d.Client != "52:54:00:00:00:01" || d.XID != "0a0b0c0d" || !strings.Contains(d.Reason, c.reason) || (out == nil) != (d.Reply == "") {
				t.Errorf("decision %+v, want reason %q", d, c.reason)
			}
			checkForwarded(t, c.request, out, c.giaddr, c.want)
		})
	}
}

// checkForwarded holds a relayed request to the one that came: only hops, giaddr and option 82 may differ, and option
// 82 comes last.
func checkForwarded(t *testing.T, in, out []byte, giaddr, want string) {
	t.Helper()
	if out == nil {
		if want != "" {
			t.Errorf("silence, want option 82 %q", want)
		}
		return
	}
	got := "-"
	m, err := parse(out)
	if err != nil {
		t.Fatal(err)
	}
	if v, at := m.find(optRelayInfo); at.end > 0 {
		got = string(v)
	}
	if got != want || m.address(giaddrAt).String() != giaddr || out[hopsAt] != in[hopsAt]+1 {
		t.Errorf("option 82 %q, giaddr %s, %d hops; want %q, %s, %d", got, m.address(giaddrAt), out[hopsAt], want, giaddr, in[hopsAt]+1)
	}
	if want != "-" && m.dhcp && len(m.options) > 0 && m.options[len(m.options)-1].code != optRelayInfo {
		t.Error("option 82 is not the last")
	}
	if diff := cmp.Diff(rest(t, in), rest(t, out)); diff != "" {
		t.Errorf("what a relay may not touch differs (- in, + out):\n%s", diff)
	}
	if len(out) < minLength || len(out) > max(maxLength, len(in)) {
		t.Errorf("%d octets of %d", len(out), len(in))
	}
}

// rest is a message without what a relay may change, in order.
func rest(t *testing.T, octets []byte) []string {
	t.Helper()
	m, err := parse(octets)
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.Clone(octets[:vendorAt])
	header[hopsAt] = 0
	copy(header[giaddrAt:], []byte{0, 0, 0, 0})
	out := []string{fmt.Sprintf("% x", header)}
	if !m.dhcp {
		return append(out, fmt.Sprintf("% x", bytes.TrimRight(octets[vendorAt:], "\x00")))
	}
	for _, o := range m.options {
		if o.code != optRelayInfo {
			out = append(out, fmt.Sprintf("% x", octets[o.start:o.end]))
		}
	}
	return out
}

// TestReturn holds what becomes of replies. left is the value of option 82 that goes on to the client, "-" for none.
func TestReturn(t *testing.T) {
	gi := addr(giaddrAt, "198.51.100.1")
	echo := opt(82, ours...)
	flag := field(flagsAt, 0x80)
	yi := addr(yiaddrAt, "198.51.100.100")
	selects := append(bytes.Clone(ours), 5, 4, 198, 51, 100, 1)
	for _, c := range []struct {
		name         string
		reply        []byte
		change       func(*Config)
		to, left, by string
	}{
		{"unicast", bootp(2, gi, yi, echo), nil, "198.51.100.100:68 at 52:54:00:00:00:01", "-", "to 198.51.100.100:68 on eth1, by its hardware address; option 82 came back and is taken out"},
		{"broadcast", bootp(2, gi, yi, flag, echo), nil, "255.255.255.255:68", "-", "as its client asked"},
		{"a proxy's offer has no address", bootp(2, gi, echo), nil, "255.255.255.255:68", "-", "as the reply gives no address"},
		{"other hardware", bootp(2, gi, yi, field(htypeAt, 32), echo), nil, "255.255.255.255:68", "-", "no Ethernet address"},
		{"to whom has an address", bootp(2, gi, addr(ciaddrAt, "198.51.100.7"), flag, echo), nil, "198.51.100.7:68", "-", "which the client has already"},
		{"renewed", bootp(2, gi, yi, addr(ciaddrAt, "198.51.100.100"), echo), nil, "198.51.100.100:68", "-", ""},
		{"not echoed", bootp(2, gi, yi, flag), nil, "255.255.255.255:68", "-", "no option 82 came back"},
		{"another's", bootp(2, gi, yi, flag, opt(82, 1, 1, 7)), nil, "255.255.255.255:68", "\x01\x01\x07", "another's and stays"},
		{"appended to another's", bootp(2, gi, yi, flag, opt(82, append([]byte{1, 1, 7}, ours...)...), opt(12, 'h')), nil, "255.255.255.255:68", "\x01\x01\x07", "what this relay added is taken out"},
		{"not touched", bootp(2, gi, yi, flag, echo), func(c *Config) { c.Option82 = None }, "255.255.255.255:68", string(ours), "not touched"},
		{"link selection", bootp(2, addr(giaddrAt, "192.0.2.9"), yi, flag, opt(82, selects...)), func(c *Config) { c.LinkSelection = true }, "255.255.255.255:68", "-", "on eth1"},
		{"link selection, not echoed", bootp(2, addr(giaddrAt, "192.0.2.9"), yi, flag), func(c *Config) { c.LinkSelection = true }, "", "", "nothing says which network the client is on"},
		{"not ours", bootp(2, addr(giaddrAt, "10.0.0.1"), yi), nil, "", "", "giaddr 10.0.0.1 is no address of this relay on a network with clients"},
		{"to the servers' side", bootp(2, addr(giaddrAt, "192.0.2.9"), yi), nil, "", "", "no address of this relay"},
		{"no giaddr", bootp(2, yi), nil, "", "", "no giaddr"},
		{"a request", bootp(1, gi), nil, "", "", "not a BOOTREPLY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig()
			if c.change != nil {
				c.change(cfg)
			}
			r, d := Return(c.reply, cfg)
			if !strings.Contains(d.Reason, c.by) || (r == nil) != (d.Reply == "") {
				t.Errorf("decision %+v, want %q", d, c.by)
			}
			if r == nil {
				if c.to != "" {
					t.Errorf("nothing goes on, want %s", c.to)
				}
				return
			}
			to, left := r.To.String(), "-"
			if r.MAC != nil {
				to += " at " + r.MAC.String()
			}
			m, err := parse(r.Datagram)
			if err != nil {
				t.Fatal(err)
			}
			if v, at := m.find(optRelayInfo); at.end > 0 {
				left = string(v)
			}
			if to != c.to || left != c.left {
				t.Errorf("to %s with option 82 %q, want %s, %q", to, left, c.to, c.left)
			}
			if diff := cmp.Diff(rest(t, c.reply), rest(t, r.Datagram)); diff != "" {
				t.Errorf("what a relay may not touch differs (- in, + out):\n%s", diff)
			}
		})
	}
}

func TestShort(t *testing.T) {
	cfg := testConfig()
	if out, d := Forward(make([]byte, 235), &cfg.Links[1], cfg); out != nil || !strings.Contains(d.Reason, "shorter than a BOOTP header") {
		t.Errorf("%v %+v", out, d)
	}
	if r, d := Return(nil, cfg); r != nil || !strings.Contains(d.Reason, "shorter than a BOOTP header") {
		t.Errorf("%v %+v", r, d)
	}
}

// FuzzRelay sends any datagram both ways: no panic, no decision without a reason, nothing altered that must not be, and
// an echoed option is taken out again.
func FuzzRelay(f *testing.F) {
	for _, d := range [][]byte{bootp(1), bootp(1, opt(82, 1, 1, 7)), bootp(1, noCookie), bootp(1, field(hopsAt, 9)), nil,
		bootp(2, addr(giaddrAt, "198.51.100.1"), opt(82, ours...)), bootp(1, only(53, 1, 1, 60, 200, 1))} {
		f.Add(d, byte(0))
		f.Add(d, byte(1))
	}
	f.Fuzz(func(t *testing.T, datagram []byte, how byte) {
		cfg := testConfig()
		cfg.Option82 = Policy(Policies()[int(how)%len(Policies())])
		out, d := Forward(datagram, &cfg.Links[1], cfg)
		if d.Reason == "" || d.Request == "" {
			t.Fatalf("decision without a reason: %+v", d)
		}
		if out != nil {
			if diff := cmp.Diff(rest(t, datagram), rest(t, out)); diff != "" {
				t.Fatalf("altered (- in, + out):\n%s", diff)
			}
			out[opAt] = bootReply
			if r, d := Return(out, cfg); r == nil && bytes.Equal(out[giaddrAt:giaddrAt+4], []byte{198, 51, 100, 1}) {
				t.Fatalf("the echo does not find back: %+v", d)
			} else if r != nil && len(datagram) >= 236 {
				if diff := cmp.Diff(rest(t, out), rest(t, r.Datagram)); diff != "" {
					t.Fatalf("altered on the way back (- in, + out):\n%s", diff)
				}
			}
		}
		if _, d := Return(datagram, cfg); d.Reason == "" || d.Request == "" {
			t.Fatalf("decision without a reason: %+v", d)
		}
	})
}
