package story

import (
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// moment is how long after a packet was seen its copy at another place may still be seen: each cable has a goroutine of its own.
const moment = 500 * time.Millisecond

// sighting is a packet that was seen, perhaps at several places.
type sighting struct {
	row    *Row
	at     time.Duration
	places []string
}

// packet tells of a packet.
func (s *Story) packet(e event.Event) {
	p := e.Packet
	if p.TFTP != nil {
		s.tftp(e)
		return
	}
	if p.HTTP != nil {
		s.http(e)
		return
	}
	from := s.lanes.from(e)
	key, place := sameness(e), whence(e)
	if v := s.recent[key]; v != nil && e.At-v.at <= moment && v.elsewhere(place) {
		v.places = append(v.places, place)
		if v.row.Guest == "" && e.Guest != "" {
			v.row.Guest, v.row.Boot = e.Guest, e.Boot
			s.show(v.row)
		}
		return
	}
	r := Row{Kind: Message, Guest: e.Guest, Boot: e.Boot, From: from, To: s.lanes.to(e), Network: e.Network, Frame: p.Frame, Repeat: repeats(p), Bad: p.Error}
	if e.Via != "" && from != serviceLane(e.Via) {
		r.Via = s.lanes.add(laneOf(serviceLane(e.Via)))
	}
	if p.DHCP != nil { // guests hear each other's broadcasts
		s.owned(&r, p.DHCP.CHAddr)
	}
	r.Proto, r.Chatter = proto(p)
	r.Label, r.Detail = label(p)
	if bad := wrong(p); bad != "" && r.Bad == "" {
		r.Bad, r.Chatter = bad, false
	}
	s.spoil(&r)
	waits := s.answered(&r, e)
	row := s.row(r)
	s.recent[key] = &sighting{row, e.At, []string{place}}
	switch {
	case waits == nil || row.Why != "":
	case e.Via != "":
		waits.passed = append(waits.passed, row)
	default:
		waits.rows = append(waits.rows, row)
	}
}

// owned gives a row to the guest whose message it is.
func (s *Story) owned(r *Row, mac string) {
	if names := s.lanes.guests[mac]; len(names) > 0 && !slices.Contains(names, r.Guest) {
		r.Guest, r.Boot = names[0], s.tracker.Guest(names[0]).Boot
	}
}

// spoil marks a row whose frame a fault has met.
func (s *Story) spoil(r *Row) {
	if did, ok := s.spoilt[r.Frame]; ok {
		r.Bad = did
		delete(s.spoilt, r.Frame)
	}
}

func (v *sighting) elsewhere(place string) bool {
	for _, p := range v.places {
		if p == place {
			return false
		}
	}
	return true
}

// whence is where a packet was seen.
func whence(e event.Event) string {
	if e.Watched != "" {
		return "at " + e.Watched + " on " + e.Network
	}
	return e.Guest
}

// sameness is the same for the copies of a packet that are seen at different places.
func sameness(e event.Event) string {
	p := e.Packet
	info := p.Info
	if i := strings.LastIndex(info, " (repeat "); i >= 0 { // each place counts what it saw
		info = info[:i]
	}
	return strings.Join([]string{p.SrcMAC, p.Src, p.Dst, p.Proto, info}, "|")
}

// repeats is how often a packet was sent before.
func repeats(p *event.Packet) int {
	switch {
	case p.DHCP != nil:
		return p.DHCP.Repeat
	case p.DHCP6 != nil:
		return p.DHCP6.Repeat
	}
	return 0
}
