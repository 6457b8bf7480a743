package pxe

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func control(c Control) *Control { return &c }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// TestVendorBytes holds the codec to bytes worked out by hand from PXE 2.1 table 2-1, and back.
func TestVendorBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		v    Vendor
		hex  string
	}{
		{"nothing", Vendor{}, "ff"},
		{"direct", Vendor{Control: control(Direct)}, "060108 ff"},
		{"multicast discovery", Vendor{Control: control(NoBroadcast), Multicast: addr("224.0.1.2")}, "060101 0704e0000102 ff"},
		{"servers", Vendor{Servers: []Server{{Type: 0x8000, Addrs: []netip.Addr{addr("192.0.2.1"), addr("192.0.2.2")}}, {Type: 1}}},
			"080e 8000 02 c0000201 c0000202 0001 00 ff"},
		{"menu", Vendor{Menu: []MenuItem{{0x8001, "Probe"}, {0, "Local"}}, Prompt: &Prompt{3, "F8"}},
			"0910 8001 05 50726f6265 0000 05 4c6f63616c 0a03 03 4638 ff"},
		{"mtftp", Vendor{MTFTP: &MTFTP{addr("239.255.1.1"), 1758, 1759, 2, 3}}, "0104efff0101 020206de 030206df 040102 050103 ff"},
		{"alloc", Vendor{Alloc: &MulticastAlloc{addr("239.0.0.0"), 16, 256}}, "0b08 ef000000 0010 0100 ff"},
		{"credentials", Vendor{Credentials: []uint32{1, 0x80000002}}, "0c08 00000001 80000002 ff"},
		{"item", Vendor{Item: &Item{0x8000, CredentialsLayer | 1}}, "4704 8000 8001 ff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.v.Marshal()
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("Marshal = %x, %v; want %x", got, err, want)
			}
			back, err := ParseVendor(want)
			if diff := cmp.Diff(&c.v, back, cmpopts.EquateComparable(netip.Addr{})); diff != "" || err != nil {
				t.Errorf("ParseVendor: %v, -want +got\n%s", err, diff)
			}
		})
	}
}

func TestVendorRefuses(t *testing.T) {
	long := Vendor{}
	for range 9 {
		long.Menu = append(long.Menu, MenuItem{1, strings.Repeat("x", 30)})
	}
	for name, v := range map[string]Vendor{
		"too long": long, "long text": {Menu: []MenuItem{{1, strings.Repeat("x", 256)}}}, "empty text": {Menu: []MenuItem{{1, ""}}},
		"IPv6 server": {Servers: []Server{{Type: 1, Addrs: []netip.Addr{addr("2001:db8::1")}}}}, "IPv6 group": {Multicast: addr("ff02::1")},
		"no group": {MTFTP: &MTFTP{}}, "no base": {Alloc: &MulticastAlloc{}},
	} {
		if b, err := v.Marshal(); err == nil {
			t.Errorf("%s: Marshal = %x, no error", name, b)
		}
	}
	for name, text := range map[string]string{
		"cut tag": "06", "cut value": "0702e0ff", "control of two octets": "06020808", "cut servers": "0803800001",
		"cut menu": "0903800005", "empty menu text": "0903800000", "empty prompt": "0a00", "tag twice": "060108060108",
		"half of MTFTP": "0104efff0101", "odd credentials": "0c03000001", "empty credentials": "0c00",
	} {
		b, _ := hex.DecodeString(text)
		if v, err := ParseVendor(b); err == nil {
			t.Errorf("%s: ParseVendor = %+v, no error", name, v)
		}
	}
	// Pads, unknown tags and what follows the end are no errors.
	if v, err := ParseVendor([]byte{0, 0, 200, 1, 9, 6, 1, 8, 255, 6}); err != nil || v.Control == nil || *v.Control != Direct {
		t.Errorf("ParseVendor = %+v, %v", v, err)
	}
}

// Texts and tags of the greatest lengths: in one octet, length and header would overflow.
func TestVendorLongest(t *testing.T) {
	text := strings.Repeat("x", 253)
	menu := append([]byte{TagMenu, 255, 0x80, 0, 252}, text[:252]...)
	if v, err := ParseVendor(menu); err != nil || len(v.Menu) != 1 || v.Menu[0].Text != text[:252] {
		t.Errorf("a menu of the greatest length: %+v, %v", v, err)
	}
	if v, err := ParseVendor(append([]byte{TagPrompt, 254, 3}, text...)); err != nil || v.Prompt == nil || v.Prompt.Text != text {
		t.Errorf("a prompt of 254 octets: %+v, %v", v, err)
	}
}

func FuzzVendor(f *testing.F) {
	f.Add([]byte{6, 1, 8, 255})
	f.Add([]byte{8, 7, 0x80, 0, 1, 192, 0, 2, 1, 9, 8, 0x80, 0, 5, 'P', 'r', 'o', 'b', 'e', 10, 3, 3, 'F', '8', 71, 4, 0x80, 0, 0, 0, 255})
	f.Add([]byte{1, 4, 239, 1, 1, 1, 2, 2, 6, 0xde, 3, 2, 6, 0xdf, 4, 1, 1, 5, 1, 1, 12, 4, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseVendor(b)
		if err != nil {
			return
		}
		again, err := v.Marshal()
		if err != nil {
			return // legal to read, too long to send again with its end
		}
		back, err := ParseVendor(again)
		if diff := cmp.Diff(v, back, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%x reads back otherwise (%v):\n%s", again, err, diff)
		}
	})
}
