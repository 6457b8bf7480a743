package mtftp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// file is five blocks, the last of them short.
var file = bytes.Repeat([]byte("0123456789abcdef"), 140)

func blockOf(n int) []byte { return file[(n-1)*blockSize : min(n*blockSize, len(file))] }

// word writes an order: the wait is in seconds.
func word(o order) string {
	var w []string
	if o.request {
		w = append(w, "RRQ")
	}
	if o.ack > 0 {
		w = append(w, fmt.Sprint("A", o.ack))
	}
	switch {
	case o.err != nil:
		w = append(w, "error")
	case o.done:
		w = append(w, "done")
	default:
		w = append(w, "~"+o.wait.String())
	}
	return strings.Join(w, " ")
}

// TestReceiver tells each script a block to the group (G2) or to the client alone (U1), silence (S), or an ERROR (E), and
// compares what the client does. It waits 2 s at first (tag 4) and 1 s later (tag 5).
func TestReceiver(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"listens to the whole", "G1 G2 G3 G4 G5", "~2s|~1s|~1s|~1s|~1s|done"},
		{"opens", "S G1 U1 G2 G3 G4 G5", "~2s|RRQ ~1s|~1s|A1 ~1s|A2 ~1s|A3 ~1s|A4 ~1s|A5 done"},
		{"opens, own copy first", "S U1 G1 G2 G3 G4 G5", "~2s|RRQ ~1s|A1 ~1s|~1s|A2 ~1s|A3 ~1s|A4 ~1s|A5 done"},
		{"block 1 comes again", "S G1 U1 G1 U1 G2", "~2s|RRQ ~1s|~1s|A1 ~1s|~1s|A1 ~1s|A2 ~1s"},
		{"block 1 comes again to the group only", "S U1 G1 G1", "~2s|RRQ ~1s|A1 ~1s|~1s|A1 ~1s"},
		{"asks again, and finds nobody", "S S S S S", "~2s|RRQ ~1s|RRQ ~2s|RRQ ~3s|RRQ ~4s|error"},
		{"another opened before", "S G1 G2 G3 G4 G5", "~2s|RRQ ~1s|~1s|~1s|~1s|~1s|done"},
		{"comes late, opens for what it missed, and ends that early", "G4 G5 S G1 U1 G2 G3 S",
			"~2s|~625ms|~700ms|RRQ ~1s|~1s|A1 ~1s|A2 ~1s|A5 ~1.5s|done"},
		{"comes late, and another opens for it", "G4 G5 G1 G2 G3", "~2s|~625ms|~700ms|~800ms|~900ms|done"},
		{"comes late, opens too late, and misses nothing more", "G2 G3 G4 G5 S G1 S", "~2s|~750ms|~833.333333ms|~875ms|~900ms|RRQ ~1s|~1s|done"},
		{"lost blocks", "G1 G2 G4 G5 S U1 G3 G9", "~2s|~1s|~1s|~875ms|~900ms|RRQ ~1s|A2 ~1s|A5 ~1.5s|done"},
		{"a server that does not know such an ACK", "G2 G3 G5 S U1 U1 U1 G2 G3 G4 G5", "~2s|~750ms|~833.333333ms|~800ms|RRQ ~1s|A3 ~1s|A3 ~1s|A1 ~1s|A2 ~1s|A3 ~1s|A4 ~1.5s|A5 done"},
		{"a server that does not know the early end", "G2 G3 G4 G5 S U1 U1 G2 G3 G4 G5", "~2s|~750ms|~833.333333ms|~875ms|~900ms|RRQ ~1s|A5 ~1.5s|A1 ~1.5s|A2 ~1.5s|A3 ~1.5s|A4 ~1.5s|A5 done"},
		{"the server falls silent", "S U1 G2 S U1 G3 G4 G5", "~2s|RRQ ~1s|A1 ~1s|A2 ~1s|RRQ ~1s|A2 ~1s|A3 ~1s|A4 ~1s|A5 done"},
		{"the server stops in mid-transmission", "S U1 G2 E S U1", "~2s|RRQ ~1s|A1 ~1s|A2 ~1s|~1s|RRQ ~1s|A2 ~1s"},
		{"refused", "S E", "~2s|RRQ ~1s|error"},
		{"ERROR that nobody asked for", "E G1", "~2s|~2s|~1s"},
		{"a copy that nobody asked for", "U1 G1", "~2s|~2s|~1s"},
		{"openings that bring nothing", "S U1 S U1 S U1 S U1 S", "~2s|RRQ ~1s|A1 ~1s|RRQ ~1s|A1 ~1s|RRQ ~1s|A1 ~1s|RRQ ~1s|A1 ~1s|error"},
		{"a repeated block is acknowledged again", "S U1 G2 G2 G3", "~2s|RRQ ~1s|A1 ~1s|A2 ~1s|A2 ~1s|A3 ~1s"},
		{"a block after the last", "G5 G6", "~2s|~600ms|error"},
	} {
		r := &receiver{timeout: 2 * time.Second, delay: time.Second}
		o := r.start()
		got := []string{word(o)}
		for _, w := range strings.Fields(c.script) {
			switch w[0] {
			case 'S':
				o = r.silence()
			case 'E':
				o = r.refused(1, "no")
			default:
				n := int(w[1] - '0')
				var data []byte
				if n <= 5 {
					data = blockOf(n)
				}
				o = r.received(uint16(n), data, w[0] == 'G')
			}
			got = append(got, word(o))
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, s, c.want)
		}
		if o.done && !bytes.Equal(r.file(), file) {
			t.Errorf("%s: the file is not the same", c.name)
		}
	}
}

func TestBlocks(t *testing.T) {
	for want, script := range map[string][][2]int{ // block, octets
		"complete":                            {{2, 10}, {1, 512}},
		"not complete":                        {{1, 512}, {3, 0}},
		"block 2 has 10 octets":               {{1, 512}, {2, 512}, {2, 10}, {3, 5}},
		"block 2 has 10 octets and the last ": {{3, 512}, {2, 10}},
		"block 4 has 3 octets and the last":   {{3, 5}, {4, 3}},
		"block 3 has 512 octets":              {{3, 5}, {3, 512}},
	} {
		var b blocks
		got := "not complete"
		for _, s := range script {
			if _, err := b.put(uint16(s[0]), make([]byte, s[1])); err != nil {
				got = err.Error()
				break
			}
		}
		if b.complete() {
			got = "complete"
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%v: %s, want %s", script, got, want)
		}
	}
}

func TestReceiverErrors(t *testing.T) {
	r := &receiver{}
	r.silence()
	var refused *RefusedError
	if o := r.refused(1, "no such\nfile"); !errors.As(o.err, &refused) || o.err.Error() != `the MTFTP server answered ERROR 1 "no such\nfile"` {
		t.Error(o.err)
	}
	unheard := &receiver{}
	o := unheard.silence()
	for o.err == nil { // its own copy of block 1, time and again
		unheard.received(1, blockOf(1), false)
		o = unheard.silence()
	}
	if !errors.Is(o.err, ErrSilent) || !strings.Contains(o.err.Error(), "after 4 openings not one block has come to the group") {
		t.Error(o.err)
	}
	for range askTries - 1 {
		r.silence()
	}
	if o := r.silence(); !errors.Is(o.err, ErrSilent) {
		t.Error(o.err)
	}
}
