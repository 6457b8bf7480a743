package tftp

import (
	"fmt"
	"net/netip"
	"os"
)

// handle decides on one datagram that came to the server's port.
func (s *Server) handle(datagram []byte, client netip.AddrPort, local netip.Addr) {
	req, err := parseRequest(datagram)
	d := Decision{Client: client, Request: "none"}
	if err != nil {
		d.Reason = "ignored: " + err.Error()
		s.observe(d)
		return
	}
	d.Request, d.File = req.String(), req.name
	switch {
	case s.cfg.Silent:
		d.Reason = "silent, as configured"
		s.observe(d)
	case local == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || local.IsMulticast():
		d.Reason = "ignored: sent to a broadcast address (RFC 1123 section 4.2.3.5)"
		s.observe(d)
	case s.repeated(client, datagram):
		d.Reason = "a repeated request: the first answer was sent again"
		s.observe(d)
	case s.busy():
		d.Reason = fmt.Sprintf("ignored: %d transfers are under way", s.most)
		s.observe(d)
	default:
		s.start(req, datagram, client, local, d)
	}
}

// mostTransfers bounds what strangers can make the server hold: each transfer has a socket and a thread. A client that is
// ignored asks again.
const mostTransfers = 512

func (s *Server) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)+len(s.groups) >= s.most
}

// repeated deals with a client that is being served. If it sends the same request before its first acknowledgement,
// then our answer got lost or is late, and goes out again from the same port; a second transfer would confuse it.
// Otherwise it began again, after a reset say, and the old transfer ends.
func (s *Server) repeated(client netip.AddrPort, datagram []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		if again, member := g.repeated(client, datagram); member {
			return again
		}
	}
	t := s.live[client]
	if t == nil {
		return false
	}
	if string(t.opening) == string(datagram) && t.repeatFirst() {
		return true
	}
	t.halt(ending{outcome: Aborted, reason: "the client began again"})
	return false
}

// start serves or refuses a request, from a port of its own at the address that the client addressed.
func (s *Server) start(req request, datagram []byte, client netip.AddrPort, local netip.Addr, d Decision) {
	if !local.IsValid() {
		local = s.cfg.unspecified()
	}
	file, size, refused := s.accept(req)
	t := &transfer{req: req, opening: append([]byte{}, datagram...), client: client, file: file, size: size}
	if refused == nil {
		t.terms = req.agree(s.limits, size)
		if t.terms.multicast && s.join(t, local, d) {
			return
		}
	}
	c, err := openConn(s.link, local)
	if err != nil {
		d.Reason, d.Outcome = "ignored: "+err.Error(), Refused
		s.observe(d)
		if file != nil {
			file.Close()
		}
		return
	}
	if refused != nil {
		d.Reply, d.Reason, d.Outcome = fmt.Sprintf("ERROR %d", refused.code), refused.reason, refused.outcome
		c.sendError(refused.code, refused.message, client)
		c.close()
		s.observe(d)
		return
	}
	t.conn = c
	d.Reply, d.Reason = t.promise()
	s.observe(d)
	s.serve(t)
}

// accept opens what a request may have.
func (s *Server) accept(req request) (*os.File, int64, *refusal) {
	switch {
	case req.op == opWRQ:
		r := forbidden.because("this server is read-only")
		r.message = "read-only server"
		return nil, 0, r
	case req.mode != "octet" && req.mode != "netascii":
		return nil, 0, &refusal{codeIllegal, "unknown mode", Refused, fmt.Sprintf("mode %q is neither octet nor netascii", req.mode)}
	}
	return open(s.root, req.name)
}

// promise says how the transfer begins.
func (t *transfer) promise() (reply, reason string) {
	reply = "DATA"
	if len(t.terms.granted) > 0 {
		reply = "OACK"
	}
	return reply, fmt.Sprintf("serving %d octets %s", t.size, t.terms)
}
