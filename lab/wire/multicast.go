package wire

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// heard is which blocks of a multicast transfer a guest's cable has carried. They come in any order: a client that
// joins late hears the end of the file first, and blocks that others missed once more. There are no more than their
// numbers can tell apart, as a client could not ask for them otherwise.
type heard struct {
	blocks [65536 / 64]uint64
	latest uint16
}

// add notes a block, and reports false if it was there.
func (h *heard) add(n uint16) bool {
	h.latest = n
	bit := uint64(1) << (n % 64)
	if h.blocks[n/64]&bit != 0 {
		return false
	}
	h.blocks[n/64] |= bit
	return true
}

// upTo reports whether all blocks from 1 on are there.
func (h *heard) upTo(last int64) bool {
	for n := int64(1); n <= last; n++ {
		if h.blocks[n/64]&(1<<(n%64)) == 0 {
			return false
		}
	}
	return true
}

// join ties the group's address to the transfer when an OACK names it: "address,port,master" (RFC 2090). A later one may
// leave the address out.
func (d *Decoder) join(t *transfer, payload []byte) {
	group, ok := groupOf(parseRequest(payload[2:], false).options["multicast"])
	if !ok || t.nameless {
		return
	}
	d.put(transferKey{group, d.cur.src.Addr()}, t)
	if t.heard == nil {
		t.heard = &heard{}
	}
}

// groupOf reads the value of option multicast.
func groupOf(value string) (netip.AddrPort, bool) {
	fields := strings.Split(value, ",")
	if len(fields) != 3 {
		return netip.AddrPort{}, false
	}
	a, err := netip.ParseAddr(fields[0])
	port, err2 := strconv.ParseUint(fields[1], 10, 16)
	if err != nil || err2 != nil || !a.IsMulticast() {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a, uint16(port)), true
}

// listen follows a DATA packet of a multicast transfer. It is kept when it is the first, when with it the file is whole,
// and when the same block came just before. Another repetition is for the sake of another client.
func (t *transfer) listen(p *event.Packet, block uint16, size int) bool {
	first, again := t.bytes == 0, t.heard.latest == block && block > 0
	isNew := t.heard.add(block)
	if isNew {
		t.bytes += int64(size)
	}
	if size < t.blksize {
		t.last = int64(block)
	}
	t.next = max(t.next, int64(block)+1)
	whole := isNew && t.last > 0 && t.heard.upTo(t.last)
	tf := event.TFTP{Op: "DATA", File: t.file, Block: int(block), Bytes: t.bytes, Last: whole}
	if again {
		tf.Repeat = t.sent.add(int64(block))
	} else if isNew {
		t.sent.add(int64(block))
	}
	if !first && !whole && !again && p.Error == "" {
		return false
	}
	p.Info = "DATA " + strconv.Itoa(tf.Block)
	if whole {
		p.Info += fmt.Sprintf(" whole, %d octets", tf.Bytes)
	}
	return tell(p, tf)
}
