package network

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/wire"
)

// gated is a gate on the cables of two guests, a and b, and a server.
type gated struct {
	t      *testing.T
	gate   *Gate
	shut   chan struct{}
	server *net.UDPConn
	wire   string // the capture
	file   *capture.File
	cables map[string]*Cable
	guests map[string]*guest
	seen   *log

	toGuests bool // at counts what goes there
}

// newGated gives it; its gate is to shut at frames whose payload begins with "stop".
func newGated(t *testing.T) *gated {
	b := newBridge(t)
	g := &gated{t: t, shut: make(chan struct{}, 1), cables: map[string]*Cable{}, guests: map[string]*guest{}, seen: newLog()}
	g.gate = NewGate(func() { g.shut <- struct{}{} })
	g.server = listenUDP(t, addHost(t, b, "dhcp", hostMAC, hostAddress), ":67")
	g.wire = filepath.Join(t.TempDir(), "wire.pcapng")
	file, err := capture.Create(g.wire)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	g.file = file
	for _, name := range []string{"a", "b"} {
		g.cables[name] = plugIn(t, b, CableConfig{Name: name, Tun: true, Gate: g.gate, Capture: file.AddInterface(name, ""), Observe: g.seen.observe})
		g.guests[name] = connect(t, g.cables[name])
	}
	g.gate.Mean(func(_ string, data []byte, fromGuest bool) bool {
		return fromGuest && strings.HasPrefix(payloadOf(data), "stop")
	})
	return g
}

func payloadOf(data []byte) string {
	const headers = 14 + 20 + 8
	return strings.TrimRight(string(data[min(len(data), headers):]), "\x00") // short frames are filled up
}

func (g *gated) send(from, payload string) {
	g.t.Helper()
	g.guests[from].send(udpFrame(g.t, hostMAC, hostAddress.Addr().AsSlice(), payload))
}

// comes holds that the server gets these next.
func (g *gated) comes(payloads ...string) {
	g.t.Helper()
	buf := make([]byte, 2000)
	for _, want := range payloads {
		n, _, err := g.server.ReadFromUDP(buf)
		if err != nil || string(buf[:n]) != want {
			g.t.Fatalf("the server got %q (%v), want %q", buf[:n], err, want)
		}
	}
}

// at waits until the gate is shut at a frame, and so many datagrams and segments from guests, or to them, wait behind it. What kernels say
// otherwise is left out.
func (g *gated) at(payload string, waiting int) {
	g.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(10 * time.Second)
	for {
		at, n := g.gate.At()
		got := ""
		if at != nil {
			got = payloadOf(at.Data)
		}
		g.gate.mu.Lock()
		for _, k := range g.gate.queue {
			if h, _ := wire.Peek(k.data); h.Proto != 17 && h.Proto != 6 || k.fromGuest == g.toGuests {
				n--
			}
		}
		g.gate.mu.Unlock()
		if got == payload && n == waiting {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			g.t.Fatalf("shut at %q with %d behind it, want %q and %d", got, n, payload, waiting)
		}
	}
}

// TestGate: nothing passes a gate that is shut, on any cable; what waits passes in its order, as it is told, and what is meant of it stops it.
func TestGate(t *testing.T) {
	g := newGated(t)
	g.send("a", "1")
	g.comes("1")
	g.send("a", "stop 2")
	<-g.shut
	for i, from := range []string{"b", "a", "b", "a"} { // one after the other: each cable has a pump of its own
		g.send(from, fmt.Sprint(3+i))
		g.at("stop 2", 1+i)
	}
	g.send("b", "stop 7")
	g.at("stop 2", 5)
	if !g.gate.Pass(Hand{}) {
		t.Error("a frame that is meant passes")
	}
	<-g.shut
	g.comes("stop 2", "3", "4", "5", "6")
	g.at("stop 7", 0)
	g.send("a", "8")
	g.at("stop 7", 1)
	if g.gate.Pass(Hand{Drop: true}) {
		t.Error("it stops at a frame that is not meant")
	}
	g.comes("8")
	g.send("a", "9")
	g.at("", 1) // it has not opened
	if g.gate.Open() {
		t.Error("it stops at a frame that is not meant")
	}
	g.send("b", "10")
	g.comes("9", "10")

	g.send("b", "stop 11")
	<-g.shut
	g.gate.Pass(Hand{Copy: true})
	g.gate.Open()
	g.send("a", "stop 12")
	<-g.shut
	g.gate.Pass(Hand{Data: udpFrame(t, hostMAC, hostAddress.Addr().AsSlice(), "another")})
	g.gate.Open()
	g.comes("stop 11", "stop 11", "another")
	for _, f := range g.seen.all() {
		if payloadOf(f.Data) == "stop 7" && !f.Action.Drop {
			t.Error("what was dropped is observed as if it had travelled on")
		}
	}
	want := []string{"dropped by hand on cable b", "sent twice by hand on cable b", "sent twice by hand on cable b", "edited by hand on cable a"}
	if got := g.comments(); !slices.Equal(got, want) {
		t.Errorf("the capture says %q, want %q", got, want)
	}
}

