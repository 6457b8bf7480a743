package mtftp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// soon and late are time-outs (tag 4) of clients that are to open, and of those that are to wait for another.
const (
	soon = 20 * time.Millisecond
	late = time.Hour
)

// source is where the tests' clients get a file. Tag 5 cannot say less than a second.
func source(timeout time.Duration) Source {
	return Source{Interface: "eth0", Server: serverIP, File: "f", Group: group.Addr(), ClientPort: ClientPort,
		ServerPort: ServerPort, Timeout: timeout, Delay: time.Second}
}

// patient is a source for clients that miss nothing, however busy the machine is.
func patient(timeout time.Duration) Source {
	s := source(timeout)
	s.Delay = time.Minute
	return s
}

// put writes a file of n octets to a fresh root.
func put(t *testing.T, n int) (root string, data []byte) {
	t.Helper()
	root, data = t.TempDir(), make([]byte, n)
	_, _ = rand.Read(data)
	must(t, os.WriteFile(filepath.Join(root, "f"), data, 0o600))
	return root, data
}

func config(root string) Config {
	return Config{Interface: "br0", Address: serverIP, Root: root, ClientPort: ClientPort, ServerPort: ServerPort,
		Files: []File{{"f", group.Addr()}}}
}

// serving is a running server and what it decides.
type serving struct {
	t         *testing.T
	decisions chan Decision
	stop      func()
}

func (l *lan) serve(c Config) *serving {
	l.t.Helper()
	s := &serving{t: l.t, decisions: make(chan Decision, 1000)}
	sv, err := Listen(c, func(d Decision) { s.decisions <- d })
	must(l.t, err)
	sv.retransmitAfter = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(l.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sv.Serve(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
		ended <- nil
	}
	l.t.Cleanup(s.stop)
	return s
}

// until gives the next decision with this outcome; what comes before it is logged.
func (s *serving) until(outcome string) Decision {
	s.t.Helper()
	for {
		d := <-s.decisions
		s.t.Logf("%s %s: %s%s: %s", d.Client, d.Request, d.Reply, d.Outcome, d.Reason)
		if d.Outcome == outcome {
			return d
		}
	}
}

// receiving is a client under way.
type receiving struct {
	host *host
	got  Received
	err  error
	done chan struct{}
}

// receive starts a client, which is a member of the group when this returns.
func (h *host) receive(ctx context.Context, s Source) *receiving {
	h.t.Helper()
	var p *hostPort
	var err error
	h.do(func() { p, err = openPort(s) })
	must(h.t, err)
	r := &receiving{host: h, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.got, r.err = ReceiveOn(ctx, p, s)
	}()
	return r
}

// has waits for the end, and for the file.
func (r *receiving) has(want []byte) Received {
	r.host.t.Helper()
	<-r.done
	if r.err != nil || !bytes.Equal(r.got.Data, want) {
		r.host.t.Errorf("%s has %d of %d octets, %v", r.host.addr, len(r.got.Data), len(want), r.err)
	}
	return r.got
}

// TestOneTransmission: one client opens, all others listen, and every block is on the wire once.
func TestOneTransmission(t *testing.T) {
	for _, size := range []int{0, 511, 512, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			l := newLAN(t)
			root, data := put(t, size)
			s, wire := l.serve(config(root)), l.count()
			var clients []*receiving
			for range 4 {
				c := l.plug().receive(t.Context(), patient(late))
				clients = append(clients, c)
			}
			opener := l.plug().receive(t.Context(), patient(soon))
			blocks := blocksOf(int64(size))
			if got := opener.has(data); got.Opened != 1 || got.Acknowledged != blocks || got.Heard != 0 {
				t.Errorf("the opener: %d openings, %d blocks heard, %d acknowledged", got.Opened, got.Heard, got.Acknowledged)
			}
			for _, c := range clients {
				if got := c.has(data); got.Opened != 0 || got.Acknowledged != 0 || got.Heard != blocks {
					t.Errorf("a listener: %d openings, %d blocks heard, %d acknowledged", got.Opened, got.Heard, got.Acknowledged)
				}
			}
			d := s.until(OK)
			sum := wire.sent()
			if d.Bytes != int64(size) || d.Sent != sum.octets || d.Resent == 0 && d.Sent != onTheWire(size) {
				t.Errorf("%+v; on the wire were %d octets", d, sum.octets)
			}
			if len(sum.ports) != 1 || !sum.ports[ServerPort] {
				t.Errorf("sent from ports %v, but Intel's client takes only what comes from the port it asked", sum.ports)
			}
			for n := 1; n <= blocks && d.Resent == 0; n++ {
				if sum.toGroup[n] != 1 || sum.toAlone[n] != map[bool]int{n == 1: 1}[true] {
					t.Errorf("block %d: %d to the group, %d to the opener", n, sum.toGroup[n], sum.toAlone[n])
				}
			}
			t.Logf("%d octets to 5 clients: %d octets of UDP payload on the wire", size, sum.octets)
		})
	}
}

