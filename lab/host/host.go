// Package host gathers the facts of this machine once: QEMU, firmware, namespaces, acceleration, room.
package host

// Host is what the machine has, as plain data: a plan depends on it and on nothing else of the machine.
type Host struct {
	QEMU     []QEMU     `json:"qemu"`
	Firmware []Firmware `json:"firmware"`
	ROMs     []ROM      `json:"roms"`
	KVM      Fact       `json:"kvm"`              // proved by a firmware boot, not by the device node
	Userns   Fact       `json:"userns"`           // a user namespace with a network namespace can be made
	Tun      Fact       `json:"tun"`              // /dev/net/tun can be opened
	Cores    int        `json:"cores"`            // usable by this process
	FreeMiB  int        `json:"freeMiB"`          // memory available
	Distro   string     `json:"distro"`           // "debian", "ubuntu", "fedora", "arch", "" when unknown
	Parts    []Part     `json:"parts,omitempty"`  // what boot programs can be made from
	Libvirt  Fact       `json:"libvirt,omitzero"` // a daemon of libvirt listens here; zero if none does

	// Commands are the programs that were asked for and found, each with its path.
	Commands map[string]string `json:"commands,omitempty"`

	Problems []string `json:"problems,omitempty"` // files that were found and could not be understood
}

// Fact is a yes or no with its reason.
type Fact struct {
	OK  bool   `json:"ok"`
	Why string `json:"why"`
}

// QEMU is one system emulator.
type QEMU struct {
	Arch    string `json:"arch"`    // "x86_64", "i386", "aarch64"
	Path    string `json:"path"`    // the real binary
	Version string `json:"version"` // "7.2.22"; empty when it could not be asked
}

// Firmware is one machine firmware that can be booted.
type Firmware struct {
	Name  string `json:"name"`           // "bios", "ovmf-x64", "ovmf-ia32"
	Title string `json:"title"`          // "OVMF x86-64 (EDK2)"
	Code  string `json:"code,omitempty"` // flash image, read only; empty means QEMU's built-in default
	Vars  string `json:"vars,omitempty"` // variable store template
	// Prepared is a variable store that one boot of this firmware has set up; empty when there is none yet.
	Prepared string `json:"prepared,omitempty"`
	Format   string `json:"format,omitempty"` // of Code and Vars: "raw" or "qcow2"; empty without flash
	Machine  string `json:"machine"`          // "q35"
	SMM      bool   `json:"smm,omitempty"`    // the build needs -machine smm=on
	Source   string `json:"source"`           // the descriptor or the known path it was found by
}

// ROM is the PXE option ROM of one NIC model. An empty path means that the host has no such file.
type ROM struct {
	NIC    string `json:"nic"`    // as a topology names it: "virtio", "e1000"
	Device string `json:"device"` // QEMU device model: "virtio-net-pci", "e1000"
	BIOS   string `json:"bios"`   // path of the BIOS-only ROM
	EFI    string `json:"efi"`    // path of the combined BIOS and EFI ROM, which QEMU loads by default
}

// Find gives the first emulator for a QEMU architecture ("x86_64"), and whether there is one.
func (h *Host) Find(arch string) (QEMU, bool) {
	for _, q := range h.QEMU {
		if q.Arch == arch {
			return q, true
		}
	}
	return QEMU{}, false
}

// Boot gives the firmware of that name ("ovmf-x64"), and whether there is one.
func (h *Host) Boot(name string) (Firmware, bool) {
	for _, f := range h.Firmware {
		if f.Name == name {
			return f, true
		}
	}
	return Firmware{}, false
}
