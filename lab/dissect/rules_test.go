package dissect

import (
	"fmt"
	"strings"
	"testing"
)

// broken are frames of real boots, each with something broken on purpose: the field that must be called bad, and with which words.
var broken = []struct {
	topic, name, firmware string
	change                string
	path, why             string
}{
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "-dhcp.option.60", "dhcp", "no proxyDHCP offer"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.60=", "dhcp.option.60", "it is empty"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.siaddr=0.0.0.0", "dhcp.siaddr", "no server that has it"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "-dhcp.option.54", "dhcp", "option 54 is missing"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "-dhcp.option.255", "dhcp", "no END (255)"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.53=1", "dhcp.op", "option 53 says DISCOVER"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.53=hex:0202", "dhcp.option.53", "2 octets are not a number"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.97=hex:000102", "dhcp.option.97", "3 octets are not a UUID"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.43=hex:0601", "dhcp.option.43.6", "it says that it has 1 octet, and 0 are left"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.43=hex:06", "dhcp.option.43.6", "it has no length"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.43.6=0", "dhcp.option.43.6", "tag 7 names no group"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.43.6=3", "dhcp.option.43", "no menu (tag 9)"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "-dhcp.option.43.255", "dhcp.option.43", "no tag 255"},
	{"proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64", "dhcp.option.43.1=239.1.1.1", "dhcp.option.43", "tags 1 to 5 of MTFTP count together only"},
	{"combined-menu", "offer", "bios", "dhcp.option.43.9.item.type=0x8001", "dhcp.option.43.9", "no server of the type 0x8001"},
	{"combined-menu", "offer", "bios", "dhcp.option.43.8=hex:800001c00002", "dhcp.option.43.8", "6 octets are not boot servers by type"},
	{"combined-menu", "offer", "bios", "dhcp.option.43.9=hex:80000a41", "dhcp.option.43.9", "4 octets are not menu items"},
	{"combined-menu", "offer", "bios", "dhcp.option.43.10=hex:", "dhcp.option.43.10", "0 octets are not seconds and a text"},
	{"combined-menu", "discover", "bios", "-dhcp.option.93", "dhcp.option.60", "option 93 is missing"},
	{"combined-menu", "discover", "bios", "-dhcp.option.97", "dhcp.option.60", "option 97 is missing"},
	{"combined-menu", "discover", "bios", "-dhcp.option.60", "dhcp.option.93", "says its class as well"},
	{"http", "offer", "ovmf-x64", "dhcp.option.67=probe.efi", "dhcp.option.67", "takes a URI here"},
	{"ipv6", "solicit", "ovmf-x64", "-dhcp6.option.1", "dhcp6", "option 1 (client identifier) is missing"},
	{"ipv6", "advertise", "ovmf-x64", "-dhcp6.option.2", "dhcp6", "option 2 (server identifier) is missing"},
	{"tftp", "rrq", "bios", "tftp.blksize=7", "tftp.blksize", "a number from 8 to 65464"},
	{"tftp", "rrq", "bios", "tftp.mode=binary", "tftp.mode", "octet, netascii or mail"},
	{"tftp", "rrq", "bios", "tftp.file=", "tftp.file", "no file is named"},
}

// badOf gives what is said to be wrong with the field of a path.
func badOf(t *testing.T, data []byte, path string) string {
	t.Helper()
	for _, f := range all(Dissect(data, Client{})) {
		if f.Path == path {
			return f.Bad
		}
	}
	t.Fatalf("there is no %s", path)
	return ""
}

func TestBad(t *testing.T) {
	for _, b := range broken {
		r := the(t, b.topic, b.name, b.firmware)
		if bad := badOf(t, r.data, b.path); strings.Contains(bad, b.why) {
			t.Errorf("%s/%s: %s is bad before it was broken: %s", b.topic, b.name, b.path, bad)
		}
		changed, err := Change(r.data, []string{b.change})
		if err != nil {
			t.Errorf("%s/%s: %v", b.topic, b.name, err)
			continue
		}
		if bad := badOf(t, changed, b.path); !strings.Contains(bad, b.why) {
			t.Errorf("%s/%s, %s: %s is bad for %q, want %q", b.topic, b.name, b.change, b.path, bad, b.why)
		}
	}
}

