package host

import (
	"path/filepath"
	"slices"
	"strings"
)

// Part is a file or folder of the host that a run makes boot programs from.
type Part struct {
	Name    string   `json:"name"` // "kernel", "init", "pxelinux", "ldlinux", "grub-mkimage", "grub-x64", ...
	Path    string   `json:"path"`
	Version string   `json:"version,omitempty"` // of a kernel: its release
	Modules []string `json:"modules,omitempty"` // of a kernel: paths of the drivers its card may need
}

// Part gives the part of that name, and whether the host has it.
func (h *Host) Part(name string) (Part, bool) {
	i := slices.IndexFunc(h.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return Part{}, false
	}
	return h.Parts[i], true
}

// partPaths is where distributions put the parts: Debian and Ubuntu, Fedora, Arch. The first that is there is taken.
var partPaths = []struct {
	name  string
	paths []string
}{
	{"pxelinux", []string{"/usr/lib/PXELINUX/pxelinux.0", "/usr/share/syslinux/pxelinux.0", "/usr/lib/syslinux/bios/pxelinux.0"}},
	{"ldlinux", []string{"/usr/lib/syslinux/modules/bios/ldlinux.c32", "/usr/share/syslinux/ldlinux.c32", "/usr/lib/syslinux/bios/ldlinux.c32"}},
	{"grub-mkimage", []string{"/usr/bin/grub-mkimage", "/usr/bin/grub2-mkimage"}},
	{"undionly", []string{"/usr/lib/ipxe/undionly.kpxe", "/usr/share/ipxe/undionly.kpxe"}},
	{"snponly", []string{"/usr/lib/ipxe/snponly.efi", "/usr/share/ipxe/ipxe-snponly-x86_64.efi", "/usr/share/ipxe/x86_64/snponly.efi"}},
	{"ipxe", []string{"/usr/lib/ipxe/ipxe.efi", "/usr/share/ipxe/ipxe-x86_64.efi", "/usr/share/ipxe/x86_64/ipxe.efi"}},
}

// grubFolders hold GRUB's modules, by target.
var grubFolders = [][2]string{{"grub-x64", "/usr/lib/grub/x86_64-efi"}, {"grub-ia32", "/usr/lib/grub/i386-efi"}}

// initName is the binary that becomes the /init of the lab's Linux; it is built and installed beside pxelab itself.
const initName = "pxelab-init"

// parts finds what boot programs can be made from.
func (m machine) parts() []Part {
	var out []Part
	if k, ok := m.kernel(); ok {
		out = append(out, k)
	}
	out = append(out, m.besidePxelab("init", initName)...)
	out = append(out, m.usbParts()...)
	for _, p := range partPaths {
		if i := slices.IndexFunc(p.paths, m.has); i >= 0 {
			out = append(out, Part{Name: p.name, Path: p.paths[i]})
		}
	}
	for _, f := range grubFolders {
		if m.has(filepath.Join(f[1], "moddep.lst")) {
			out = append(out, Part{Name: f[0], Path: f[1]})
		}
	}
	return out
}

// besidePxelab gives a binary that lies beside pxelab itself, if it does, as a part.
func (m machine) besidePxelab(part, binary string) []Part {
	path := filepath.Join(m.beside, binary)
	if m.beside == "" || !m.executable(path) {
		return nil
	}
	return []Part{{Name: part, Path: path}}
}

// checkParts judges what boot programs are made from: for each loader all of its parts are needed.
func (h *Host) checkParts() []Check {
	loader := func(name string, parts ...string) Check {
		return h.checkLoader(name, install(h.Distro, name), parts...)
	}
	return []Check{
		h.checkKernel("kernel", "that has boot/vmlinuz-RELEASE and lib/modules/RELEASE"),
		h.checkLoader("os-init", "build it beside pxelab: make build, or go install github.com/pxelab/pxelab/lab/cmd/"+initName+"@latest", "init"),
		loader("pxelinux", "pxelinux", "ldlinux"),
		loader("grub", "grub-mkimage", "grub-x64", "grub-ia32"),
		loader("ipxe", "undionly", "snponly", "ipxe"),
	}
}

// checkKernel judges whether there is a Linux of that name; folder says what another folder for it is like.
func (h *Host) checkKernel(name, folder string) Check {
	c := h.checkLoader(name, "run scripts/fetch-kernel.sh of pxelab's sources (make deps does), or let $"+KernelEnv+" name a folder "+folder, name)
	if k, ok := h.Part(name); ok {
		c.Found = "Linux " + k.Version + ", " + k.Path
	}
	return c
}

func (h *Host) checkLoader(name, remedy string, parts ...string) Check {
	c := Check{Name: name, OK: true, Level: Optional, Remedy: remedy}
	var found, missing []string
	for _, part := range parts {
		if p, ok := h.Part(part); ok {
			found = append(found, p.Path)
		} else {
			missing = append(missing, part)
		}
	}
	c.Found = strings.Join(found, ", ")
	if len(missing) > 0 {
		c.OK, c.Found = false, "not found: "+strings.Join(missing, ", ")
	}
	return c
}
