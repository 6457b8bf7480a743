package server_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/tests/netns"
)

// start starts a client program in the client's namespace.
func (l *lan) start(program string, args ...string) *exec.Cmd {
	l.t.Helper()
	path := netns.Program(l.t, program)
	cmd := exec.CommandContext(l.t.Context(), path, args...)
	cmd.Dir = l.t.TempDir()
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	l.inClient(func() { must(l.t, cmd.Start()) })
	return cmd
}

// ended gives the first decision that ends a transfer.
func (s *serving) ended() server.Decision {
	s.t.Helper()
	for {
		if d := <-s.decisions; d.Outcome != "" {
			return d
		}
	}
}

// large is a file of this many octets in the TFTP root, no two blocks of it alike, and its CRC.
func large(t *testing.T, root, name string, n int) uint32 {
	t.Helper()
	content := make([]byte, n)
	x := uint64(1)
	for i := range content {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		content[i] = byte(x)
	}
	must(t, os.WriteFile(filepath.Join(root, name), content, 0o600))
	return crc32.ChecksumIEEE(content)
}

func checkCRC(t *testing.T, path string, want uint32) {
	t.Helper()
	got, err := os.ReadFile(path)
	must(t, err)
	if crc := crc32.ChecksumIEEE(got); crc != want {
		t.Errorf("%s: %d octets with CRC %08x, want %08x", filepath.Base(path), len(got), crc, want)
	}
}

// bridged is a LAN of several hosts, each in a namespace of its own, with the server on the bridge svc0 between them.
func bridged(t *testing.T, hosts int) []*lan {
	t.Helper()
	netns.Need(t)
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "svc0"}}
	must(t, netlink.LinkAdd(bridge))
	t.Cleanup(func() { must(t, netlink.LinkDel(bridge)) })
	netns.Address(t, bridge, "192.0.2.1/24")
	must(t, netlink.LinkSetUp(bridge))
	var out []*lan
	for i := range hosts {
		l := &lan{t: t, svc: bridge, client: netns.Add(t)}
		port := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprint("port", i), MasterIndex: bridge.Index}, PeerName: "cli0",
			PeerNamespace: l.client.NS}
		must(t, netlink.LinkAdd(port))
		t.Cleanup(func() { must(t, netlink.LinkDel(port)) })
		must(t, netlink.LinkSetUp(port))
		l.inClient(func() { must(t, netlink.LinkSetUp(netns.Link(t, "cli0"))) })
		l.clientAddress(fmt.Sprintf("192.0.2.%d/24", 10+i))
		l.run("busybox", "ip", "route", "add", "224.0.0.0/4", "dev", "cli0")
		out = append(out, l)
	}
	return out
}

// TestAtftpMulticast has several clients of another make fetch a file by multicast (RFC 2090), at once: the server sends
// it about once.
func TestAtftpMulticast(t *testing.T) {
	hosts := bridged(t, 3)
	c := config(t)
	c.TFTP.Multicast = &server.MulticastConfig{First: netip.MustParseAddr("239.255.17.1"), Last: netip.MustParseAddr("239.255.17.4"), Port: 1758}
	s := hosts[0].serve(c)
	const size = 5_000_003
	crc := large(t, c.TFTP.Root, "file", size)
	var clients []*exec.Cmd
	for _, l := range hosts {
		clients = append(clients, l.start("atftp", "--option", "multicast", "--option", "blksize 1428", "--get", "-r", "file", "-l", "got", "192.0.2.1"))
	}
	sent := 0
	for i, cmd := range clients {
		if err := cmd.Wait(); err != nil {
			t.Errorf("client %d: %v\n%s%s", i, err, cmd.Stdout, cmd.Stderr)
		}
		checkCRC(t, filepath.Join(cmd.Dir, "got"), crc)
		d := s.ended()
		var blocks int
		_, err := fmt.Sscanf(d.Reason, "transferred whole by multicast; %d of 3502 blocks", &blocks)
		if d.Outcome != "ok" || d.Bytes != size || err != nil {
			t.Errorf("client %d: %+v, %v", i, d, err)
		}
		t.Log(d.Client, d.Reason)
		sent += blocks
	}
	if sent >= 2*3502 {
		t.Errorf("%d blocks were sent for three clients: no better than one by one", sent)
	}
}

