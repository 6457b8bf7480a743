package mtftp

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"\x00\x01/probe.0\x00OCTET\x00":               "RRQ /probe.0",
		"\x00\x02up\x00octet\x00":                     "WRQ up",
		"\x00\x01\x00\x00":                            `RRQ ""`,
		"\x00\x01a\x07\x00octet\x00":                  `RRQ "a\a"`,
		"\x00\x03\x00\x07data":                        "DATA 7",
		"\x00\x03\xff\xff":                            "DATA 65535",
		"\x00\x04\x00\x00":                            "ACK 0",
		"\x00\x05\x00\x01file not found\x00":          "ERROR 1",
		"\x00\x03\x00":                                "error: datagram of 3 octets",
		"\x00\x03\x00\x00x":                           "error: block 0",
		"\x00\x03\x00\x01" + strings.Repeat("x", 513): "error: block 1 of 513 octets",
		"\x00\x01probe.0":                             "error: request without",
		"\x00\x01probe.0\x00octet":                    "error: request without",
		"\x00\x06blksize\x001432\x00":                 "error: opcode 6",
		"":                                            "error: datagram of 0",
	} {
		p, err := parse([]byte(in))
		got := p.String()
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want && (err == nil || !strings.HasPrefix(got, want)) {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	p, err := parse([]byte("\x00\x01f\x00OcTeT\x00blksize\x001432\x00tsize\x000\x00odd\x00"))
	if err != nil || p.mode != "octet" || strings.Join(p.options, " ") != "blksize tsize" {
		t.Errorf("%+v, %v", p, err)
	}
}

// FuzzParse holds that what is parsed encodes to what was received, as far as we send such packets, and that neither
// side of a transmission is led out of bounds by anything parsed.
func FuzzParse(f *testing.F) {
	for _, b := range [][]byte{requestPacket("probe.0"), dataPacket(1, []byte("x")), ackPacket(7), errorPacket(1, "no"), {0, 6, 0, 0}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err != nil {
			return
		}
		if strings.ContainsFunc(p.String(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q is not printable", p)
		}
		again := map[uint16][]byte{opDATA: dataPacket(p.block, p.data), opACK: ackPacket(p.block)}[p.op]
		if p.op == opDATA && string(again) != string(b) || p.op == opACK && string(again) != string(b[:4]) {
			t.Errorf("%x was read as %x", b, again)
		}
		tr := newTransmission("f", group, opener, 5000)
		r := &receiver{timeout: 1, delay: 1}
		for range 2 {
			for _, s := range first(tr.ack(p.block)) {
				if s.block < 1 || s.block > tr.blocks {
					t.Errorf("block %d of %d", s.block, tr.blocks)
				}
			}
			r.silence()
			r.refused(p.code, p.message)
			if p.op == opDATA {
				r.received(p.block, p.data, p.block%2 == 0)
			}
		}
	})
}

func first[A, B any](a A, _ B) A { return a }
