// Package pxe holds the pure part of the protocol: architecture codes, vendor options and what a reply must say.
package pxe

import (
	"fmt"
	"slices"
	"strings"
)

// Arch is a client system architecture: option 93 (RFC 4578 section 2.1, IANA "Processor Architecture Types").
type Arch uint16

// The architectures whose boot programs the lab can tell apart.
const (
	ArchBIOS    Arch = 0  // Intel x86PC
	ArchEFIIA32 Arch = 6  // EFI IA-32
	ArchEFIX64  Arch = 7  // EFI x86-64: every real firmware sends 7 (RFC 4578 errata), whose text said "EFI BC"
	ArchEFIX64B Arch = 9  // EFI x86-64 as RFC 4578 first numbered it; IANA now says EFI byte code
	ArchEFIAA64 Arch = 11 // EFI ARM 64-bit
)

var archNames = map[string][]Arch{
	"bios":     {ArchBIOS},
	"efi-ia32": {ArchEFIIA32},
	"efi-x64":  {ArchEFIX64, ArchEFIX64B},
	"efi-aa64": {ArchEFIAA64},
}

// ArchNames lists the names that ParseArch knows, sorted.
func ArchNames() []string {
	var names []string
	for n := range archNames {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// ParseArch gives the codes a name stands for: "efi-x64" means 7 and 9.
func ParseArch(name string) ([]Arch, error) {
	if codes, ok := archNames[name]; ok {
		return slices.Clone(codes), nil
	}
	return nil, fmt.Errorf("unknown architecture %q (have %s)", name, strings.Join(ArchNames(), ", "))
}

// String gives the name of a known code ("efi-x64") and the bare number of any other.
func (a Arch) String() string {
	for name, codes := range archNames {
		if slices.Contains(codes, a) {
			return name
		}
	}
	return fmt.Sprintf("arch %d", uint16(a))
}
