package tftp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestWindow holds what acknowledgements mean, and which blocks follow them.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		name     string
		w        window
		number   uint16
		means    meaning
		from, to int64 // sent next
	}{
		{"OACK", window{size: 4, acked: -1}, 0, progress, 1, 4},
		{"nothing heard yet", window{size: 4, acked: -1}, 65535, stale, 0, 0},
		{"no OACK, nothing heard yet", window{size: 1, sent: 1}, 0, stale, 1, 1},
		{"one by one", window{size: 1, acked: 1, sent: 2, heard: true}, 2, progress, 3, 3},
		{"whole window", window{size: 4, acked: 4, sent: 8, heard: true}, 8, progress, 9, 12},
		{"gap", window{size: 4, acked: 4, sent: 8, heard: true}, 6, progress, 7, 10},
		{"gap at the first block", window{size: 4, acked: 4, sent: 8, heard: true}, 4, repeated, 5, 8},
		{"never sent", window{size: 4, acked: 4, sent: 8, heard: true}, 9, stale, 5, 8},
		{"long past", window{size: 4, acked: 4, sent: 8, heard: true}, 3, stale, 5, 8},
		{"final window is short", window{size: 4, acked: 4, sent: 8, last: 10, heard: true}, 8, progress, 9, 10},
		{"final block", window{size: 4, acked: 8, sent: 10, last: 10, heard: true}, 10, progress, 11, 10},
		{"after the rollover", window{size: 4, acked: 65534, sent: 65538, heard: true}, 0, progress, 65537, 65540},
		{"before the rollover", window{size: 4, acked: 65534, sent: 65538, heard: true}, 65535, progress, 65536, 65539},
		{"twice around", window{size: 8, acked: 131070, sent: 131078, heard: true}, 6, progress, 131079, 131086},
		{"stops", window{size: 4, acked: 4, sent: 8, stop: 9, heard: true}, 8, progress, 9, 9},
	} {
		got := c.w.ack(c.number)
		from, to := c.w.next()
		if got != c.means || from != c.from || to != c.to {
			t.Errorf("%s: meaning %d, then blocks %d to %d; want %d, %d to %d", c.name, got, from, to, c.means, c.from, c.to)
		}
		if c.w.done() != (c.name == "final block") || c.w.silent() {
			t.Errorf("%s: done %t, silent %t", c.name, c.w.done(), c.w.silent())
		}
	}
	if w := (window{size: 4, sent: 9, stop: 9, last: 20}); !w.silent() {
		t.Error("not silent")
	}
	if w := (window{size: 4, sent: 9, stop: 9, last: 9}); w.silent() {
		t.Error("a file that is whole at that block is not")
	}
}

// FuzzWindow holds that no sequence of acknowledgements makes a sender skip a block, or send one beyond its window.
func FuzzWindow(f *testing.F) {
	f.Add(uint16(4), []byte{0, 0, 0, 4, 0, 2, 0, 8})
	f.Add(uint16(1), []byte{255, 255, 0, 0, 0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, size uint16, acks []byte) {
		w := window{size: max(1, int64(size)), acked: -1, last: 100_000}
		for ; len(acks) >= 2 && !w.done(); acks = acks[2:] {
			before := w
			from, to := w.next()
			if from != w.acked+1 || to-from >= w.size || to > w.last || from > to {
				t.Fatalf("%+v sends %d to %d", w, from, to)
			}
			w.sent = max(w.sent, to)
			means := w.ack(binary.BigEndian.Uint16(acks))
			if w.acked < before.acked || w.acked > w.sent || (means == progress) != (w.acked > before.acked) {
				t.Fatalf("%+v becomes %+v by %v", before, w, acks[:2])
			}
		}
	})
}

// window asks for a file in windows of four blocks of 512.
func (p *peer) windowed(sv *served, file string) {
	p.send(sv.at, opRRQ, file, "octet", "windowsize", "4")
	p.want("OACK windowsize|4|")
	p.ack(0)
}

func (p *peer) wantBlocks(from, to int) {
	p.t.Helper()
	for n := from; n <= to; n++ {
		p.want(fmt.Sprintf("DATA %d: 512 octets", n))
	}
}

// TestWindowed loses blocks in every way that RFC 7440 speaks of.
func TestWindowed(t *testing.T) {
	sv := serve(t, Config{})
	sv.put("f", 10*512+7)
	p := dial(t)
	p.windowed(sv, "f")
	p.wantBlocks(1, 4)
	p.ack(2) // 3 was lost
	p.wantBlocks(3, 6)
	p.ack(2) // 4 and what followed made the client say so twice: no news
	p.ack(6)
	p.wantBlocks(7, 10)
	p.ack(10)
	p.want("DATA 11: 7 octets")
	p.ack(11)
	sv.expect("OACK", "", "serving 5127 octets in blocks of 512, windows of 4")
	if d := sv.expect("", OK, "transferred whole"); d.Bytes != 5127 || d.Resent != 2 {
		t.Errorf("%+v", d)
	}
	// The first block of a window was lost: the acknowledgement before it comes again, and at once is believed.
	p.windowed(sv, "f")
	p.wantBlocks(1, 4)
	p.ack(4)
	p.wantBlocks(5, 8)
	for range 3 { // 6, 7 and 8 each make the client say so
		p.ack(4)
	}
	p.wantBlocks(5, 8)
	p.ack(8)
	p.wantBlocks(9, 10) // and not 5 to 8 once more
	p.want("DATA 11: 7 octets")
	p.ack(11)
	sv.expect("OACK", "", "")
	if d := sv.expect("", OK, ""); d.Resent != 4 {
		t.Errorf("%+v", d)
	}
}

