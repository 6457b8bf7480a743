package story

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/wire"
)

// note adds a row about one guest.
func (s *Story) note(e event.Event, label, detail, bad string) *Row {
	r := Row{Kind: Note, Guest: e.Guest, Boot: e.Boot, Label: label, Detail: detail, Bad: bad}
	if e.Fault != nil {
		r.Frame = e.Fault.Frame
	}
	switch {
	case e.Guest != "":
		r.From = guestLane(e.Guest)
	case e.Service != "":
		r.From = serviceLane(e.Service)
	default:
		return nil
	}
	s.lanes.add(laneOf(r.From))
	return s.row(r)
}

// happened tells of what is neither packet nor decision.
func (s *Story) happened(e event.Event) {
	if s.explained != nil && (e.Kind == event.GuestPowered || e.Kind == event.GuestStalled) {
		s.inCapture(e)
		return
	}
	switch e.Kind {
	case event.GuestPowered:
		s.poweredOn(e)
	case event.GuestSettled:
		s.stopAll(e.Guest)
		s.settled(e)
	case event.GuestExited:
		s.exited(e)
	case event.GuestEnded:
		s.ended[e.Guest] = e.Boot
		if !s.tracker.Guest(e.Guest).Settled { // which all that are settled are
			s.note(e, "switched off by the lab", e.Text, "")
		}
	case event.GuestBroken:
		s.note(e, "broken", e.Text, e.Text)
	case event.GuestStalled:
		if e.Stall != nil {
			s.note(e, "stalled at "+e.Stall.Stage.String(), fmt.Sprintf("nothing new for %s", e.Stall.Budget), "stalled")
		}
	case event.GuestHeld:
		s.note(e, map[string]string{"pause": "paused", "resume": "goes on"}[e.Text], "", "")
	case event.BootDiscarded:
		s.stopAll(e.Guest)
		s.note(e, "this boot proves nothing", e.Text, "")
	case event.KeysTyped:
		s.note(e, "keys typed: "+e.Text, "", "")
	case event.LinkChanged:
		s.note(e, "link "+e.Text, "", "")
	case event.FaultHit:
		s.fault(e)
	case event.FaultArmed:
		s.note(e, "fault armed", e.Text, "")
	case event.FaultCleared:
		s.note(e, "fault taken away", e.Text, "")
	case event.ServiceExited:
		bad := e.Text
		if e.Exit != nil && e.Exit.Code == 0 && e.Exit.Signal == "" {
			bad = ""
		}
		s.note(e, "ended", e.Text, bad)
	case event.ServiceRestart:
		s.note(e, "started again", e.Text, "")
	case event.ServiceLost:
		s.note(e, "not started again", e.Text, e.Text)
	}
}

// inCapture tells of the begin and the end of what a capture has of a boot.
func (s *Story) inCapture(e event.Event) {
	switch {
	case e.Kind == event.GuestStalled:
		s.stopAll(e.Guest)
		s.note(e, "no more of this boot", s.explained[bootKey(e.Guest, e.Boot)].Summary, "")
	case e.Boot > 1:
		s.note(e, fmt.Sprintf("begins anew, boot %d", e.Boot), "", "")
	default:
		s.note(e, "first heard of", "", "")
	}
}

// poweredOn tells that a machine was.
func (s *Story) poweredOn(e event.Event) {
	label, detail := "powered on", ""
	if e.Boot > 1 {
		label += fmt.Sprintf(", boot %d", e.Boot)
	}
	if e.Power != nil && e.Power.Warm != "" {
		detail = "from a snapshot of its firmware"
	}
	s.note(e, label, detail, "")
}

// settled tells how a boot ended, in short: the verdict says what to do about it.
func (s *Story) settled(e event.Event) {
	o := s.tracker.Guest(e.Guest).Outcome
	text := strings.TrimPrefix(o.Sentence, e.Guest+" ")
	if o.What != "" {
		text = fmt.Sprintf("stopped at %s: %s", o.Stage, o.What)
	}
	s.note(e, "settled", text, "")
}

