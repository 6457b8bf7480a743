package judge

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// TestSilent: each service that got a request and did not answer is named, with its reason, and no other is.
func TestSilent(t *testing.T) {
	discover := event.DHCP{Type: "DISCOVER"}
	offer := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", File: "probe.0"}
	rrq := func(s *script) *script { return s.dora("probe.0").asks("RRQ", "probe.0", event.TFTP{}) }
	silentTFTP := func(s *script, client, outcome string) *script {
		return s.add(event.Event{Kind: event.ServerDecided, Service: "tftp", Decision: &event.Decision{Role: "tftp", Client: client,
			Request: "RRQ probe.0", File: "probe.0", Reason: "silent, as configured", Outcome: outcome}})
	}
	foreign := plan.Service{Name: "theirs", Network: "lan", Address: testPlan().Services[1].Address, Exec: &plan.Exec{Argv: []string{"/usr/sbin/dhcpd"}}}
	other := foreign
	other.Exec = &plan.Exec{Argv: []string{"/usr/bin/something"}}
	tftpd := foreign
	tftpd.Exec = &plan.Exec{Argv: []string{"/usr/sbin/in.tftpd"}, Ready: topology.Ready{UDP: 69}}
	second := plan.Service{Name: "second", Network: "lan", Address: testPlan().Services[1].Address, Server: &server.Config{Name: "second", DHCP: &server.DHCPConfig{}}}
	far := second
	far.Network = "far"
	with := func(s plan.Service) *plan.Plan {
		p := testPlan()
		p.Services[1] = s
		return p
	}
	for name, c := range map[string]struct {
		plan *plan.Plan
		play func(*script) *script
		want string // "service: why", empty: nobody
	}{
		"answered":         {testPlan(), func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }, ""},
		"with its reason":  {testPlan(), func(s *script) *script { return s.sends(discover).decided("dhcp", "dhcp", "DHCPDISCOVER", "") }, "dhcp: as configured"},
		"without a reason": {testPlan(), func(s *script) *script { return s.sends(discover) }, "dhcp: it did not answer DHCPDISCOVER and has not said why"},
		"ended": {testPlan(), func(s *script) *script {
			return s.add(event.Event{Kind: event.ServiceExited, Service: "dhcp"}).sends(discover)
		}, "dhcp: DHCPDISCOVER came when it had ended"},
		"ended afterwards": {testPlan(), func(s *script) *script {
			return s.sends(discover).receives("dhcp", offer).add(event.Event{Kind: event.ServiceExited, Service: "dhcp"})
		}, ""},
		"one of two":         {with(second), func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }, "second: it did not answer DHCPDISCOVER and has not said why"},
		"on another network": {with(far), func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }, ""},
		"for another server": {with(second), func(s *script) *script {
			s.sends(discover).receives("second", offer).receives("dhcp", offer).sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1"})
			return s.receives("dhcp", event.DHCP{Type: "ACK", YIAddr: "192.0.2.100", ServerID: "192.0.2.1"})
		}, ""},
		"not ours":             {with(foreign), func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }, "theirs: it did not answer DHCPDISCOVER; it is not ours and does not say why"},
		"not ours, unknown":    {with(other), func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }, ""},
		"a TFTP server":        {with(tftpd), func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }, ""},
		"a TFTP server, asked": {with(tftpd), rrq, "theirs: it did not answer RRQ probe.0; it is not ours and does not say why"},
		"a release":            {testPlan(), func(s *script) *script { return s.dora("a").sends(event.DHCP{Type: "RELEASE", ServerID: "192.0.2.1"}) }, ""},
		"RRQ":                  {testPlan(), rrq, "tftp: it did not answer RRQ probe.0 and has not said why"},
		"RRQ, with its reason": {testPlan(), func(s *script) *script { return silentTFTP(rrq(s), s.lease()+":1069", "") }, "tftp: it did not answer RRQ probe.0: silent, as configured"},
		"RRQ, of another":      {testPlan(), func(s *script) *script { return silentTFTP(rrq(s), "192.0.2.77:1069", "") }, "tftp: it did not answer RRQ probe.0 and has not said why"},
		"RRQ, the end of one":  {testPlan(), func(s *script) *script { return silentTFTP(rrq(s), s.lease()+":1069", "timeout") }, "tftp: it did not answer RRQ probe.0 and has not said why"},
		"RRQ, refused":         {testPlan(), func(s *script) *script { return rrq(s).gets("ERROR", "probe.0", event.TFTP{Code: 1}) }, ""},
	} {
		s := c.play(newScript(c.plan, "bios").firmware())
		var got []string
		for _, q := range whoOf(s).Silent {
			got = append(got, fmt.Sprintf("%s: %s", q.Service, q.Why))
		}
		want := []string{c.want}
		if c.want == "" {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
