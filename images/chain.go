package images

import "slices"

// The files of the Linux that chain loaders load: the same for all of them.
const (
	KernelFile = "linux/vmlinuz"
	InitrdFile = "linux/initrd.gz"
)

// LinuxName is what Image.Name says for KernelFile and InitrdFile.
const LinuxName = "linux"

// hostMade are the boot programs that load something real. This package does not hold them: a run makes each from
// what the host has installed (docs/payloads.md).
var hostMade = []Image{
	{Name: "pxelinux", File: "pxelinux.0", Arch: "bios"},
	{Name: "grub", File: "grub-x64.efi", Arch: "efi-x64"},
	{Name: "grub", File: "grub-ia32.efi", Arch: "efi-ia32"},
	{Name: "undionly", File: "undionly.kpxe", Arch: "bios"},
	{Name: "snponly", File: "snponly.efi", Arch: "efi-x64"},
	{Name: "ipxe", File: "ipxe.efi", Arch: "efi-x64"},
	{Name: "ipxe-linux", File: "linux.ipxe"}, // a script: the same on every architecture
}

// companions are what the programs of hostMade fetch after they have started, in that order.
var companions = map[string][]Image{
	"pxelinux":   {{Name: "pxelinux", File: "ldlinux.c32"}, {Name: "pxelinux", File: "pxelinux.cfg/default"}, kernel, initrd},
	"grub":       {{Name: "grub", File: "grub/grub.cfg"}, kernel, initrd},
	"ipxe-linux": {kernel, initrd},
}

var (
	kernel = Image{Name: LinuxName, File: KernelFile}
	initrd = Image{Name: LinuxName, File: InitrdFile}
)

// HostMade tells whether a run makes the image from what the host has, instead of taking it from this package.
func (m Image) HostMade() bool { return slices.Contains(HostFiles(), m) }

// HostFiles lists every file that a run may make from what the host has: boot programs, then what they fetch.
func HostFiles() []Image {
	out := slices.Clone(hostMade)
	for _, m := range hostMade {
		for _, c := range companions[m.Name] {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// Companions lists the files that a boot program, given by its file name, fetches after it has started.
func Companions(file string) []Image {
	i := slices.IndexFunc(hostMade, func(m Image) bool { return m.File == file })
	if i < 0 {
		return nil
	}
	return slices.Clone(companions[hostMade[i].Name])
}

// ByFile finds the image, shipped or made, that is served under a file name.
func ByFile(file string) (Image, bool) {
	all := append(Catalogue(), HostFiles()...)
	i := slices.IndexFunc(all, func(m Image) bool { return m.File == file })
	if i < 0 {
		return Image{}, false
	}
	return all[i], true
}
