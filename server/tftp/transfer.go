package tftp

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	pin "github.com/pin/tftp/v3"

	"github.com/pxelab/pxelab/server/socket"
)

// transfer is one file on its way to one client. The protocol's blocks, option acknowledgement and netascii are the
// library's; see link for the rest.
type transfer struct {
	server  *Server
	req     request
	opening []byte // the request as received
	client  netip.AddrPort
	file    *os.File
	size    int64
	link    *link
	began   time.Time
}

// start serves or refuses a request, from a port of its own at the address that the client addressed.
func (s *Server) start(req request, datagram []byte, client netip.AddrPort, local netip.Addr, d Decision) {
	if !local.IsValid() {
		local = s.cfg.unspecified()
	}
	sock, err := socket.ListenUDP(s.cfg.Interface, netip.AddrPortFrom(local, 0))
	if err != nil {
		d.Reason, d.Outcome = "ignored: "+err.Error(), Refused
		s.observe(d)
		return
	}
	file, size, refused := s.accept(req)
	if refused != nil {
		d.Reply, d.Reason, d.Outcome = fmt.Sprintf("ERROR %d", refused.code), refused.reason, refused.outcome
		if _, err := sock.WriteToUDPAddrPort(errorPacket(refused.code, refused.message), client); err != nil {
			d.Reason += "; not sent: " + err.Error()
		}
		sock.Close()
		s.observe(d)
		return
	}
	t := &transfer{server: s, req: req, opening: append([]byte{}, datagram...), client: client, file: file, size: size,
		link: newLink(sock, client, req.forTransfer(s.maxBlk), s.retransmitAfter), began: time.Now()}
	d.Reply, d.Reason = t.promise()
	s.observe(d)
	s.mu.Lock()
	s.live[client] = t
	s.mu.Unlock()
	s.wg.Go(t.run)
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

// blk gives the block size of the transfer.
func (t *transfer) blk() int {
	if asked := t.req.blksize(); asked > 0 {
		return min(asked, t.server.maxBlk)
	}
	return defaultBlk
}

// promise says how the transfer begins.
func (t *transfer) promise() (reply, reason string) {
	reply = "DATA"
	if t.req.blksize() > 0 || t.req.has("tsize") && t.size > 0 && t.req.mode == "octet" {
		reply = "OACK"
	}
	reason = fmt.Sprintf("serving %d octets in blocks of %d", t.size, t.blk())
	for _, o := range t.req.options {
		if o.name != "blksize" && o.name != "tsize" {
			reason += ", without option " + printable(o.name)
		}
	}
	return reply, reason
}

// run carries out the transfer. Each has a library server of its own, whose only peer is the link.
func (t *transfer) run() {
	var err error
	var s *pin.Server
	s = pin.NewServer(func(_ string, rf io.ReaderFrom) error {
		_, err = rf.ReadFrom(t.file)
		s.Shutdown()
		t.link.finish()
		return nil
	}, nil)
	s.EnableSinglePort() // everything passes through the link
	s.SetBlockSizeNegotiation(false)
	s.SetBlockSize(t.blk())
	s.SetTimeout(time.Hour) // the link retransmits and gives up
	serveErr := s.Serve(t.link)
	t.file.Close()
	t.server.mu.Lock()
	if t.server.live[t.client] == t { // not if the client began again
		delete(t.server.live, t.client)
	}
	t.server.mu.Unlock()
	if err == nil {
		err = serveErr
	}
	t.server.observe(t.end(err))
}

// end tells how the transfer ended.
func (t *transfer) end(err error) Decision {
	l := t.link
	d := Decision{Client: t.client, Request: t.req.String(), File: t.req.name, Bytes: l.confirmed, Resent: l.resent,
		Took: time.Since(t.began), Outcome: l.end.outcome, Reason: l.end.reason}
	switch {
	case err == nil:
		d.Outcome, d.Reason = OK, "transferred whole"
	case l.end.outcome == "":
		d.Outcome, d.Reason = Aborted, "reading the file: "+err.Error()
	case l.end.fromClient && l.confirmed == 0 && (l.end.code == codeOption || t.req.has("tsize")):
		d.Outcome, d.Reason = SizeProbe, "it asked for the size only: "+d.Reason
	}
	return d
}
