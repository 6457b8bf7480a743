package mtftp

import (
	"fmt"
	"net/netip"
	"time"
)

const (
	// retransmitAfter is how long a block waits for the opener's ACK before it is sent again.
	retransmitAfter = time.Second
	// retransmits is how often it is. The opener is then taken for dead, and the group falls silent, so that the next
	// client opens.
	retransmits = 4
	// yieldAfter is how many blocks sent again in vain let another client that asks take the opener's place at once.
	yieldAfter = 2
)

// transmission is one sending of a file to its group, in step with one client: its opener ("acknowledging client" in
// PXE 2.1). It holds no socket and reads no clock; its methods say which blocks to send.
type transmission struct {
	file   string
	group  netip.AddrPort
	opener netip.AddrPort
	blocks int // of the file

	awaited   int  // the block that awaits its ACK, from 1
	delivered int  // blocks sent and acknowledged
	skipped   int  // blocks that the opener had already
	vain      int  // how often the awaited block was sent again
	resent    int  // datagrams sent again
	last      bool // the last block was among those delivered
}

// sending is one block on its way to the group, or to the opener alone.
type sending struct {
	to    netip.AddrPort
	block int
}

// blocksOf gives how many blocks a file of this size has: the last one is short, and empty if need be (RFC 1350).
func blocksOf(size int64) int { return int(size/blockSize) + 1 }

// newTransmission begins a transmission: the first thing to send is what current gives.
func newTransmission(file string, group, opener netip.AddrPort, size int64) *transmission {
	return &transmission{file: file, group: group, opener: opener, blocks: blocksOf(size), awaited: 1}
}

// current puts the awaited block on the wire. Block 1 goes to the group and to the opener alone, who learns by that copy
// that it is the one to acknowledge (PXE 2.1; Intel's and iPXE's clients both wait for it). The group's copy is first:
// iPXE acknowledges each block that comes once it has seen the other.
func (t *transmission) current() []sending {
	if t.awaited == 1 {
		return []sending{{t.group, 1}, {t.opener, 1}}
	}
	return []sending{{t.group, t.awaited}}
}

// ack takes the opener's ACK. One for a later block than the awaited says that the opener has all before it: iPXE
// acknowledges so when it opens again for what it missed, and so does Receive. One for an earlier block is a repetition;
// to answer it would double all that follows (RFC 1123 section 4.2.3.1).
func (t *transmission) ack(block uint16) (out []sending, done bool) {
	n := int(block)
	if n < t.awaited || n > t.blocks {
		return nil, false
	}
	t.delivered++
	t.skipped += n - t.awaited
	t.last = t.awaited == t.blocks
	t.vain = 0
	if n == t.blocks {
		return nil, true
	}
	t.awaited = n + 1
	return t.current(), false
}

// timeout sends the awaited block again, or gives up.
func (t *transmission) timeout() (out []sending, dead bool) {
	if t.vain == retransmits {
		return nil, true
	}
	t.vain++
	out = t.current()
	t.resent += len(out)
	return out, false
}

// claim is what an RRQ for the file means while a transmission runs.
type claim int

const (
	listens  claim = iota // the asker is to listen to what runs
	repeats               // the opener has not seen block 1 yet
	restarts              // the opener began again
	takes                 // the opener is silent: the asker takes its place
)

// asked judges an RRQ that comes during the transmission. An opener that begins again may do so from another port, as
// iPXE does, so its address alone tells.
func (t *transmission) asked(from netip.AddrPort) claim {
	switch {
	case from == t.opener && t.awaited == 1:
		return repeats
	case from.Addr() == t.opener.Addr():
		return restarts
	case t.vain >= yieldAfter:
		return takes
	}
	return listens
}

// octets is how much of a file of this size was acknowledged in this transmission.
func (t *transmission) octets(size int64) int64 {
	n := int64(t.delivered) * blockSize
	if t.last {
		n -= int64(t.blocks)*blockSize - size
	}
	return n
}

// progress tells how far the opener came.
func (t *transmission) progress() string {
	s := fmt.Sprintf("%d of %d blocks acknowledged", t.delivered, t.blocks)
	if t.skipped > 0 {
		s += fmt.Sprintf(", %d skipped that the opener had", t.skipped)
	}
	return s
}
