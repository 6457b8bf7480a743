package images

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// NonceLength is the exact length of a nonce, in bytes.
const NonceLength = 16

// NoDiscover is the discover type that a probe takes to mean "make no Discover call"; Params cannot ask for it.
const NoDiscover = 0xffff

// What a probe does besides reporting; for Params.Flags.
const (
	FlagReturn uint16 = 1 << iota // return to the firmware instead of powering off
	FlagChain                     // BIOS only: boot the second file with PXENV_RESTART_TFTP (PXE 2.1)
)

// Params is what a run asks of its probe. The zero value, with a nonce, asks for a report only.
type Params struct {
	Nonce    string  // NonceLength printable ASCII characters without blanks; the report repeats it
	EchoPort int     // UDP port on the boot server that answers a nonce with "ECHO:" and the nonce; 0: send none
	Flags    uint16  // FlagReturn, FlagChain
	Discover *uint16 // EFI only: the boot server type to discover (PXE 2.1, vendor option 8); nil: discover none
	Second   string  // file the probe fetches through the firmware, as the boot server knows it; "": fetch none
}

// The parameter block in every image: little endian, found by its magic.
const (
	magic         = "PXELABCF"
	atNonce       = 8
	atEchoPort    = 24
	atFlags       = 26
	atDiscover    = 28
	atSecond      = 32
	secondRoom    = 128 // with the closing NUL
	parameterSize = atSecond + secondRoom
)

// Patch gives a copy of the image with p in its parameter block; nothing else changes, not even the size.
func (m Image) Patch(p Params) ([]byte, error) {
	image := m.Bytes()
	if image == nil {
		return nil, fmt.Errorf("patch image %q: not in the catalogue", m.File)
	}
	if err := p.check(m.Arch); err != nil {
		return nil, fmt.Errorf("patch image %q: %w", m.File, err)
	}
	if err := p.write(image); err != nil {
		return nil, fmt.Errorf("patch image %q: %w", m.File, err)
	}
	return image, nil
}

func (p Params) check(arch string) error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(p.Nonce) != NonceLength || !printable(p.Nonce, '!') {
		refuse("nonce %q: want %d printable ASCII characters without blanks", p.Nonce, NonceLength)
	}
	if p.EchoPort < 0 || p.EchoPort > 0xffff {
		refuse("echo port %d: want 0 (none) to 65535", p.EchoPort)
	}
	if len(p.Second) >= secondRoom || !printable(p.Second, ' ') {
		refuse("second file %q: want at most %d printable ASCII characters", p.Second, secondRoom-1)
	}
	if p.Flags&^(FlagReturn|FlagChain) != 0 {
		refuse("flags %#x: want only bits of %#x", p.Flags, FlagReturn|FlagChain)
	}
	if p.Flags&FlagChain != 0 && (arch != "bios" || p.Second == "") {
		refuse("chaining needs the bios probe and a second file; this is for %q, second file %q", arch, p.Second)
	}
	if p.Discover != nil && (arch == "bios" || *p.Discover == NoDiscover) {
		refuse("discover type %#x: want an EFI probe and a type below %#x; this is for %q", *p.Discover, NoDiscover, arch)
	}
	return errors.Join(errs...)
}

// write puts p into the one parameter block of an image.
func (p Params) write(image []byte) error {
	at := bytes.Index(image, []byte(magic))
	if n := bytes.Count(image, []byte(magic)); n != 1 || len(image)-at < parameterSize {
		return fmt.Errorf("found %d parameter blocks (magic %q), want one whole; rebuild with scripts/build-images.sh", n, magic)
	}
	discover := uint16(NoDiscover)
	if p.Discover != nil {
		discover = *p.Discover
	}
	block := image[at : at+parameterSize]
	copy(block[atNonce:], p.Nonce)
	binary.LittleEndian.PutUint16(block[atEchoPort:], uint16(p.EchoPort))
	binary.LittleEndian.PutUint16(block[atFlags:], p.Flags)
	binary.LittleEndian.PutUint16(block[atDiscover:], discover)
	clear(block[atSecond:])
	copy(block[atSecond:], p.Second)
	return nil
}

// printable says whether every byte of s is ASCII from first to '~'.
func printable(s string, first byte) bool {
	for i := range len(s) {
		if s[i] < first || s[i] > '~' {
			return false
		}
	}
	return true
}
