package tftp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRefusals(t *testing.T) {
	sv := serve(t, Config{})
	sv.put("file", 10)
	outside := filepath.Join(t.TempDir(), "secret")
	for _, err := range []error{
		os.WriteFile(outside, []byte("secret"), 0o600),
		os.Mkdir(filepath.Join(sv.root, "folder"), 0o700),
		os.Symlink(outside, filepath.Join(sv.root, "way-out")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		op               byte
		name, mode       string
		wire, out, cause string
	}{
		{opRRQ, "none", "octet", "ERROR 1 file not found", NotFound, "no such file in the root"},
		{opRRQ, "folder", "octet", "ERROR 1 file not found", NotFound, "not a regular file"},
		{opRRQ, "", "octet", "ERROR 1 file not found", NotFound, "it names no file"},
		{opRRQ, "../secret", "octet", "ERROR 2 access violation", Refused, `".."`},
		{opRRQ, `folder\..\..\secret`, "octet", "ERROR 2 access violation", Refused, `".."`},
		{opRRQ, "way-out", "octet", "ERROR 2 access violation", Refused, "escapes"},
		{opRRQ, "file/x", "octet", "ERROR 2 access violation", Refused, "not a directory"},
		{opRRQ, "file", "mail", "ERROR 4 unknown mode", Refused, `"mail"`},
		{opWRQ, "file", "octet", "ERROR 2 read-only server", Refused, "read-only"},
	} {
		t.Run(c.name+" "+c.mode, func(t *testing.T) {
			p := dial(t)
			p.send(sv.at, c.op, c.name, c.mode)
			p.want(c.wire)
			sv.t = t
			sv.expect(c.wire[:7], c.out, c.cause)
		})
	}
}

func TestNegotiation(t *testing.T) {
	for _, c := range []struct {
		name    string
		cfg     Config
		mtu     int
		options []string
		size    int
		first   string
	}{
		{"none", Config{}, 1500, nil, 700, "DATA 1: 512 octets"},
		{"upper case", Config{}, 1500, []string{"BLKSIZE", "1024"}, 700, "OACK blksize|1024|"},
		{"size", Config{}, 1500, []string{"TSize", "0"}, 700, "OACK tsize|700|"},
		{"no more than the MTU carries", Config{}, 1500, []string{"blksize", "65464"}, 700, "OACK blksize|1468|"},
		{"what iPXE asks for", Config{}, 1500, []string{"blksize", "1432"}, 700, "OACK blksize|1432|"},
		{"a limit", Config{MaxBlk: 600}, 1500, []string{"blksize", "1432"}, 700, "OACK blksize|600|"},
		{"the least limit", Config{MaxBlk: 512}, 1500, []string{"blksize", "1432"}, 700, "OACK blksize|512|"},
		{"a small MTU", Config{}, 576, []string{"blksize", "1432"}, 700, "OACK blksize|544|"},
		{"unknown option", Config{}, 1500, []string{"speed", "4"}, 100, "DATA 1: 100 octets"},
		{"small", Config{}, 1500, []string{"blksize", "8"}, 700, "OACK blksize|8|"},
		{"window", Config{}, 1500, []string{"windowsize", "4"}, 700, "OACK windowsize|4|"},
		{"window limit", Config{MaxWindow: 8}, 1500, []string{"windowsize", "65535"}, 700, "OACK windowsize|8|"},
		{"window limit by default", Config{}, 1500, []string{"windowsize", "65535"}, 700, "OACK windowsize|64|"},
		{"window refused", Config{MaxWindow: 1}, 1500, []string{"windowsize", "4"}, 100, "DATA 1: 100 octets"},
		{"window of none", Config{}, 1500, []string{"windowsize", "0"}, 100, "DATA 1: 100 octets"},
		{"time", Config{}, 1500, []string{"timeout", "3"}, 700, "OACK timeout|3|"},
		{"too long", Config{}, 1500, []string{"timeout", "256"}, 100, "DATA 1: 100 octets"},
		{"multicast refused", Config{}, 1500, []string{"multicast", ""}, 100, "DATA 1: 100 octets"},
		{"options unknown", Config{NoOptions: true}, 1500, []string{"tsize", "0"}, 100, "DATA 1: 100 octets"},
		{"size untold", Config{NoTsize: true}, 1500, []string{"tsize", "0"}, 100, "DATA 1: 100 octets"},
		{"nonsense", Config{}, 1500, []string{"blksize", "many"}, 100, "DATA 1: 100 octets"},
		{"too small", Config{}, 1500, []string{"blksize", "7"}, 100, "DATA 1: 100 octets"},
		{"odd number of fields", Config{}, 1500, []string{"blksize"}, 100, "DATA 1: 100 octets"},
		{"no size of a text file", Config{}, 1500, []string{"tsize", "0", "netascii"}, 100, "DATA 1: 100 octets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sv := serve(t, c.cfg, func(s *Server) { s.limits = c.cfg.limits(c.mtu) })
			sv.put("f", c.size)
			mode, options := "OCTET", c.options
			if n := len(options); n == 3 {
				mode, options = options[2], options[:2]
			}
			p := dial(t)
			p.send(sv.at, opRRQ, append([]string{"/f", mode}, options...)...)
			if got := p.read(); got != c.first && mode == "OCTET" || !strings.HasPrefix(got, c.first[:4]) {
				t.Fatalf("received %s, want %s", got, c.first)
			}
			sv.expect(c.first[:4], "", fmt.Sprintf("serving %d octets", c.size))
		})
	}
}

