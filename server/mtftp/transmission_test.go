package mtftp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

var (
	group  = netip.MustParseAddrPort("239.255.1.1:1758")
	opener = netip.MustParseAddrPort("192.0.2.11:1758")
)

// words writes what is sent: G1 is block 1 to the group, U1 to the opener alone.
func words(out []sending) string {
	var w []string
	for _, s := range out {
		to := "U"
		if s.to == group {
			to = "G"
		}
		w = append(w, fmt.Sprint(to, s.block))
	}
	return strings.Join(w, " ")
}

// TestTransmission tells each script an ACK (a number) or that the time is up (T), and compares what is sent.
func TestTransmission(t *testing.T) {
	for _, c := range []struct {
		name   string
		size   int64
		script string
		want   string
		octets int64
		resent int
	}{
		{"in step", 1100, "1 2 3", "G1 U1|G2|G3|done", 1100, 0},
		{"a whole number of blocks ends with an empty one", 1024, "1 2 3", "G1 U1|G2|G3|done", 1024, 0},
		{"empty file", 0, "1", "G1 U1|done", 0, 0},
		{"an ACK that comes again is not answered", 1100, "1 1 0 2", "G1 U1|G2|||G3", 1024, 0},
		{"an ACK beyond the end is none", 1100, "4 65535 1", "G1 U1|||G2", 512, 0},
		{"lost blocks", 1100, "T T 1 T 2 3", "G1 U1|G1 U1|G1 U1|G2|G2|G3|done", 1100, 5},
		{"the opener has the middle", 5000, "1 2 9 10", "G1 U1|G2|G3|G10|done", 512*3 + 5000 - 9*512, 0},
		{"the opener has the rest", 5000, "1 10", "G1 U1|G2|done", 1024, 0},
		{"the opener dies", 1100, "1 T T T T T", "G1 U1|G2|G2|G2|G2|G2|dead", 512, 4},
		{"patience begins anew with each ACK", 1100, "T T T T 1 T T T T 2", "G1 U1|G1 U1|G1 U1|G1 U1|G1 U1|G2|G2|G2|G2|G2|G3", 1024, 12},
	} {
		tr := newTransmission("f", group, opener, c.size)
		got := []string{words(tr.current())}
		for _, w := range strings.Fields(c.script) {
			var out []sending
			var over bool
			end := "done"
			if w == "T" {
				out, over = tr.timeout()
				end = "dead"
			} else {
				var n uint16
				fmt.Sscan(w, &n)
				out, over = tr.ack(n)
			}
			if over {
				got = append(got, end)
				continue
			}
			got = append(got, words(out))
		}
		if s := strings.Join(got, "|"); s != c.want || tr.octets(c.size) != c.octets || tr.resent != c.resent {
			t.Errorf("%s: %s, %d octets, %d resent; want %s, %d, %d", c.name, s, tr.octets(c.size), tr.resent, c.want, c.octets, c.resent)
		}
	}
}

func TestAsked(t *testing.T) {
	for _, c := range []struct {
		name  string
		acks  uint16
		vain  int
		from  string
		claim claim
	}{
		{"block 1 was lost", 0, 0, "192.0.2.11:1758", repeats},
		{"a reset of the opener", 2, 0, "192.0.2.11:1758", restarts},
		{"iPXE opens again from another port", 2, 0, "192.0.2.11:40000", restarts},
		{"another client", 2, 0, "192.0.2.12:1758", listens},
		{"the opener lost one block", 2, 1, "192.0.2.12:1758", listens},
		{"the opener is silent", 2, 2, "192.0.2.12:1758", takes},
	} {
		tr := newTransmission("f", group, opener, 5000)
		for n := range c.acks {
			tr.ack(n + 1)
		}
		for range c.vain {
			tr.timeout()
		}
		if got := tr.asked(netip.MustParseAddrPort(c.from)); got != c.claim {
			t.Errorf("%s: %d, want %d", c.name, got, c.claim)
		}
	}
}

func TestLargestFile(t *testing.T) {
	if n := blocksOf(MaxFile); n != maxBlocks {
		t.Errorf("%d octets have %d blocks", MaxFile, n)
	}
	if n := blocksOf(MaxFile + 1); n != maxBlocks+1 {
		t.Errorf("%d octets have %d blocks", MaxFile+1, n)
	}
}
