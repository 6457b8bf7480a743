package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// What a program that is not ours did not answer it may have been about to.
func TestCalmBesideForeignServers(t *testing.T) {
	discover, offer := event.DHCP{Type: "DISCOVER"}, event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1"}
	unreachable := event.Packet{Proto: "icmp", Src: "192.0.2.2", Dst: "192.0.2.100", Info: "ICMP port unreachable (192.0.2.2:69)"}
	for name, c := range map[string]struct {
		ready topology.Ready
		why   string // empty: calm
		play  func(*script) *script
	}{
		"no offer":                      {topology.Ready{UDP: 67}, `"tftp", which is not ours`, func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }},
		"no offer, ready by its log":    {topology.Ready{Log: "x"}, "had not answered DHCPDISCOVER", func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }},
		"it offered":                    {topology.Ready{UDP: 67}, "", func(s *script) *script { return s.sends(discover).receives("dhcp", offer).receives("tftp", offer) }},
		"it listens elsewhere":          {topology.Ready{UDP: 69}, "", func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }},
		"no file":                       {topology.Ready{UDP: 69}, "had not answered RRQ probe.0", func(s *script) *script { return s.asks("RRQ", "probe.0", event.TFTP{}) }},
		"its host says nobody is there": {topology.Ready{UDP: 67}, "", func(s *script) *script { return s.asks("RRQ", "probe.0", event.TFTP{}).packet("tftp", unreachable) }},
		"a request that names another":  {topology.Ready{UDP: 67}, "", func(s *script) *script { return s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.77"}) }},
		"it had ended": {topology.Ready{UDP: 67}, "", func(s *script) *script {
			return s.add(event.Event{Kind: event.ServiceExited, Service: "tftp"}).sends(discover).receives("dhcp", offer)
		}},
	} {
		p := testPlan()
		p.Services[1].Server, p.Services[1].Exec = nil, &plan.Exec{Ready: c.ready}
		s := newScript(p, "bios")
		s.power("bios", true)
		c.play(s).fails("No more network devices")
		calm, why := Calm(s.plan, s.events, "bios")
		if calm != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: calm %t, %q; want %q", name, calm, why, c.why)
		}
	}
}