// onTheWire is what one transmission without a loss puts on the wire: each block once, and the opener's copy of block 1.
func onTheWire(size int) int64 {
	return int64(size + 4*blocksOf(int64(size)) + min(size, blockSize) + 4)
}

// hold is a relay's verdict that stops at one block until it is told to go on.
func hold(block int, reached chan<- struct{}, goOn <-chan struct{}) func(datagram) bool {
	return func(d datagram) bool {
		if d.isData() && d.block() == block && reached != nil {
			close(reached)
			<-goOn
			reached = nil
		}
		return true
	}
}

// TestLateJoiner hears the second half, and opens a transmission that is as short as what it misses.
func TestLateJoiner(t *testing.T) {
	l := newLAN(t)
	root, data := put(t, 100*blockSize+7)
	s, wire := l.serve(config(root)), l.count()
	reached, goOn := make(chan struct{}), make(chan struct{})
	opener := l.relay(hold(60, reached, goOn)).receive(t.Context(), source(soon))
	<-reached
	joiner := l.plug().receive(t.Context(), source(late))
	close(goOn)
	opener.has(data)
	first := s.until(OK)
	got := joiner.has(data)
	second := s.until(OK)
	if got.Opened == 0 || got.Heard < 40 || got.Heard > 42 || got.Heard+got.Acknowledged != 101 {
		t.Errorf("%d openings, %d blocks heard, %d acknowledged", got.Opened, got.Heard, got.Acknowledged)
	}
	if sum := wire.sent(); first.Sent+second.Sent != sum.octets {
		t.Errorf("%d and %d octets were sent, on the wire were %d", first.Sent, second.Sent, sum.octets)
	}
	if second.Bytes != int64(got.Acknowledged)*blockSize {
		t.Errorf("%d octets were sent for %d blocks", second.Bytes, got.Acknowledged)
	}
}

// TestOpenerDies: the server gives up on it, and the next client opens for what is missing.
func TestOpenerDies(t *testing.T) {
	l := newLAN(t)
	root, data := put(t, 100*blockSize)
	s := l.serve(config(root))
	var listeners []*receiving
	for range 3 {
		c := l.plug().receive(t.Context(), source(late))
		listeners = append(listeners, c)
	}
	ctx, kill := context.WithCancel(t.Context())
	opener := l.relay(func(d datagram) bool {
		if d.isData() && d.block() == 50 {
			kill()
		}
		return ctx.Err() == nil
	}).receive(ctx, source(soon))
	<-opener.done
	if d := s.until(Timeout); d.Client.Addr() != opener.host.addr || d.Bytes != 49*blockSize {
		t.Errorf("%+v", d)
	}
	opened := 0
	for _, c := range listeners {
		got := c.has(data)
		opened += got.Opened
	}
	d := s.until(OK)
	if opened == 0 || d.Client.Addr() == opener.host.addr || d.Bytes >= 60*blockSize {
		t.Errorf("%d openings; %+v", opened, d)
	}
}

// TestLostBlocks: a listener on a bad line misses some, the opener on another has its blocks sent again.
func TestLostBlocks(t *testing.T) {
	l := newLAN(t)
	root, data := put(t, 50*blockSize+100)
	s := l.serve(config(root))
	dropped := 0
	listener := l.relay(func(d datagram) bool {
		lost := d.isData() && (d.block() == 1 || d.block()%10 == 7) && dropped < 6
		if lost {
			dropped++
		}
		return !lost
	}).receive(t.Context(), source(late))
	lost := map[int]bool{}
	opener := l.relay(func(d datagram) bool {
		pass := !d.isData() || d.block()%20 != 3 || lost[d.block()]
		if !pass {
			lost[d.block()] = true
		}
		return pass
	}).receive(t.Context(), source(soon))
	opener.has(data)
	if d := s.until(OK); d.Resent < 3 || d.Bytes != int64(len(data)) {
		t.Errorf("%+v", d)
	}
	if got := listener.has(data); got.Opened != 1 || got.Acknowledged < 2 || got.Acknowledged > 6 || got.Heard+got.Acknowledged != 51 {
		t.Errorf("%d openings, %d blocks heard, %d acknowledged after %d were lost", got.Opened, got.Heard, got.Acknowledged, dropped)
	}
	if d := s.until(OK); d.Client.Addr() != listener.host.addr {
		t.Errorf("%+v", d)
	}
}

