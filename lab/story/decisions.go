package story

import (
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// matching brings the answers of a server together with its reasons for them: they come on different ways, either first.
type matching struct {
	rows    []*Row        // answers without a reason yet
	reasons []event.Event // reasons without an answer yet
	passed  []*Row        // answers that were passed on, without a reason yet
	latest  string        // reason
}

// stale is how old a reason may be that no answer was seen for, once there is a newer one: that answer was lost.
const stale = time.Second

// answered gives a server's answer the reason for it, if that came before. Otherwise the row waits for it there.
func (s *Story) answered(r *Row, e event.Event) (waits *matching) {
	p, key := e.Packet, ""
	switch {
	case e.Service == "":
		return nil
	case p.DHCP != nil:
		key = answerKey(e.Service, p.DHCP.XID, p.DHCP.Type)
	case p.DHCP6 != nil:
		key = answerKey(e.Service, p.DHCP6.XID, p.DHCP6.Type)
	default:
		return nil
	}
	m := s.match(key)
	if e.Via != "" { // the same answer may have been seen before it was passed on, or not
		r.Why = m.latest
		return m
	}
	for len(m.reasons) > 1 && m.reasons[1].At-m.reasons[0].At > stale {
		m.reasons = m.reasons[1:]
	}
	if len(m.reasons) == 0 {
		return m
	}
	r.Why = m.reasons[0].Decision.Reason
	m.reasons = m.reasons[1:]
	return nil
}

func (s *Story) match(key string) *matching {
	if s.answers[key] == nil {
		s.answers[key] = &matching{}
	}
	return s.answers[key]
}

func answerKey(service, xid, kind string) string {
	kind = strings.TrimPrefix(strings.TrimPrefix(kind, "DHCPv6 "), "DHCP")
	return service + " " + xid + " " + kind
}

// decided tells what one of our servers decided.
func (s *Story) decided(e event.Event) {
	d := e.Decision
	switch {
	case d.Role == "tftp" || d.Role == "mtftp" || d.Role == "http":
		s.ofTransfer(e)
	case d.Reply == "":
		s.silent(e)
	case d.XID != "":
		m := s.match(answerKey(e.Service, d.XID, d.Reply))
		m.latest = d.Reason
		for _, r := range m.passed {
			r.Why = d.Reason
			s.show(r)
		}
		m.passed = nil
		if len(m.rows) == 0 {
			m.reasons = append(m.reasons, e)
			break
		}
		m.rows[0].Why = d.Reason
		s.show(m.rows[0])
		m.rows = m.rows[1:]
	}
}

// silent notes that a server decided not to answer.
func (s *Story) silent(e event.Event) {
	d := e.Decision
	guest := s.lanes.guest(strings.ToLower(d.Client), "")
	if lane, ok := cut(s.lanes.learned[event.HostOf(d.Client)], "guest:"); ok && guest == "" {
		guest = lane
	}
	s.row(Row{Kind: Note, Guest: guest, Boot: s.tracker.Guest(guest).Boot, From: s.lanes.add(laneOf(serviceLane(e.Service))), Label: "stays silent", Detail: d.Request, Why: d.Reason})
}

// ofTransfer takes what a server of files says of a transfer.
func (s *Story) ofTransfer(e event.Event) {
	x, d := s.transfers[e.Decision.Client], e.Decision
	if x == nil {
		s.early[d.Client] = append(s.early[d.Client], e)
		return
	}
	before := *x.row
	x.decided(d)
	if *x.row != before {
		s.show(x.row)
	}
	if d.Reply == "" && d.Outcome == "" && !x.mute {
		x.mute = true
		s.silent(e)
	}
}

// decided takes what the server says of the transfer: at its beginning, at its end, or both in one.
func (x *transfer) decided(d *event.Decision) {
	r := x.row
	if r.Why == "" {
		r.Why = d.Reason
	}
	if d.Outcome == "" {
		return
	}
	r.Bytes, r.Resent = max(r.Bytes, d.Bytes), max(r.Resent, d.Resent)
	bad, outcome := d.Reason, "stopped: by the server"
	switch d.Outcome {
	case "ok":
		outcome, bad = "whole", ""
	case "size-probe":
		outcome, bad = SizeOnly, ""
	case "not-found":
		outcome = "refused: file not found"
	case "refused":
		outcome = "refused: " + d.Reason
	case "aborted":
		outcome = "stopped: by the client"
	case "timeout":
		outcome = "stopped: the client fell silent"
	}
	if bad == "" || r.Finished == 0 {
		r.Outcome, r.Bad = outcome, bad
	}
}
