package pxeclient

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func newTransfer(t TFTP) *transfer {
	x := &transfer{TFTP: t.withDefaults(), size: 512, window: 1}
	x.last = x.Request("f")
	return x
}

func data(block int, payload []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0, opData}, uint16(block)), payload...) //nolint:gosec // wraps as blocks do
}

func oack(words ...string) []byte {
	return append([]byte{0, opOptions}, strings.Join(words, "\x00")+"\x00"...)
}

func TestRequestOptions(t *testing.T) {
	for want, c := range map[string]TFTP{
		"\x00\x01f\x00octet\x00tsize\x000\x00blksize\x001468\x00":                    {},
		"\x00\x01f\x00octet\x00":                                                     {BlockSize: -1, Window: 4},
		"\x00\x01f\x00octet\x00tsize\x000\x00blksize\x00512\x00windowsize\x0016\x00": {BlockSize: 512, Window: 16},
	} {
		if got := newTransfer(c).last; string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTransferSteps gives a transfer packet after packet: what is acknowledged, and when.
func TestTransferSteps(t *testing.T) {
	full := make([]byte, 512)
	for _, c := range []struct {
		name    string
		cfg     TFTP
		packets [][]byte
		acks    string // block acknowledged after each packet, - for none
		size    int
		done    bool
	}{
		{"without options", TFTP{BlockSize: -1}, [][]byte{data(1, full), data(2, full[:9])}, "1 2", 521, true},
		{"exact end", TFTP{}, [][]byte{oack("blksize", "512"), data(1, full), data(2, nil)}, "0 1 2", 512, true},
		{"doubled block", TFTP{}, [][]byte{oack("BLKSIZE", "512"), data(1, full), data(1, full), data(2, nil)}, "0 1 1 2", 512, true},
		{"block of the past", TFTP{}, [][]byte{data(1, full), data(2, full), data(1, full)}, "1 2 -", 1024, false},
		{"window", TFTP{Window: 3}, [][]byte{oack("blksize", "512", "windowsize", "2"), data(1, full), data(2, full), data(3, full[:1])}, "0 - 2 3", 1025, true},
		{"hole in a window", TFTP{Window: 3}, [][]byte{oack("blksize", "512", "windowsize", "3"), data(1, full), data(3, full), data(2, full), data(3, full), data(4, full)},
			"0 - 1 - - 4", 2048, false},
		{"late OACK", TFTP{}, [][]byte{data(1, full), oack("blksize", "512")}, "1 -", 512, false},
		{"block 0", TFTP{}, [][]byte{data(0, full), data(1, full)}, "- 1", 512, false},
		{"lost ACK of an OACK", TFTP{}, [][]byte{oack("blksize", "512"), oack("blksize", "512"), data(1, full)}, "0 0 1", 512, false},
		{"rubbish", TFTP{}, [][]byte{{0, 3}, {0, 9, 0, 1}, {9, 3, 0, 1}, {}}, "- - - -", 0, false},
	} {
		x := newTransfer(c.cfg)
		var acks []string
		for _, p := range c.packets {
			send, err := x.packet(p)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			ack := "-"
			if send {
				ack = fmt.Sprint(binary.BigEndian.Uint16(x.last[2:]))
			}
			acks = append(acks, ack)
		}
		if got := strings.Join(acks, " "); got != c.acks || x.file.Len() != c.size || x.done != c.done {
			t.Errorf("%s: acknowledges %s, want %s; %d octets, done %v", c.name, got, c.acks, x.file.Len(), x.done)
		}
	}
}

// TestBlockRollover: block 0 follows block 65535.
func TestBlockRollover(t *testing.T) {
	x := newTransfer(TFTP{BlockSize: 8})
	if _, err := x.packet(oack("blksize", "8")); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 65540; n++ {
		if send, err := x.packet(data(n, make([]byte, 8))); !send || err != nil {
			t.Fatalf("block %d: %v", n, err)
		}
	}
	if x.file.Len() != 8*65540 || x.block != 4 {
		t.Errorf("%d octets, block %d", x.file.Len(), x.block)
	}
}

func TestTransferRefuses(t *testing.T) {
	for want, packet := range map[string][]byte{
		"TFTP error 1: none":                    []byte("\x00\x05\x00\x01none\x00"),
		"option blksize=9000 was not asked for": oack("blksize", "9000"),
		"option blksize=7 was not asked for":    oack("blksize", "7"),
		"option windowsize=2 was not asked for": oack("windowsize", "2"),
		"option multicast=1 was not asked for":  oack("multicast", "1"),
		`option tsize="many" is no number`:      oack("tsize", "many"),
		"option tsize=2000 was not asked for":   oack("tsize", "2000"),
		"longer than 1000 octets":               data(1, make([]byte, 1001)),
	} {
		_, err := newTransfer(TFTP{Limit: 1000}).packet(packet)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if e := (*Error)(nil); strings.HasPrefix(want, "TFTP") && (!errors.As(err, &e) || e.Code != 1) {
			t.Errorf("%#v", err)
		}
	}
}

func FuzzTransfer(f *testing.F) {
	f.Add(oack("blksize", "8", "windowsize", "4"), data(1, make([]byte, 8)), data(2, nil))
	f.Add([]byte("\x00\x05\x00\x01none\x00"), []byte{0, 6}, []byte{})
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		x := newTransfer(TFTP{Window: 4, Limit: 1 << 16})
		for _, p := range [][]byte{a, b, c} {
			if send, err := x.packet(p); err != nil {
				return
			} else if send && !bytes.HasPrefix(x.last, []byte{0, opAck}) {
				t.Errorf("after %x: %x would be sent", p, x.last)
			}
		}
	})
}
