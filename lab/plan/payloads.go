package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/host"
)

// The ways in which a file is made that this binary does not hold. All but MadeConfig are those of lab/payload.
const (
	MadeCopy   = "copy"
	MadeInitrd = "initrd"
	MadeGRUB   = "grub"
	MadeStick  = "stick"
	MadeConfig = "config" // written anew for each run, with its nonce
)

// recipes say from which parts of the host a file is made, by its name on the wire. What is not listed is a
// configuration.
var recipes = map[string]struct {
	made  string
	parts []string
}{
	"pxelinux.0":      {MadeCopy, []string{"pxelinux"}},
	"ldlinux.c32":     {MadeCopy, []string{"ldlinux"}},
	"undionly.kpxe":   {MadeCopy, []string{"undionly"}},
	"snponly.efi":     {MadeCopy, []string{"snponly"}},
	"ipxe.efi":        {MadeCopy, []string{"ipxe"}},
	"grub-x64.efi":    {MadeGRUB, []string{"grub-mkimage", "grub-x64"}},
	"grub-ia32.efi":   {MadeGRUB, []string{"grub-mkimage", "grub-ia32"}},
	images.KernelFile: {MadeCopy, []string{"kernel"}},
	images.InitrdFile: {MadeInitrd, []string{"init"}},
}

// fromHost plans how the files are made that come from the host, with that kernel, and says what the host lacks for
// them.
func fromHost(h *host.Host, list []Image, kernel string) []error {
	var problems []error
	for i := range list {
		m := &list[i]
		if !(images.Image{Name: m.Name, File: m.File, Arch: m.Arch}).HostMade() {
			continue
		}
		r := recipes[m.File]
		if m.Made = r.made; m.Made == "" {
			m.Made = MadeConfig
		}
		for _, name := range r.parts {
			if name == "kernel" {
				name = kernel
			}
			p, ok := h.Part(name)
			if !ok {
				problems = append(problems, fmt.Errorf("file %q of image %q is made from a part that is not on this host (%s): run pxelab doctor for what to do",
					m.File, m.Name, name))
				continue
			}
			m.From = append(m.From, p.Path)
		}
		if k, ok := h.Part(kernel); ok && m.Made == MadeInitrd {
			m.From = append(m.From, k.Modules...)
		}
	}
	return problems
}

// withCompanions adds to the boot files a TFTP root holds what those fetch next.
func withCompanions(files []string) []string {
	out := slices.Clone(files)
	for _, file := range files {
		for _, c := range images.Companions(file) {
			out = append(out, c.File)
		}
	}
	return out
}

// known tells whether a file is one that a run can serve.
func known(file string) bool {
	_, ok := images.ByFile(file)
	return ok
}

// named tells whether a word of a topology, an image or a file, means this file.
func named(word, file string) bool {
	i, ok := images.ByFile(file)
	return word == file || ok && i.Name == word
}

// writeMade prints how files are made that pxelab does not hold.
func writeMade(b *strings.Builder, list []Image) {
	if slices.ContainsFunc(list, func(m Image) bool { return m.Made != "" }) {
		b.WriteString("\nfiles\n")
	}
	for _, m := range list {
		switch m.Made { // what stands in From was checked by fromHost
		case "":
		case MadeConfig:
			fmt.Fprintf(b, "  %s  written for the run, with its nonce\n", m.File)
		case MadeCopy:
			fmt.Fprintf(b, "  %s  a copy of %s\n", m.File, strings.Join(m.From, " "))
		case MadeInitrd:
			fmt.Fprintf(b, "  %s  an initrd of %s and %d kernel modules\n", m.File, m.From[0], len(m.From)-1)
		default:
			fmt.Fprintf(b, "  %s  made (%s) from %s\n", m.File, m.Made, strings.Join(m.From, " "))
		}
	}
}
