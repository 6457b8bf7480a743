package host

import (
	"cmp"
	"path/filepath"
	"slices"
)

// uefi is one UEFI firmware the lab knows by name.
type uefi struct {
	name, title string
	arch        string // QEMU architecture in descriptors
	known       []knownPath
}

// knownPath is where a distribution puts a firmware, for when no descriptor names it.
type knownPath struct {
	code, vars string
	smm        bool
}

var uefis = []uefi{
	{"ovmf-x64", "OVMF x86-64 (EDK2)", "x86_64", []knownPath{
		{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd", false},         // Debian, Ubuntu
		{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd", false},     // Fedora
		{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd", false}, // Arch
		{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd", false},               // older releases
	}},
	{"ovmf-ia32", "OVMF IA-32 (EDK2)", "i386", []knownPath{
		{"/usr/share/OVMF/OVMF32_CODE_4M.fd", "/usr/share/OVMF/OVMF32_VARS_4M.fd", false},
		{"/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF32_VARS_4M.fd", true},    // Debian, Ubuntu
		{"/usr/share/edk2/ovmf-ia32/OVMF_CODE.fd", "/usr/share/edk2/ovmf-ia32/OVMF_VARS.fd", false}, // Fedora
		{"/usr/share/edk2/ia32/OVMF_CODE.4m.fd", "/usr/share/edk2/ia32/OVMF_VARS.4m.fd", false},     // Arch
	}},
}

// seaBIOS lists where QEMU's default PC BIOS may be. QEMU finds it itself; without the file it does not start.
var seaBIOS = []string{"/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/bios-256k.bin"}

// firmware lists what can be booted, and the descriptors that could not be read.
func (m machine) firmware() ([]Firmware, []string) {
	var out []Firmware
	if i := slices.IndexFunc(seaBIOS, m.has); i >= 0 {
		out = append(out, Firmware{Name: "bios", Title: "SeaBIOS", Machine: "q35", Source: seaBIOS[i]})
	}
	descriptors, problems := m.descriptors()
	ia32 := ia32Images(descriptors)
	for _, u := range uefis {
		f, ok := m.described(u, descriptors, ia32)
		if !ok {
			f, ok = m.known(u)
		}
		if ok {
			out = append(out, f)
		}
	}
	return out, problems
}

// ia32Images collects the code images that are IA-32, whatever machine a descriptor offers them for. Arch
// offers its IA-32 build for x86_64 machines too; nothing but IA-32 code can be offered for i386 ones.
func ia32Images(list []descriptor) map[string]bool {
	out := map[string]bool{}
	for _, d := range list {
		if d.targets("i386") {
			out[d.Mapping.Executable.Filename] = true
		}
	}
	return out
}

// described picks the best firmware that a descriptor names and whose files are there.
func (m machine) described(u uefi, list []descriptor, ia32 map[string]bool) (Firmware, bool) {
	list = slices.DeleteFunc(slices.Clone(list), func(d descriptor) bool {
		code, vars := d.Mapping.Executable.Filename, d.Mapping.Template.Filename
		return !d.usable() || !d.targets(u.arch) || ia32[code] != (u.arch == "i386") || !m.both(code, vars)
	})
	if len(list) == 0 {
		return Firmware{}, false
	}
	// MinFunc keeps the first of equals: the interop order decides among them.
	d := slices.MinFunc(list, func(a, b descriptor) int { return cmp.Compare(a.penalty(), b.penalty()) })
	return Firmware{
		Name: u.name, Title: u.title, Machine: "q35", Source: d.source,
		Code: d.Mapping.Executable.Filename, Vars: d.Mapping.Template.Filename, Format: d.Mapping.Executable.Format,
		SMM: slices.Contains(d.Features, "requires-smm"),
	}, true
}

// known falls back on the table of paths.
func (m machine) known(u uefi) (Firmware, bool) {
	for _, k := range u.known {
		if m.both(k.code, k.vars) {
			return Firmware{Name: u.name, Title: u.title, Machine: "q35", Source: "known path " + k.code,
				Code: k.code, Vars: k.vars, Format: "raw", SMM: k.smm}, true
		}
	}
	return Firmware{}, false
}

func (m machine) both(code, vars string) bool {
	return filepath.IsAbs(code) && filepath.IsAbs(vars) && m.has(code) && m.has(vars)
}
