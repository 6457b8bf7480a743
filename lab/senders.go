package lab

import (
	"slices"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

// senders tells which service sent a packet: by the host's MAC address, which the lab gave it, and where services
// share a host, by the port it was sent from.
type senders map[string][]plan.Service

func (s senders) add(x plan.Service) { s[x.MAC] = append(s[x.MAC], x) }

// of names the sender of a packet; empty if it is no service of the lab.
func (s senders) of(p event.Packet) string {
	at := s[p.SrcMAC]
	if len(at) == 0 {
		return ""
	}
	port := judge.PortOf(p.Src)
	for _, x := range at {
		if slices.Contains(x.Ports(), port) {
			return x.Name
		}
	}
	for _, x := range at { // a transfer's own port
		if p.TFTP != nil && x.Server != nil && x.Server.TFTP != nil {
			return x.Name
		}
	}
	return at[0].Name
}
