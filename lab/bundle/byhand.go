package bundle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/plan"
)

// byHand is a shell script that boots the guest outside the lab, with QEMU's built-in network in place of
// the cable. Its working directory must be the guest's folder.
func byHand(p *plan.Plan, g plan.Guest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# Boots guest %s of %s by hand: QEMU's built-in DHCP and TFTP stand in for the lab's network.\n", g.Name, p.Name)
	b.WriteString("set -eu\ncd \"$(dirname \"$0\")\"\nRUN=.\n")
	for _, c := range g.Copies {
		fmt.Fprintf(&b, "cp %s %s\n", quote(c.From), quote(c.To))
	}
	for i, a := range g.Argv {
		value := a.Value
		switch {
		case strings.HasPrefix(value, "dgram,"):
			value = "user,id=n0,net=192.0.2.0/24" + userBoot(p, g)
		case strings.Contains(value, fmt.Sprintf("fd=%d", plan.FDMonitor)), a.Flag == "-mon":
			continue
		case strings.Contains(value, "IPv4PXESupport"): // QEMU's stand-in has no DHCPv6: by hand it boots over IPv4
			continue
		}
		if i > 0 {
			b.WriteString(" \\\n  ")
		} else {
			b.WriteString("exec ")
		}
		b.WriteString(quote(a.Flag))
		if value != "" {
			b.WriteString(" " + strings.ReplaceAll(quote(value), "${RUN}", "."))
		}
	}
	b.WriteString(" \"$@\"\n")
	return b.String()
}

// userBoot gives QEMU's built-in servers the guest's boot file, if the lab serves one.
func userBoot(p *plan.Plan, g plan.Guest) string {
	for _, file := range bootFiles(p, g) {
		for _, s := range p.Services {
			if slices.Contains(s.Files, file) {
				return fmt.Sprintf(",tftp=../../tftp/%s,bootfile=%s", s.Name, file)
			}
		}
	}
	return ""
}

// bootFiles lists what the guest may be told to boot when it has just been powered on, the likeliest first.
func bootFiles(p *plan.Plan, g plan.Guest) []string {
	var out []string
	for _, s := range p.Services {
		if s.Server == nil || s.Server.DHCP == nil || s.Server.DHCP.Boot == nil {
			continue
		}
		if g.Client == "ipxe" {
			out = append(out, s.Server.DHCP.Boot.IPXE[g.Arch])
		}
		out = append(out, s.Server.DHCP.Boot.Files[g.Arch])
	}
	for _, img := range p.Images {
		if img.Arch == g.Arch {
			out = append(out, img.File)
		}
	}
	return out
}

// quote makes one word of s for the shell.
func quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
