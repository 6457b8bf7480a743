package tftp

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(serves); root != "" {
		serveProcess(root)
		return
	}
	goleak.VerifyTestMain(m)
}

// served is a Server on the loopback interface at a free port.
type served struct {
	t         testing.TB
	at        netip.AddrPort
	root      string
	decisions chan Decision
	stop      func()
}

func serve(t testing.TB, cfg Config, tune ...func(*Server)) *served {
	t.Helper()
	sv := &served{t: t, root: t.TempDir(), decisions: make(chan Decision, 1000)}
	cfg.Interface = "lo"
	if cfg.Root == "" {
		cfg.Root = sv.root
	}
	s, err := listen(cfg, 0, func(d Decision) { sv.decisions <- d })
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tune {
		f(s)
	}
	sv.at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(s.udp.LocalAddr().(*net.UDPAddr).Port))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	sv.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		ended <- nil
	}
	t.Cleanup(sv.stop)
	return sv
}

func (sv *served) put(name string, n int) []byte {
	sv.t.Helper()
	content := make([]byte, n)
	for i := range content {
		content[i] = byte(i*7 + i>>8)
	}
	sv.putBytes(name, content)
	return content
}

func (sv *served) putBytes(name string, content []byte) {
	sv.t.Helper()
	if err := os.WriteFile(filepath.Join(sv.root, name), content, 0o600); err != nil {
		sv.t.Fatal(err)
	}
}

// expect waits for the next decision and compares what is stable in it.
func (sv *served) expect(reply, outcome, reason string) Decision {
	sv.t.Helper()
	d := <-sv.decisions
	if d.Reply != reply || d.Outcome != outcome || !strings.Contains(d.Reason, reason) {
		sv.t.Fatalf("decision %+v\nwant reply %q, outcome %q, reason ...%s", d, reply, outcome, reason)
	}
	return d
}

// peer is a client that says exactly what a test makes it say.
type peer struct {
	t    *testing.T
	conn *net.UDPConn
	tid  netip.AddrPort // of the server's last datagram
}

func dial(t *testing.T) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{t: t, conn: conn}
}

func (p *peer) send(to netip.AddrPort, op byte, fields ...string) {
	p.t.Helper()
	b := []byte{0, op}
	for _, f := range fields {
		b = append(append(b, f...), 0)
	}
	if _, err := p.conn.WriteToUDPAddrPort(b, to); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) ack(n uint16) {
	_, _ = p.conn.WriteToUDPAddrPort(binary.BigEndian.AppendUint16([]byte{0, opACK}, n), p.tid)
}

// read gives the next datagram, NUL shown as "|", DATA shortened to its number and length.
func (p *peer) read() string {
	p.t.Helper()
	b := make([]byte, 70000)
	n, from, err := p.conn.ReadFromUDPAddrPort(b)
	if err != nil {
		p.t.Fatal(err)
	}
	p.tid = from
	switch b[1] {
	case opDATA:
		return fmt.Sprintf("DATA %d: %d octets", binary.BigEndian.Uint16(b[2:]), n-4)
	case opERROR:
		return fmt.Sprintf("ERROR %d %s", b[3], strings.TrimRight(string(b[4:n]), "\x00"))
	case opOACK:
		return "OACK " + strings.ReplaceAll(string(b[2:n]), "\x00", "|")
	}
	return fmt.Sprintf("% x", b[:n])
}

// data gives the octets of the next DATA.
func (p *peer) data() []byte {
	p.t.Helper()
	b := make([]byte, 70000)
	n, from, err := p.conn.ReadFromUDPAddrPort(b)
	if err != nil || n < 4 || b[1] != opDATA {
		p.t.Fatalf("no DATA: % x, %v", b[:min(n, 20)], err)
	}
	p.tid = from
	return b[4:n]
}

func (p *peer) want(want string) {
	p.t.Helper()
	if got := p.read(); got != want {
		p.t.Fatalf("received %s\nwant %s", got, want)
	}
}
