package tftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server/socket"
)

const (
	// retransmitAfter is how long a datagram waits for its acknowledgement before it is sent again, retransmits how
	// often it is.
	retransmitAfter = time.Second
	retransmits     = 5
	// repeatAfter is the age of a block at which a repeated acknowledgement of the one before means that the block was
	// lost. Sooner it may only be late, and to send it again would double every block that follows (RFC 1123 section
	// 4.2.3.1). Clients repeat after 250 ms or more; a time-warped one much sooner, and again. With windows the first
	// repetition means a loss, as a client answers a gap at once; those that follow are the answers to the rest of the
	// window and to blocks sent twice, so this is the time in which they are no news.
	repeatAfter = 100 * time.Millisecond
)

// transfer is one file on its way to one client, from a port of its own.
type transfer struct {
	*conn
	server  *Server
	req     request
	opening []byte // the request as received
	client  netip.AddrPort
	to      unix.Sockaddr // client
	file    *os.File
	content io.Reader
	size    int64
	terms   terms
	began   time.Time

	w        window
	ring     [][]byte // DATA packets by block number: a window that may be sent again, and the next one
	loaded   int64    // highest block in the ring
	total    int64    // octets sent when the last block is known
	sentAt   time.Time
	resentAt time.Time
	batch    *batch
	wire     atomic.Int64 // octets of DATA sent

	mu     sync.Mutex
	first  []byte // what answers the request; nil until sent
	heard  bool   // it was acknowledged, or the transfer is over
	resent int
}

// serve begins a transfer of an open file.
func (s *Server) serve(t *transfer) {
	t.server, t.began, t.to = s, time.Now(), sockaddr(t.client, s.link)
	t.w = window{size: int64(t.terms.window), stop: int64(s.cfg.StopAfter)}
	if len(t.terms.granted) > 0 {
		t.w.acked = -1
	}
	t.content = content(t.file, t.size, t.req.mode)
	t.ring = make([][]byte, 2*t.w.size)
	s.mu.Lock()
	s.live[t.client] = t
	s.mu.Unlock()
	s.wg.Go(t.run)
}

// run carries out the transfer and tells how it ended.
func (t *transfer) run() {
	e := t.converse()
	if e.tell != "" {
		t.sendError(e.code, e.tell, t.client)
	}
	t.mu.Lock()
	t.heard = true
	t.mu.Unlock()
	d := t.end(e)
	if e.outcome == Aborted && e.reason == fellSilent {
		t.server.observe(d)
		t.ignore()
	}
	t.close()
	t.file.Close()
	t.server.mu.Lock()
	if t.server.live[t.client] == t { // not if the client began again
		delete(t.server.live, t.client)
	}
	t.server.mu.Unlock()
	if e.reason != fellSilent {
		t.server.observe(d)
	}
}

// converse sends window after window until the last block is acknowledged, or something else ends the transfer.
func (t *transfer) converse() ending {
	for tries := 0; ; {
		if err := t.sendWindow(); err != nil {
			return ending{outcome: Aborted, reason: "reading the file: " + err.Error(), tell: "read error"}
		}
		if t.w.silent() {
			return ending{outcome: Aborted, reason: fellSilent}
		}
		moved, over := t.await()
		switch {
		case over != nil:
			return *over
		case t.w.done():
			return ending{outcome: OK, reason: "transferred whole"}
		case moved:
			tries = 0
		case tries == retransmits:
			return ending{outcome: Timeout, tell: "timeout",
				reason: fmt.Sprintf("no acknowledgement of %s after %d retransmissions", t.awaited(), retransmits)}
		default:
			tries++
		}
	}
}

// await waits for what calls for the next window, or the same again: an acknowledgement, or none for too long.
func (t *transfer) await() (moved bool, over *ending) {
	if socket.Slept(1, time.Since(t.sentAt), false) { // between sending and now
		t.wake()
	}
	for {
		b, from := t.receive(t.sentAt.Add(t.terms.again))
		switch {
		case t.slept && t.stop.Load() == nil:
			t.wake()
			continue
		case b == nil:
			return false, t.stop.Load()
		case from != t.client:
			t.unknown(from)
			continue
		case len(b) < 4:
			continue
		}
		number := binary.BigEndian.Uint16(b[2:])
		switch binary.BigEndian.Uint16(b) {
		case opERROR:
			return false, &ending{outcome: Aborted, fromClient: true, code: number,
				reason: fmt.Sprintf("the client sent ERROR %d %q", number, strings.TrimRight(string(b[4:]), "\x00"))}
		case opACK:
			if moved, again := t.acknowledged(number); moved || again {
				return moved, nil
			}
		}
	}
}

// wake reckons from now on when the window is to be sent again: the process was stopped.
func (t *transfer) wake() {
	t.sentAt = time.Now()
	t.resentAt = t.sentAt
}

