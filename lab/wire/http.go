package wire

import (
	"bytes"
	"net/netip"

	"github.com/pxelab/pxelab/lab/event"
)

// connKey names a TCP connection by its ends. The client is the end that opened it.
type connKey struct{ client, server netip.AddrPort }

// connection is what an onlooker knows of a TCP connection that carries HTTP.
type connection struct {
	up, down stream // from the client, from the server
	asking   messageReader
	telling  messageReader
	open     []*exchange // asked for and not answered whole, in the order asked
	begun    uint32      // sequence number at which the request being read began
	asked    uint32      // and that of the latest request read
	latest   *exchange
	ended    bool // by the server
	lost     bool // it carries something else, or octets were missed
	op       string
	shown    *exchange // the step that the current frame shows, and of which exchange
}

// maxConns bounds the connections known at once. A boot has a few; what runs after it is of no concern.
const maxConns = 64

// connect notes a client's SYN.
func (d *Decoder) connect() {
	key := connKey{d.cur.src, d.cur.dst}
	if c := d.conns[key]; c != nil && c.up.begun && c.up.next == d.tcp.Seq+1 {
		return // sent again
	}
	if len(d.conns) >= maxConns {
		clear(d.conns)
	}
	c := &connection{}
	c.up.begin(d.tcp.Seq + 1)
	d.conns[key] = c
}

// accepted notes a server's SYN ACK.
func (d *Decoder) accepted() {
	if c := d.conns[connKey{d.cur.dst, d.cur.src}]; c != nil {
		c.down.begin(d.tcp.Seq + 1)
	}
}

// reset ends a connection, and with it what was under way.
func (d *Decoder) reset(p *event.Packet) {
	for _, key := range []connKey{{d.cur.src, d.cur.dst}, {d.cur.dst, d.cur.src}} {
		if c := d.conns[key]; c != nil {
			delete(d.conns, key)
			c.cut()
			c.tell(p)
		}
	}
}

// follow takes a segment of a connection, and reports whether it shows a step of HTTP.
func (d *Decoder) follow(p *event.Packet) bool {
	c, client := d.conns[connKey{d.cur.src, d.cur.dst}], true
	if c == nil {
		c, client = d.conns[connKey{d.cur.dst, d.cur.src}], false
	}
	if c == nil {
		if c, client = d.midway(); c == nil {
			return false
		}
	}
	if c.lost {
		return false
	}
	if client {
		c.fromClient(d.tcp.Seq, d.tcp.Payload)
	} else {
		c.fromServer(d.tcp.Seq, d.tcp.Payload, d.tcp.FIN)
	}
	if c.tell(p) {
		return true
	}
	if len(c.open) > 0 && !client {
		c.open[0].moved(d)
	}
	return false
}

// midway takes up a connection whose beginning was not seen, if the segment begins a message.
func (d *Decoder) midway() (c *connection, client bool) {
	client = beginsRequest(d.tcp.Payload)
	key := connKey{d.cur.src, d.cur.dst}
	if !client {
		if !bytes.HasPrefix(d.tcp.Payload, []byte("HTTP/1.")) {
			return nil, false
		}
		key = connKey{d.cur.dst, d.cur.src}
	}
	if len(d.conns) >= maxConns {
		clear(d.conns)
	}
	c = &connection{}
	if !client {
		c.open = []*exchange{{}}
	}
	d.conns[key] = c
	return c, client
}

// fromClient takes octets of the client: requests.
func (c *connection) fromClient(seq uint32, payload []byte) {
	if len(payload) == 0 {
		return
	}
	if x := c.latest; x != nil && seq == c.asked && int32(c.up.next-seq) >= int32(len(payload)) {
		x.repeats++
		c.show("request", x)
		return
	}
	ok := c.up.take(seq, payload, c.requests)
	c.lost = c.lost || !ok || len(c.open) > maxOpen
}

// maxOpen bounds the requests that wait for an answer: no boot client sends a second one before the first is answered.
const maxOpen = 64

// requests reads the requests in octets that follow each other; the stream has moved on past them already.
func (c *connection) requests(b []byte) {
	for len(b) > 0 && !c.lost {
		m := &c.asking
		if m.fresh() {
			c.begun = c.up.next - uint32(len(b))
			c.lost = !couldBegin(b, requestMethods)
		}
		if !m.headed {
			var done bool
			if b, done = m.head(b); done {
				m.frameRequest()
				c.asked, c.latest = c.begun, newExchange(m)
				c.open = append(c.open, c.latest)
				c.show("request", c.latest)
			}
		}
		if m.headed {
			var done bool
			if b, done = m.body(b, func([]byte) {}); done {
				*m = messageReader{}
			}
		}
		c.lost = c.lost || m.broken
	}
}

// fromServer takes octets of the server: responses.
func (c *connection) fromServer(seq uint32, payload []byte, fin bool) {
	if len(payload) > 0 {
		ok := c.down.take(seq, payload, c.responses)
		c.lost = c.lost || !ok
	}
	if !fin || c.ended || seq+uint32(len(payload)) != c.down.next {
		return
	}
	c.ended = true
	if len(c.open) > 0 && c.telling.headed && c.telling.framing == toEnd {
		c.finish()
		return
	}
	c.cut()
}

// responses reads the responses in octets that follow each other.
func (c *connection) responses(b []byte) {
	for len(b) > 0 && !c.lost {
		if len(c.open) == 0 {
			c.lost = true // it speaks unasked: not HTTP
			return
		}
		x, m := c.open[0], &c.telling
		if m.fresh() && !couldBegin(b, [][]byte{[]byte("HTTP/1.")}) {
			c.lost = true
			return
		}
		if !m.headed {
			var done bool
			if b, done = m.head(b); done && x.answered(m) {
				c.show("response", x)
			} else if done {
				*m = messageReader{broken: m.broken}
			}
		}
		if m.headed {
			var done bool
			if b, done = m.body(b, x.add); done {
				c.finish()
			}
		}
		c.lost = c.lost || c.telling.broken
	}
}

// finish ends the exchange whose response is whole.
func (c *connection) finish() {
	x := c.open[0]
	x.last = true
	c.show("end", x) // unless the same frame shows its head
	c.open, c.telling = c.open[1:], messageReader{}
}

// cut tells that the connection ended before a response was whole.
func (c *connection) cut() {
	if len(c.open) > 0 && !c.lost {
		c.show("cut", c.open[0])
	}
	c.open, c.lost = nil, true
}

// show notes a step for the current frame, unless it has shown one already: then the steps that follow on that
// exchange tell this one too.
func (c *connection) show(op string, x *exchange) {
	if c.op == "" {
		c.op, c.shown = op, x
	}
}

// tell completes the packet event of a frame that shows a step.
func (c *connection) tell(p *event.Packet) bool {
	if c.op == "" {
		return false
	}
	p.Proto = "http"
	p.HTTP, p.Info = c.shown.event(c.op)
	p.Info += again(p.HTTP.Repeat)
	c.op, c.shown = "", nil
	return true
}
