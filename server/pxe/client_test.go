package pxe

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var zero17 = make([]byte, 17)

func TestIdentify(t *testing.T) {
	const class = "PXEClient:Arch:00007:UNDI:003000"
	uuid := UUID{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	for _, c := range []struct {
		name    string
		options map[uint8][]byte
		want    Client
	}{
		{"nothing", nil, Client{}},
		{"ovmf-x64", map[uint8][]byte{60: []byte(class), 93: {0, 7}, 94: {1, 3, 0}, 97: append([]byte{0}, uuid[:]...)},
			Client{Class: class, PXE: true, Archs: []Arch{7}, NII: NII{1, 3, 0}, UUID: uuid}},
		{"ipxe raw user class", map[uint8][]byte{60: []byte("PXEClient"), 77: []byte("iPXE"), 93: {0, 0}},
			Client{Class: "PXEClient", PXE: true, IPXE: true, Archs: []Arch{0}}},
		{"ipxe RFC 3004 user class", map[uint8][]byte{77: []byte("\x03foo\x04iPXE")}, Client{IPXE: true}},
		{"ipxe option 175 alone", map[uint8][]byte{175: {}}, Client{IPXE: true}},
		{"not ipxe: length runs past the end", map[uint8][]byte{77: []byte("\x09iPXE")}, Client{}},
		{"http", map[uint8][]byte{60: []byte("HTTPClient:Arch:00016:UNDI:003000"), 93: {0, 16}},
			Client{Class: "HTTPClient:Arch:00016:UNDI:003000", HTTP: true, Archs: []Arch{16}}},
		{"list of architectures", map[uint8][]byte{93: {0, 9, 0, 7}}, Client{Archs: []Arch{9, 7}}},
		{"odd option 93, class speaks", map[uint8][]byte{60: []byte(class), 93: {0, 7, 0}},
			Client{Class: class, PXE: true, Archs: []Arch{7}, FromClass: true}},
		{"class with NUL and a bad number", map[uint8][]byte{60: []byte("PXEClient:Arch:99999\x00")},
			Client{Class: "PXEClient:Arch:99999", PXE: true}},
		{"zero UUID", map[uint8][]byte{97: zero17}, Client{NoUUID: true}},
		{"boot item", map[uint8][]byte{60: []byte("PXEClient"), 43: {71, 4, 0x80, 0, 0, 1, 255}},
			Client{Class: "PXEClient", PXE: true, Vendor: Vendor{Item: &Item{0x8000, 1}}}},
		{"option 43 of somebody else", map[uint8][]byte{60: []byte("MSFT 5.0"), 43: {71, 4, 0x80, 0, 0, 1, 255}}, Client{Class: "MSFT 5.0"}},
		{"malformed option 43", map[uint8][]byte{60: []byte("PXEClient"), 43: {71, 9, 0}}, Client{Class: "PXEClient", PXE: true}},
		{"UUID of another type", map[uint8][]byte{97: append([]byte{1}, uuid[:]...)}, Client{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Identify(c.options), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestUUIDText(t *testing.T) {
	const text = "00112233-4455-6677-8899-aabbccddeeff"
	u, err := ParseUUID("00112233-4455-6677-8899-AABBCCDDEEFF")
	if err != nil {
		t.Fatal(err)
	}
	if want := (UUID{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}); u != want {
		t.Errorf("ParseUUID = % x, want % x", u, want)
	}
	if u.String() != text {
		t.Errorf("String = %s, want %s", u, text)
	}
	if got := u.BigEndian(); got[0] != 0x00 || got[3] != 0x33 || got[4] != 0x44 || got[15] != 0xff {
		t.Errorf("BigEndian = % x", got)
	}
	for _, bad := range []string{"", "0011223344556677-8899-aabbccddeeff--", text[:35], text + "0", "g" + text[1:], "0011-2233-445566778899-aabb-ccddeeff"} {
		if _, err := ParseUUID(bad); err == nil {
			t.Errorf("ParseUUID(%q) succeeded", bad)
		}
	}
	if !(UUID{}).IsZero() || u.IsZero() {
		t.Error("IsZero is wrong")
	}
}

func FuzzUUID(f *testing.F) {
	f.Add("00112233-4455-6677-8899-aabbccddeeff")
	f.Add("------------------------------------")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseUUID(text)
		if err != nil {
			return
		}
		if again, err := ParseUUID(u.String()); err != nil || again != u {
			t.Errorf("%q parses to %s, which parses to %s, %v", text, u, again, err)
		}
	})
}

func FuzzIdentify(f *testing.F) {
	f.Add([]byte("PXEClient:Arch:00007:UNDI:003000"), []byte("\x04iPXE"), []byte{0, 7}, zero17)
	f.Fuzz(func(t *testing.T, class, user, arch, uuid []byte) {
		c := Identify(map[uint8][]byte{60: class, 77: user, 93: arch, 97: uuid})
		if c.PXE && c.HTTP {
			t.Errorf("%q is both PXEClient and HTTPClient", class)
		}
		if !c.FromClass && len(c.Archs)*2 != len(arch) && len(arch)%2 == 0 {
			t.Errorf("%d architectures in %d octets", len(c.Archs), len(arch))
		}
	})
}