// TestMulticastMasterKilled kills the master client in the middle; the next one takes over and has its file whole.
func TestMulticastMasterKilled(t *testing.T) {
	hosts := bridged(t, 2)
	c := config(t)
	c.TFTP.Multicast = &server.MulticastConfig{First: netip.MustParseAddr("239.255.17.1"), Last: netip.MustParseAddr("239.255.17.1"), Port: 1758}
	s := hosts[0].serve(c)
	const size = 8_000_003
	crc := large(t, c.TFTP.Root, "file", size)
	get := []string{"--option", "multicast", "--option", "timeout 1", "--get", "-r", "file", "-l", "got", "192.0.2.1"}
	master := hosts[0].start("atftp", get...)
	s.expect("RRQ file", "OACK")
	begun(t, filepath.Join(master.Dir, "got"))
	must(t, master.Process.Signal(syscall.SIGSTOP)) // else it may have the file before the other one has begun
	next := hosts[1].start("atftp", get...)
	if d := s.expect("RRQ file", "OACK"); !strings.Contains(d.Reason, "as listening client") {
		t.Fatalf("%+v", d)
	}
	must(t, master.Process.Kill())
	_ = master.Wait() // killed
	if err := next.Wait(); err != nil {
		t.Errorf("%v\n%s%s", err, next.Stdout, next.Stderr)
	}
	checkCRC(t, filepath.Join(next.Dir, "got"), crc)
	if d := s.ended(); d.Outcome != "timeout" || d.Resent != 5 {
		t.Errorf("the one that was killed: %+v", d)
	}
	if d := s.ended(); d.Outcome != "ok" || d.Bytes != size {
		t.Errorf("the other: %+v", d)
	}
}

// begun waits until a client has written something of its file.
func begun(t *testing.T, path string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if st, err := os.Stat(path); err == nil && st.Size() > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%s is still empty", path)
		}
	}
}

// TestKilledAndStartedAgain: a client dies in mid-transfer, and a new one is served at once; the old transfer ends by
// itself.
func TestKilledAndStartedAgain(t *testing.T) {
	l := newLAN(t)
	c := config(t)
	s := l.serve(c)
	crc := large(t, c.TFTP.Root, "file", 5_000_000)
	l.clientAddress("192.0.2.7/24")
	get := []string{"-sS", "--tftp-no-options", "-o", "got", "tftp://192.0.2.1/file"}
	first := l.start("curl", get...)
	s.expect("RRQ file", "DATA")
	must(t, first.Process.Kill())
	_ = first.Wait() // killed
	second := l.start("curl", get...)
	if err := second.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, second.Stderr)
	}
	checkCRC(t, filepath.Join(second.Dir, "got"), crc)
	s.expect("RRQ file", "DATA")
	outcomes := []string{s.ended().Outcome, s.ended().Outcome}
	slices.Sort(outcomes)
	if !slices.Equal(outcomes, []string{"ok", "timeout"}) {
		t.Errorf("outcomes %v", outcomes)
	}
}

// TestServerRestarted: the server ends in mid-transfer and tells its clients; started again, it serves them.
func TestServerRestarted(t *testing.T) {
	l := newLAN(t)
	c := config(t)
	s := l.serve(c)
	crc := large(t, c.TFTP.Root, "file", 5_000_000)
	l.clientAddress("192.0.2.7/24")
	get := []string{"-sS", "--tftp-blksize", "512", "-o", "got", "tftp://192.0.2.1/file"}
	cut := l.start("curl", get...)
	s.expect("RRQ file", "OACK")
	s.stop()
	if err := cut.Wait(); err == nil {
		t.Error("curl has a whole file of a server that ended")
	}
	if d := s.ended(); d.Outcome != "aborted" || d.Reason != "the server stops" {
		t.Errorf("%+v", d)
	}
	s = l.serve(c)
	again := l.start("curl", get...)
	if err := again.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, again.Stderr)
	}
	checkCRC(t, filepath.Join(again.Dir, "got"), crc)
	if d := s.ended(); d.Outcome != "ok" {
		t.Errorf("%+v", d)
	}
}
