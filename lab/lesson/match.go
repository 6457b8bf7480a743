package lesson

import (
	"net"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/plan"
)

// fits tells whether an event is what a checkpoint waits for.
func (f *Follower) fits(c *Checkpoint, e event.Event) bool {
	switch {
	case c.Packet != "":
		return c.ofGuest(e) && (e.Kind == event.PacketSeen && c.isPacket(e) || e.Kind == event.LabHeld && f.isHeld(c, e))
	case c.Console != "":
		// What a group is to take from the line may come only with its end.
		return c.ofGuest(e) && (e.Kind == event.Console || e.Kind == event.ConsolePartial && c.line.NumSubexp() == 0) && c.line.MatchString(e.Text)
	}
	test := func(name string) bool {
		s := f.tracker.Guest(name)
		if c.Settled {
			return s.Settled
		}
		_, ok := s.At[stage(c.Stage)]
		return ok && s.Boot > 0
	}
	switch {
	case c.Guest != "":
		return test(c.Guest)
	case c.Settled: // all of them
		return !slices.ContainsFunc(f.plan.Guests, func(g plan.Guest) bool { return !test(g.Name) })
	}
	return e.Guest != "" && test(e.Guest)
}

func stage(name string) event.Stage { return event.Stage(slices.Index(event.StageNames(), name)) }

func (c *Checkpoint) ofGuest(e event.Event) bool {
	return e.Guest != "" && (c.Guest == "" || c.Guest == e.Guest)
}

// isPacket tells whether a packet of the log is the one that is meant.
func (c *Checkpoint) isPacket(e event.Event) bool {
	p := e.Packet
	if p == nil || c.From == "guest" && !p.FromGuest || c.From != "" && c.From != "guest" && e.Service != c.From {
		return false
	}
	kinds := []string{"any", p.Proto}
	switch {
	case p.DHCP != nil:
		kinds = append(kinds, "udp", strings.ToLower(p.DHCP.Type))
		if p.DHCP.SrcPort == 4011 || p.DHCP.DstPort == 4011 {
			kinds = append(kinds, "pxe")
		}
	case p.DHCP6 != nil:
		kinds = append(kinds, "udp")
	case p.TFTP != nil:
		op := strings.ToLower(p.TFTP.Op)
		if op == "ack" || op == "error" {
			op = "tftp-" + op
		}
		kinds = append(kinds, "udp", op)
	case p.HTTP != nil:
		kinds = append(kinds, "tcp", "http-"+p.HTTP.Op)
	case p.Proto == "icmp6":
		kinds = append(kinds, "icmp")
	}
	return slices.Contains(kinds, c.Packet)
}

// isHeld tells whether the packet that the lab is held at is the one that is meant.
func (f *Follower) isHeld(c *Checkpoint, e event.Event) bool {
	h := e.Hold
	if h == nil || !h.On || len(h.Data) == 0 || c.From == "guest" && !h.FromGuest {
		return false
	}
	if c.From != "" && c.From != "guest" && (h.FromGuest || !f.sends(c.From, h.Data)) {
		return false
	}
	return (&fault.Selection{Packet: c.Packet}).Matches(h.Data)
}

// sends tells whether a frame comes from the host of a service.
func (f *Follower) sends(service string, frame []byte) bool {
	if len(frame) < 12 {
		return false
	}
	mac := net.HardwareAddr(frame[6:12]).String()
	i := slices.IndexFunc(f.plan.Services, func(s plan.Service) bool { return s.Name == service })
	if i < 0 {
		return false
	}
	if host := f.plan.Services[i].Host; host != "" {
		i = slices.IndexFunc(f.plan.Services, func(s plan.Service) bool { return s.Name == host })
	}
	return i >= 0 && slices.ContainsFunc(f.plan.Services[i].Interfaces(), func(l plan.Link) bool { return l.MAC == mac })
}

// travelled tells whether an event is the packet by which a point was reached while it was held, on its way.
func (f *Follower) travelled(p *point, e event.Event) bool {
	return e.Kind == event.PacketSeen && e.Guest == p.Reached.Guest && e.Boot == p.Boot && p.isPacket(e)
}

// Until says where a lab that goes on is to be held for this checkpoint, in the words of lab/control: a packet, as a fault's selection,
// on the cable of a guest (empty: of any), or a stage that it reaches. It is not ok for a checkpoint that no packet or stage
// is: then the lab just goes on.
//
// A selection sees frames, and a checkpoint of "http" is a whole request or response, of which the handshake of TCP is no part: step on
// until the checkpoint is reached.
func (c *Checkpoint) Until() (packet, guest, stage string, ok bool) {
	switch {
	case c.Packet != "" && c.From != "":
		return "{packet: " + c.Packet + ", from: " + c.From + "}", c.Guest, "", true
	case c.Packet != "":
		return c.Packet, c.Guest, "", true
	case c.Stage != "":
		return "", c.Guest, c.Stage, true
	}
	return "", "", "", false
}
