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

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"

	"github.com/pxelab/pxelab/lab/network/capture"
)

// eachVia runs a test on a cable with a tap and on one without.
func eachVia(t *testing.T, test func(t *testing.T, tun bool)) {
	t.Run("tun allowed", func(t *testing.T) { test(t, true) })
	t.Run("no tun", func(t *testing.T) { test(t, false) })
}

func TestCableCarriesFramesBothWays(t *testing.T) {
	eachVia(t, func(t *testing.T, tun bool) {
		b := newBridge(t)
		path := filepath.Join(t.TempDir(), "wire.pcapng")
		file, err := capture.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		host := addHost(t, b, "dhcp", hostMAC, hostAddress)
		seen := newLog()
		cable := plugIn(t, b, CableConfig{Name: "x64", Tun: tun, Observe: seen.observe, Capture: file.AddInterface("x64", "")})
		checkVia(t, cable, tun)
		server := listenUDP(t, host, ":67")
		g := connect(t, cable)
		for i, payload := range []string{"x", strings.Repeat("y", 1472)} { // 1514 octets are the most there is
			g.send(udpFrame(t, broadcast, net.IPv4bcast, payload))
			buf := make([]byte, 2000)
			n, from, err := server.ReadFromUDP(buf)
			if err != nil || string(buf[:n]) != payload || from.String() != "198.51.100.100:68" {
				t.Fatalf("round %d: the host got %d octets from %v, %v; %+v", i, n, from, err, cable.Stats())
			}
			if _, err := server.WriteToUDP(buf[:n], from); err != nil {
				t.Fatal(err)
			}
			if got := g.receive(); got != payload {
				t.Fatalf("round %d: the guest got %q", i, got)
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		checkCapture(t, path, seen)
		s := cable.Stats()
		if all := len(seen.all()); s.FromGuest.Frames+s.ToGuest.Frames != all || s.FromGuest.Frames < 2 || s.ToGuest.Frames < 2 {
			t.Errorf("%+v after %d frames", s, all)
		}
	})
}

func checkVia(t *testing.T, cable *Cable, tun bool) {
	t.Helper()
	via, why := cable.Via()
	switch {
	case tun && tunOpens():
		if via != ViaTap || why != "" {
			t.Errorf("via %q because %q, want a tap", via, why)
		}
	case tun:
		if via != ViaPacket || !strings.Contains(why, "/dev/net/tun") {
			t.Errorf("via %q because %q, want a packet socket because of /dev/net/tun", via, why)
		}
	case via != ViaPacket || !strings.Contains(why, "switched off"):
		t.Errorf("via %q because %q, want a packet socket as asked", via, why)
	}
}

// checkCapture compares the capture with what was observed: same frames, numbers and directions, same order.
func checkCapture(t *testing.T, path string, seen *log) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := seen.all()
	n := 0
	for f, err := range capture.Read(bytes.NewReader(b)) {
		if err != nil {
			t.Fatal(err)
		}
		if n >= len(want) {
			t.Fatalf("%d frames captured, %d observed", f.Number, len(want))
		}
		w := want[n]
		if f.Number != w.Number || f.FromGuest != w.FromGuest || !f.At.Equal(w.At) || !bytes.Equal(f.Data, w.Data) {
			t.Errorf("captured %+v, observed %+v", f, w)
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d frames captured, %d observed", n, len(want))
	}
}

// TestCablePassesTheVeryFirstFrame: a guest that speaks as soon as it is on is heard.
func TestCablePassesTheVeryFirstFrame(t *testing.T) {
	eachVia(t, func(t *testing.T, tun bool) {
		b := newBridge(t)
		host := addHost(t, b, "dhcp", hostMAC, hostAddress)
		server := listenUDP(t, host, ":67")
		for i := range 20 {
			cable := plugIn(t, b, CableConfig{Name: fmt.Sprint(i), Tun: tun})
			connect(t, cable).send(udpFrame(t, broadcast, net.IPv4bcast, fmt.Sprint("first of ", i)))
			buf := make([]byte, 100)
			n, _, err := server.ReadFromUDP(buf)
			if want := fmt.Sprint("first of ", i); err != nil || string(buf[:n]) != want {
				t.Fatalf("got %q, %v; want %q", buf[:n], err, want)
			}
		}
	})
}

func TestCableDropsWhatNoWireCarries(t *testing.T) {
	eachVia(t, func(t *testing.T, tun bool) {
		b := newBridge(t)
		seen := newLog()
		cable := plugIn(t, b, CableConfig{Name: "x64", Tun: tun, Observe: seen.observe})
		g := connect(t, cable)
		for _, size := range []int{1, 13, 1515, 9000, 65535, 100_000} {
			g.send(make([]byte, size))
		}
		g.send(make([]byte, 14)) // this one may pass
		seen.await(t, "frame of 14 octets", func(f Frame) bool { return len(f.Data) == 14 })
		if s := cable.Stats(); s.Misfit != 6 || s.FromGuest.Frames != 1 {
			t.Errorf("%+v, want 6 misfits and one good frame", s)
		}
	})
}

func TestCableLinkDown(t *testing.T) {
	b := newBridge(t)
	seen := newLog()
	cable := plugIn(t, b, CableConfig{Name: "x64", Tun: true, Observe: seen.observe})
	g := connect(t, cable)
	cable.SetLink(false)
	g.send(udpFrame(t, broadcast, net.IPv4bcast, "lost"))
	cable.Disconnect() // returns when what was sent has been dealt with
	cable.SetLink(true)
	g = connect(t, cable)
	g.send(udpFrame(t, broadcast, net.IPv4bcast, "kept"))
	seen.await(t, `"kept"`, func(f Frame) bool { return bytes.Contains(f.Data, []byte("kept")) })
	if s := cable.Stats(); s.LinkDown != 1 || len(seen.all()) != 1 {
		t.Errorf("%+v, want one frame lost; seen:%s", s, seen)
	}
}

func TestCableFilterDrops(t *testing.T) {
	b := newBridge(t)
	host := addHost(t, b, "dhcp", hostMAC, hostAddress)
	server := listenUDP(t, host, ":67")
	seen := newLog()
	path := filepath.Join(t.TempDir(), "wire.pcapng")
	file, err := capture.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	cable := plugIn(t, b, CableConfig{Name: "x64", Tun: true, Observe: seen.observe, Capture: file.AddInterface("x64", ""),
		Filter: func(f Frame) Action {
			if bytes.Contains(f.Data, []byte("bad")) {
				return Action{Drop: true}
			}
			return Action{}
		}})
	g := connect(t, cable)
	g.send(udpFrame(t, broadcast, net.IPv4bcast, "bad"))
	g.send(udpFrame(t, broadcast, net.IPv4bcast, "good"))
	buf := make([]byte, 100)
	if n, _, err := server.ReadFromUDP(buf); err != nil || string(buf[:n]) != "good" {
		t.Errorf("the host got %q, %v", buf[:n], err)
	}
	frames := seen.all()
	if s := cable.Stats(); len(frames) < 2 || !frames[0].Action.Drop || frames[1].Action.Drop || s.Filtered != 1 || s.FromGuest.Frames != 1 {
		t.Errorf("%+v; seen:%s", s, seen)
	}
	file.Close()
	captured, _ := os.ReadFile(path)
	for f, err := range capture.Read(bytes.NewReader(captured)) {
		if want := map[bool][]string{true: {"dropped on cable x64"}}[f.Number == 1]; err != nil || !slices.Equal(f.Comments, want) {
			t.Errorf("frame %d has the comments %q, %v; want %q", f.Number, f.Comments, err, want)
		}
	}
}

// TestCableManyPowerOns: each power-on has an end of its own, and loses nothing of what the guest sent before
// it went off.
func TestCableManyPowerOns(t *testing.T) {
	b := newBridge(t)
	seen := newLog()
	cable := plugIn(t, b, CableConfig{Name: "x64", Tun: true, Observe: seen.observe})
	want := 0
	for boot := range 20 {
		g := connect(t, cable) // ends the one before
		for range boot % 10 {
			g.send(udpFrame(t, broadcast, net.IPv4bcast, fmt.Sprint("boot ", boot)))
			want++
		}
		if boot%2 == 0 {
			g.conn.Close() // QEMU is gone
		}
	}
	cable.Disconnect()
	if got := len(seen.all()); got != want {
		t.Errorf("%d frames seen, %d were sent", got, want)
	}
}

// TestCableOfPausedGuest: a guest that takes nothing keeps nobody from ending it.
func TestCableOfPausedGuest(t *testing.T) {
	eachVia(t, func(t *testing.T, tun bool) {
		b := newBridge(t)
		host := addHost(t, b, "dhcp", hostMAC, hostAddress)
		server := listenUDP(t, host, ":67")
		seen := newLog()
		cable := plugIn(t, b, CableConfig{Name: "x64", Tun: tun, Observe: seen.observe})
		connect(t, cable) // and never read
		allowBroadcast(t, server)
		for range 100 { // the socket holds some ten
			if _, err := server.WriteToUDP([]byte("flood"), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}); err != nil {
				t.Fatal(err)
			}
		}
		isFlood := func(f Frame) bool { return bytes.Contains(f.Data, []byte("flood")) }
		seen.await(t, "flood", isFlood)
		g := connect(t, cable) // the next power-on
		if _, err := server.WriteToUDP([]byte("hello"), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}); err != nil {
			t.Fatal(err)
		}
		for g.receive() != "hello" {
		}
	})
}