// TestQueuedBeforeServe: a request that is there before Serve gets its full block size.
func TestQueuedBeforeServe(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "f"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := listen(Config{Interface: "lo", Root: root}, 0, func(Decision) {})
	if err != nil {
		t.Fatal(err)
	}
	p := dial(t)
	p.send(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(s.udp.LocalAddr().(*net.UDPAddr).Port)), opRRQ, "f", "octet", "blksize", "1468")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	p.want("OACK blksize|1468|")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	p.want("ERROR 0 server stopped")
}

// TestSizeProbe is EDK2's way to learn the size: it aborts after the OACK, and must not be sent an ERROR for its ERROR.
func TestSizeProbe(t *testing.T) {
	sv := serve(t, Config{})
	sv.put("f", 700)
	p := dial(t)
	p.send(sv.at, opRRQ, "f", "octet", "tsize", "0")
	p.want("OACK tsize|700|")
	p.send(p.tid, opERROR, "\x00\x08User aborted the transfer")
	sv.expect("OACK", "", "serving 700 octets")
	if d := sv.expect("", SizeProbe, `the client sent ERROR 8 "User aborted the transfer"`); d.Bytes != 0 || d.File != "f" {
		t.Errorf("%+v", d)
	}
	p.send(sv.at, opRRQ, "f", "octet")
	p.want("DATA 1: 512 octets") // and nothing before it
	p.send(p.tid, opERROR, "\x00\x03disk full")
	sv.expect("DATA", "", "")
	sv.expect("", Aborted, `the client sent ERROR 3 "disk full"`)
}

// TestSamePortAgain: a client that asks again from its port right after its ERROR is not taken for one that repeats a
// request which is still being answered.
func TestSamePortAgain(t *testing.T) {
	sv := serve(t, Config{})
	sv.put("f", 700)
	go func() {
		for range sv.decisions { //nolint:revive // emptied, so that the server can go on
		}
	}()
	t.Cleanup(func() { sv.stop(); close(sv.decisions) })
	p := dial(t)
	for range 500 {
		p.send(sv.at, opRRQ, "f", "octet", "tsize", "0")
		p.want("OACK tsize|700|")
		p.send(p.tid, opERROR, "\x00\x08enough")
	}
}