// TestNotBad holds that real frames have nothing wrong with them, but those of a server that is known for it.
func TestNotBad(t *testing.T) {
	for _, r := range realFrames(t) {
		for _, f := range all(Dissect(r.data, r.client)) {
			if f.Bad != "" && r.topic != "kea-vendor" {
				t.Errorf("%s/%s to %s: %s: %s", r.topic, r.name, r.client.Firmware, f.Path, f.Bad)
			}
		}
	}
}

// octets that Change does not make: what is wrong with them must be seen all the same.
func TestBadOctets(t *testing.T) {
	offer := the(t, "proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64").data
	for _, c := range []struct {
		what      string
		spoil     func(v []byte) []byte
		path, why string
	}{
		{"a bit of the IPv4 header", func(v []byte) []byte { v[22] ^= 1; return v }, "ip.checksum", "it is wrong"},
		{"a bit of the message", func(v []byte) []byte { v[58] ^= 1; return v }, "udp.checksum", "it is wrong"},
		{"the end is cut off", func(v []byte) []byte { return v[:len(v)-4] }, "udp.length", "the packet ends 4 octets before the datagram does"},
		{"op", func(v []byte) []byte { v[42] = 7; return v }, "dhcp.op", "neither a request nor a reply"},
		{"hlen", func(v []byte) []byte { v[44] = 16; return v }, "dhcp.hlen", "6 octets"},
		{"a file name of 128 octets", func(v []byte) []byte { copy(v[150:278], strings.Repeat("x", 128)); return v }, "dhcp.file", "no NUL ends it"},
		{"the last option's length", func(v []byte) []byte { v[325] = 200; return v }, "dhcp.option.97", "it says that it has 200 octets, and 18 are left"},
	} {
		if bad := badOf(t, c.spoil([]byte(string(offer))), c.path); !strings.Contains(bad, c.why) {
			t.Errorf("%s: %s is bad for %q, want %q", c.what, c.path, bad, c.why)
		}
	}
}

// TestOverload holds that options which option 52 sends to the header's fields are read there, and belong to those fields.
func TestOverload(t *testing.T) {
	offer := the(t, "proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64").data
	in := func(octets int, options string) string {
		return fmt.Sprintf("hex:%x", options+strings.Repeat("\x00", octets-len(options)))
	}
	out, err := Change(offer, []string{"dhcp.file=" + in(128, "\x43\x06x.efi\x00\x0c\x04name\xff"),
		"dhcp.sname=" + in(64, "\x42\x03srv\xff"), "-dhcp.option.67", "dhcp.option.52=file and sname"})
	if err != nil {
		t.Fatal(err)
	}
	f := Dissect(out, Client{Firmware: "ovmf-x64"})
	check(t, out, f)
	found := map[string]string{}
	for _, field := range all(f) {
		for _, inner := range field.Fields {
			found[inner.Path] = field.Path + " " + inner.Value
		}
	}
	for path, want := range map[string]string{"dhcp.option.67": "dhcp.file x.efi", "dhcp.option.12": "dhcp.file name", "dhcp.option.66": "dhcp.sname srv",
		"dhcp.option.60": "dhcp PXEClient"} {
		if found[path] != want {
			t.Errorf("%s is %q, want %q", path, found[path], want)
		}
	}
	if !strings.Contains(f.Summary, "file x.efi") {
		t.Error(f.Summary)
	}
	if out, err := Change(out, []string{"dhcp.option.12=longer-name", "dhcp.option.66=s"}); err == nil {
		t.Errorf("an option in a field of fixed size became longer: %x", out)
	}
}

// TestForAnother holds that nothing is said of what the firmware does with a message that is for another machine.
func TestForAnother(t *testing.T) {
	offer := the(t, "combined-menu", "offer", "ovmf-x64").data
	for mac, want := range map[string]bool{"": true, "52:54:00:70:78:02": true, "52:54:00:70:78:03": false} {
		said := 0
		for _, f := range all(Dissect(offer, Client{Firmware: "ovmf-x64", MAC: mac})) {
			if f.Client != "" {
				said++
			}
			if f.Path == "dhcp" && strings.Contains(f.Client, "for another machine") == want {
				t.Errorf("of a card %q: %s", mac, f.Client)
			}
		}
		if want != (said > 1) {
			t.Errorf("of a card %q something is said of %d fields", mac, said)
		}
	}
}