// TestCableForgetsDeadGuest: frames for a guest that died without Disconnect are not observed for ever.
func TestCableForgetsDeadGuest(t *testing.T) {
	b := newBridge(t)
	host := addHost(t, b, "dhcp", hostMAC, hostAddress)
	server := listenUDP(t, host, ":67")
	allowBroadcast(t, server)
	witness := newLog()
	connect(t, plugIn(t, b, CableConfig{Name: "witness", Tun: true, Observe: witness.observe}))
	seen := newLog()
	cable := plugIn(t, b, CableConfig{Name: "x64", Tun: true, Observe: seen.observe})
	connect(t, cable).conn.Close()
	for i := 0; i < 5 || i < 1000 && cable.Stats().NoGuest == 0; i++ { // the witness may have them much earlier than this cable
		text := fmt.Sprint("to nobody ", i)
		if _, err := server.WriteToUDP([]byte(text), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}); err != nil {
			t.Fatal(err)
		}
		witness.await(t, text, func(f Frame) bool { return bytes.Contains(f.Data, []byte(text)) })
	}
	if err := cable.Close(); err != nil {
		t.Fatal(err)
	}
	if s := cable.Stats(); len(seen.all()) > 1 || s.ToGuest.Frames != 0 || s.NoGuest == 0 {
		t.Errorf("%+v; observed, though there was nobody:%s", s, seen)
	}
}

