package pxe

// The architectures of UEFI HTTP boot: the same machines have codes of their own there (IANA "Processor Architecture
// Types", as UEFI 2.10 section 24.7.3 asks for).
const (
	ArchHTTPIA32 Arch = 15 // x86 UEFI HTTP
	ArchHTTPX64  Arch = 16 // x64 UEFI HTTP
	ArchHTTPAA64 Arch = 19 // ARM 64-bit UEFI HTTP
	ArchHTTPBIOS Arch = 20 // PC/AT BIOS HTTP
)

var httpArchs = map[Arch]Arch{
	ArchHTTPIA32: ArchEFIIA32,
	ArchHTTPX64:  ArchEFIX64,
	ArchHTTPAA64: ArchEFIAA64,
	ArchHTTPBIOS: ArchBIOS,
	17:           ArchEFIBC,
	18:           10, // ARM 32-bit
	28:           27, // RISC-V 64-bit
}

// Machine gives the architecture of the machine that a code stands for, whichever way it boots: efi-x64 for the code
// that an x86-64 machine sends in UEFI HTTP boot. Any other code stands for itself.
func (a Arch) Machine() Arch {
	if m, ok := httpArchs[a]; ok {
		return m
	}
	return a
}