func TestRepeatedRequest(t *testing.T) {
	sv := serve(t, Config{})
	sv.put("f", 600)
	p := dial(t)
	request := func() { p.send(sv.at, opRRQ, "f", "octet", "tsize", "0") }
	request()
	p.want("OACK tsize|600|")
	first := p.tid
	request()
	p.want("OACK tsize|600|")
	if p.tid != first {
		t.Errorf("a repeated request got a second transfer: %s and %s", first, p.tid)
	}
	p.ack(0)
	p.want("DATA 1: 512 octets")
	sv.expect("OACK", "", "")
	sv.expect("", "", "a repeated request")
	request() // after an acknowledgement: it began again
	p.want("OACK tsize|600|")
	if p.tid == first {
		t.Error("the old transfer answered")
	}
	p.ack(0)
	p.want("DATA 1: 512 octets")
	p.ack(1)
	p.want("DATA 2: 88 octets")
	p.ack(2)
	got := map[string]Decision{}
	for range 3 {
		d := <-sv.decisions
		got[d.Reply+d.Outcome] = d
	}
	if d := got[Aborted]; d.Reason != "the client began again" || d.Resent != 1 {
		t.Errorf("the old transfer: %+v", d)
	}
	if d := got[OK]; d.Bytes != 600 || d.Resent != 0 || got["OACK"].Request != "RRQ f" {
		t.Errorf("the new transfer: %+v of %v", d, got)
	}
}

func TestLostDatagrams(t *testing.T) {
	sv := serve(t, Config{}, func(s *Server) { s.limits.again = 20 * time.Millisecond })
	sv.put("f", 600)
	p := dial(t)
	p.send(sv.at, opRRQ, "f", "octet")
	for range 1 + retransmits {
		p.want("DATA 1: 512 octets")
	}
	p.want("ERROR 0 timeout")
	sv.expect("DATA", "", "")
	if d := sv.expect("", Timeout, "no acknowledgement of block 1 after 5 retransmissions"); d.Resent != retransmits || d.Bytes != 0 {
		t.Errorf("%+v", d)
	}

	sv = serve(t, Config{})
	sv.put("f", 600)
	p.send(sv.at, opRRQ, "f", "octet")
	p.want("DATA 1: 512 octets")
	stranger := dial(t)
	stranger.tid = p.tid
	stranger.ack(1)
	stranger.want("ERROR 5 unknown transfer")
	p.ack(1)
	p.want("DATA 2: 88 octets")
	for again := false; !again; { // a client that repeats itself gets the block again before the retransmission timer
		p.ack(1)
		_ = p.conn.SetReadDeadline(time.Now().Add(repeatAfter / 4))
		_, _, err := p.conn.ReadFromUDPAddrPort(make([]byte, 600))
		again = err == nil
	}
	p.ack(2)
	sv.expect("DATA", "", "")
	if d := sv.expect("", OK, "transferred whole"); d.Resent == 0 || d.Bytes != 600 {
		t.Errorf("%+v", d)
	}
}

// TestBusy: more transfers than the server has room for are not begun, and are once there is room.
func TestBusy(t *testing.T) {
	sv := serve(t, Config{}, func(s *Server) { s.most = 1 })
	sv.put("f", 3)
	p, q := dial(t), dial(t)
	p.send(sv.at, opRRQ, "f", "octet")
	p.want("DATA 1: 3 octets")
	q.send(sv.at, opRRQ, "f", "octet")
	sv.expect("DATA", "", "")
	sv.expect("", "", "ignored: 1 transfers are under way")
	p.ack(1)
	sv.expect("", OK, "")
	q.send(sv.at, opRRQ, "f", "octet")
	q.want("DATA 1: 3 octets")
}

func TestSilentAndNonsense(t *testing.T) {
	sv := serve(t, Config{Silent: true})
	p := dial(t)
	p.send(sv.at, opRRQ, "f", "octet")
	sv.expect("", "", "silent, as configured")
	p.send(sv.at, opACK, "")
	sv.expect("", "", "ignored: opcode 4: not a request")
	p.send(sv.at, opRRQ, "f")
	sv.expect("", "", "ignored: request without file name or mode")
}
