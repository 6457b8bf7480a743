package explain

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/lab/wire"
	"github.com/pxelab/pxelab/server/pxe"
)

// Record is a capture that has been read.
type Record struct {
	Boots   []Explanation `json:"boots"`
	Nothing string        `json:"nothing,omitempty"` // why there are none
	Frames  int           `json:"frames"`
	Span    time.Duration `json:"span"`             // from the first frame to the last, in nanoseconds
	Said    []string      `json:"notes,omitempty"`  // of the capture as a whole
	Others  int           `json:"others,omitempty"` // DHCP clients that do not boot from the network
}

// reader gathers the machines of a capture.
type reader struct {
	crowd   crowd
	touched []*station // by the last frame; reused
	others  map[[6]byte]bool
	midway  map[[6]byte]bool // machines whose transfers were seen, and not yet how they came to them
	start   time.Time
	end     time.Duration
	frames  int
	copies  copies
	kept    int // octets that the events take
	cut     int // frames of which only the beginning is there
	around  around
	blind   int // and these of DHCP
	odd     int // frames that are not understood
	oddity  string
	beyond  bool
}

// Capture explains every boot in a capture. It reads it once and keeps of it what the boots consist of. An error is that of a
// file which is none, or damaged before its first whole frame; one that ends too early is explained as far as it goes.
//
// A console, as clean lines, belongs to the last boot of the only machine; it is left out, and that is said, where there are
// several.
func Capture(frames iter.Seq2[Frame, error], console ...string) (*Record, error) {
	_, out, err := read(frames, console...)
	return out, err
}

// read reads a capture to its end and explains it.
func read(frames iter.Seq2[Frame, error], console ...string) (*reader, *Record, error) {
	r := newReader()
	var broken error
	for f, err := range frames {
		if err != nil {
			broken = err
			break
		}
		r.frame(&f)
	}
	if broken != nil && (r.frames == 0 || !errors.Is(broken, io.ErrUnexpectedEOF)) {
		return nil, nil, broken
	}
	if r.odd > 0 && r.odd == r.frames {
		return nil, nil, errors.New(r.oddity)
	}
	out := &Record{Said: r.remarks(broken)}
	if len(console) > 0 && len(r.crowd.all) != 1 {
		out.Said = append(out.Said, fmt.Sprintf("the console was left out, as %d machines boot in the capture and it is one machine's", len(r.crowd.all)))
		console = nil
	}
	for _, s := range r.crowd.all {
		s.hear(console, r.end)
	}
	r.explain(out)
	return r, out, nil
}

func newReader() *reader {
	return &reader{crowd: newCrowd(), others: map[[6]byte]bool{}, midway: map[[6]byte]bool{}, copies: newCopies()}
}

// explain explains all boots that have been read.
func (r *reader) explain(out *Record) {
	out.Frames, out.Span, out.Others = r.frames, r.end, len(r.others)
	for _, s := range r.crowd.all {
		out.Boots = append(out.Boots, s.explain(&r.around, r.end)...)
	}
	if len(out.Boots) == 0 {
		out.Nothing = r.nothing()
	}
}

// nothing says why no boot was found.
func (r *reader) nothing() string {
	switch {
	case r.frames == 0:
		return "the capture holds no frame"
	case r.blind > 0:
		return fmt.Sprintf("whether a machine boots here cannot be told: of %d DHCP messages only the beginning was captured; capture again, whole frames (tcpdump -s 0)", r.blind)
	case len(r.midway) > 0:
		return "files are fetched over TFTP here, and the DHCP before that is not in the capture: begin it before the machine is switched on"
	}
	return fmt.Sprintf("no machine boots from the network in this record: none of %d frames is a DHCP message that says PXEClient or HTTPClient", r.frames)
}

