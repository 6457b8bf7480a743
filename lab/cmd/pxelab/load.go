package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// defaultTopology is what commands use when no file is named.
const defaultTopology = "topologies/firmware-trio.yaml"

// topologyArg gives the file named on the command line, or the default one.
func topologyArg(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return defaultTopology
}

// loadTopology reads and checks a topology file.
func loadTopology(path string) (*topology.Topology, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the topology: %w; name a topology file, such as one of topologies/*.yaml", err)
	}
	return topology.Parse(path, data, lab.Known())
}

// planFlags are the flags of every command that plans.
func planFlags(f *pflag.FlagSet) *plan.Options {
	o := &plan.Options{}
	f.StringVar(&o.Clock, "clock", "auto", "guest clock: auto, real or warp (idle guest time passes at once)")
	f.StringVar(&o.Start, "start", "auto", "how guests start: auto, cold, or warm (from a snapshot of their firmware)")
	f.StringVar(&o.Accel, "accel", "auto", "accelerator: auto, tcg or kvm")
	f.IntVar(&o.AtOnce, "at-once", 0, "guests powered on at the same time, at most (0: the plan decides)")
	hypervisor := &hypervisorFlag{o: o}
	f.Var(hypervisor, "hypervisor", "who runs the guests: qemu (pxelab itself) or libvirt")
	f.Var(&connectFlag{o: o, name: hypervisor}, "connect", "libvirt connection `URI`, which implies --hypervisor libvirt (default: $LIBVIRT_DEFAULT_URI, or qemu:///session, or qemu:///system for root)")
	return o
}

// loadPlan reads a topology, looks at the host and plans. To run the plan, what is made once per host is made
// first.
func loadPlan(ctx context.Context, path string, o plan.Options, prepare bool) (*plan.Plan, error) {
	if err := checkOptions(o); err != nil {
		return nil, err
	}
	t, err := loadTopology(path)
	if err != nil {
		return nil, err
	}
	return planOf(ctx, t, o, prepare)
}

// planOf looks at the host and plans a topology.
func planOf(ctx context.Context, t *topology.Topology, o plan.Options, prepare bool) (*plan.Plan, error) {
	flash := slices.ContainsFunc(t.Guests, func(g topology.Guest) bool { return g.Firmware != "bios" })
	h, err := host.Gather(ctx, host.Options{ProbeUserns: sandbox.Probe, PrepareStores: prepare && flash, Commands: t.Commands()})
	if err != nil {
		return nil, err
	}
	return plan.New(t, h, o)
}

// checkOptions refuses words that no planner knows.
func checkOptions(o plan.Options) error {
	switch o.Clock {
	case "", "auto", "real", "warp":
	default:
		return fmt.Errorf("--clock %q: use auto, real or warp", o.Clock)
	}
	switch o.Start {
	case "", "auto", "cold", "warm":
	default:
		return fmt.Errorf("--start %q: use auto, cold or warm", o.Start)
	}
	switch o.Accel {
	case "", "auto", "tcg", "kvm":
	default:
		return fmt.Errorf("--accel %q: use auto, tcg or kvm", o.Accel)
	}
	if o.AtOnce < 0 {
		return fmt.Errorf("--at-once %d: use a number from 1, or 0 to let the plan decide", o.AtOnce)
	}
	return nil
}