func TestCableLeavesNothing(t *testing.T) {
	eachVia(t, func(t *testing.T, tun bool) {
		b := newBridge(t)
		before := linkNames(t)
		ignore := goleak.IgnoreCurrent()
		cable, err := b.Plug(CableConfig{Name: "x64", Tun: tun})
		if err != nil {
			t.Fatal(err)
		}
		if during := linkNames(t); len(during) <= len(before) {
			t.Fatalf("links %v with a cable, %v without", during, before)
		}
		if _, err := b.Plug(CableConfig{Name: "x64", Tun: tun}); err == nil {
			t.Error("two cables of one name")
		}
		end, err := cable.Connect()
		if err != nil {
			t.Fatal(err)
		}
		end.Close()
		if err := cable.Close(); err != nil {
			t.Fatal(err)
		}
		cable.Close() // twice does no harm
		if after := linkNames(t); !slices.Equal(after, before) {
			t.Errorf("links %v afterwards, %v before", after, before)
		}
		goleak.VerifyNone(t, ignore)
	})
}

func linkNames(t testing.TB) (names []string) {
	t.Helper()
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		names = append(names, l.Attrs().Name)
	}
	return names
}

func TestInterfaceName(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"x64", "a-name-of-13--", "proxydhcp-first", "proxydhcp-second", "with space", "with/slash", "ü", "", "100%", "100:1"} {
		got := interfaceName("c", name)
		if len(got) > 15 || strings.ContainsAny(got, " /:%") || !strings.HasPrefix(got, "c-") {
			t.Errorf("%q becomes %q", name, got)
		}
		if other, taken := seen[got]; taken {
			t.Errorf("%q and %q both become %q", name, other, got)
		}
		seen[got] = name
	}
	if got := interfaceName("h", "dhcp"); got != "h-dhcp" {
		t.Errorf("a name that fits becomes %q", got)
	}
}