// frame hands a frame to the machines that it concerns.
func (r *reader) frame(f *Frame) {
	r.frames++
	if r.frames == 1 {
		r.start = f.At
	}
	at := max(f.At.Sub(r.start), 0)
	r.end = max(r.end, at)
	if f.Cut {
		r.cut++
	}
	r.around.look(f)
	if f.Odd != "" {
		r.odd, r.oddity = r.odd+1, f.Odd
	}
	h, ok := wire.Peek(f.Data)
	if !ok {
		return
	}
	r.around.lends(f, &h)
	if dhcp := h.UDP != nil && (h.DstPort == 67 || h.SrcPort == 67); dhcp && f.Cut {
		r.blind++
	}
	r.touched = r.touched[:0]
	r.meet(f, &h)
	copied, asked := false, false
	for _, s := range r.crowd.concerned(&h) {
		from, mine := s.owns(&h)
		if !mine || s.card != f.Card { // what went to all was seen on every card
			continue
		}
		if !asked {
			copied, asked = r.copies.has(f, &h, at), true
		}
		s.tagged(f.VLAN, &h, from) // a copy of it, too: a router passes it on into another VLAN
		if !copied {
			r.touched = append(r.touched, s)
			r.take(s, f, &h, from, at)
		}
	}
}

// meet makes the acquaintance of a machine by its first message that speaks of network boot.
func (r *reader) meet(f *Frame, h *wire.Head) {
	mac := h.Src
	switch op, chaddr, _, ok := h.BOOTP(); {
	case ok && op == 1:
		mac = chaddr
	case solicits(h):
	default:
		if r.crowd.of[mac] == nil && beginsMidway(h) && len(r.midway) < maxStations {
			r.midway[mac] = true
		}
		return
	}
	if r.crowd.of[mac] != nil {
		return
	}
	if !bytes.Contains(h.UDP, []byte("PXEClient")) && !bytes.Contains(h.UDP, []byte("HTTPClient")) {
		if len(r.others) < maxStations && !f.Cut { // what it is may be in the rest
			r.others[mac] = true
		}
		return
	}
	if len(r.crowd.all) == maxStations {
		r.beyond = true
		return
	}
	s := &station{mac: mac, midway: r.midway[mac], card: f.Card, addresses: map[netip.Addr]bool{}, vlans: map[int]bool{}, images: map[string]event.Image{}}
	r.crowd.add(s)
	delete(r.others, mac)
	delete(r.midway, mac)
}

// remarks are about the capture as a whole.
func (r *reader) remarks(broken error) []string {
	var out []string
	if broken != nil {
		out = append(out, fmt.Sprintf("the capture is cut short after frame %d: what came later is not explained", r.frames))
	}
	if r.cut > 0 {
		out = append(out, fmt.Sprintf("of %d frames only the beginning was captured: capture whole frames (tcpdump -s 0), as options and files may be missing", r.cut))
	}
	if r.odd > 0 {
		out = append(out, fmt.Sprintf("%d frames are left out: %s", r.odd, r.oddity))
	}
	if r.copies.count > 0 {
		out = append(out, fmt.Sprintf("%d frames are there again, seen on another interface or on their way in and out: each frame is counted once", r.copies.count))
	}
	if r.beyond {
		out = append(out, fmt.Sprintf("more than %d machines boot here; the first %d are explained", maxStations, maxStations))
	}
	return out
}

// hear adds the lines of its console to the last boot of the machine. When each was said nobody knows.
func (s *station) hear(console []string, end time.Duration) {
	for _, line := range console {
		s.add(event.Event{Kind: event.Console, At: end, Text: line})
	}
	s.console = console
}

// explain explains each boot of the machine.
func (s *station) explain(a *around, end time.Duration) []Explanation {
	var out []Explanation
	for rest := s.events; len(rest) > 0; {
		number, n := rest[0].Boot, 1
		for n < len(rest) && rest[n].Boot == number {
			n++
		}
		until := end
		if n < len(rest) {
			until = rest[n].At
		}
		if x, ok := s.explainBoot(a, number, rest[:n], until); ok {
			out = append(out, x)
		}
		rest = rest[n:]
	}
	return out
}

