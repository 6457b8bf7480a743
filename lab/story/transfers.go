package story

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// transfer is a file on its way.
type transfer struct {
	row   *Row
	place string // where its packets are counted
	heard bool   // the server answered
	mute  bool   // its server's silence was noted
}

// shownRepeats is from how many repetitions on a row is told anew only every so many.
const shownRepeats = 16

// tftp follows a transfer over TFTP or MTFTP.
func (s *Story) tftp(e event.Event) {
	p, t := e.Packet, e.Packet.TFTP
	from, to := s.lanes.from(e), s.lanes.to(e)
	asks := t.Op == "RRQ" || t.Op == "WRQ"
	client, server := p.Src, to
	if !s.ofClient(e) {
		client, server = p.Dst, from
	}
	x := s.transfers[client]
	if to == All && !asks {
		x, server = s.byFile[e.Guest+" "+t.File], from
	}
	if x == nil || asks && (t.Repeat == 0 || x.row.Outcome != "") && x.place == whence(e) && x.row.Frame != p.Frame {
		asker := from
		if !asks && client != p.Src {
			asker = s.lanes.hears(e, to)
		}
		label := cmp.Or(t.File, "a file whose request was not seen")
		x = &transfer{place: whence(e), row: &Row{Kind: Transfer, Guest: e.Guest, Boot: e.Boot, From: asker, To: server, Network: e.Network, Proto: "tftp", Label: label, Detail: p.Info, Frame: p.Frame}}
		s.begin(x, client, e)
	}
	if x.place != whence(e) {
		return // the same packet, seen elsewhere
	}
	before := *x.row
	x.row.Packets++
	if did, ok := s.spoilt[p.Frame]; ok {
		x.row.Bad = did
		delete(s.spoilt, p.Frame)
	}
	if t.Repeat > 0 {
		x.row.Resent++
	}
	x.step(p, t, client == p.Src)
	s.moved(x, &before)
}

// progress tells how far a file has come.
func (s *Story) progress(e event.Event) {
	m := e.Progress
	x := s.transfers[m.Client]
	if x == nil {
		x = s.byFile[e.Guest+" "+m.File]
	}
	if x == nil || x.place != whence(e) || m.Bytes <= x.row.Bytes || x.row.Outcome == "whole" {
		return
	}
	x.row.Bytes = m.Bytes
	if m.Size > 0 {
		x.row.Size = m.Size
	}
	s.show(x.row)
}

// ofClient tells whether a packet of TFTP comes from who fetches a file.
func (s *Story) ofClient(e event.Event) bool {
	p := e.Packet
	switch op := p.TFTP.Op; {
	case op == "RRQ" || op == "WRQ" || op == "ACK":
		return true
	case op == "DATA" || op == "OACK":
		return false
	case e.Watched == "":
		return p.FromGuest
	}
	return s.transfers[p.Src] != nil // seen at a service, which may pass on what others send
}

// begin tells of a transfer that begins.
func (s *Story) begin(x *transfer, client string, e event.Event) {
	s.rows++
	x.row.ID = s.rows
	s.transfers[client] = x
	if x.row.Guest != "" {
		key := x.row.Guest + " " + x.row.Label
		if was := s.byFile[key]; was != nil && was.row.Outcome == SizeOnly && was.row.Proto == x.row.Proto { // which it asked for to know it now
			x.row.Size = was.row.Size
		}
		s.byFile[key] = x
	}
	for _, d := range s.early[client] {
		if e.At-d.At <= moment {
			x.decided(d.Decision)
		}
	}
	delete(s.early, client)
	s.show(x.row)
}

// moved tells what a packet changed about a transfer. How many packets there were is told with what else changes.
func (s *Story) moved(x *transfer, before *Row) {
	only := *x.row
	only.Resent, only.Packets = before.Resent, before.Packets
	switch {
	case only != *before:
		s.show(x.row)
	case x.row.Resent != before.Resent:
		s.often(x.row, x.row.Resent)
	}
}

