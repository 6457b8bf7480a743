package host

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
)

// descriptor is the part that matters here of a firmware descriptor: QEMU's docs/interop/firmware.json.
type descriptor struct {
	Description string
	Interfaces  []string `json:"interface-types"`
	Mapping     struct {
		Device     string
		Mode       string
		Executable flash
		Template   flash `json:"nvram-template"`
	}
	Targets []struct {
		Architecture string
		Machines     []string
	}
	Features []string

	source string // path of the descriptor
}

type flash struct{ Filename, Format string }

func parseDescriptor(source string, b []byte) (descriptor, error) {
	d := descriptor{source: source}
	if err := json.Unmarshal(b, &d); err != nil {
		return d, fmt.Errorf("firmware descriptor %q is not valid: %w; mend or remove it", source, err)
	}
	return d, nil
}

// descriptors reads every descriptor in the order that QEMU's interop document gives: by file name over all
// directories; of files with one name the one in the more specific directory counts, and an empty one only
// masks the others.
func (m machine) descriptors() (list []descriptor, problems []string) {
	found := map[string]string{} // file name to directory
	for _, dir := range m.descriptorDirs() {
		entries, _ := fs.ReadDir(m.root, rel(dir)) // an absent directory has no descriptors
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".json" {
				found[e.Name()] = dir
			}
		}
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		source := filepath.Join(found[name], name)
		b, err := fs.ReadFile(m.root, rel(source))
		if err == nil && len(b) == 0 {
			continue
		}
		var d descriptor
		if err == nil {
			d, err = parseDescriptor(source, b)
		}
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		list = append(list, d)
	}
	return list, problems
}

// descriptorDirs lists the directories, the most specific last.
func (m machine) descriptorDirs() []string {
	dirs := []string{"/usr/share/qemu/firmware", "/etc/qemu/firmware"}
	if config := m.getenv("XDG_CONFIG_HOME"); config != "" {
		return append(dirs, filepath.Join(config, "qemu/firmware"))
	}
	if home := m.getenv("HOME"); home != "" {
		return append(dirs, filepath.Join(home, ".config/qemu/firmware"))
	}
	return dirs
}

// targets says whether the firmware runs on this architecture's q35 machine.
func (d descriptor) targets(arch string) bool {
	for _, t := range d.Targets {
		if t.Architecture != arch {
			continue
		}
		for _, pattern := range t.Machines {
			// Patterns stand for versioned machine names; any version of q35 is as good as another.
			if ok, err := path.Match(pattern, "pc-q35-"+OldestQEMU); pattern == "q35" || ok && err == nil {
				return true
			}
		}
	}
	return false
}

// usable says whether it is UEFI in two flash chips, code and variables, whose keys let any image boot.
func (d descriptor) usable() bool {
	split := d.Mapping.Mode == "" || d.Mapping.Mode == "split" // absent means split
	return slices.Contains(d.Interfaces, "uefi") && d.Mapping.Device == "flash" && split &&
		d.Mapping.Executable.Format == d.Mapping.Template.Format &&
		!slices.Contains(d.Features, "enrolled-keys")
}

// penalty orders usable firmware: builds without Secure Boot and SMM first, because they are the simpler
// machine, then raw images before qcow2 ones.
func (d descriptor) penalty() int {
	n := 0
	if slices.Contains(d.Features, "secure-boot") || slices.Contains(d.Features, "requires-smm") {
		n += 2
	}
	if d.Mapping.Executable.Format != "raw" {
		n++
	}
	return n
}
