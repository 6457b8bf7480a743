package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/topology"
)

// faults plans what is done on purpose to a guest's boot. Who sent a frame is known by the address of its network card. A guest
// whose frames or services are held up runs in real time: a fifth of a second of the host is many seconds to a warped one.
func faults(p *Plan, g topology.Guest, pg *Guest) {
	for _, r := range g.Faults {
		if r.Timed() {
			pg.Clock, pg.Shift = "real", 0
		}
		pg.Faults = append(pg.Faults, p.aim(g.Network, r))
	}
}

// aim gives the rule with the address of the sender that it names.
func (p *Plan) aim(network string, r fault.Rule) fault.Rule {
	if i := slices.IndexFunc(p.Services, func(s Service) bool { return s.Name == r.From }); i >= 0 {
		on, _ := p.Services[i].On(network)
		r.MAC = on.MAC
	}
	return r
}

// ParseFault reads a fault for the cable of one of the plan's guests, written as in a topology. The error is a topology.Problems.
func (p *Plan) ParseFault(path, text string, g Guest) (fault.Rule, error) {
	r, err := topology.ParseFault(path, text, g.Network, p.targets())
	return p.aim(g.Network, r), err
}

// ParseSelection reads which frames on the cable of one of the plan's guests are meant, written as a fault has it. Of a guest without a
// network it checks all but that. The error is a topology.Problems.
func (p *Plan) ParseSelection(path, text string, g Guest) (fault.Selection, error) {
	s, err := topology.ParseSelection(path, text, g.Network, p.targets())
	return p.aim(g.Network, fault.Rule{Selection: s}).Selection, err
}

// targets are the plan's services, as far as a fault may name them.
func (p *Plan) targets() []topology.Target {
	var services []topology.Target
	for _, s := range p.Services {
		t := topology.Target{Name: s.Name, Roles: s.Roles}
		for _, l := range s.Interfaces() {
			t.Networks = append(t.Networks, l.Network)
		}
		services = append(services, t)
	}
	return services
}

func writeFaults(b *strings.Builder, list []fault.Rule) {
	for i, r := range list {
		where := "on its cable"
		switch {
		case r.OnService():
			where = "of service " + r.Service
		case r.OnGuest():
			where = "of its power"
		}
		fmt.Fprintf(b, "  fault %d %s  %s\n", i+1, where, r)
	}
}

// together plans that guests are powered on in one instant: which of them is the first, all have in common. They run in real time,
// as each warped guest has a time of its own.
func together(p *Plan, g topology.Guest, pg *Guest) {
	if g.Together == "" {
		return
	}
	i := slices.IndexFunc(p.Guests, func(other Guest) bool { return other.Name == g.Together })
	first := &p.Guests[i]
	if first.Together == "" {
		*first = first.InRealTime()
		first.Together = first.Name
	}
	pg.Together, pg.Clock, pg.Shift = first.Together, "real", 0
}
