package tftp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// toGroups is a configuration with groups. The loopback interface carries multicast to those who joined on it.
func toGroups(n int) Config {
	first := netip.MustParseAddr("239.255.17.1")
	last := first
	for range n - 1 {
		last = last.Next()
	}
	return Config{Multicast: Multicast{First: first, Last: last, Port: 1758}}
}

// ear hears what is multicast to a group.
func ear(t *testing.T, group string) *peer {
	t.Helper()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	at := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(group))
	conn, err := net.ListenMulticastUDP("udp4", lo, at)
	if err != nil {
		t.Skipf("no multicast on the loopback interface: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{t: t, conn: conn}
}

// joins asks for a file by multicast, and wants to be the master client or not.
func (p *peer) joins(sv *served, file, group string, master int) {
	p.t.Helper()
	p.send(sv.at, opRRQ, file, "octet", "multicast", "", "blksize", "512")
	p.wantRole(group, master)
}

func (p *peer) wantRole(group string, master int) {
	p.t.Helper()
	p.want(fmt.Sprintf("OACK blksize|512|multicast|%s,%d|", strings.Replace(group, ":", ",", 1), master))
}

const group1, group2 = "239.255.17.1:1758", "239.255.17.2:1758"

// TestMulticast serves two clients, of which one comes late, with one transmission and the blocks that the late one missed.
func TestMulticast(t *testing.T) {
	sv := serve(t, toGroups(2))
	sv.put("f", 5*512+9)
	air := ear(t, group1)
	first, late := dial(t), dial(t)
	first.joins(sv, "f", group1, 1)
	sv.expect("OACK", "", "in blocks of 512, multicast to "+group1+", as master client")
	first.ack(0)
	air.want("DATA 1: 512 octets")
	first.ack(1)
	air.want("DATA 2: 512 octets")
	late.joins(sv, "f", group1, 0)
	sv.expect("OACK", "", "as listening client")
	if late.tid != first.tid {
		t.Errorf("two ports, %s and %s, for one group", first.tid, late.tid)
	}
	late.ack(0) // out of turn
	late.wantRole(group1, 0)
	for n := uint16(2); n < 6; n++ {
		first.ack(n)
		air.read()
	}
	first.ack(6)
	d := sv.expect("", OK, "transferred whole by multicast; 6 of 6 blocks were sent for it")
	if d.Bytes != 5*512+9 || d.Client.Port() != uint16(first.conn.LocalAddr().(*net.UDPAddr).Port) {
		t.Errorf("%+v", d)
	}
	late.wantRole(group1, 1) // its turn: it has 3 to 6
	late.ack(0)
	air.want("DATA 1: 512 octets")
	late.ack(1)
	air.want("DATA 2: 512 octets")
	late.ack(6)
	if d := sv.expect("", OK, "2 of 6 blocks were sent for it"); d.Sent != 2*516 {
		t.Errorf("%+v", d)
	}

	first.joins(sv, "f", group1, 1) // the group ended, its address is free again
	sv.expect("OACK", "", group1)
	sv.put("g", 3)
	late.joins(sv, "g", group2, 1) // another file has another group
	sv.expect("OACK", "", group2)
	late.ack(0)
	late.ack(1)
	sv.expect("", OK, "")
}

// TestMulticastRoles passes the turn on: from a client that dies, that breaks off, that begins again; and turns
// strangers away.
func TestMulticastRoles(t *testing.T) {
	sv := serve(t, toGroups(1), func(s *Server) { s.limits.again = 30 * time.Millisecond })
	sv.put("f", 2*512)
	air := ear(t, group1)
	dies, errs, again, last := dial(t), dial(t), dial(t), dial(t)
	dies.joins(sv, "f", group1, 1)
	for _, p := range []*peer{errs, again, last} {
		p.joins(sv, "f", group1, 0)
	}
	dies.ack(0)
	for range 1 + retransmits {
		air.want("DATA 1: 512 octets")
	}
	wait := func(outcome, reason string) Decision {
		for {
			if d := <-sv.decisions; d.Outcome != "" {
				if d.Outcome != outcome || !strings.Contains(d.Reason, reason) {
					t.Fatalf("%+v, want %s %q", d, outcome, reason)
				}
				return d
			}
		}
	}
	if d := wait(Timeout, "no acknowledgement of block 1 after 5 retransmissions"); d.Resent < retransmits || d.Bytes != 0 {
		t.Errorf("%+v", d)
	}
	errs.wantRole(group1, 1)
	errs.send(errs.tid, opERROR, "\x00\x03disk full")
	wait(Aborted, `the client sent ERROR 3 "disk full"`)
	again.wantRole(group1, 1)
	again.send(sv.at, opRRQ, "f", "octet")
	wait(Aborted, "the client began again")
	last.wantRole(group1, 1)
	stranger := dial(t)
	stranger.tid = last.tid
	stranger.ack(1)
	stranger.want("ERROR 5 unknown transfer")
	last.ack(3) // also of the whole file, which the group never sent it: that is its own affair
	wait(OK, "0 of 3 blocks were sent for it")
}

// TestMulticastSilentListener: a client that does not answer as master gets one more turn after the others.
func TestMulticastSilentListener(t *testing.T) {
	sv := serve(t, toGroups(1), func(s *Server) { s.limits.again = 10 * time.Millisecond })
	sv.put("f", 9)
	mute, other := dial(t), dial(t)
	mute.joins(sv, "f", group1, 1)
	other.joins(sv, "f", group1, 0)
	for said := other.read(); !strings.HasSuffix(said, ",1|"); said = other.read() {
		t.Log(said)
	}
	other.ack(0)
	other.ack(1)
	got := map[string]Decision{}
	for len(got) < 2 {
		if d := <-sv.decisions; d.Outcome != "" {
			got[d.Outcome] = d
		}
	}
	if !strings.Contains(got[Timeout].Reason, "did not answer as master client") || got[OK].Bytes != 9 {
		t.Errorf("%+v", got)
	}
}

// TestMulticastPersists: a client that acknowledges and is not the master is sent away in the end.
func TestMulticastPersists(t *testing.T) {
	sv := serve(t, toGroups(1))
	sv.put("f", 2*512)
	master, pushy := dial(t), dial(t)
	master.joins(sv, "f", group1, 1)
	pushy.joins(sv, "f", group1, 0)
	for range outOfTurn {
		pushy.ack(0)
		pushy.wantRole(group1, 0)
	}
	pushy.ack(0)
	pushy.want("ERROR 4 not the master client")
	sv.expect("OACK", "", "")
	sv.expect("OACK", "", "")
	sv.expect("", Aborted, "it kept acknowledging")
	sv.stop()
	master.want("ERROR 0 server stopped")
	sv.expect("", Aborted, "the server stops")
}

// TestMulticastNotForAll: what cannot be multicast is served to the client alone.
func TestMulticastNotForAll(t *testing.T) {
	sv := serve(t, toGroups(1))
	sv.put("f", 600)
	p := dial(t)
	p.send(sv.at, opRRQ, "f", "netascii", "multicast", "")
	p.read()
	sv.expect("DATA", "", "without option multicast")
	big, err := os.Create(filepath.Join(sv.root, "big"))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if err := big.Truncate(65535 * 512); err != nil { // 65536 blocks, the last one empty
		t.Fatal(err)
	}
	q := dial(t)
	q.send(sv.at, opRRQ, "big", "octet", "multicast", "")
	q.want("DATA 1: 512 octets")
	sv.expect("DATA", "", "without option multicast (more blocks than numbers)")
}
