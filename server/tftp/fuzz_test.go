package tftp

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/pxelab/pxelab/tests/netns"
)

// FuzzAnswer sends a datagram to a running server: no panic, no answer but to a whole RRQ or WRQ, to a WRQ none but
// ERROR, and every transfer ends when its client says so.
func FuzzAnswer(f *testing.F) {
	sv := serve(f, Config{})
	sv.put("f", 1000)
	f.Add([]byte("\x00\x01f\x00octet\x00blksize\x001468\x00tsize\x000\x00windowsize\x004\x00"))
	f.Add([]byte("\x00\x01f\x00netascii\x00timeout\x001\x00multicast\x00\x00"))
	f.Add([]byte("\x00\x02f\x00octet\x00"))
	f.Add([]byte("\x00\x01..\\f\x00mail\x00"))
	for _, op := range []byte{opDATA, opACK, opERROR, opOACK} {
		f.Add([]byte{0, op, 0, 1, 0, 0})
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		client, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := client.WriteToUDPAddrPort(datagram, sv.at); err != nil {
			return // longer than a datagram can be
		}
		d := <-sv.decisions
		asks := isRequest(datagram)
		if d.Reason == "" || d.Request == "" || d.Reply != "" && asks == 0 {
			t.Fatalf("%q decided: %+v", datagram, d)
		}
		if d.Reply == "" {
			if b := netns.Queued(t, client); b != nil {
				t.Fatalf("%q answered with %q, and the decision is %+v", datagram, b, d)
			}
			return
		}
		answer := make([]byte, 65536)
		n, from, err := client.ReadFromUDPAddrPort(answer)
		if err != nil {
			t.Fatal(err)
		}
		checkAnswer(t, asks, answer[:n], from, sv.at)
		if d.Outcome == "" { // a transfer began
			if _, err := client.WriteToUDPAddrPort(errorPacket(codeOption, "enough"), from); err != nil {
				t.Fatal(err)
			}
			if end := <-sv.decisions; end.Outcome != Aborted && end.Outcome != SizeProbe {
				t.Fatalf("%q ends as %+v", datagram, end)
			}
		}
	})
}

// isRequest gives the opcode of a whole RRQ or WRQ (RFC 1350 section 5), and 0 for all else. It shares no code with
// parseRequest.
func isRequest(b []byte) uint16 {
	if len(b) < 2 || bytes.Count(b[2:], []byte{0}) < 2 {
		return 0
	}
	if op := binary.BigEndian.Uint16(b); op == 1 || op == 2 {
		return op
	}
	return 0
}

// checkAnswer holds the first answer to a request to its kind, and to a port of its own (RFC 1350 section 4).
func checkAnswer(t *testing.T, asks uint16, answer []byte, from, server netip.AddrPort) {
	t.Helper()
	if from.Port() == server.Port() || len(answer) < 4 {
		t.Fatalf("%q from %s", answer, from)
	}
	op, number := binary.BigEndian.Uint16(answer), binary.BigEndian.Uint16(answer[2:])
	switch {
	case op == opERROR && answer[len(answer)-1] == 0 && number <= codeOption:
	case asks == opRRQ && op == opDATA && number == 1 && len(answer) <= 4+defaultBlk:
	case asks == opRRQ && op == opOACK && answer[len(answer)-1] == 0:
	default:
		t.Fatalf("opcode %d answered with %q", asks, answer)
	}
}