// acknowledged takes an ACK: whether the transfer moved on, and if not, whether the window is to be sent again.
func (t *transfer) acknowledged(number uint16) (moved, again bool) {
	first := !t.w.heard
	switch t.w.ack(number) {
	case progress:
		if first {
			t.mu.Lock()
			t.heard = true
			t.mu.Unlock()
		}
		return true, false
	case repeated:
		since := t.sentAt
		if t.w.size > 1 {
			since = t.resentAt
		}
		return false, time.Since(since) >= repeatAfter
	}
	return false, false
}

// sendWindow sends what may be out, and then reads what comes after it: the client is busy meanwhile.
func (t *transfer) sendWindow() error {
	_, to := t.w.next()
	if err := t.load(to); err != nil {
		return err
	}
	from, to := t.w.next() // the last block may be known by now
	t.sentAt = time.Now()
	if t.first == nil { // kept before it is sent: a client is fast
		t.mu.Lock()
		t.first = t.packet(from)
		t.mu.Unlock()
	} else if again := min(to, t.w.sent) - from + 1; again > 0 {
		t.resentAt = t.sentAt
		t.mu.Lock()
		t.resent += int(again)
		t.mu.Unlock()
	}
	t.transmit(from, to)
	t.w.sent = max(t.w.sent, to)
	return t.load(t.w.acked + int64(len(t.ring)))
}

func (t *transfer) transmit(from, to int64) {
	for n := max(from, 1); n <= to; n++ {
		t.wire.Add(int64(len(t.packet(n))))
	}
	if from == to {
		t.send(t.packet(from), t.to)
		return
	}
	if t.batch == nil {
		t.batch = newBatch(t.client, t.link, t.w.size)
	}
	for n := from; n <= to; n++ {
		t.batch.put(n-from, t.packet(n))
	}
	t.sendAll(t.batch, to-from+1)
}

// packet gives a block's datagram; block 0 is the OACK.
func (t *transfer) packet(n int64) []byte {
	if n == 0 {
		return oack(t.terms.granted)
	}
	return t.ring[n%int64(len(t.ring))]
}

// load reads the file up to a block, or to its end.
func (t *transfer) load(to int64) error {
	for ; t.loaded < to && t.w.last == 0; t.loaded++ {
		n := t.loaded + 1
		slot := &t.ring[n%int64(len(t.ring))]
		if cap(*slot) == 0 {
			*slot = make([]byte, 4+t.terms.blk)
		}
		b := (*slot)[:4+t.terms.blk]
		binary.BigEndian.PutUint16(b, opDATA)
		binary.BigEndian.PutUint16(b[2:], uint16(n)) // after 65535 comes 0
		got, err := io.ReadFull(t.content, b[4:])
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		*slot = b[:4+got]
		t.total += int64(got)
		if got < t.terms.blk {
			t.w.last = n
		}
	}
	return nil
}

// confirmed gives how many octets were acknowledged.
func (t *transfer) confirmed() int64 {
	if t.w.done() {
		return t.total
	}
	return max(0, t.w.acked) * int64(t.terms.blk)
}

// awaited names what was not acknowledged.
func (t *transfer) awaited() string {
	if t.w.acked < 0 {
		return "the OACK"
	}
	return fmt.Sprintf("block %d", t.w.acked+1)
}

// repeatFirst sends the first answer again, and reports false once it was acknowledged or the transfer is over.
func (t *transfer) repeatFirst() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heard || t.stop.Load() != nil {
		return false
	}
	if t.first != nil {
		t.resent++
		if binary.BigEndian.Uint16(t.first) == opDATA {
			t.wire.Add(int64(len(t.first)))
		}
		t.send(t.first, sockaddr(t.client, t.link))
	}
	return true
}

// ignore keeps the port of a server that fell silent, so that the kernel does not answer in its place, until the client
// has given up, began again, or the server stops.
func (t *transfer) ignore() {
	const patience = time.Minute // real clients repeat at longest after 10 s
	for until := time.Now().Add(patience); ; until = time.Now().Add(patience) {
		if b, _ := t.receive(until); b == nil {
			return
		}
	}
}

// end tells how the transfer ended.
func (t *transfer) end(e ending) Decision {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := Decision{Client: t.client, Request: t.req.String(), File: t.req.name, Bytes: t.confirmed(), Sent: t.wire.Load(), Resent: t.resent,
		Took: time.Since(t.began), Outcome: e.outcome, Reason: e.reason}
	if e.reason == fellSilent {
		d.Reason = fmt.Sprintf("fell silent after block %d, as configured", t.w.sent)
	}
	if e.fromClient && d.Bytes == 0 && (e.code == codeOption || t.req.has(optTsize)) {
		d.Outcome, d.Reason = SizeProbe, "it asked for the size only: "+d.Reason
	}
	return d
}

// fellSilent is how a server that is broken on purpose ends a transfer.
const fellSilent = "fell silent, as configured"
