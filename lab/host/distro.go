package host

import (
	"cmp"
	"slices"
	"strings"
)

// parseOSRelease gives the distribution family whose package names are known, from os-release(5).
func parseOSRelease(text string) string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(key, "#") {
			values[key] = strings.Trim(value, `"'`)
		}
	}
	known := []string{"debian", "ubuntu", "fedora", "arch"}
	if slices.Contains(known, values["ID"]) {
		return values["ID"]
	}
	for like := range strings.FieldsSeq(values["ID_LIKE"]) {
		// The Red Hat family says it is like Fedora, but does not package these emulators.
		if like != "fedora" && slices.Contains(known, like) {
			return like
		}
	}
	return ""
}

// packages names, for each distribution, what provides a part of the lab. Arch has both OVMF builds in one
// package, and its option ROMs and SeaBIOS come with QEMU.
var packages = map[string]map[string]string{
	"debian": {"qemu": "qemu-system-x86", "ovmf-x64": "ovmf", "ovmf-ia32": "ovmf-ia32", "roms": "ipxe-qemu", "bios": "seabios"},
	"ubuntu": {"qemu": "qemu-system-x86", "ovmf-x64": "ovmf", "ovmf-ia32": "ovmf-ia32", "roms": "ipxe-qemu", "bios": "seabios"},
	"fedora": {"qemu": "qemu-system-x86", "ovmf-x64": "edk2-ovmf", "ovmf-ia32": "edk2-ovmf-ia32", "roms": "ipxe-roms-qemu", "bios": "seabios-bin"},
	"arch":   {"qemu": "qemu-system-x86", "ovmf-x64": "edk2-ovmf", "ovmf-ia32": "edk2-ovmf", "roms": "qemu-system-x86", "bios": "qemu-system-x86"},
}

// loaders does the same for what boot programs are made from.
var loaders = map[string]map[string]string{
	"debian": {"pxelinux": "pxelinux syslinux-common", "grub": "grub-common grub-efi-amd64-bin grub-efi-ia32-bin", "ipxe": "ipxe", "usb-stick": "grub-common grub-pc-bin grub-efi-amd64-bin"},
	"ubuntu": {"pxelinux": "pxelinux syslinux-common", "grub": "grub-common grub-efi-amd64-bin grub-efi-ia32-bin", "ipxe": "ipxe", "usb-stick": "grub-common grub-pc-bin grub-efi-amd64-bin"},
	"fedora": {"pxelinux": "syslinux-nonlinux", "grub": "grub2-tools-minimal grub2-efi-x64-modules grub2-efi-ia32-modules", "ipxe": "ipxe-bootimgs-x86", "usb-stick": "grub2-tools-minimal grub2-pc-modules grub2-efi-x64-modules"},
	"arch":   {"pxelinux": "syslinux", "grub": "grub", "ipxe": "ipxe", "usb-stick": "grub"},
}

var installers = map[string]string{
	"debian": "sudo apt-get install --no-install-recommends ",
	"ubuntu": "sudo apt-get install --no-install-recommends ",
	"fedora": "sudo dnf install ",
	"arch":   "sudo pacman -S ",
}

// install is the command that brings a part of the lab onto this distribution.
func install(distro, part string) string {
	if p := cmp.Or(packages[distro][part], loaders[distro][part]); p != "" {
		return "run: " + installers[distro] + p
	}
	return "install " + map[string]string{
		"qemu": "QEMU's x86 system emulator", "bios": "SeaBIOS (QEMU's default BIOS)", "roms": "QEMU's iPXE option ROMs",
		"ovmf-x64": "OVMF (EDK2 for x86-64 guests)", "ovmf-ia32": "OVMF for IA-32 guests",
		"pxelinux": "PXELINUX (of syslinux)", "grub": "grub-mkimage and GRUB's EFI modules", "ipxe": "iPXE's boot images",
		"usb-stick": "grub-mkimage and GRUB's modules for BIOS and x86-64 UEFI",
	}[part] + " from your distribution"
}
