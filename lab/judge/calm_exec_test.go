package judge

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// The same of a server outside the lab, by the sockets that it was given.
func TestCalmBesideServersOutside(t *testing.T) {
	discover, offer := event.DHCP{Type: "DISCOVER"}, event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1"}
	for name, c := range map[string]struct {
		socket event.Socket
		why    string // empty: calm
		silent string // empty: nobody is told to have stayed silent
		play   func(*script) *script
	}{
		"no offer": {event.Socket{Network: "udp4", Address: "0.0.0.0:67"}, `"tftp", which is not ours`, "it did not answer DHCPDISCOVER; it is not ours",
			func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }},
		"it offered": {event.Socket{Network: "udp", Address: "[::]:67"}, "", "",
			func(s *script) *script { return s.sends(discover).receives("dhcp", offer).receives("tftp", offer) }},
		"it listens elsewhere": {event.Socket{Network: "tcp4", Address: "192.0.2.2:67"}, "", "",
			func(s *script) *script { return s.sends(discover).receives("dhcp", offer) }},
		"no file": {event.Socket{Network: "udp4", Address: "192.0.2.2:69"}, "had not answered RRQ probe.0", "it did not answer RRQ probe.0",
			func(s *script) *script { return s.asks("RRQ", "probe.0", event.TFTP{}) }},
		"it stops in the middle": {event.Socket{Network: "udp4", Address: "192.0.2.2:69"}, "had sent nothing after ACK probe.0", "",
			func(s *script) *script {
				return s.asks("RRQ", "probe.0", event.TFTP{}).gets("OACK", "probe.0", event.TFTP{}).asks("ACK", "probe.0", event.TFTP{})
			}},
		"it sent all": {event.Socket{Network: "udp4", Address: "192.0.2.2:69"}, "", "",
			func(s *script) *script {
				return s.asks("RRQ", "probe.0", event.TFTP{}).gets("DATA", "probe.0", event.TFTP{Block: 1, Last: true}).asks("ACK", "probe.0", event.TFTP{Block: 1})
			}},
		"the guest gives up": {event.Socket{Network: "udp4", Address: "192.0.2.2:69"}, "", "",
			func(s *script) *script {
				return s.asks("RRQ", "probe.0", event.TFTP{}).gets("OACK", "probe.0", event.TFTP{}).asks("ERROR", "probe.0", event.TFTP{})
			}},
	} {
		p := testPlan()
		p.Services[1].Server, p.Services[1].External = nil, true
		s := newScript(p, "bios")
		s.add(event.Event{Kind: event.ServiceListens, Service: "tftp", Socket: &c.socket})
		s.power("bios", true)
		c.play(s).fails("No more network devices")
		calm, why := Calm(s.plan, s.events, "bios")
		if calm != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: calm %t, %q; want %q", name, calm, why, c.why)
		}
		silent := ""
		for _, x := range Results(s.plan, s.events)[0].Who.Silent {
			if x.Service == "tftp" {
				silent += x.Why
			}
		}
		if (silent == "") != (c.silent == "") || !strings.Contains(silent, c.silent) {
			t.Errorf("%s: silent because %q, want %q", name, silent, c.silent)
		}
	}
}

// Who has a guest powered on may say what that boot is judged on; the next is judged on the plan's claims again.
func TestExpectationsOfOneBoot(t *testing.T) {
	p := testPlan()
	p.Guests[0].Expect = []topology.Expectation{{Ends: "off"}}
	s := newScript(p, "bios")
	s.boot++
	s.of(event.Event{Kind: event.GuestPowered, Power: &event.Power{Expect: json.RawMessage(`[{"serial":"gone"},{"ends":"running"}]`)}})
	s.fails("No more network devices")
	var got []string
	for _, v := range Judge(s.plan, s.events) {
		if v.Guest == "bios" {
			got = append(got, v.Expectation)
		}
	}
	if want := `serial: "gone", ends: running`; strings.Join(got, ", ") != want {
		t.Errorf("judged on %q, want %q", got, want)
	}
	s.power("bios", false)
	if v := Judge(s.plan, s.events); v[0].Expectation != "ends: off" {
		t.Errorf("the second boot is judged on %q", v[0].Expectation)
	}
}

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

// A boot that failed is not believed under warp if another daemon runs the machine.
func TestCalmForeign(t *testing.T) {
	const uri = "qemu:///system"
	for _, daemon := range []string{uri, ""} {
		s := newScript(testPlan(), "x64")
		s.power("x64", true)
		s.events[len(s.events)-1].Power.Daemon = daemon
		s.firmware().discovers(4).fails("PXE-E18: Server response timeout.")
		if calm, why := Calm(s.plan, s.events, "x64"); strings.Contains(why, uri) != (daemon == uri) || daemon == uri && calm {
			t.Errorf("run by %q: calm %t, %q", daemon, calm, why)
		}
	}
}

// A boot of which no question was seen that nobody answered is not believed under warp.
func TestCalmUnasked(t *testing.T) {
	for name, c := range map[string]struct {
		unasked bool
		play    func(*script) *script
	}{
		"no frame": {true, func(s *script) *script { return s.firmware().fails("No more network devices") }},
		"no question": {true, func(s *script) *script {
			return s.firmware().packet("", event.Packet{Proto: "icmp6", Src: "::", Dst: "ff02::16", Info: "MLD"}).fails("PXE-E18: Server response timeout.")
		}},
		"an answered one": {true, func(s *script) *script {
			return s.firmware().dora("probe-x64.efi").fails("PXE-E18: Server response timeout.")
		}},
		"questions": {false, func(s *script) *script { return s.firmware().discovers(4).fails("PXE-E18: Server response timeout.") }},
	} {
		s := newScript(testPlan(), "x64")
		s.power("x64", true)
		c.play(s)
		if _, why := Calm(s.plan, s.events, "x64"); strings.HasSuffix(why, "had left QEMU") != c.unasked {
			t.Errorf("%s: %q", name, why)
		}
	}
}
