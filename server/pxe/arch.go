// Package pxe holds the pure part of the protocol: architecture codes, vendor options and what a reply must say.
package pxe

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Arch is a client system architecture: option 93 (RFC 4578 section 2.1, IANA "Processor Architecture Types").
type Arch uint16

// The architectures that code here speaks of by name; architectures lists all.
const (
	ArchBIOS    Arch = 0  // Intel x86PC
	ArchEFIIA32 Arch = 6  // EFI IA-32
	ArchEFIX64  Arch = 7  // EFI x86-64: every real firmware sends 7 (RFC 4578 errata), whose text said "EFI BC"
	ArchEFIBC   Arch = 9  // EFI x86-64 as RFC 4578 first numbered it; IANA now says EFI byte code
	ArchEFIAA64 Arch = 11 // EFI ARM 64-bit
)

// architectures is IANA's registry, which took 0 to 5 over from PXE 2.1 and corrected 7 and 9 of RFC 4578. A code may
// have several names, the most telling first: 9 is what IANA calls EFI byte code, and what the text of RFC 4578 calls
// x86-64, so it gets the file of efi-bc, or else that of efi-x64.
var architectures = []struct {
	code  Arch
	names []string
	title string
}{
	{0, []string{"bios"}, "Intel x86PC"},
	{1, []string{"pc98"}, "NEC/PC98"},
	{2, []string{"efi-ia64"}, "EFI Itanium"},
	{3, []string{"alpha"}, "DEC Alpha"},
	{4, []string{"arc-x86"}, "Arc x86"},
	{5, []string{"lean-client"}, "Intel Lean Client"},
	{6, []string{"efi-ia32"}, "EFI IA-32"},
	{7, []string{"efi-x64"}, "EFI x86-64"},
	{8, []string{"efi-xscale"}, "EFI Xscale"},
	{9, []string{"efi-bc", "efi-x64"}, "EFI byte code"},
	{10, []string{"efi-arm32"}, "EFI ARM 32-bit"},
	{11, []string{"efi-aa64"}, "EFI ARM 64-bit"},
	{12, []string{"ppc-of"}, "PowerPC Open Firmware"},
	{13, []string{"ppc-epapr"}, "PowerPC ePAPR"},
	{14, []string{"ppc-opal"}, "POWER OPAL v3"},
	{15, []string{"http-ia32"}, "EFI IA-32, HTTP boot"},
	{16, []string{"http-x64"}, "EFI x86-64, HTTP boot"},
	{17, []string{"http-bc"}, "EFI byte code, HTTP boot"},
	{18, []string{"http-arm32"}, "EFI ARM 32-bit, HTTP boot"},
	{19, []string{"http-aa64"}, "EFI ARM 64-bit, HTTP boot"},
	{20, []string{"http-bios"}, "x86PC, HTTP boot"},
	{21, []string{"uboot-arm32"}, "U-Boot ARM 32-bit"},
	{22, []string{"uboot-aa64"}, "U-Boot ARM 64-bit"},
	{25, []string{"efi-riscv32"}, "EFI RISC-V 32-bit"},
	{27, []string{"efi-riscv64"}, "EFI RISC-V 64-bit"},
	{28, []string{"http-riscv64"}, "EFI RISC-V 64-bit, HTTP boot"},
	{37, []string{"efi-loong32"}, "EFI LoongArch 32-bit"},
	{39, []string{"efi-loong64"}, "EFI LoongArch 64-bit"},
}

// ArchNames lists the names that ParseArch knows, sorted. It also knows "arch-NUMBER".
func ArchNames() []string {
	var names []string
	for _, a := range architectures {
		names = append(names, a.names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ParseArch gives the codes a name stands for: "efi-x64" means 7 and 9, "arch-54321" means 54321.
func ParseArch(name string) ([]Arch, error) {
	var codes []Arch
	for _, a := range architectures {
		if slices.Contains(a.names, name) {
			codes = append(codes, a.code)
		}
	}
	if number, ok := strings.CutPrefix(name, "arch-"); ok && len(codes) == 0 {
		if n, err := strconv.ParseUint(number, 10, 16); err == nil {
			codes = append(codes, Arch(n))
		}
	}
	if len(codes) == 0 {
		return nil, fmt.Errorf("unknown architecture %q (have %s)", name, strings.Join(ArchNames(), ", "))
	}
	return codes, nil
}

// String gives the name of a known code ("efi-x64"), and of another its number ("arch-54321").
func (a Arch) String() string {
	names := a.Names()
	return names[len(names)-1]
}

// Names gives all names under which a client of this architecture may be configured, the most telling first.
func (a Arch) Names() []string {
	for _, x := range architectures {
		if x.code == a {
			return slices.Clone(x.names)
		}
	}
	return []string{fmt.Sprintf("arch-%d", uint16(a))}
}

// Title says in words what the code stands for; empty for one that IANA has not assigned.
func (a Arch) Title() string {
	for _, x := range architectures {
		if x.code == a {
			return x.title
		}
	}
	return ""
}

// EFI reports whether the architecture boots by UEFI.
func (a Arch) EFI() bool {
	return strings.HasPrefix(a.String(), "efi-") || a > ArchEFIBC && strings.HasPrefix(a.Title(), "EFI")
}
