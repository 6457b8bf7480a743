package mtftp

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/pxelab/pxelab/server/quote"
)

// running is a transmission with what carries it out.
type running struct {
	*transmission
	data      *os.File
	size      int64
	began     time.Time
	deadline  time.Time               // when the awaited block is sent again
	wire      int64                   // octets of UDP payload sent
	strangers map[netip.AddrPort]bool // whose ACKs were ignored, and that was told
}

// refusal is why a request is not served: what the client is told, and what the observer is told.
type refusal struct {
	code    uint16
	message string // on the wire: never a path of the server
	outcome string
	reason  string
}

// handle decides on one datagram.
func (s *Server) handle(datagram []byte, client netip.AddrPort, toAll bool, now time.Time) {
	p, err := parse(datagram)
	d := Decision{Client: client, Request: p.String()}
	switch {
	case err != nil:
		d.Request, d.Reason = "none", "ignored: "+err.Error()
		s.observe(d)
	case toAll:
		d.Reason = "ignored: requests are unicast, and this was sent to a group or to all"
		s.observe(d)
	case s.cfg.Silent:
		d.Reason = "silent, as configured"
		s.observe(d)
	case p.op == opRRQ || p.op == opWRQ:
		d.File = p.file
		s.request(p, d, now)
	default:
		s.answer(p, d, now)
	}
}

// request decides on an RRQ.
func (s *Server) request(p packet, d Decision, now time.Time) {
	name := localName(p.file)
	if r := s.running[name]; r != nil && p.op == opRRQ {
		switch r.asked(d.Client) {
		case listens:
			d.Reason = fmt.Sprintf("it is to listen: the file is on its way to %s, and %s acknowledges", r.group, r.opener)
			s.observe(d)
			return
		case repeats:
			d.Reply, d.Reason = "DATA", "a repeated request: block 1 was sent again"
			s.observe(d)
			out := r.current()
			r.resent += len(out)
			s.send(r, out, now)
			return
		case restarts:
			s.end(r, Aborted, "the client began again", now)
		case takes:
			s.end(r, Timeout, fmt.Sprintf("no ACK of block %d after %d retransmissions, and %s asks", r.awaited, r.vain, d.Client), now)
		}
	}
	r, refused := s.accept(p, d.Client, now)
	if refused != nil {
		d.Reply, d.Reason, d.Outcome = fmt.Sprintf("ERROR %d", refused.code), refused.reason, refused.outcome
		if err := s.write(errorPacket(refused.code, refused.message), d.Client); err != nil {
			d.Reason += "; not sent: " + err.Error()
		}
		s.observe(d)
		return
	}
	d.Reply = "DATA"
	d.Reason = fmt.Sprintf("sending %d octets to %s; this client opened, so it acknowledges", r.size, r.group)
	for _, o := range p.options {
		d.Reason += ", without option " + quote.Hidden(o)
	}
	s.observe(d)
	s.running[name] = r
	s.send(r, r.current(), now)
}

// accept opens what a request may have.
func (s *Server) accept(p packet, client netip.AddrPort, now time.Time) (*running, *refusal) {
	if p.op == opWRQ {
		return nil, &refusal{codeAccess, "read-only server", Refused, "this server is read-only"}
	}
	if p.mode != "octet" {
		return nil, &refusal{codeIllegal, "octet mode only", Refused, fmt.Sprintf("mode %s is not octet", quote.Hidden(p.mode))}
	}
	name := localName(p.file)
	i := slices.IndexFunc(s.cfg.Files, func(f File) bool { return localName(f.Name) == name })
	if i < 0 {
		return nil, &refusal{codeNotFound, "file not found", NotFound, "no group is configured for this file"}
	}
	info, err := s.root.Stat(name) // before opening: to open a FIFO would wait for its writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &refusal{codeNotFound, "file not found", NotFound, "no such file in the root"}
	case err != nil:
		return nil, &refusal{codeAccess, "access violation", Refused, err.Error()}
	case !info.Mode().IsRegular():
		return nil, &refusal{codeNotFound, "file not found", NotFound, "not a regular file"}
	case info.Size() > MaxFile:
		return nil, &refusal{codeUndefined, "file too large for MTFTP", Refused,
			fmt.Sprintf("%d octets are more than %d blocks of %d carry", info.Size(), maxBlocks, blockSize)}
	}
	f, err := s.root.Open(name)
	if err != nil {
		return nil, &refusal{codeAccess, "access violation", Refused, err.Error()}
	}
	group := netip.AddrPortFrom(s.cfg.Files[i].Group, s.cfg.ClientPort)
	return &running{transmission: newTransmission(name, group, client, info.Size()), data: f,
		size: info.Size(), began: now, strangers: map[netip.AddrPort]bool{}}, nil
}

