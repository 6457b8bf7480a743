package images

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestSumsMatchTheEmbeddedImages(t *testing.T) {
	sums, err := os.ReadFile("SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, m := range Catalogue() {
		have = append(have, fmt.Sprintf("%x  bin/%s", sha256.Sum256(m.Bytes()), m.File))
	}
	want := strings.Split(strings.TrimSpace(string(sums)), "\n")
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("embedded images differ from SHA256SUMS; run scripts/build-images.sh\nhave:\n%s\nwant:\n%s",
			strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

func TestImagesMatchTheirSources(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the images, which takes seconds; not with -short")
	}
	out, err := exec.Command("../scripts/build-images.sh", "--check").CombinedOutput()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == 3 {
		t.Skipf("cannot build here: %s", out)
	}
	if err != nil {
		t.Errorf("build-images.sh --check: %v\n%s", err, out)
	}
}

func TestLookup(t *testing.T) {
	for arch, file := range map[string]string{
		"bios":     "probe.0",
		"efi-x64":  "probe-x64.efi",
		"efi-ia32": "probe-ia32.efi",
		"efi-aa64": "probe-aa64.efi",
	} {
		m, ok := Lookup("probe", arch)
		if !ok || m.File != file {
			t.Errorf("Lookup(probe, %s) = %v, %v; want file %s", arch, m, ok, file)
		}
	}
	for _, wrong := range [][2]string{{"probe", "vax"}, {"prob", "bios"}, {"", ""}} {
		if m, ok := Lookup(wrong[0], wrong[1]); ok {
			t.Errorf("Lookup(%q, %q) = %v, want none", wrong[0], wrong[1], m)
		}
	}
	if names := Names(); !slices.Equal(names, []string{"probe", "pxelinux", "grub", "undionly", "snponly", "ipxe", "ipxe-linux"}) {
		t.Errorf("Names() = %v", names)
	}
}

func TestBytesAreNotShared(t *testing.T) {
	m, _ := Lookup("probe", "bios")
	m.Bytes()[0] ^= 0xff
	if got, want := CRC32(m.Bytes()), CRC32(m.Bytes()); got != want {
		t.Error("Bytes of two calls differ")
	}
	first := m.Bytes()
	second := m.Bytes()
	first[0] ^= 0xff
	if first[0] == second[0] {
		t.Error("a caller can change the embedded image")
	}
	if b := (Image{Name: "probe", File: "../images.go", Arch: "bios"}).Bytes(); b != nil {
		t.Errorf("an image outside the catalogue has %d bytes", len(b))
	}
}

func TestSecondDependsOnTheNonceOnly(t *testing.T) {
	const nonce = "nonce-0123456789"
	// The value itself is pinned: a saved run must be judged the same by every later version.
	if got, want := CRC32(Second(nonce)), "1bd8d040"; got != want {
		t.Errorf("CRC of Second(%q) = %s, want %s", nonce, got, want)
	}
	if CRC32(Second(nonce)) == CRC32(Second("nonce-0123456788")) {
		t.Error("two nonces give one file")
	}
	for _, block := range []int{512, 1024, 1408, 1428, 1432, 1456, 1468, 4096, 8192} {
		if len(Second(nonce))%block == 0 {
			t.Errorf("the second file's size %d is a multiple of the block size %d", len(Second(nonce)), block)
		}
	}
}

func TestCRC32(t *testing.T) {
	// The check value of CRC-32/ISO-HDLC, and one with a leading zero.
	for in, want := range map[string]string{"123456789": "cbf43926", "": "00000000"} {
		if got := CRC32([]byte(in)); got != want {
			t.Errorf("CRC32(%q) = %s, want %s", in, got, want)
		}
	}
}
