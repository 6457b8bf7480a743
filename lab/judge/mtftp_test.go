package judge

import (
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestMulticastTransfer: what is sent to a group is the guest's if the guest asked for it, and not if it only came by.
func TestMulticastTransfer(t *testing.T) {
	for name, c := range map[string]struct {
		asks string
		pass bool
	}{"asked for": {"probe.0", true}, "only heard": {"other.0", false}} {
		p := expecting("bios", topology.Expectation{Served: &topology.Served{File: "probe.0", From: "tftp"}})
		s := newScript(p, "bios").firmware().dora("mtftp://192.0.2.2/probe.0").asks("RRQ", c.asks, event.TFTP{})
		s.packet("tftp", event.Packet{Proto: "tftp", Src: "192.0.2.2:1759", Dst: "239.255.1.1:3001", Info: "DATA 6 last, 2677 octets to 239.255.1.1",
			TFTP: &event.TFTP{Op: "DATA", File: "probe.0", Block: 6, Bytes: 2677, Last: true}})
		s.starts().reports().off()
		if v := verdictsOf("bios", Judge(p, s.events))[0]; v.Pass != c.pass {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
