package judge

import (
	"fmt"
	"math"
	"slices"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// sum is what a server of ours put on the wire of one file.
type sum struct {
	octets        int64 // of UDP payload
	transmissions int   // that went to their end
	resent        int   // datagrams
	evidence      []event.Event
}

// sentOf adds up the transfers of a file, whoever they were for. One that was broken off counts with what it sent.
func (v *seen) sentOf(c *topology.Sent) sum {
	var s sum
	for _, e := range v.events {
		d := e.Decision
		if d == nil || d.Outcome == "" || !sameFile(d.File, c.File) || d.Role != "tftp" && d.Role != "mtftp" || c.Over != "" && d.Role != c.Over {
			continue
		}
		if d.Sent == 0 && d.Outcome != "ok" { // a size probe, or a refusal
			continue
		}
		s.octets += d.Sent
		s.resent += d.Resent
		if d.Outcome == "ok" {
			s.transmissions++
		}
		s.evidence = append(s.evidence, e)
	}
	return s
}

// checkSent holds what a server says that it put on the wire against the size of the file.
func (t *Tracker) checkSent(name string, v *seen, c *topology.Sent) finding {
	i := slices.IndexFunc(t.run.Images, func(m event.Image) bool { return sameFile(m.File, c.File) })
	if i < 0 || t.run.Images[i].Size == 0 {
		return fail(fmt.Sprintf("%q is no file that this run serves, so what was sent of it cannot be measured", c.File))
	}
	size, s := t.run.Images[i].Size, v.sentOf(c)
	ratio := float64(s.octets) / float64(size)
	text := fmt.Sprintf("%q put %d octets of DATA of %q on the wire, %.2f times its %d octets, in %s that ended well, with %s sent again", name,
		s.octets, c.File, ratio, size, times(s.transmissions, "transmission"), times(s.resent, "datagram"))
	if copies := int(math.Round(ratio)); c.Copies != nil && copies != *c.Copies {
		return fail(fmt.Sprintf("%s: that is %s, not %d", text, times(copies, "time"), *c.Copies), s.evidence...)
	}
	if c.Transmissions != nil && s.transmissions != *c.Transmissions {
		return fail(fmt.Sprintf("%s: not %d", text, *c.Transmissions), s.evidence...)
	}
	return pass(text, s.evidence...)
}
