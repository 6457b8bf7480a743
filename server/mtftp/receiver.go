package mtftp

import (
	"errors"
	"fmt"
	"time"

	"github.com/pxelab/pxelab/server/quote"
)

const (
	// askAgain is how long an RRQ waits for block 1; it is sent again after 1, 2, 3 and 4 times that.
	askAgain = time.Second
	// askTries is how often an RRQ is sent before the server is taken for dead.
	askTries = 4
	// barrenOpenings is how many openings may bring not one new block.
	barrenOpenings = 3
	// partAfter is how long to stay after an ACK that ends a transmission early, lest the server did not understand it: a
	// server repeats a block after a second.
	partAfter = 1500 * time.Millisecond
)

// ErrSilent says that no MTFTP server answers: what is left is TFTP on port 69 (PXE 2.1).
var ErrSilent = errors.New("no MTFTP server answers; the file may be had by TFTP on port 69")

// unheard says that the server answers this client, and that nothing it sends to the group comes here.
type unheard struct{ openings int }

func (e unheard) Error() string {
	return fmt.Sprintf("the server answers, but after %d openings not one block has come to the group: it sends to another group or port "+
		"than it told, or multicast does not pass; the file may be had by TFTP on port 69", e.openings)
}

// Is makes it an ErrSilent: TFTP is what is left here, too.
func (e unheard) Is(target error) bool { return target == ErrSilent }

// RefusedError is the server's ERROR (RFC 1350 section 5).
type RefusedError struct {
	Code    uint16
	Message string
}

// Error gives the code and the server's words.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the MTFTP server answered ERROR %d %s", e.Code, quote.Hidden(e.Message))
}

type phase int

const (
	listening     phase = iota // to the group, until it is silent for too long
	opening                    // an RRQ is sent, its answer awaited
	acknowledging              // this client is the one that the server waits for
	parting                    // all is here, but the server may not have understood
)

// order is what a receiver wants done next: something sent, then a wait for a datagram.
type order struct {
	request bool
	ack     uint16        // to where the last datagram came from; zero sends none
	wait    time.Duration // for the next datagram, else silence is to be called
	done    bool
	err     error
}

// receiver is the client's side of MTFTP as a state machine: it is told of datagrams and of silence, and says what to
// send. It holds no socket and reads no clock.
type receiver struct {
	blocks
	timeout time.Duration // tag 4: to listen before opening
	delay   time.Duration // tag 5: of silence before opening again

	phase   phase
	tries   int    // RRQs of this opening
	before  int    // blocks here when it began
	barren  int    // openings in a row that brought no block
	current uint16 // block received last while acknowledging
	repeats int    // how often it came again
	ones    int    // copies of block 1 to the group since our own
	strict  bool   // the server takes only the ACK of the very block it sent
	grouped bool   // something has come to the group

	opened   int // openings
	heard    int // new blocks that came without an ACK of ours
	answered int // new blocks that were sent at our pace
}

// start begins to listen: most often somebody else opens.
func (r *receiver) start() order { return order{wait: r.timeout} }

// silence says that nothing came for as long as the last order had us wait.
func (r *receiver) silence() order {
	switch {
	case r.complete(): // in opening: the one block there is was another's
		return order{done: true}
	case r.phase == opening:
		if r.tries == askTries {
			return order{err: ErrSilent}
		}
		r.tries++
		return order{request: true, wait: time.Duration(r.tries) * askAgain}
	}
	return r.open()
}

// open asks for a transmission at our pace.
func (r *receiver) open() order {
	if r.opened > 0 && r.got == r.before {
		r.barren++
	} else {
		r.barren = 0
	}
	if r.barren == barrenOpenings && r.got > 0 && !r.grouped {
		return order{err: unheard{r.opened}}
	}
	if r.barren == barrenOpenings {
		return order{err: fmt.Errorf("%d openings brought no new block: %w", r.barren, ErrSilent)}
	}
	r.phase, r.tries, r.before, r.current, r.repeats, r.ones = opening, 1, r.got, 0, 0, 0
	r.opened++
	return order{request: true, wait: askAgain}
}

// received takes a block, sent to the group or to this client alone.
func (r *receiver) received(block uint16, data []byte, toGroup bool) order {
	if !toGroup && r.opened == 0 {
		return order{wait: r.patience()} // not asked for
	}
	r.grouped = r.grouped || toGroup
	if r.phase == parting {
		return r.part(block)
	}
	fresh, err := r.put(block, data)
	if err != nil {
		return order{err: err}
	}
	switch {
	case !toGroup: // only the opener gets a copy of its own (PXE 2.1)
		r.phase = acknowledging
	case r.phase == opening && block > 1:
		r.phase = listening // somebody else opened before
	}
	if fresh && r.phase != listening {
		r.answered++
	} else if fresh {
		r.heard++
	}
	switch {
	case r.phase == acknowledging:
		return r.acknowledge(block, toGroup)
	case r.phase == opening:
		return order{wait: askAgain} // our own copy is to come
	case r.complete():
		return order{done: true}
	}
	return order{wait: r.patience()}
}

// acknowledge answers a block. It names the last block before the first gap, as iPXE does: what we have need not be sent
// again. A server that does not know that repeats the block; it is then given what it wants, block after block.
//
// Of the two copies of block 1 only ours is acknowledged: some servers (atftpd) answer every ACK, and would from then on
// send each block twice.
func (r *receiver) acknowledge(block uint16, toGroup bool) order {
	if r.ones++; block != 1 || !toGroup {
		r.ones = 0
	} else if r.ones == 1 {
		return order{wait: max(r.delay, askAgain)}
	}
	if block == r.current {
		r.repeats++
	} else {
		r.current, r.repeats = block, 0
	}
	ack := uint16(r.lead)
	if r.repeats > 1 && ack > block {
		r.strict = true
	}
	if r.strict {
		ack = block
	}
	switch {
	case r.complete() && int(ack) == r.last && int(block) == r.last:
		return order{ack: ack, done: true}
	case r.complete():
		r.phase = parting
		return order{ack: ack, wait: partAfter}
	case r.strict && int(block) == r.last:
		r.phase = listening // for the server that was the end
	}
	return order{ack: ack, wait: max(r.delay, askAgain)}
}

// part answers a server that goes on although all is here: it is one that has to be followed to the end.
func (r *receiver) part(block uint16) order {
	if block == r.current || r.strict {
		r.strict, r.current = true, block
		return order{ack: block, wait: partAfter, done: int(block) == r.last}
	}
	return order{done: true} // this is for somebody else
}

// refused takes an ERROR. One to the opener of a running transmission ends that transmission only.
func (r *receiver) refused(code uint16, message string) order {
	switch r.phase {
	case opening:
		return order{err: &RefusedError{code, message}}
	case parting:
		return order{done: true}
	}
	r.phase = listening
	return order{wait: r.patience()}
}

// patience is how long the group may be silent. After a first block, a client that has less waits less, so that the one
// that needs most opens, and serves the others with it (PXE 2.1).
func (r *receiver) patience() time.Duration {
	if r.got == 0 {
		return r.timeout
	}
	return r.delay/2 + r.delay/2*time.Duration(r.got)/time.Duration(len(r.have))
}