// localName turns the name of a request into a path below the root, however the client writes it. What leads out of
// the root is in no configuration, so it is not found.
func localName(name string) string {
	return strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/")
}

// answer takes an ACK or an ERROR.
func (s *Server) answer(p packet, d Decision, now time.Time) {
	for _, r := range s.running {
		if r.opener != d.Client {
			continue
		}
		switch p.op {
		case opACK:
			out, done := r.ack(p.block)
			if done {
				s.end(r, OK, "sent whole", now)
				return
			}
			s.send(r, out, now)
		case opERROR:
			s.end(r, Aborted, fmt.Sprintf("the client sent %s %q", p, p.message), now)
		}
		return
	}
	s.stranger(p, d)
}

// stranger tells of an ACK from a client that opened nothing, once for each client and transmission. To send it ERROR 5
// would be wrong: it may be a former opener, which still receives what is sent.
func (s *Server) stranger(p packet, d Decision) {
	d.Reason = "ignored: this client has no transmission to acknowledge"
	fresh := len(s.running) == 0
	for _, r := range s.running {
		if !r.strangers[d.Client] {
			r.strangers[d.Client], fresh = true, true
		}
	}
	if fresh {
		d.Request = p.String()
		s.observe(d)
	}
}

// timeouts sends again what was not acknowledged in time.
func (s *Server) timeouts(now time.Time) {
	for _, r := range s.running {
		if now.Before(r.deadline) {
			continue
		}
		out, dead := r.timeout()
		if dead {
			s.end(r, Timeout, fmt.Sprintf("no ACK of block %d after %d retransmissions; the next client may open", r.awaited, r.vain), now)
			continue
		}
		s.send(r, out, now)
	}
}

// send puts blocks on the wire.
func (s *Server) send(r *running, out []sending, now time.Time) {
	r.deadline = now.Add(s.retransmitAfter)
	for _, o := range out {
		b := make([]byte, min(blockSize, r.size-int64(o.block-1)*blockSize))
		if n, err := r.data.ReadAt(b, int64(o.block-1)*blockSize); n < len(b) {
			s.tell(r, codeUndefined, "read error")
			s.end(r, Aborted, "reading the file: "+err.Error(), now)
			return
		}
		datagram := dataPacket(uint16(o.block), b)
		if s.write(datagram, o.to) == nil { // one that could not be sent is lost like any other
			r.wire += int64(len(datagram))
		}
	}
}

func (s *Server) write(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteTo(b, &ipv4.ControlMessage{Src: s.cfg.Address.AsSlice()}, net.UDPAddrFromAddrPort(to))
	return err
}

// tell sends the opener an ERROR.
func (s *Server) tell(r *running, code uint16, message string) {
	_ = s.write(errorPacket(code, message), r.opener) // lost like any datagram
}

// end tells how a transmission ended, and frees its group for the next.
func (s *Server) end(r *running, outcome, reason string, now time.Time) {
	delete(s.running, r.file)
	_ = r.data.Close() // it was only read
	s.observe(Decision{Client: r.opener, Request: "RRQ " + quote.Hidden(r.file), File: r.file, Outcome: outcome,
		Reason: fmt.Sprintf("%s: %s, %d octets on the wire", reason, r.progress(), r.wire), Bytes: r.octets(r.size),
		Sent: r.wire, Took: now.Sub(r.began), Resent: r.resent})
}

func (s *Server) abortAll() {
	for _, r := range s.running {
		s.tell(r, codeUndefined, "server stopped")
		s.end(r, Aborted, "the server stops", time.Now())
	}
}
