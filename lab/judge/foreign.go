package judge

import (
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// foreign tells whether a service is a server that is not ours: a program in the lab, or one outside that has sockets there.
func foreign(s *plan.Service) bool { return s.External || s.Exec != nil && !s.Exec.Once }

// opened tells whether a server that is not ours has a port open: of a program as far as its topology says, of a server outside
// the lab by the sockets that it was given. proto is "udp" or "tcp".
func (t *Tracker) opened(s *plan.Service, proto string, port int) bool {
	if s.Exec != nil {
		return proto == "udp" && s.Exec.Ready.UDP == port || proto == "tcp" && s.Exec.Ready.TCP == port
	}
	return slices.ContainsFunc(t.sockets[s.Name], func(k event.Socket) bool {
		return strings.HasPrefix(k.Network, proto) && event.PortOf(k.Address) == port
	})
}

// mayPlay tells whether a server that is not ours may be a DHCP server, as far as is known.
func (t *Tracker) mayPlay(s *plan.Service) bool {
	return foreign(s) && (t.opened(s, "udp", portDHCP) || s.Exec != nil && s.Exec.Ready.Log != "")
}
