package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pxelab/pxelab/lab/host"
)

// Use is a file or program of the host that a plan names or QEMU loads by itself, and what it is there: by What and Name another
// host knows its own.
type Use struct {
	What    string `json:"what"` // one of the Used words
	Name    string `json:"name"` // of the emulator's architecture, the firmware, the NIC, the part or the program
	Path    string `json:"path"`
	Version string `json:"version,omitempty"` // of an emulator, or of a kernel
	Form    string `json:"form,omitempty"`    // what the command line says of a flash image beside its path: another is no replacement
}

// What is used of a host.
const (
	UsedQEMU    = "QEMU"
	UsedBIOS    = "BIOS" // QEMU loads it by itself
	UsedCode    = "firmware code"
	UsedVars    = "variable store template"
	UsedStore   = "prepared variable store"
	UsedROM     = "option ROM" // QEMU loads it by itself, unless the plan names it
	UsedPart    = "part"
	UsedModule  = "kernel module" // Name is that of the kernel
	UsedProgram = "program"
)

// offers lists all that a host has to use.
func offers(h *host.Host) []Use {
	var out []Use
	for _, q := range h.QEMU {
		out = append(out, Use{What: UsedQEMU, Name: q.Arch, Path: q.Path, Version: q.Version})
	}
	for _, f := range h.Firmware {
		form := f.Format
		if f.SMM {
			form += " smm"
		}
		if f.Code == "" {
			out = append(out, Use{What: UsedBIOS, Name: f.Name, Path: f.Source})
			continue
		}
		out = append(out, Use{What: UsedCode, Name: f.Name, Path: f.Code, Form: form}, Use{What: UsedVars, Name: f.Name, Path: f.Vars, Form: form},
			Use{What: UsedStore, Name: f.Name, Path: f.Prepared, Form: form})
	}
	for _, r := range h.ROMs {
		out = append(out, Use{What: UsedROM, Name: r.NIC, Path: r.EFI}, Use{What: UsedROM, Name: r.NIC + " (BIOS only)", Path: r.BIOS})
	}
	for _, p := range h.Parts {
		out = append(out, Use{What: UsedPart, Name: p.Name, Path: p.Path, Version: p.Version})
		for _, m := range p.Modules {
			out = append(out, Use{What: UsedModule, Name: p.Name, Path: m})
		}
	}
	for name, path := range h.Commands {
		out = append(out, Use{What: UsedProgram, Name: name, Path: path})
	}
	return slices.DeleteFunc(out, func(u Use) bool { return u.Path == "" })
}

// uses finds what a plan takes of the host that it was made for.
func uses(h *host.Host, p *Plan) []Use {
	named := p.paths()
	loaded := map[string]bool{} // what QEMU loads by itself
	for _, g := range p.Guests {
		if prof := profiles[g.Firmware]; prof.host == "bios" {
			loaded[UsedBIOS+prof.host], loaded[UsedROM+g.NIC] = true, true
		} else {
			loaded[UsedVars+prof.host] = true // what the prepared store was made from
		}
	}
	var out []Use
	for _, u := range offers(h) {
		if (named[u.Path] || loaded[u.What+u.Name]) && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	sortUses(out)
	return out
}

// sortUses puts them in one order on every host.
func sortUses(list []Use) {
	slices.SortFunc(list, func(a, b Use) int {
		return cmp.Or(slices.Index(usedOrder, a.What)-slices.Index(usedOrder, b.What), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Path, b.Path))
	})
}

var usedOrder = []string{UsedQEMU, UsedBIOS, UsedCode, UsedVars, UsedStore, UsedROM, UsedPart, UsedModule, UsedProgram}

// paths are the host's paths that a plan names.
func (p *Plan) paths() map[string]bool {
	out := map[string]bool{}
	p.eachPath(func(path string) string {
		out[path] = true
		return path
	})
	delete(out, "")
	return out
}

// eachPath calls fn with every path of the host that the plan names, and puts what it returns in its place.
func (p *Plan) eachPath(fn func(string) string) {
	files := func(list []string) {
		for i := range list {
			list[i] = fn(list[i])
		}
	}
	for i := range p.Guests {
		g := &p.Guests[i]
		for k := range g.Argv {
			if k == 0 {
				g.Argv[k].Flag = fn(g.Argv[k].Flag)
				continue
			}
			g.Argv[k].Value = eachFile(g.Argv[k].Value, fn)
		}
		for k := range g.Copies {
			g.Copies[k].From = fn(g.Copies[k].From)
		}
		if g.Stick != nil {
			files(g.Stick.From)
		}
	}
	for i := range p.Images {
		files(p.Images[i].From)
	}
	for i := range p.Services {
		if e := p.Services[i].Exec; e != nil && !ours(e) {
			e.Argv[0] = fn(e.Argv[0])
		}
	}
}

// Commands are the programs that a host is to be asked for before the plan is moved there.
func (p *Plan) Commands() []string {
	var out []string
	for _, u := range p.Uses {
		if u.What == UsedProgram {
			out = append(out, u.Name)
		}
	}
	return out
}

func (u Use) String() string { return fmt.Sprintf("%s %s", u.What, u.Name) }