// comments are what the capture says of its frames.
func (g *gated) comments() (out []string) {
	g.t.Helper()
	if err := g.file.Flush(); err != nil {
		g.t.Fatal(err)
	}
	b, err := os.ReadFile(g.wire)
	if err != nil {
		g.t.Fatal(err)
	}
	for f, err := range capture.Read(bytes.NewReader(b)) {
		if err != nil {
			g.t.Fatal(err)
		}
		out = append(out, f.Comments...)
	}
	return out
}

// TestGateShutByHand shuts a gate between frames, and while frames pass.
func TestGateShutByHand(t *testing.T) {
	g := newGated(t)
	g.gate.Shut()
	<-g.shut
	g.gate.Shut() // it is
	g.send("a", "1")
	g.at("", 1)
	g.gate.Mean(nil)
	g.gate.Shut()
	if !g.gate.Pass(Hand{}) {
		t.Error("a frame passes although it was told to let none pass")
	}
	<-g.shut
	g.gate.Mean(nil)
	if g.gate.Pass(Hand{}) || g.gate.Open() {
		t.Error("it stops, and nothing is meant")
	}
	g.comes("1")
}

// TestGateToFrozenGuest has more frames pass than a guest takes that does not move: none is lost, and none keeps others waiting.
func TestGateToFrozenGuest(t *testing.T) {
	g := newGated(t)
	allowBroadcast(t, g.server)
	g.toGuests = true
	g.gate.Shut()
	<-g.shut
	const count = 100 // a socket holds some ten
	for i := range count {
		if _, err := g.server.WriteToUDP(fmt.Append(nil, i), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}); err != nil {
			t.Fatal(err)
		}
	}
	g.at("", 2*count) // on either cable
	g.gate.Mean(nil)
	if g.gate.Pass(Hand{}) || g.gate.Open() {
		t.Error("it stops, and nothing is meant")
	}
	g.send("b", "b moves")
	g.comes("b moves")
	for i := range count {
		if got := g.guests["a"].receive(); got != fmt.Sprint(i) {
			t.Fatalf("the guest got %q, want %d", got, i)
		}
	}
}

// TestGateOfGuestThatLeaves: what a guest had sent goes on when it is off, and what was for it does not wait for its next power-on.
func TestGateOfGuestThatLeaves(t *testing.T) {
	g := newGated(t)
	g.send("a", "stop 1")
	<-g.shut
	g.send("b", "2")
	g.at("stop 1", 1)
	g.send("a", "3")
	g.at("stop 1", 2)
	g.cables["a"].Disconnect()
	g.comes("stop 1", "3")
	g.at("", 1)
	g.gate.Mean(nil)
	g.gate.Pass(Hand{})
	g.gate.Open()
	g.comes("2")
}

// TestGateKeepsSegmentsOnce: what a kernel sends again while nobody takes it waits once, and what is new waits, too.
func TestGateKeepsSegmentsOnce(t *testing.T) {
	g := newGated(t)
	g.gate.Shut()
	<-g.shut
	segment := func(seq, ack uint32, flags, payload string) {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: guestIP, DstIP: hostAddress.Addr().AsSlice()}
		tcp := &layers.TCP{SrcPort: 1024, DstPort: 80, Seq: seq, Ack: ack, ACK: true, SYN: strings.Contains(flags, "S"), FIN: strings.Contains(flags, "F"), RST: strings.Contains(flags, "R")}
		_ = tcp.SetNetworkLayerForChecksum(ip)
		buf := gopacket.NewSerializeBuffer()
		err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
			&layers.Ethernet{SrcMAC: guestMAC, DstMAC: hostMAC, EthernetType: layers.EthernetTypeIPv4}, ip, tcp, gopacket.Payload(payload))
		if err != nil {
			t.Fatal(err)
		}
		g.guests["a"].send(buf.Bytes())
	}
	n := 0
	fresh := func(seq, ack uint32, flags, payload string) {
		t.Helper()
		segment(seq, ack, flags, payload)
		n++
		g.at("", n)
	}
	fresh(100, 1, "S", "")
	fresh(101, 1, "", "0123456789")
	fresh(111, 1, "", "abc")
	fresh(114, 1, "", "")  // acknowledges
	fresh(114, 9, "", "")  // acknowledges more
	fresh(114, 9, "F", "") // the end
	fresh(114, 9, "R", "")
	segment(100, 1, "S", "")
	segment(101, 1, "", "0123456789")
	segment(105, 1, "", "456")
	segment(101, 1, "", "0123")
	segment(114, 9, "", "")
	segment(114, 9, "F", "")
	fresh(105, 1, "", "456789abc") // part of which waits
	arp := make([]byte, 60)
	copy(arp, broadcast)
	arp[12], arp[13] = 8, 6
	g.guests["a"].send(arp)
	g.guests["a"].send(arp)
	fresh(200, 1, "", "behind the questions")
	asked := 0
	for _, k := range g.gate.queue { // nothing comes any more
		if bytes.Equal(k.data, arp) {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("one question waits %d times", asked)
	}
	if at, _ := g.gate.At(); at != nil {
		t.Errorf("shut at %+v", at)
	}
}
