package judge

import (
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestOfferOfAnImpostor: two servers give the same server identifier (option 54) and offer different addresses. The
// REQUEST names the address that was taken (option 50, RFC 2131 section 4.3.2), and so whose offer it was.
func TestOfferOfAnImpostor(t *testing.T) {
	for _, c := range []struct {
		from, requested string
		pass            bool
	}{
		{"dhcp", "192.0.2.100", true},
		{"tftp", "192.0.2.100", false},
		{"dhcp", "192.0.2.150", false},
		{"tftp", "192.0.2.150", true},
		{"dhcp", "", true}, // nothing but the identifier to go by
	} {
		p := expecting("bios", topology.Expectation{Offer: &topology.Offer{From: c.from}})
		s := newScript(p, "bios").firmware().sends(event.DHCP{Type: "DISCOVER"})
		s.receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", File: "probe.0"})
		s.receives("tftp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.150", ServerID: "192.0.2.1", File: "probe.0"})
		s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1", Requested: c.requested}).fails("").off()
		if v := verdictsOf("bios", Judge(p, s.events))[0]; v.Pass != c.pass {
			t.Errorf("offer from %s, %q requested: pass %v, want %v: %s", c.from, c.requested, v.Pass, c.pass, v.Sentence)
		}
	}
}
