package host

import "path/filepath"

// romDirs are the directories in which distributions keep QEMU's PXE option ROMs.
var romDirs = []string{"/usr/share/qemu", "/usr/lib/ipxe/qemu"}

// romNames maps a NIC to its QEMU device and to the name its ROM files share.
var romNames = []struct{ nic, device, rom string }{
	{"virtio", "virtio-net-pci", "virtio"},
	{"e1000", "e1000", "e1000"},
	{"e1000e", "e1000e", "e1000e"},
	{"rtl8139", "rtl8139", "rtl8139"},
	{"vmxnet3", "vmxnet3", "vmxnet3"},
	{"pcnet", "pcnet", "pcnet"},
	{"ne2k_pci", "ne2k_pci", "ne2k_pci"},
	{"i82559er", "i82559er", "eepro100"}, // QEMU's one ROM for the whole family; it loads the BIOS-only one
	{"i82550", "i82550", "eepro100"},
}

// roms lists the NICs that have an option ROM here.
func (m machine) roms() []ROM {
	var out []ROM
	for _, n := range romNames {
		r := ROM{NIC: n.nic, Device: n.device, BIOS: m.rom("pxe-" + n.rom), EFI: m.rom("efi-" + n.rom)}
		if r.BIOS != "" || r.EFI != "" {
			out = append(out, r)
		}
	}
	return out
}

func (m machine) rom(name string) string {
	for _, dir := range romDirs {
		if path := filepath.Join(dir, name+".rom"); m.has(path) {
			return path
		}
	}
	return ""
}
