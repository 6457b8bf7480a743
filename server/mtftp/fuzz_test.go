package mtftp

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/tests/netns"
)

// FuzzAnswer feeds the datagrams of one client to a server: no panic, no answer but to a whole RRQ or WRQ, or to the ACK
// of a client that opened a transmission, to a WRQ none but ERROR, and nothing at all to what was sent to a group.
func FuzzAnswer(f *testing.F) {
	netns.Need(f)
	if err := netlink.LinkSetUp(netns.Link(f, "lo")); err != nil {
		f.Fatal(err)
	}
	root := f.TempDir()
	if err := os.WriteFile(filepath.Join(root, "f"), make([]byte, 3*blockSize), 0o600); err != nil {
		f.Fatal(err)
	}
	var decisions []Decision
	s, err := Listen(Config{Interface: "lo", Address: netip.MustParseAddr("127.0.0.1"), Root: root, ClientPort: ClientPort,
		Files: []File{{"f", group.Addr()}, {"gone", netip.MustParseAddr("239.255.1.2")}}}, func(d Decision) { decisions = append(decisions, d) })
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	f.Add(requestPacket("f"), ackPacket(1), ackPacket(2), false)
	f.Add(requestPacket("gone"), requestPacket("f"), errorPacket(0, "enough"), false)
	f.Add(requestPacket("f"), requestPacket("/f"), ackPacket(4), true)
	f.Add([]byte("\x00\x02f\x00octet\x00"), []byte("\x00\x01f\x00mail\x00"), dataPacket(1, []byte("x")), false)
	f.Fuzz(func(t *testing.T, one, two, three []byte, toAll bool) {
		client, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		defer s.abortAll()
		for _, datagram := range [][]byte{one, two, three} {
			decisions = nil
			opened := len(s.running) > 0
			s.handle(datagram, client.LocalAddr().(*net.UDPAddr).AddrPort(), toAll, time.Now())
			if answer := netns.Queued(t, client); answer != nil {
				checkAnswer(t, datagram, answer, opened, toAll)
			}
			for _, d := range decisions {
				if d.Reason == "" || d.Request == "" && d.Outcome == "" {
					t.Fatalf("%q decided: %+v", datagram, d)
				}
			}
		}
	})
}

// checkAnswer holds what a client is sent to what it said, which is read here without parse.
func checkAnswer(t *testing.T, datagram, answer []byte, opened, toAll bool) {
	t.Helper()
	var asks uint16
	if len(datagram) >= 4 {
		asks = binary.BigEndian.Uint16(datagram)
	}
	whole := (asks == 1 || asks == 2) && bytes.Count(datagram[2:], []byte{0}) >= 2
	op := binary.BigEndian.Uint16(answer)
	switch {
	case toAll:
		t.Fatalf("%q to a group answered with %q", datagram, answer)
	case whole && op == 5, whole && asks == 1 && op == 3: // ERROR, or the opener's own copy of block 1
	case opened && asks == 4 && op == 3:
	default:
		t.Fatalf("%q answered with %q (transmission open: %t)", datagram, answer, opened)
	}
}
