package tftp

// window is the sender's half of a transfer as numbers: which blocks are out, and what an acknowledgement says of them.
// Blocks are counted on from 1 without the rollover that their 16 bits have on the wire (65535, then 0); block 0 is the
// OACK, which is sent alone (RFC 2347).
type window struct {
	size  int64 // blocks that are sent before an acknowledgement is awaited (RFC 7440); 1 is RFC 1350
	acked int64 // highest block acknowledged; -1 while the OACK is not
	sent  int64 // highest block sent
	last  int64 // final block; zero while unknown
	stop  int64 // no block after this one is ever sent, by a server that is broken on purpose; zero: all are
	heard bool  // something was acknowledged
}

// Meanings of an acknowledgement.
type meaning int

const (
	stale    meaning = iota // of something long past, or never sent
	repeated                // of what was acknowledged last: the block after it was lost, or an answer was late
	progress
)

// ack takes an acknowledgement. One for a block before the last one sent says that the next was lost: all from there on
// are sent again (RFC 7440 section 4), since acked has moved no further.
func (w *window) ack(number uint16) meaning {
	forward := int64(number - uint16(w.acked))
	switch {
	case forward == 0 && w.heard:
		return repeated
	case forward == 0 || forward > w.sent-w.acked:
		return stale
	}
	w.acked += forward
	w.heard = true
	return progress
}

// next gives the blocks that are to be sent now, both ends included: those that may be out and are not acknowledged.
func (w *window) next() (from, to int64) {
	if w.acked < 0 {
		return 0, 0
	}
	from, to = w.acked+1, w.acked+w.size
	for _, end := range []int64{w.last, w.stop} {
		if end > 0 {
			to = min(to, end)
		}
	}
	return from, to
}

// silent reports that nothing will be sent any more although there is more to send.
func (w *window) silent() bool { return w.stop > 0 && w.sent >= w.stop && w.last != w.stop }

// done reports that the final block was acknowledged.
func (w *window) done() bool { return w.last > 0 && w.acked >= w.last }