// TestWindowTimeout: a window that nothing acknowledges comes again whole.
func TestWindowTimeout(t *testing.T) {
	sv := serve(t, Config{}, func(s *Server) { s.limits.again = 20 * time.Millisecond })
	sv.put("f", 10*512)
	p := dial(t)
	p.send(sv.at, opRRQ, "f", "octet", "windowsize", "4")
	said, oacks := p.read(), 1
	for ; strings.HasPrefix(said, "OACK"); said = p.read() { // several when the machine is busy
		oacks++
		p.ack(0)
	}
	for range retransmits {
		p.wantBlocks(2, 4)
		p.want("DATA 1: 512 octets")
	}
	p.wantBlocks(2, 4)
	p.want("ERROR 0 timeout")
	sv.expect("OACK", "", "")
	d := sv.expect("", Timeout, "no acknowledgement of block 1 after 5 retransmissions")
	if d.Resent < 4*retransmits || d.Resent > 4*retransmits+oacks || d.Bytes != 0 || said != "DATA 1: 512 octets" {
		t.Errorf("%s first, then %+v", said, d)
	}
}

// TestBroken: servers that are broken on purpose say so.
func TestBroken(t *testing.T) {
	sv := serve(t, Config{StopAfter: 3})
	sv.put("f", 10*512)
	sv.put("small", 3*512-1)
	p := dial(t)
	p.windowed(sv, "f")
	p.wantBlocks(1, 3)
	sv.expect("OACK", "", "")
	sv.expect("", Aborted, "fell silent after block 3, as configured")
	p.ack(3)
	q := dial(t) // a file that is through by then is sent whole
	q.windowed(sv, "small")
	q.wantBlocks(1, 2)
	q.want("DATA 3: 511 octets")
	q.ack(3)
	sv.expect("OACK", "", "")
	sv.expect("", OK, "")
	p.windowed(sv, "f") // from the port that was let down: it begins again
	sv.expect("OACK", "", "")

	sv = serve(t, Config{NoOptions: true})
	sv.put("f", 10)
	p.send(sv.at, opRRQ, "f", "octet", "tsize", "0")
	sv.expect("DATA", "", "in blocks of 512, no options, as configured")
}

func TestTerms(t *testing.T) {
	l := limits{blk: 1468, window: 16, again: time.Second}
	for in, want := range map[string]string{
		"":                            "in blocks of 512",
		"blksize 1432 tsize 0":        "in blocks of 1432",
		"blksize 8192":                "in blocks of 1468 (it asked for 8192)",
		"windowsize 4 blksize 1468":   "in blocks of 1468, windows of 4",
		"windowsize 64":               "in blocks of 512, windows of 16 (it asked for 64)",
		"timeout 3 multicast -":       "in blocks of 512, its timeout of 3 s, without option multicast",
		"blksize 1024 blksize 512":    "in blocks of 1024",
		"windowsize 1":                "in blocks of 512, windows of 1",
		"windowsize x timeout 0 no -": "in blocks of 512, without option windowsize, without option timeout, without option no",
	} {
		r := request{op: opRRQ, name: "f", mode: "octet"}
		for words := strings.Fields(in); len(words) > 1; words = words[2:] {
			r.options = append(r.options, option{words[0], words[1]})
		}
		if got := r.agree(l, 100).String(); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	if terms := (request{options: []option{{"timeout", "3"}}}).agree(l, 100); terms.again != 3*time.Second {
		t.Errorf("%+v", terms)
	}
	l.multicast = true
	big := request{op: opRRQ, name: "f", mode: "octet", options: []option{{"multicast", ""}, {"windowsize", "4"}}}
	if terms := big.agree(l, 65535*512); terms.multicast || !strings.Contains(terms.String(), "more blocks than numbers") || terms.window != 4 {
		t.Errorf("%+v", terms)
	}
	if terms := big.agree(l, 65535*512-1); !terms.multicast || terms.window != 1 || len(terms.granted) != 0 {
		t.Errorf("%+v", terms)
	}
	l.window = 65535
	l.blk = maxBlksize
	huge := request{options: []option{{"windowsize", "65535"}, {"blksize", "65464"}}}
	if terms := huge.agree(l, 1); terms.window*terms.blk > windowOctets || terms.granted[0].value != fmt.Sprint(terms.window) {
		t.Errorf("%+v", terms)
	}
}

func TestNetascii(t *testing.T) {
	sv := serve(t, Config{})
	want := strings.ReplaceAll(strings.ReplaceAll("a\nb\rc\r\n"+strings.Repeat("x", 600)+"\n", "\r", "\r\x00"), "\n", "\r\n")
	sv.putBytes("text", []byte("a\nb\rc\r\n"+strings.Repeat("x", 600)+"\n"))
	p := dial(t)
	p.send(sv.at, opRRQ, "text", "netascii")
	var got bytes.Buffer
	for n := uint16(1); ; n++ {
		b := p.data()
		got.Write(b)
		p.ack(n)
		if len(b) < 512 {
			break
		}
	}
	if got.String() != want {
		t.Errorf("got %q", got.String())
	}
	sv.expect("DATA", "", "")
	if d := sv.expect("", OK, ""); d.Bytes != int64(len(want)) {
		t.Errorf("%d octets, want %d", d.Bytes, len(want))
	}
}
