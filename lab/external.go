package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// Listen opens a socket on the host of a service that is outside the lab (control.Lab).
func (l *lab) Listen(ctx context.Context, service, network, address string) (*os.File, error) {
	i := slices.IndexFunc(l.plan.Services, func(s plan.Service) bool { return s.Name == service })
	if i < 0 || !l.plan.Services[i].External {
		return nil, fmt.Errorf("service %q is not one of servers outside the lab (have %s); write external: {} in its place in the topology",
			service, l.externals())
	}
	select {
	case <-l.raised:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	socket, at, err := l.running(service).host.Open(network, address)
	if err != nil {
		return nil, err
	}
	l.log.Append(event.Event{Kind: event.ServiceListens, Network: l.plan.Services[i].Network, Service: service,
		Socket: &event.Socket{Network: network, Address: at.String()}})
	return socket, nil
}

// externals names the services outside the lab, for a message.
func (l *lab) externals() string {
	var names []string
	for _, s := range l.plan.Services {
		if s.External {
			names = append(names, s.Name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Boot has a guest powered on as soon as there is a core for it, and ended once it has settled (control.Lab).
func (l *lab) Boot(ctx context.Context, name string, expect []topology.Expectation) error {
	m, err := l.guest(name)
	if err != nil {
		return err
	}
	asked, err := json.Marshal(expect)
	if err != nil {
		return err
	}
	return l.command(ctx, func() error {
		// One that has settled is on its way out, and the queue waits for that.
		if m.alive && !m.now.Load().settled || slices.ContainsFunc(l.queue, func(g plan.Guest) bool { return g.Name == name }) {
			return fmt.Errorf("guest %q is on, or about to be: wait until that boot is over", name)
		}
		g := l.plan.Guests[slices.IndexFunc(l.plan.Guests, func(g plan.Guest) bool { return g.Name == name })]
		if m.asked = nil; len(expect) > 0 {
			g.Expect, m.asked = expect, asked
		}
		l.queue = append(l.queue, g)
		return nil
	})
}
