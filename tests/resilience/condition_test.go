package main

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server/pxe"
)

// TestConditions: the lab of every condition is one, and each guest has the faults that it says.
func TestConditions(t *testing.T) {
	known := topology.Known{Firmwares: plan.Firmwares(), NICs: plan.NICs(), Sticks: plan.Sticks(), Images: images.Names(), Reporters: images.Reporters(),
		Archs: pxe.ArchNames(), HTTPFirmwares: plan.HTTPFirmwares(), Reasons: judge.Reasons(), Notes: judge.Notes()}
	for _, c := range conditions(4) {
		topo, err := topology.Parse("resilience.yaml", []byte(c.topology("resilience", []string{"bios", "ovmf-x64", "ovmf-ia32"})), known)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if want := 3 * c.boots; !c.efi && len(topo.Guests) != want || c.efi && len(topo.Guests) != want/3*2 {
			t.Errorf("%s: %d guests of %d boots", c.name, len(topo.Guests), c.boots)
		}
		for _, g := range topo.Guests {
			if (c.fault != "") != (len(g.Faults) == 1) {
				t.Errorf("%s: %s has faults %v", c.name, g.Name, g.Faults)
			}
			if strings.Contains(c.fault, "service") && g.Faults[0].Service != "s"+strings.TrimPrefix(g.Name, "g") {
				t.Errorf("%s: %s does something to %s, not to its own server", c.name, g.Name, g.Faults[0].Service)
			}
		}
	}
}