// step takes one packet of it.
func (x *transfer) step(p *event.Packet, t *event.TFTP, ofClient bool) {
	r := x.row
	if p.Error != "" {
		r.Bad = p.Error
	}
	if t.Bytes > r.Bytes {
		r.Bytes = t.Bytes
	}
	fromServer := t.Op == "DATA" || t.Op == "OACK" || t.Op == "ERROR" && !ofClient
	x.heard = x.heard || fromServer
	switch {
	case t.Op == "OACK":
		if n, err := strconv.ParseInt(t.Options["tsize"], 10, 64); err == nil {
			r.Size = max(n, 0)
		}
		r.Detail = "agreed:" + options(t.Options)
	case t.Op == "DATA" && t.Last && t.Gap == 0 && r.Finished == 0:
		r.Outcome, r.Size, r.Finished = "whole", t.Bytes, p.Frame
	case t.Op == "ERROR" && r.Finished == 0:
		r.Finished = p.Frame
		r.fail(ofClient, t)
	}
}

// fail ends a transfer by an error of TFTP.
func (r *Row) fail(client bool, t *event.TFTP) {
	text := strings.TrimSpace(fmt.Sprintf("ERROR %d %s", t.Code, t.Message))
	switch {
	case client && r.Size > 0 && r.Bytes < r.Size:
		r.Outcome = SizeOnly
	case client:
		r.Outcome, r.Bad = "stopped: by the client", text
	case r.Bytes == 0:
		r.Outcome, r.Bad = "refused: "+t.Message, text
	default:
		r.Outcome, r.Bad = "stopped: by the server", text
	}
}

// options lists the options of a TFTP message, in one order.
func options(o map[string]string) string {
	var words []string
	for name, value := range o {
		words = append(words, " "+name+"="+value)
	}
	slices.Sort(words)
	return strings.Join(words, "")
}

// http follows an exchange over HTTP.
func (s *Story) http(e event.Event) {
	p, h := e.Packet, e.Packet.HTTP
	from, to := s.lanes.from(e), s.lanes.to(e)
	client, server := p.Dst, from
	if h.Op == "request" || h.Op != "response" && p.FromGuest {
		client, server = p.Src, to
	}
	x := s.transfers[client]
	if x == nil || h.Op == "request" && h.Repeat == 0 && x.place == whence(e) {
		asker := from
		if client != p.Src {
			asker = s.lanes.hears(e, to)
		}
		label := h.Target
		if h.Method != "GET" {
			label = strings.TrimSpace(h.Method + " " + h.Target)
		}
		label = cmp.Or(label, "a file whose request was not seen")
		x = &transfer{place: whence(e), row: &Row{Kind: Transfer, Guest: e.Guest, Boot: e.Boot, From: asker, To: server, Network: e.Network, Proto: "http", Label: label, Frame: p.Frame}}
		s.begin(x, client, e)
	}
	if x.place != whence(e) {
		return
	}
	before, r := *x.row, x.row
	r.Packets++
	r.Resent += min(h.Repeat, 1)
	r.Bytes = max(r.Bytes, h.Bytes)
	if h.Length != nil {
		r.Size = *h.Length
	}
	if p.Error != "" {
		r.Bad = p.Error
	}
	if h.Op == "response" {
		r.Detail = p.Info
		x.heard = true
	}
	if r.Finished == 0 {
		x.httpOutcome(p, h)
	}
	s.moved(x, &before)
}

func (x *transfer) httpOutcome(p *event.Packet, h *event.HTTP) {
	r := x.row
	switch {
	case h.Op == "cut":
		r.Outcome, r.Bad = "stopped: the connection ended", p.Info
	case !h.Last:
		return
	case h.Status >= 400:
		r.Outcome, r.Bad = fmt.Sprintf("refused: status %d", h.Status), fmt.Sprintf("status %d", h.Status)
	case h.Method == "HEAD":
		r.Outcome = SizeOnly
	default:
		r.Outcome, r.Size = "whole", r.Bytes
	}
	r.Finished = p.Frame
}

// stopAll ends what is under way when a guest's boot is over.
func (s *Story) stopAll(guest string) {
	s.catchUp(guest)
	var open []*transfer
	for _, x := range s.transfers {
		if x.row.Guest == guest && x.row.Outcome == "" {
			open = append(open, x)
		}
	}
	slices.SortFunc(open, func(a, b *transfer) int { return a.row.ID - b.row.ID })
	for _, x := range open {
		x.row.Outcome = "stopped"
		if !x.heard {
			x.row.Outcome, x.row.Bad = "no answer", "no answer"
		}
		s.show(x.row)
	}
}
