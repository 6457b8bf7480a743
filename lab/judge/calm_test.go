package judge

import (
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
)

// decided is a decision of a service about the guest.
func (s *script) decided(service, role, request, reply string) *script {
	return s.add(event.Event{Kind: event.ServerDecided, Service: service, Decision: &event.Decision{Role: role, Client: s.guest.MAC,
		Request: request, Reply: reply, Reason: "as configured", XID: "0a0b0c0d"}})
}

func TestCalm(t *testing.T) {
	offer := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", File: "probe.0"}
	ack := event.DHCP{Type: "ACK", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", File: "probe.0"}
	discover, request := event.DHCP{Type: "DISCOVER"}, event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1"}
	for name, c := range map[string]struct {
		why  string // empty: calm
		play func(*script) *script
	}{
		"healthy":            {"", func(s *script) *script { return s.dora("probe.0").fetches("probe.0") }},
		"late offer":         {"the answer to DHCPDISCOVER came 26ms later", func(s *script) *script { return s.sends(discover).after(26*ms).receives("dhcp", offer) }},
		"offer just in time": {"", func(s *script) *script { return s.sends(discover).after(25*ms).receives("dhcp", offer) }},
		"second server late": {"26ms later", func(s *script) *script {
			return s.sends(discover).receives("dhcp", offer).after(26*ms).receives("tftp", offer)
		}},
		"offer that the lab took": {"", func(s *script) *script {
			s.sends(discover).decided("dhcp", "dhcp", "DHCPDISCOVER", "DHCPOFFER")
			return s.of(event.Event{Kind: event.FaultHit, Fault: &event.Fault{Rule: 1, Do: "drop", Info: "DHCPOFFER"}})
		}},
		"near: offer that the lab held up": {"had not answered", func(s *script) *script {
			s.sends(discover).decided("dhcp", "dhcp", "DHCPDISCOVER", "DHCPOFFER")
			return s.of(event.Event{Kind: event.FaultHit, Fault: &event.Fault{Rule: 1, Do: "delay", Info: "DHCPOFFER"}})
		}},
		"near: the lab took what came before": {"had not answered", func(s *script) *script {
			s.of(event.Event{Kind: event.FaultHit, Fault: &event.Fault{Rule: 1, Do: "drop", Info: "DHCPOFFER"}})
			return s.sends(discover).decided("dhcp", "dhcp", "DHCPDISCOVER", "DHCPOFFER")
		}},
		"late ack": {"the answer to DHCPREQUEST came 30ms", func(s *script) *script { return s.sends(request).after(30*ms).receives("dhcp", ack) }},
		"ack of another xid": {"had not answered", func(s *script) *script {
			return s.sends(request).after(ms).receives("dhcp", event.DHCP{Type: "ACK", XID: "77777777"})
		}},
		"late tftp": {"the answer to RRQ probe.0 came 40ms", func(s *script) *script {
			return s.asks("RRQ", "probe.0", event.TFTP{}).after(40*ms).gets("OACK", "probe.0", event.TFTP{})
		}},
		"second rrq in time": {"", func(s *script) *script { return s.fetches("probe.0").after(time.Second).fetches("probe.0") }},
		"tftp asked twice": {"RRQ probe.0 2 times before the first answer", func(s *script) *script {
			return s.asks("RRQ", "probe.0", event.TFTP{}).after(3*ms).asks("RRQ", "probe.0", event.TFTP{Repeat: 1}).after(ms).gets("OACK", "probe.0", event.TFTP{})
		}},
		"rrq repeated although answered": {"it sent RRQ probe.0 again although it had been answered", func(s *script) *script {
			return s.asks("RRQ", "probe.0", event.TFTP{}).after(ms).gets("OACK", "probe.0", event.TFTP{}).after(100*ms).asks("RRQ", "probe.0", event.TFTP{Repeat: 1})
		}},
		"ack repeated": {"it repeated ACK", func(s *script) *script {
			s.fetches("probe.0").asks("RRQ", "probe.0", event.TFTP{}).gets("OACK", "probe.0", event.TFTP{})
			return s.asks("ACK", "probe.0", event.TFTP{Repeat: 1}).gets("DATA", "probe.0", event.TFTP{Block: 1, Bytes: 1468})
		}},
		"ack repeated, blocks came that the log leaves out": {"it repeated ACK", func(s *script) *script {
			s.half("probe.0")
			return s.asks("ACK", "probe.0", event.TFTP{Block: 7, Repeat: 1, Bytes: 9000})
		}},
		"ack repeated to a server that stopped": {"", func(s *script) *script { return s.half("probe.0") }},
		"ack repeated for a gap": {"", func(s *script) *script {
			s.asks("RRQ", "probe.0", event.TFTP{}).gets("OACK", "probe.0", event.TFTP{}).asks("ACK", "probe.0", event.TFTP{})
			s.gets("DATA", "probe.0", event.TFTP{Block: 2, Gap: 1})
			for i := range 3 {
				s.asks("ACK", "probe.0", event.TFTP{Repeat: i + 1})
			}
			return s.gets("DATA", "probe.0", event.TFTP{Block: 2, Bytes: 2936, Repeat: 1}).gets("DATA", "probe.0", event.TFTP{Block: 6, Bytes: 8192, Last: true})
		}},
		"request repeated": {"DHCPREQUEST 2 times before", func(s *script) *script {
			return s.sends(request).after(5*ms).sends(request).after(ms).receives("dhcp", ack)
		}},
		"ipxe discovers twice": {"", func(s *script) *script {
			return s.sends(discover).after(ms).receives("dhcp", offer).after(30*ms).sends(discover).after(ms).receives("dhcp", offer)
		}},
		"late arp": {"26ms later", func(s *script) *script {
			s.packet("", event.Packet{Proto: "arp", Src: "192.0.2.100", Dst: "192.0.2.2", Info: "ARP who has 192.0.2.2"})
			return s.after(26*ms).packet("tftp", event.Packet{Proto: "arp", Src: "192.0.2.2", Dst: "192.0.2.100", Info: "ARP is at"})
		}},
		"late echo": {"26ms later", func(s *script) *script {
			s.packet("", event.Packet{Proto: "udp", Src: "192.0.2.100:2000", Dst: "192.0.2.2:7777", Info: "UDP"})
			return s.after(26*ms).packet("tftp", event.Packet{Proto: "udp", Src: "192.0.2.2:7777", Dst: "192.0.2.100:2000", Info: "UDP"})
		}},
		"host late": {"the host kept the lab waiting for 51ms", func(s *script) *script {
			return s.dora("").add(event.Event{Kind: event.HostLate, Late: &event.Late{By: 51 * ms}})
		}},
		"host late before the first frame": {"", func(s *script) *script {
			return s.firmware().add(event.Event{Kind: event.HostLate, Late: &event.Late{By: 51 * ms}}).dora("")
		}},
		"host late, guest long silent": {"", func(s *script) *script {
			s.dora("").after(1200 * ms).add(event.Event{Kind: event.HostLate, Late: &event.Late{By: 100 * ms}})
			return s.after(time.Minute).of(event.Event{Kind: event.GuestStalled, Stall: &event.Stall{}})
		}},
		"host a little late": {"", func(s *script) *script {
			return s.dora("").add(event.Event{Kind: event.HostLate, Late: &event.Late{By: 50 * ms}})
		}},
		"unanswered":             {`service "dhcp" had not answered DHCPDISCOVER`, func(s *script) *script { return s.sends(discover).after(ms).sends(discover) }},
		"unanswered by decision": {"", func(s *script) *script { return s.sends(discover).decided("dhcp", "dhcp", "DHCPDISCOVER", "") }},
		"answer decided, lost":   {"had not answered", func(s *script) *script { return s.sends(discover).decided("dhcp", "dhcp", "DHCPDISCOVER", "DHCPOFFER") }},
		"request to another":     {"", func(s *script) *script { return s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.77"}) }},
		"nobody on port 4011":    {"", func(s *script) *script { return s.sends(event.DHCP{Type: "REQUEST", DstPort: 4011}) }},
		"rrq unanswered":         {`service "tftp" had not answered RRQ probe.0`, func(s *script) *script { return s.asks("RRQ", "probe.0", event.TFTP{}) }},
		"rrq, decision of another file": {`service "tftp" had not answered`, func(s *script) *script {
			return s.asks("RRQ", "probe.0", event.TFTP{}).decided("tftp", "tftp", "RRQ other", "")
		}},
		"rrq to a dead server": {"", func(s *script) *script {
			return s.add(event.Event{Kind: event.ServiceExited, Service: "tftp"}).asks("RRQ", "probe.0", event.TFTP{})
		}},
		"rrq to a silent server": {"", func(s *script) *script {
			s.plan.Services[1].Server.TFTP.Silent = true
			return s.asks("RRQ", "probe.0", event.TFTP{})
		}},
		"no server at all": {"", func(s *script) *script { s.plan.Services = nil; return s.sends(discover).after(ms).sends(discover) }},
	} {
		s := newScript(testPlan(), "bios")
		s.power("bios", true)
		c.play(s).fails("No more network devices")
		calm, why := Calm(s.plan, s.events, "bios")
		if calm != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: calm %t, %q; want %q", name, calm, why, c.why)
		}
	}
}

// In real time a boot may always be believed: its timers and the servers' run by the same clock.
func TestRealTimeIsCalm(t *testing.T) {
	s := newScript(testPlan(), "bios").sends(event.DHCP{Type: "DISCOVER"}).after(time.Second).receives("dhcp", event.DHCP{Type: "OFFER"})
	if calm, why := Calm(s.plan, s.events, "bios"); !calm {
		t.Error(why)
	}
	if calm, why := Calm(s.plan, s.events, "x64"); !calm {
		t.Errorf("a guest that was never powered on: %s", why)
	}
}

// What happened before or after the boot, or to other guests, is not this boot's haste.
func TestCalmLooksAtThisBootOnly(t *testing.T) {
	s := newScript(testPlan(), "x64")
	late := event.Event{Kind: event.HostLate, Late: &event.Late{By: time.Second}}
	s.sends(event.DHCP{Type: "DISCOVER"}).after(time.Second).receives("dhcp", event.DHCP{Type: "OFFER"}).add(late)
	s.boot = 0
	s.power("bios", true).sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.77"}).fails("").add(late)
	if calm, why := Calm(s.plan, s.events, "bios"); !calm {
		t.Error(why)
	}
}

// A DHCPREQUEST that is sent again after its answer is haste where the boot went well and a claim about it failed; where it did
// not go well, the client may have had its reasons.
func TestCalmRequestAgain(t *testing.T) {
	request, ack := event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1"}, event.DHCP{Type: "ACK", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", File: "probe.0"}
	again := request
	again.Repeat = 1
	for _, well := range []bool{true, false} {
		s := newScript(testPlan(), "bios")
		s.power("bios", true).firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", File: "probe.0"})
		s.sends(request).after(ms).receives("dhcp", ack).after(ms).sends(again).after(ms).receives("dhcp", ack)
		if well {
			s.fetches("probe.0").reports().off()
		} else {
			s.fails("No more network devices")
		}
		calm, why := Calm(s.plan, s.events, "bios")
		if strings.Contains(why, "again although it had been answered") != well {
			t.Errorf("the boot went well: %t; calm %t, %q", well, calm, why)
		}
	}
}

// TestCalmSpared: a warped client that gives up on a file is believed if a fault takes each block that is sent, and not if it would have
// let one through.
func TestCalmSpared(t *testing.T) {
	for _, c := range []struct {
		rule fault.Rule
		info string
		calm bool
	}{
		{fault.Rule{Do: "partition", Selection: fault.Selection{Packet: "data", Nth: 1}, Frames: 2}, "TFTP DATA 2", false},
		{fault.Rule{Do: "partition", Selection: fault.Selection{Packet: "data", Nth: 1}}, "TFTP DATA 2", true},
		{fault.Rule{Do: "drop", Selection: fault.Selection{Packet: "data", Percent: 50}}, "TFTP DATA 2", false},
		{fault.Rule{Do: "drop", Selection: fault.Selection{Packet: "data", Block: 2}}, "TFTP DATA 2", true},
		{fault.Rule{Do: "drop", Selection: fault.Selection{First: 1}}, "DHCPOFFER 192.0.2.100", true},
	} {
		p := testPlan()
		p.Guests[0].Faults = []fault.Rule{c.rule}
		s := newScript(p, p.Guests[0].Name).power(p.Guests[0].Name, true).firmware()
		s.dora("probe.0").half("probe.0").of(event.Event{Kind: event.FaultHit, Fault: &event.Fault{Rule: 1, Do: c.rule.Do, Info: c.info}})
		s.fails("tftp://192.0.2.2/probe.0... Connection timed out (http://ipxe.org/4c126035)")
		if r := track(s).Guest(p.Guests[0].Name).Outcome.Reason; r != TFTPStopped {
			t.Fatalf("%s: it stopped for %s", c.rule, r)
		}
		if calm, why := Calm(p, s.events, p.Guests[0].Name); calm != c.calm || !calm && !strings.Contains(why, "had time to send that again") {
			t.Errorf("%s: calm %t, %q", c.rule, calm, why)
		}
	}
}