// TestServerStops in mid-transmission, and another takes its place: nobody notices more than a silence.
func TestServerStops(t *testing.T) {
	l := newLAN(t)
	root, data := put(t, 80*blockSize)
	s := l.serve(config(root))
	listener := l.plug().receive(t.Context(), source(late))
	reached, goOn := make(chan struct{}), make(chan struct{})
	opener := l.relay(hold(40, reached, goOn)).receive(t.Context(), source(soon))
	<-reached
	s.stop()
	if d := s.until(Aborted); d.Bytes != 39*blockSize {
		t.Errorf("%+v", d)
	}
	s = l.serve(config(root))
	close(goOn)
	opener.has(data)
	listener.has(data)
	s.until(OK)
}

// serveProcess is a server that can be killed: it writes its decisions to standard output.
func serveProcess(root string) {
	out := json.NewEncoder(os.Stdout)
	s, err := Listen(config(root), func(d Decision) { _ = out.Encode(d) })
	if err == nil {
		_ = out.Encode(Decision{Reason: "ready"})
		err = s.Serve(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// process starts a server of its own; kill ends it as a crash does.
func (l *lan) process(root string) (decisions *json.Decoder, kill func()) {
	l.t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), serves+"="+root)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(l.t, err)
	must(l.t, cmd.Start())
	killed := false
	kill = func() {
		if !killed {
			killed = true
			must(l.t, cmd.Process.Kill())
			_ = cmd.Wait() // killed
		}
	}
	l.t.Cleanup(kill)
	decisions = json.NewDecoder(out)
	var d Decision
	must(l.t, decisions.Decode(&d))
	return decisions, kill
}

// TestServerIsKilled in mid-transmission, without a word, and starts again.
func TestServerIsKilled(t *testing.T) {
	l := newLAN(t)
	root, data := put(t, 80*blockSize)
	_, kill := l.process(root)
	listener := l.plug().receive(t.Context(), source(late))
	reached, goOn := make(chan struct{}), make(chan struct{})
	opener := l.relay(hold(40, reached, goOn)).receive(t.Context(), source(soon))
	<-reached
	kill()
	decisions, _ := l.process(root)
	close(goOn)
	opener.has(data)
	listener.has(data)
	for d := (Decision{}); d.Outcome != OK; {
		must(t, decisions.Decode(&d))
		t.Logf("%s: %s", d.Outcome, d.Reason)
	}
}

// TestNobodyServes: the client says that TFTP is what is left.
func TestNobodyServes(t *testing.T) {
	if testing.Short() {
		t.Skip("10 s of silence")
	}
	l := newLAN(t)
	r := l.plug().receive(t.Context(), source(soon))
	<-r.done
	if want := "MTFTP of f from 192.0.2.1: " + ErrSilent.Error(); r.err == nil || r.err.Error() != want || r.got.Opened != 1 {
		t.Errorf("%+v, %v", r.got, r.err)
	}
}

// TestSilentServer hears, and tells that it does not answer.
func TestSilentServer(t *testing.T) {
	l := newLAN(t)
	root, _ := put(t, 1)
	c := config(root)
	c.Silent = true
	s := l.serve(c)
	ctx, stop := context.WithCancel(t.Context())
	r := l.plug().receive(ctx, source(soon))
	if d := <-s.decisions; d.Request != "RRQ f" || d.Reply != "" || d.Reason != "silent, as configured" {
		t.Errorf("%+v", d)
	}
	stop()
	<-r.done
}

// TestBadInterface names what to look at.
func TestBadInterface(t *testing.T) {
	_, err := Receive(t.Context(), Source{Interface: "eth7", Server: serverIP})
	_, err2 := Listen(Config{Interface: "eth7"}, nil)
	for _, err := range []error{err, err2} {
		if err == nil || err.Error() != `interface "eth7": route ip+net: no such network interface; ip link lists those that exist` {
			t.Error(err)
		}
	}
}
