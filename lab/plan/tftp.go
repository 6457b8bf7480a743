package plan

import (
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// multicastPort is IANA's tftp-mcast.
const multicastPort = 1758

// tftp turns the topology's TFTP server into the configuration of ours.
func tftp(s topology.Service) *server.TFTPConfig {
	t := s.TFTP
	c := &server.TFTPConfig{Root: "tftp/" + s.Name, MaxBlk: t.MaxBlksize, MaxWindow: t.MaxWindow, Silent: t.Silent,
		NoOptions: t.NoOptions, NoTsize: t.NoTsize, StopAfter: t.StopAfter}
	if m := t.Multicast; m != nil {
		c.Multicast = &server.MulticastConfig{First: m.First, Last: m.Last, Port: m.Port}
		if m.Port == 0 {
			c.Multicast.Port = multicastPort
		}
	}
	return c
}
