// Package images holds the boot programs the lab ships, patches a run's parameters into them, and reads their report.
package images

import (
	"embed"
	"slices"
)

// Image is one boot program of the catalogue: a name has one file for each architecture it exists for.
type Image struct {
	Name string // what a topology calls it: "probe"
	File string // the file name it is served under: "probe-x64.efi"
	Arch string // "bios", "efi-x64", "efi-ia32" or "efi-aa64"
}

//go:embed bin
var programs embed.FS

var catalogue = []Image{
	{Name: "probe", File: "probe.0", Arch: "bios"},
	{Name: "probe", File: "probe-x64.efi", Arch: "efi-x64"},
	{Name: "probe", File: "probe-ia32.efi", Arch: "efi-ia32"},
	{Name: "probe", File: "probe-aa64.efi", Arch: "efi-aa64"},
}

// Catalogue lists every shipped image, in a fixed order.
func Catalogue() []Image { return slices.Clone(catalogue) }

// Lookup finds the boot program of that name for that architecture.
func Lookup(name, arch string) (Image, bool) {
	all := bootPrograms()
	i := slices.IndexFunc(all, func(m Image) bool { return m.Name == name && (m.Arch == arch || m.Arch == "") })
	if i < 0 {
		return Image{}, false
	}
	return all[i], true
}

// bootPrograms lists every boot program a topology may name.
func bootPrograms() []Image { return slices.Concat(catalogue, hostMade) }

// Names lists the names of the boot programs, each once: those of this package, then those a run makes from the host.
func Names() []string { return names(bootPrograms()) }

// Reporters lists the names of those that report what they see: all that this package holds.
func Reporters() []string { return names(catalogue) }

func names(list []Image) []string {
	var names []string
	for _, m := range list {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// Bytes gives the image as built and committed: it reports, but downloads and sends nothing until it is patched.
// It is nil for an Image that is not of the catalogue.
func (m Image) Bytes() []byte {
	if !slices.Contains(catalogue, m) {
		return nil
	}
	b, err := programs.ReadFile("bin/" + m.File)
	if err != nil {
		return nil
	}
	return b
}
