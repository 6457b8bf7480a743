package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/server"
)

// TestNoEcho: that a host has no echo service is said where the plan has none there, and not where the datagram was lost.
func TestNoEcho(t *testing.T) {
	for _, echo := range []bool{true, false} {
		p := testPlan()
		p.Guests[1].Expect = booted("probe", "")
		if echo {
			p.Services[1].Server.Echo = &server.EchoConfig{Port: 7777}
		}
		s := reporting("PXELAB udp", "PXELAB udp st=8000000000000012 size=0")(newScript(p, "x64"))
		v := verdictsOf("x64", Judge(p, s.events))[0]
		if says := strings.Contains(v.Sentence, "has no echo on UDP 7777"); v.Pass || says == echo || !strings.Contains(v.Sentence, "did not come back") {
			t.Errorf("echo %v: %s", echo, v.Sentence)
		}
	}
}
