package tftp

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pxelab/pxelab/server/quote"
)

// limits is what a server grants at most, and what it does wrong on purpose.
type limits struct {
	blk       int  // largest block
	window    int  // largest window; 1 refuses option windowsize
	multicast bool // grant option multicast
	noOptions bool
	noTsize   bool
	again     time.Duration // before a datagram is sent again, when the client does not say
}

// terms is what the two sides agreed on for one transfer.
type terms struct {
	blk       int           // octets of a block (RFC 2348)
	window    int           // blocks sent before an acknowledgement is awaited (RFC 7440)
	again     time.Duration // before a datagram is sent again (RFC 2349)
	multicast bool          // RFC 2090; the group's address is not among granted
	granted   []option      // what the OACK says; none: the transfer begins with DATA
	words     []string      // the same for people
}

// Bounds of the options (RFC 2348, 2349, 7440).
const (
	minBlk, maxBlksize     = 8, 65464
	maxTimeout             = 255 // seconds
	maxWindowsize          = 65535
	maxBlocks              = 65535   // that can be told apart by their numbers
	windowOctets           = 4 << 20 // of a window, which is kept until it is acknowledged: a smaller one is granted
	defaultBlk             = 512     // of a transfer without option blksize
	defaultMaxWindow       = 64
	optBlk, optTsize       = "blksize", "tsize"
	optTimeout, optWindow  = "timeout", "windowsize"
	optMulticast           = "multicast"
	withoutOptions, noSize = "no options, as configured", "no tsize, as configured"
)

// agree answers the options of a request for a file of this size. An option that is unknown, or whose value cannot be
// used, is left unanswered and its default holds (RFC 2347).
func (r request) agree(l limits, size int64) terms {
	t := terms{blk: defaultBlk, window: 1, again: l.again}
	if l.noOptions {
		if len(r.options) > 0 {
			t.words = []string{withoutOptions}
		}
		t.describe(r)
		return t
	}
	t.multicast = l.multicast && r.has(optMulticast) && r.mode == "octet"
	done := map[string]bool{}
	for _, o := range r.options {
		if done[o.name] {
			continue // "An option may only be specified once" (RFC 2347)
		}
		done[o.name] = true
		if !t.grant(o, r.mode, l, size) {
			t.words = append(t.words, "without option "+quote.Hidden(o.name))
		}
	}
	if t.multicast && size/int64(t.blk) >= maxBlocks { // the next master client could not say where it stands
		t.multicast = false
		t.words = append(t.words, "without option multicast (more blocks than numbers)")
	}
	if t.multicast { // blocks are asked for one by one
		t.window = 1
		t.forget(optWindow)
	}
	if most := max(1, windowOctets/t.blk); t.window > most {
		t.window = most
		t.answer(optWindow, strconv.Itoa(most))
	}
	t.describe(r)
	return t
}

// grant answers one option, and reports false if it is left unanswered.
func (t *terms) grant(o option, mode string, l limits, size int64) bool {
	n, err := strconv.Atoi(o.value)
	switch {
	case o.name == optMulticast: // its value is empty
		return t.multicast
	case err != nil:
		return false
	case o.name == optBlk && n >= minBlk && n <= maxBlksize:
		t.blk = min(n, l.blk)
		t.answer(o.name, strconv.Itoa(t.blk))
	case o.name == optWindow && n >= 1 && n <= maxWindowsize && l.window > 1:
		t.window = min(n, l.window)
		t.answer(o.name, strconv.Itoa(t.window))
	case o.name == optTimeout && n >= 1 && n <= maxTimeout:
		t.again = time.Duration(n) * time.Second
		t.answer(o.name, o.value) // only the client's own value may be answered (RFC 2349)
	case o.name == optTsize && l.noTsize:
		return false
	case o.name == optTsize && mode == "octet" && size > 0: // a text's length is not known before; curl refuses zero
		t.answer(o.name, strconv.FormatInt(size, 10))
	default:
		return false
	}
	return true
}

// answer sets an option of the OACK.
func (t *terms) answer(name, value string) {
	for i := range t.granted {
		if t.granted[i].name == name {
			t.granted[i].value = value
			return
		}
	}
	t.granted = append(t.granted, option{name, value})
}

// forget takes an option out of the OACK.
func (t *terms) forget(name string) {
	for i := range t.granted {
		if t.granted[i].name == name {
			t.granted = append(t.granted[:i], t.granted[i+1:]...)
			return
		}
	}
}

// describe puts what was agreed on, and what the client asked for in vain, before what it goes without.
func (t *terms) describe(r request) {
	words := []string{fmt.Sprintf("in blocks of %d", t.blk)}
	for _, o := range t.granted {
		switch o.name {
		case optWindow:
			words = append(words, fmt.Sprintf("windows of %d", t.window))
		case optTimeout:
			words = append(words, fmt.Sprintf("its timeout of %d s", t.again/time.Second))
		}
		if asked := r.value(o.name); asked != o.value && o.name != optTsize {
			at := len(words) - 1
			if o.name == optBlk {
				at = 0
			}
			words[at] += fmt.Sprintf(" (it asked for %s)", quote.Hidden(asked))
		}
	}
	t.words = append(words, t.words...)
}

// String tells the terms: "in blocks of 1468, windows of 4, without option x".
func (t terms) String() string { return strings.Join(t.words, ", ") }

// oack encodes the answer to the options (RFC 2347).
func oack(options []option) []byte {
	b := []byte{0, opOACK}
	for _, o := range options {
		b = append(append(b, o.name...), 0)
		b = append(append(b, o.value...), 0)
	}
	return b
}
