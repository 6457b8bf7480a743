package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/lab/plan"
)

// Repeat is a saved run, to be run again.
type Repeat struct {
	Plan    *plan.Plan // its plan, as it fits this host
	Bundle  string     // whose plan it is
	Differs []string   // what is otherwise here than there, a sentence each
}

// NewRepeat reads the plan of the bundle in a folder and fits it to this host: the same guests, servers, faults and clocks, with a nonce of its
// own. What of the host is not where it was is found again by what it is; what is missing is an error that wraps plan.ErrHost.
func NewRepeat(ctx context.Context, dir, version string) (*Repeat, error) {
	p, err := bundle.ReadPlan(dir)
	if err != nil {
		return nil, err
	}
	there, err := bundle.ReadMade(dir)
	if err != nil {
		return nil, err
	}
	flash := slices.ContainsFunc(p.Guests, func(g plan.Guest) bool { return len(g.Copies) > 0 })
	h, err := host.Gather(ctx, host.Options{ProbeUserns: sandbox.Probe, PrepareStores: flash, Commands: p.Commands()})
	if err != nil {
		return nil, err
	}
	r := &Repeat{Bundle: dir}
	if r.Bundle, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("repeat %s: %w", dir, err)
	}
	if r.Plan, r.Differs, err = p.On(h, exists); err != nil {
		return nil, err
	}
	if there == nil {
		r.Differs = append(r.Differs, "the bundle does not tell what it was made with, so what differs here is not known")
	} else {
		r.Differs = append(r.Differs, there.DiffersFrom(bundle.NewMade(r.Plan, version))...)
	}
	return r, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
