package images

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

const testNonce = "nonce-0123456789"

func TestPatchWritesTheWholeBlock(t *testing.T) {
	p := Params{Nonce: testNonce, EchoPort: 7777, Flags: FlagReturn, Second: "dir/second.bin"}
	for _, m := range Catalogue() {
		if m.Arch != "bios" {
			p.Discover = new(uint16(0x8001))
		}
		got, err := m.Patch(p)
		if err != nil {
			t.Fatal(err)
		}
		checkBlock(t, m, got, p)
	}
}

// checkBlock compares a patched image with the parameters, field by field, and with the original around them.
func checkBlock(t *testing.T, m Image, got []byte, p Params) {
	t.Helper()
	original := m.Bytes()
	at := bytes.Index(original, []byte("PXELABCF"))
	block, end := got[at:at+160], at+160
	number := func(i int) int { return int(binary.LittleEndian.Uint16(block[i:])) }
	discover := 0xffff
	if p.Discover != nil {
		discover = int(*p.Discover)
	}
	if string(block[:8]) != "PXELABCF" || string(block[8:24]) != p.Nonce || number(24) != p.EchoPort ||
		number(26) != int(p.Flags) || number(28) != discover || number(30) != 0 {
		t.Errorf("%s: block for %+v is % x", m.File, p, block)
	}
	name, rest, _ := strings.Cut(string(block[32:]), "\x00")
	if name != p.Second || strings.Trim(rest, "\x00") != "" {
		t.Errorf("%s: second file %q, then %q; want %q", m.File, name, rest, p.Second)
	}
	if !bytes.Equal(got[:at], original[:at]) || !bytes.Equal(got[end:], original[end:]) {
		t.Errorf("%s: patching changed bytes outside the block", m.File)
	}
}

func TestUnpatchedImagesAskForNothing(t *testing.T) {
	for _, m := range Catalogue() {
		checkBlock(t, m, m.Bytes(), Params{Nonce: "unpatched-probe-"})
	}
}

func TestPatchRefuses(t *testing.T) {
	longest := strings.Repeat("n", 127)
	for name, c := range map[string]struct {
		arch string
		p    Params
		want string // "": accepted
	}{
		"short nonce":        {"bios", Params{Nonce: "short"}, `nonce "short"`},
		"long nonce":         {"bios", Params{Nonce: testNonce + "0"}, "want 16 printable"},
		"blank in nonce":     {"efi-x64", Params{Nonce: "nonce 0123456789"}, "without blanks"},
		"negative port":      {"bios", Params{Nonce: testNonce, EchoPort: -1}, "echo port -1"},
		"large port":         {"bios", Params{Nonce: testNonce, EchoPort: 65536}, "echo port 65536"},
		"longest name":       {"bios", Params{Nonce: testNonce, Second: longest}, ""},
		"long name":          {"bios", Params{Nonce: testNonce, Second: longest + "n"}, "at most 127"},
		"newline in name":    {"bios", Params{Nonce: testNonce, Second: "a\nb"}, `second file "a\nb"`},
		"unknown flag":       {"bios", Params{Nonce: testNonce, Flags: 4}, "flags 0x4"},
		"chain":              {"bios", Params{Nonce: testNonce, Flags: FlagChain, Second: "x.0"}, ""},
		"chain to nothing":   {"bios", Params{Nonce: testNonce, Flags: FlagChain}, "chaining needs"},
		"chain on efi":       {"efi-x64", Params{Nonce: testNonce, Flags: FlagChain, Second: "x.efi"}, "chaining needs"},
		"discover bootstrap": {"efi-ia32", Params{Nonce: testNonce, Discover: new(uint16(0))}, ""},
		"discover none":      {"efi-ia32", Params{Nonce: testNonce, Discover: new(uint16(0xffff))}, "discover type 0xffff"},
		"discover on bios":   {"bios", Params{Nonce: testNonce, Discover: new(uint16(1))}, "want an EFI probe"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := Lookup("probe", c.arch)
			got, err := m.Patch(c.p)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || got != nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %d bytes, error %v; want an error with %q", len(got), err, c.want)
			}
		})
	}
	if _, err := (Image{File: "other.0", Arch: "bios"}).Patch(Params{Nonce: testNonce}); err == nil {
		t.Error("patched an image that is not in the catalogue")
	}
}

func TestExactlyOneBlockIsPatched(t *testing.T) {
	block := append([]byte("PXELABCF"), make([]byte, 152)...)
	for name, image := range map[string][]byte{
		"none": make([]byte, 4096),
		"cut":  block[:159],
		"two":  append(bytes.Clone(block), block...),
	} {
		before := bytes.Clone(image)
		if err := (Params{Nonce: testNonce}).write(image); err == nil || !bytes.Equal(before, image) {
			t.Errorf("%s: error %v, image changed: %v", name, err, !bytes.Equal(before, image))
		}
	}
	if err := (Params{Nonce: testNonce}).write(bytes.Clone(block)); err != nil {
		t.Errorf("one whole block: %v", err)
	}
}

func FuzzPatch(f *testing.F) {
	f.Add(testNonce, 7, uint16(1), uint16(0x8000), "second.bin")
	f.Add(testNonce, 0, uint16(0), uint16(0xffff), "")
	f.Add("short", -1, uint16(9), uint16(0), "a b\x00c")
	f.Fuzz(func(t *testing.T, nonce string, port int, flags, discover uint16, second string) {
		for _, m := range Catalogue() {
			p := Params{Nonce: nonce, EchoPort: port, Flags: flags, Second: second}
			if discover != 0xffff {
				p.Discover = &discover
			}
			if got, err := m.Patch(p); err == nil {
				checkBlock(t, m, got, p)
			}
		}
	})
}
