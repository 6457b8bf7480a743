package main

import (
	"fmt"
	"strings"
)

// condition is one way in which the network or the server is bad, and how often each firmware boots under it.
type condition struct {
	name  string
	fault string // of each guest, with its number where %[1]d is, and its service's name where %[2]s is; empty: none
	boots int
	pad   int  // MiB that EFI programs are made long; zero: as they are
	efi   bool // only for firmware that takes windows of blocks
}

// conditions are the rows of the table. A guest's number is the seed of what befalls it, so each run has the same losses.
func conditions(boots int) []condition {
	out := []condition{{name: "nothing", boots: boots}}
	for _, p := range []int{1, 5, 10, 20, 40} {
		out = append(out, condition{name: fmt.Sprintf("%d %% of all frames lost", p), boots: boots,
			fault: fmt.Sprintf("{do: drop, percent: %d, seed: %%[1]d}", p)})
	}
	for _, ms := range []int{20, 100, 500} {
		out = append(out, condition{name: fmt.Sprintf("%d ms late, each way", ms), boots: boots / 2, fault: fmt.Sprintf("{do: delay, by: %dms}", ms)})
	}
	return append(out,
		condition{name: "the server restarts at the second block", boots: boots / 2, fault: "{do: restart, service: %[2]s, packet: data, nth: 2}"},
		condition{name: "2 MiB, nothing", boots: boots / 2, pad: 2, efi: true},
		condition{name: "2 MiB, 1 % of its blocks lost", boots: boots / 2, pad: 2, efi: true, fault: "{do: drop, packet: data, percent: 1, seed: %[1]d}"},
		condition{name: "2 MiB, 1 % of its blocks after the next two", boots: boots / 2, pad: 2, efi: true,
			fault: "{do: reorder, packet: data, percent: 1, seed: %[1]d, frames: 2}"},
		condition{name: "2 MiB, 10 % of its blocks after the next two", boots: boots / 2, pad: 2, efi: true,
			fault: "{do: reorder, packet: data, percent: 10, seed: %[1]d, frames: 2}"})
}

// boots tells whether a firmware is booted under the condition.
func (c *condition) has(firmware string) bool { return !c.efi || firmware != "bios" }

// topology writes the lab of one condition: every guest has a network and a server of its own, so that what befalls one is no
// other's.
func (c *condition) topology(name string, firmwares []string) string {
	var networks, services, guests strings.Builder
	n := 0
	for _, f := range firmwares {
		for range c.boots {
			if !c.has(f) {
				continue
			}
			n++
			id := fmt.Sprintf("g%d", n)
			fmt.Fprintf(&networks, "  n%d: {subnet: 198.18.%d.0/24}\n", n, n) // RFC 2544: for benchmarks
			pad := ""
			if c.pad > 0 {
				pad = fmt.Sprintf("pad: %d", c.pad)
			}
			fmt.Fprintf(&services, "  s%d: {network: n%d, address: 198.18.%d.1, dhcp: {range: 198.18.%d.100-198.18.%d.199, "+
				"boot: {bios: probe, efi-x64: probe, efi-ia32: probe}}, tftp: {%s}}\n", n, n, n, n, n, pad)
			faults := ""
			if c.fault != "" {
				faults = ", faults: [" + filled(c.fault, n, fmt.Sprintf("s%d", n)) + "]"
			}
			fmt.Fprintf(&guests, "  %s: {network: n%d, firmware: %s%s}\n", id, n, f, faults)
		}
	}
	return fmt.Sprintf("name: %s\nabout: What firmware makes of %s.\nnetworks:\n%sservices:\n%sguests:\n%sexpect:\n  \"*\": [booted: {image: probe}]\n",
		name, c.name, &networks, &services, &guests)
}

// filled puts a guest's number and its service into a fault that names them.
func filled(fault string, number int, service string) string {
	return strings.NewReplacer("%[1]d", fmt.Sprint(number), "%[2]s", service).Replace(fault)
}
