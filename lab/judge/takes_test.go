package judge

import (
	"testing"

	"github.com/pxelab/pxelab/lab/event"
)

// TestTwins: two servers offer one address and give one identifier (option 54). Whose offer was taken is told by who alone
// acknowledged, else by the file and next server the guest went on with, else it is said that nothing tells.
func TestTwins(t *testing.T) {
	const theirs, mine = "dhcp", "tftp"
	for name, c := range map[string]struct {
		acks   []string // who acknowledges
		files  [2]string
		fetch  string
		taken  string // empty: unsure
		second string // yiaddr of the second
	}{
		"who acknowledged":             {acks: []string{mine}, files: [2]string{"a", "a"}, taken: mine},
		"the other acknowledged":       {acks: []string{theirs}, files: [2]string{"a", "a"}, taken: theirs},
		"acknowledged, against a file": {acks: []string{mine}, files: [2]string{"a", "b"}, fetch: "a", taken: mine},
		"both, and a file of one":      {acks: []string{theirs, mine}, files: [2]string{"a", "b"}, fetch: "b", taken: mine},
		"both, and the other's file":   {acks: []string{theirs, mine}, files: [2]string{"a", "b"}, fetch: "a", taken: theirs},
		"nobody yet, and a file":       {files: [2]string{"a", "b"}, fetch: "b", taken: mine},
		"both, and one file":           {acks: []string{theirs, mine}, files: [2]string{"a", "a"}, fetch: "a"},
		"both, and no file yet":        {acks: []string{theirs, mine}, files: [2]string{"a", "b"}},
		"nobody yet":                   {files: [2]string{"a", "b"}},
		"the address tells":            {acks: []string{theirs, mine}, files: [2]string{"a", "a"}, second: "192.0.2.150", taken: theirs},
	} {
		s := newScript(testPlan(), "bios").firmware().sends(event.DHCP{Type: "DISCOVER"})
		one := event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", ServerID: "192.0.2.1", SIAddr: "192.0.2.2", File: c.files[0]}
		two := one
		two.YIAddr, two.File = orElse(c.second, two.YIAddr), c.files[1]
		s.receives(theirs, one).receives(mine, two).sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.1", Requested: "192.0.2.100"})
		for _, from := range c.acks {
			s.receives(from, event.DHCP{Type: "ACK", YIAddr: "192.0.2.100", ServerID: "192.0.2.1"})
		}
		if c.fetch != "" {
			s.asks("RRQ", c.fetch, event.TFTP{})
		}
		for _, o := range whoOf(s).Offers {
			if taken := c.taken == "" || c.taken == o.From; o.Taken != taken || o.Unsure != (c.taken == "") {
				t.Errorf("%s: offer of %s: taken %v, unsure %v", name, o.From, o.Taken, o.Unsure)
			}
		}
	}
}

func whoOf(s *script) *Who {
	tr := NewTracker(s.plan)
	for _, e := range s.events {
		tr.Feed(e)
	}
	return tr.last(s.guest.Name).who()
}
