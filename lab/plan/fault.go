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
		i := slices.IndexFunc(p.Services, func(s Service) bool { return s.Name == r.From })
		if i >= 0 {
			on, _ := p.Services[i].On(g.Network)
			r.MAC = on.MAC
		}
		if r.Timed() {
			pg.Clock, pg.Shift = "real", 0
		}
		pg.Faults = append(pg.Faults, r)
	}
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
