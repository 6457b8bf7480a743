package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// TFTP opcodes, RFC 1350 section 5 and RFC 2347.
const (
	opRRQ   = 1
	opWRQ   = 2
	opDATA  = 3
	opACK   = 4
	opERROR = 5
	opOACK  = 6
)

const (
	tftpServerPort = 69  // RFC 1350 section 4
	defaultBlksize = 512 // RFC 1350 section 2
)

// transferKey names a transfer by who asked whom. The server's port is not part of it: a server answers from
// a port of its own choice, some from the one that was asked.
type transferKey struct {
	client netip.AddrPort
	server netip.Addr
}

// request is an RRQ, a WRQ or an OACK taken apart.
type request struct {
	file, mode string
	options    map[string]string // keys in lower case (RFC 2347)
	words      []string          // "tsize=0" in the order sent
	err        string
}

// tftpPort reports whether a datagram belongs to TFTP: port 69, a transfer that is known, an answer to one
// that a client asked for, or a request to a server on a port of its own.
func (d *Decoder) tftpPort(src, dst uint16, payload []byte) bool {
	if src == tftpServerPort || dst == tftpServerPort {
		return true
	}
	if len(payload) < 4 || payload[0] != 0 {
		return false
	}
	switch payload[1] {
	case opRRQ, opWRQ:
		r := parseRequest(payload[2:], true)
		return r.err == "" && r.file != "" && transferMode(r.mode)
	case opDATA, opACK, opERROR, opOACK:
		t, _ := d.transfer()
		return t != nil || d.newest[d.cur.dst] != nil
	}
	return false
}

// transferMode knows the modes of RFC 1350 section 5, which are case-insensitive.
func transferMode(s string) bool {
	s = strings.ToLower(s)
	return s == "octet" || s == "netascii" || s == "mail"
}

// tftp decodes one step of a transfer. The size is that of the whole payload, which a fragmented datagram
// carries on in further frames.
func (d *Decoder) tftp(p *event.Packet, payload []byte, size int) bool {
	if len(payload) < 4 || payload[0] != 0 {
		p.Error = fmt.Sprintf("port %d, but not TFTP: %d octets", tftpServerPort, size)
		return true
	}
	op, number := payload[1], binary.BigEndian.Uint16(payload[2:])
	if op == opRRQ || op == opWRQ {
		return d.ask(p, op, payload)
	}
	t, client := d.transfer()
	if t == nil {
		t = d.stray(p)
	}
	switch op {
	case opDATA:
		told := t.data(p, number, size-4)
		if !told {
			t.moved(d)
		}
		return told
	case opACK:
		return t.ack(p, number, d.cur.dst.Port(), client)
	case opERROR:
		return t.fail(p, number, printable(cutNUL(payload[4:])), d.tid(client), client)
	case opOACK:
		d.join(t, payload)
		return t.grant(p, payload, d.cur.src.Port())
	}
	p.Error = fmt.Sprintf("TFTP opcode %d is unknown", op)
	return true
}

// tid is the port of the server's end of the frame.
func (d *Decoder) tid(client bool) uint16 {
	if client {
		return d.cur.dst.Port()
	}
	return d.cur.src.Port()
}

// transfer finds the transfer a datagram belongs to, and whether the client of it is the sender.
func (d *Decoder) transfer() (t *transfer, client bool) {
	if t := d.transfers[transferKey{d.cur.src, d.cur.dst.Addr()}]; t != nil {
		return t, true
	}
	return d.transfers[transferKey{d.cur.dst, d.cur.src.Addr()}], false
}

// stray handles a datagram of no known transfer. A server with two addresses may answer from the wrong one:
// the transfer is the one its client asked for, and is known under that address from then on. Any other gets
// a transfer of no name, so that its packets can be told at least.
func (d *Decoder) stray(p *event.Packet) *transfer {
	asked := d.newest[d.cur.dst]
	if asked == nil {
		return &transfer{blksize: defaultBlksize, next: 1, nameless: true}
	}
	p.Error = fmt.Sprintf("answered by %s, but the client asked %s", d.cur.src.Addr(), asked.server)
	d.put(transferKey{d.cur.dst, d.cur.src.Addr()}, asked)
	return asked
}

// ask begins a transfer, or counts the repetition of its request. A request repeated after data came is a
// new start, since the blocks will come again from the first.
func (d *Decoder) ask(p *event.Packet, op byte, payload []byte) bool {
	r := parseRequest(payload[2:], true)
	key := transferKey{d.cur.src, d.cur.dst.Addr()}
	t := &transfer{server: key.server, file: r.file, request: string(payload), blksize: defaultBlksize, next: 1}
	if old := d.transfers[key]; old != nil && !old.ended && old.request == t.request {
		t.requests = old.requests + 1
		if old.next == 1 {
			old.requests = t.requests
			t = old
		}
	}
	d.put(key, t)
	d.movedOn(key, t)
	d.newest[key.client] = t
	d.opens(t, d.cur.dst)
	tf := &event.TFTP{Op: "RRQ", File: r.file, Options: r.options, Repeat: t.requests}
	if op == opWRQ {
		tf.Op = "WRQ"
	}
	p.Proto, p.TFTP, p.Error = "tftp", tf, r.err
	words := append([]string{tf.Op, r.file}, r.words...)
	if r.mode != "" && !strings.EqualFold(r.mode, "octet") {
		words = append(words, "mode "+r.mode)
	}
	p.Info = strings.Join(words, " ") + again(tf.Repeat)
	return true
}

// movedOn notes the latest request between two hosts. One that repeats it before any of its blocks is a repetition though
// it comes from another port: EDK2 takes a new port for each over IPv6, and so cannot hear a late answer to the last.
func (d *Decoder) movedOn(key transferKey, t *transfer) {
	hosts := [2]netip.Addr{key.client.Addr(), key.server}
	if last := d.asked[hosts]; last != nil && last != t && t.requests == 0 && last.request == t.request &&
		!last.ended && !last.acking && last.next == 1 {
		t.requests, t.grants, t.oack = last.requests+1, last.grants, last.oack
	}
	d.asked[hosts] = t
}

// parseRequest takes apart the strings of an RRQ or WRQ (file, mode, options), or of an OACK (options only).
func parseRequest(b []byte, named bool) request {
	var r request
	next := func() (string, bool) {
		s, rest, ok := bytes.Cut(b, []byte{0})
		b = rest
		return printable(s), ok
	}
	if named {
		var ok1, ok2 bool
		r.file, ok1 = next()
		if r.mode, ok2 = next(); !ok1 || !ok2 {
			r.err = "TFTP request: the file name or the mode is not ended by a NUL"
			return r
		}
	}
	for len(b) > 0 {
		key, ok1 := next()
		value, ok2 := next()
		if !ok1 || !ok2 {
			r.err = fmt.Sprintf("TFTP option %q is not ended by a NUL", key)
			return r
		}
		if r.options == nil {
			r.options = map[string]string{}
		}
		key = strings.ToLower(key)
		r.options[key] = value
		r.words = append(r.words, key+"="+value)
	}
	return r
}
