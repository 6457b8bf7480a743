package plan

import (
	"fmt"
	"strings"

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

// writeTFTP tells what is particular of a TFTP server.
func writeTFTP(b *strings.Builder, s Service, t *server.TFTPConfig) {
	if t.MaxWindow > 0 {
		fmt.Fprintf(b, "  tftp grants windows of %d at most\n", t.MaxWindow)
	}
	if m := t.Multicast; m != nil {
		fmt.Fprintf(b, "  tftp multicasts to %s-%s, UDP %d\n", m.First, m.Last, m.Port)
	}
	if s.Pad > 0 {
		fmt.Fprintf(b, "  tftp serves EFI images of %d MiB\n", s.Pad)
	}
	if t.NoOptions {
		b.WriteString("  tftp knows no options\n")
	}
	if t.NoTsize {
		b.WriteString("  tftp does not tell the size of files\n")
	}
	if t.StopAfter > 0 {
		fmt.Fprintf(b, "  tftp falls silent after block %d of each file\n", t.StopAfter)
	}
	if t.Silent {
		b.WriteString("  tftp never answers\n")
	}
}
