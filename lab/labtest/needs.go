package labtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// requireVariable names what a test may not be skipped for want of, separated by commas: boot is what this package asks for.
const requireVariable = "PXELAB_REQUIRE"

// skip skips a test for want of something on this host, or fails it where boots are required.
func skip(t *testing.T, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv(requireVariable), ","), "boot") {
		t.Fatalf("%s, and %s names boot", why, requireVariable)
	}
	t.Skip(why)
}

// facts are what this machine has, looked for once. Where a guest is to boot UEFI firmware, prepared are the same facts after that
// firmware was set up once, which takes some seconds if it was never done here.
var (
	facts    = sync.OnceValues(func() (*host.Host, error) { return gather(false) })
	prepared = sync.OnceValues(func() (*host.Host, error) { return gather(true) })
)

func gather(prepare bool) (*host.Host, error) {
	return host.Gather(context.Background(), host.Options{ProbeUserns: sandbox.Probe, PrepareStores: prepare, Commands: []string{topology.Ourselves}})
}

// needBoots skips a test on a host that cannot boot guests.
func needBoots(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots real firmware: left out by -short")
	}
	h, err := facts()
	if err != nil {
		t.Fatalf("labtest: look at this host: %v", err)
	}
	var lacks []string
	for _, c := range h.Checks() {
		if !c.OK && c.Level == host.Required {
			lacks = append(lacks, fmt.Sprintf("%s: %s (%s)", c.Name, c.Found, c.Remedy))
		}
	}
	if len(lacks) > 0 {
		skip(t, "this host cannot boot guests: "+strings.Join(lacks, "; "))
	}
}

// prepare plans the lab, without the guests that this host cannot boot: their own subtests say so.
func (l *Lab) prepare(t *testing.T) {
	t.Helper()
	look := facts
	if slices.ContainsFunc(l.topo.Guests, func(g topology.Guest) bool { return g.Firmware != "bios" }) {
		look = prepared
	}
	known, err := look()
	if err != nil {
		t.Fatalf("labtest: look at this host: %v", err)
	}
	h := *known
	if commands := l.topo.Commands(); len(commands) > 0 {
		found, err := host.Gather(t.Context(), host.Options{Commands: commands})
		if err != nil {
			t.Fatalf("labtest: look at this host: %v", err)
		}
		h.Commands = found.Commands
	}
	bootable := *l.topo
	bootable.Guests = slices.DeleteFunc(slices.Clone(l.topo.Guests), func(g topology.Guest) bool {
		g2 := l.guest(g.Name)
		g2.missing = missing(l.topo, g, &h)
		return g2.missing != ""
	})
	if len(bootable.Guests) == 0 {
		skip(t, l.guests[0].missing)
	}
	l.plan, err = plan.New(&bootable, &h, plan.Options{})
	switch {
	case errors.Is(err, plan.ErrHost):
		skip(t, err.Error())
	case err != nil:
		t.Fatalf("labtest: %v", err)
	}
}

// missing says why this host cannot boot a guest, looked at alone; empty if it can. Guests that refer to others stand and fall with
// the whole lab.
func missing(t *topology.Topology, g topology.Guest, h *host.Host) string {
	if g.SameMAC != "" || g.SameUUID != "" || g.Together != "" {
		return ""
	}
	alone := *t
	alone.Services, alone.Expect, alone.ExpectServices, alone.Guests = nil, nil, nil, []topology.Guest{g}
	if _, err := plan.New(&alone, h, plan.Options{}); errors.Is(err, plan.ErrHost) {
		return err.Error()
	}
	return ""
}

// guest finds a guest of the lab.
func (l *Lab) guest(name string) *Guest {
	i := slices.IndexFunc(l.guests, func(g *Guest) bool { return g.Name == name })
	return l.guests[i]
}

// program is the pxelab that a topology's services run, if it runs it: a test binary is none.
func (l *Lab) program(t *testing.T) string {
	t.Helper()
	runs := slices.ContainsFunc(l.topo.Services, func(s topology.Service) bool { return s.Exec != nil && s.Exec.Command[0] == topology.Ourselves })
	if !runs {
		return ""
	}
	h, err := facts()
	if err != nil {
		t.Fatalf("labtest: look at this host: %v", err)
	}
	path, ok := h.Commands[topology.Ourselves]
	if !ok {
		skip(t, "the topology runs pxelab, which is not in $PATH: go install github.com/pxelab/pxelab/lab/cmd/pxelab")
	}
	return path
}