// explainBoot has the judge find out about one boot, as of a guest of which nothing more came.
func (s *station) explainBoot(a *around, number int, events []event.Event, until time.Duration) (Explanation, bool) {
	first := introduction(events)
	if first == nil {
		return Explanation{}, false
	}
	x := Explanation{Machine: s.name(), Boot: number, Arch: archOf(first), Client: clientOf(first)}
	p := &plan.Plan{Name: "capture", Guests: []plan.Guest{{Name: s.name(), MAC: s.name(), Arch: x.Arch, Clock: "real"}}}
	if first.DHCP != nil && strings.HasPrefix(first.DHCP.ClassID, "HTTPClient") {
		p.Guests[0].BootsOver = topology.OverHTTP
	}
	log := []event.Event{{Kind: event.RunStarted, Run: &event.Run{Images: slices.Collect(maps.Values(s.images))}}}
	for _, e := range events {
		e.Boot = 1
		log = append(log, e)
	}
	log = append(log, event.Event{Kind: event.GuestStalled, At: until, Guest: s.name(), Boot: 1, Stall: &event.Stall{}})
	t := judge.NewTracker(p)
	for i := range log {
		log[i].Seq = i + 1
		t.Feed(log[i])
	}
	result := t.Results()[0]
	x.Stage = result.Stage
	x.Steps = steps(log)
	x.remark(result.Notes)
	s.remarks(&x)
	x.conclude(&result, patience(log, until, s.periods[number-1]), len(s.console) > 0)
	if last := s.events[len(s.events)-1]; s.dropped && number == last.Boot {
		x.End, x.Answers = Unclear, nil
		x.Summary = fmt.Sprintf("what %s did later than %.0f s into the capture is not explained, as more came of it than is kept: cut the capture (editcap -A, -B)", x.Machine, last.At.Seconds())
	}
	if list := textAnswers(s.console); len(list) > 0 && x.End == Unclear && number == s.boot {
		x.fits(fmt.Sprintf("%s stopped at %s", x.Machine, x.Stage), list)
	}
	x.survey(s, a, log, until)
	x.late(log)
	x.ofROM(log)
	return x, true
}

// remarks are about what was recorded of the machine.
func (s *station) remarks(x *Explanation) {
	if len(s.vlans) > 1 {
		x.Notes = append(x.Notes, fmt.Sprintf("its frames carry several VLAN tags (%s): servers and machine must be in one VLAN", join(slices.Sorted(maps.Keys(s.vlans)))))
	}
}

func join(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}

// introduction is the first DHCP message of a boot that says what machine this is.
func introduction(events []event.Event) *event.Packet {
	for _, e := range events {
		if p := e.Packet; p != nil && p.FromGuest && (p.DHCP != nil && (len(p.DHCP.Archs) > 0 || p.DHCP.ClassID != "") || p.DHCP6 != nil) {
			return p
		}
	}
	return nil
}

// archOf is the architecture a machine says that it is. HTTP boot has numbers of its own for the same machines.
func archOf(p *event.Packet) string {
	var archs []int
	if p.DHCP != nil {
		archs = p.DHCP.Archs
	} else {
		archs = p.DHCP6.Archs
	}
	if len(archs) == 0 {
		return ""
	}
	name := pxe.Arch(archs[0]).String() //nolint:gosec // 16 bits on the wire
	if after, ok := strings.CutPrefix(name, "http-"); ok && after != "bios" {
		return "efi-" + after
	}
	return strings.TrimPrefix(name, "http-")
}

// clientOf tells the common clients apart by how their messages look.
func clientOf(p *event.Packet) string {
	d := p.DHCP
	switch {
	case d == nil:
		return "a UEFI client over IPv6"
	case d.UserClass == "iPXE":
		return "iPXE"
	case strings.HasPrefix(d.ClassID, "HTTPClient"):
		return "UEFI HTTP boot"
	case d.Broadcast && !slices.Contains(d.Options, "61") && slices.Contains(d.Options, "94"):
		return "a UEFI client like EDK2's"
	}
	return "a PXE client"
}
