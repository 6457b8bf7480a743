package topology

import "strings"

// loaded builds the claims about what a boot program loads.
func (c *checker) loaded(at string, f expectation, e *Expectation) {
	if f.OS != nil {
		e.OS = &OS{Cmdline: string(f.OS.Cmdline), BootIF: f.OS.BootIF, From: f.OS.From}
		c.from(join(at, "os"), f.OS.From, "tftp")
	}
	e.Fetched = plain(f.Fetched)
	if f.Fetched != nil && len(f.Fetched) == 0 {
		c.report(join(at, "fetched"), "names no file; list them in their order, such as [pxelinux.0, ldlinux.c32]")
	}
}

// String is the claim about the Linux as one writes it in YAML.
func (o OS) String() string {
	var parts []string
	if o.Cmdline != "" {
		parts = append(parts, "cmdline: "+scalar(o.Cmdline, true))
	}
	if o.BootIF {
		parts = append(parts, "bootif: true")
	}
	if o.From != "" {
		parts = append(parts, "from: "+scalar(o.From, false))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// list writes a sequence.
func list(items []string) string {
	var parts []string
	for _, s := range items {
		parts = append(parts, scalar(s, false))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