// exited tells that the machine is off, unless the lab has just told that it ended it.
func (s *Story) exited(e event.Event) {
	s.stopAll(e.Guest)
	switch {
	case s.ended[e.Guest] == e.Boot:
	case e.Exit != nil && e.Exit.Code == 0 && e.Exit.Signal == "":
		s.note(e, "powered off", "", "")
	case e.Exit != nil:
		s.note(e, "QEMU ended", strings.TrimSpace(fmt.Sprintf("status %d %s", e.Exit.Code, e.Exit.Signal)), "QEMU ended")
	}
}

// spoils are the deeds of faults after which a frame is not what it was, or is no more.
var spoils = []string{"drop", "corrupt", "truncate", "mtu", "partition"}

// fault notes that a fault met a frame, or was done to a service or the guest. What it does to many packets of a file is one note.
func (s *Story) fault(e event.Event) {
	f := e.Fault
	if f == nil {
		return
	}
	did := fmt.Sprintf("fault %d: %s", f.Rule, f.Do)
	if f.Service != "" {
		did += " of " + f.Service
	}
	if f.Frame > 0 && slices.Contains(spoils, f.Do) {
		s.spoilt[f.Frame] = did
	}
	key := ""
	if !strings.HasPrefix(f.Info, "DHCP") {
		what := strings.TrimRight(f.Info, "0123456789") // without the number of its block
		key = fmt.Sprintf("%s %d %d %s", e.Guest, e.Boot, f.Rule, what)
	}
	if r := s.lossy[key]; r != nil {
		r.Repeat++
		s.often(r, r.Repeat)
		return
	}
	if r := s.note(e, did, f.Info, did); r != nil && key != "" {
		s.lossy[key] = r
	}
}

// held tells that the lab is held, or goes on.
func (s *Story) held(e event.Event) {
	h := e.Hold
	now := Hold{On: h.On, Armed: h.Until, Guest: e.Guest, Data: h.Data, FromGuest: h.FromGuest, Label: h.Info, Waiting: h.Waiting}
	if !h.On && (h.Did == "drop" || h.Did == "duplicate" || h.Did == "edit") {
		label := map[string]string{"drop": "dropped by hand", "duplicate": "sent twice by hand", "edit": "changed by hand"}[h.Did]
		detail := s.hold.Label
		switch n := len(h.Changed); {
		case n == 1:
			label += ": " + h.Changed[0]
		case n > 1:
			label += fmt.Sprintf(" in %d places", n)
			detail += ": " + strings.Join(h.Changed, ", ")
		}
		was := e
		was.Guest, was.Boot = s.hold.Guest, e.Boot
		if e.Guest != "" {
			was.Guest = e.Guest
		}
		s.note(was, label, detail, "")
	}
	if len(h.Data) > 0 {
		s.address(&now, e)
	}
	s.hold = now
	s.put(Item{Hold: &now})
}

// address finds who sends the held packet to whom.
func (s *Story) address(h *Hold, e event.Event) {
	p, ok := wire.New(nil).Frame(0, h.Data, h.FromGuest)
	if !ok {
		return
	}
	e.Packet = &p
	e.Service = s.lanes.service(&p)
	h.From, h.To = s.lanes.from(e), s.lanes.to(e)
	h.Label, _ = label(&p)
	if text := s.ofFile(&p, h.Data); text != "" {
		h.Label = text
	}
}

// tftpOps are the packets of TFTP by their opcodes (RFC 1350 section 5, RFC 2347).
var tftpOps = []string{1: "RRQ", 2: "WRQ", 3: "DATA", 4: "ACK", 5: "ERROR", 6: "OACK"}

// ofFile words a packet of a transfer that goes on, which by itself cannot be told from any other UDP; empty if it is none.
func (s *Story) ofFile(p *event.Packet, data []byte) string {
	head, _ := wire.Peek(data)
	op, block, ok := head.TFTP()
	if !ok || p.DHCP != nil {
		return ""
	}
	x := s.transfers[p.Src]
	if x == nil {
		x = s.transfers[p.Dst]
	}
	switch {
	case x == nil:
		return ""
	case op == 3 || op == 4:
		return fmt.Sprintf("%s %d of %s", tftpOps[op], block, x.row.Label)
	}
	return fmt.Sprintf("%s of %s", tftpOps[op], x.row.Label)
}
