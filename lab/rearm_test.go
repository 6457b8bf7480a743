package lab

import (
	"net"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/fault"
)

// TestRearm: a fault that is sent acts at once where it can, and else from the next power-on.
func TestRearm(t *testing.T) {
	none := func(*fault.Rule) bool { return false }
	mac := net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	question := append(append([]byte{255, 255, 255, 255, 255, 255}, mac...), make([]byte, 50)...)
	for name, c := range map[string]struct {
		clock string
		on    bool // it was powered on once, and is
		off   bool // it was powered on once, and is off
		rule  fault.Rule
		first int
		waits string
	}{
		"never powered on":         {"warp", false, false, fault.Rule{Do: "drop"}, 1, "x64 is off"},
		"off":                      {"warp", false, true, fault.Rule{Do: "drop"}, 5, "x64 is off"},
		"on":                       {"warp", true, false, fault.Rule{Do: "drop"}, 4, ""},
		"on, in seconds":           {"real", true, false, fault.Rule{Do: "delay", By: time.Second}, 4, ""},
		"on and warped in seconds": {"warp", true, false, fault.Rule{Do: "delay", By: time.Second}, 5, "x64's clock is warped, and this fault reckons in seconds"},
	} {
		m := &machine{name: "x64", alive: c.on, faults: standingOf([]fault.Rule{{Do: "duplicate", Selection: fault.Selection{Packet: "nak"}}})}
		m.guest.Clock = c.clock
		p := &powered{boot: 4, faults: newFaults(m.faults.list, mac, none)}
		if c.on || c.off {
			m.now.Store(p)
		}
		s := m.faults.add(c.rule, true)
		if s.number != 2 || m.faults.timed() != c.rule.Timed() {
			t.Errorf("%s: it has number %d, in seconds: %v", name, s.number, m.faults.timed())
		}
		if first, waits := m.rearm(s); first != c.first || waits != c.waits {
			t.Errorf("%s: it acts from boot %d, since %q; want %d, %q", name, first, waits, c.first, c.waits)
		}
		if a := p.faults.decide(question, true); (a.Rule == 2) != (c.waits == "") {
			t.Errorf("%s: its frames meet %+v", name, a)
		}
		if told := m.told(s); (told.Hits == 1) != (c.waits == "") || !told.Sent || told.Rule != 2 {
			t.Errorf("%s: told as %+v", name, told)
		}
	}
}
