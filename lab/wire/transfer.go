package wire

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// transfer is the state of one TFTP transfer as an onlooker knows it. Block numbers are counted on from 1
// without the rollover that their 16 bits have on the wire.
type transfer struct {
	server   netip.Addr
	file     string
	request  string // as sent: a second one alike is a retransmission
	requests int    // how often it was repeated
	grants   int    // OACKs seen, alike
	oack     string // the last of them
	failures [2]int // ERRORs seen, from the server and from the client
	tid      uint16 // the server's port, once it answered
	blksize  int
	next     int64 // block that comes next in order
	bytes    int64 // payload octets of the blocks that came in order
	last     int64 // the final block; zero while unknown
	acked    int64 // highest block acknowledged; only meaningful once acking
	acking   bool
	sent     tally // of DATA
	acks     tally
	size     int64 // by option tsize; zero while unknown
	marks    marks
	ended    bool
	nameless bool   // its request was not seen
	heard    *heard // blocks of a multicast transfer (RFC 2090); nil for any other
}

// tally counts how often each of the latest block numbers was seen. Windows in the field are small (EDK2
// asks for 4), so what falls out of it is long past.
type tally [128]struct {
	number int64
	count  int
}

// add counts one more and gives how many there were before.
func (t *tally) add(n int64) int {
	e := &t[uint64(n)%uint64(len(t))]
	if e.number != n {
		e.number, e.count = n, 0
	}
	e.count++
	return e.count - 1
}

// has reports whether a block number was counted lately.
func (t *tally) has(n int64) bool {
	e := t[uint64(n)%uint64(len(t))]
	return e.number == n && e.count > 0
}

// data follows a DATA packet. It is kept when it begins the transfer, ends it, repeats or skips a block.
func (t *transfer) data(p *event.Packet, block uint16, size int) bool {
	if t.heard != nil {
		return t.listen(p, block, size)
	}
	if block == 1 && t.next > 1 && uint16(t.next) == 0 {
		t.next++ // this server rolls over from 65535 to 1, not to 0; RFC 1350 says neither
	}
	n := t.next + int64(int16(block-uint16(t.next)))
	repeat, begins := t.sent.add(n), t.next == 1
	if n > 0 && n < t.next {
		repeat = max(repeat, 1)
	}
	tf := event.TFTP{Op: "DATA", File: t.file, Block: int(block), Last: size < t.blksize, Repeat: repeat}
	gap := n - t.next
	if gap == 0 {
		t.next++
		t.bytes += int64(size)
		if tf.Last {
			t.last = n
		}
	}
	tf.Bytes, tf.Gap = t.bytes, max(0, int(gap))
	if t.nameless {
		begins, tf.Last, tf.Bytes, tf.Gap = true, false, int64(size), 0
	}
	if !begins && !tf.Last && repeat == 0 && gap == 0 && p.Error == "" {
		return false
	}
	if gap > 0 && !tf.Last && !t.nameless && repeat == 0 && t.sent.has(n-1) && p.Error == "" {
		return false // the gap was told with its first block
	}
	p.Info = "DATA " + strconv.Itoa(tf.Block)
	if tf.Last {
		p.Info += fmt.Sprintf(" last, %d octets", tf.Bytes)
	}
	if gap > 0 && !t.nameless {
		p.Info += fmt.Sprintf(" after a gap of %d", gap)
	}
	return tell(p, tf)
}

// ack follows an ACK. With a window (RFC 7440) most blocks have none of their own. It is kept when it is the
// first, repeats an earlier one, goes back behind it, or acknowledges the final block.
func (t *transfer) ack(p *event.Packet, block, port uint16, client bool) bool {
	if client {
		t.tid = port // the client settles which of several answers it follows
	}
	n := t.next - 1
	n += int64(int16(block - uint16(n)))
	tf := event.TFTP{Op: "ACK", File: t.file, Block: int(block), Bytes: t.bytes, Repeat: t.acks.add(n)}
	first, back := !t.acking, t.acking && n < t.acked
	t.acking, t.acked = true, max(t.acked, n)
	final := t.last > 0 && n >= t.last
	t.ended = t.ended || final
	if !first && !back && !final && tf.Repeat == 0 && !t.nameless && p.Error == "" {
		return false
	}
	p.Info = "ACK " + strconv.Itoa(tf.Block)
	return tell(p, tf)
}

// grant follows an OACK (RFC 2347), which settles the block size.
func (t *transfer) grant(p *event.Packet, payload []byte, port uint16) bool {
	r := parseRequest(payload[2:], false)
	if n, err := strconv.Atoi(r.options["blksize"]); err == nil && n >= 8 && n <= 65464 { // RFC 2348
		t.blksize = n
	}
	if n, err := strconv.ParseInt(r.options["tsize"], 10, 64); err == nil {
		t.size = max(n, 0)
	}
	if t.tid == 0 {
		t.tid = port
	}
	if oack := string(payload); oack != t.oack { // a multicast client is told again what has changed (RFC 2090)
		t.grants, t.oack = 0, oack
	}
	tf := event.TFTP{Op: "OACK", File: t.file, Options: r.options, Bytes: t.bytes, Repeat: t.grants}
	t.grants++
	if r.err != "" {
		p.Error = r.err
	}
	p.Info = strings.Join(append([]string{"OACK"}, r.words...), " ")
	return tell(p, tf)
}

// fail follows an ERROR. It ends the transfer unless it turns away a second answer (RFC 1350 section 4:
// "unknown transfer ID"), which does not disturb the first.
func (t *transfer) fail(p *event.Packet, code uint16, text string, port uint16, client bool) bool {
	from := 0
	if client {
		from = 1
	}
	tf := event.TFTP{Op: "ERROR", File: t.file, Code: int(code), Message: text, Bytes: t.bytes, Repeat: t.failures[from]}
	t.failures[from]++
	if t.tid == 0 || port == t.tid {
		t.ended = true
	}
	p.Info = strings.TrimSpace(fmt.Sprintf("ERROR %d %s", code, text))
	return tell(p, tf)
}

// tell completes a packet event that is kept.
func tell(p *event.Packet, tf event.TFTP) bool {
	p.Proto, p.TFTP = "tftp", &tf
	p.Info += again(tf.Repeat)
	return true
}
