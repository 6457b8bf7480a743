package network

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// TestHeldUp: frames that are held up alike come in the order in which they were sent, and not before they are due.
func TestHeldUp(t *testing.T) {
	b := newBridge(t)
	server := listenUDP(t, addHost(t, b, "dhcp", hostMAC, hostAddress), ":67")
	const delay = 20 * time.Millisecond
	cable := plugIn(t, b, CableConfig{Name: "x64", Tun: true, Filter: func(f Frame) Action {
		if f.FromGuest {
			return Action{Rule: 1, Delay: delay}
		}
		return Action{}
	}})
	g := connect(t, cable)
	begun := time.Now()
	const count = 100
	for i := range count {
		g.send(udpFrame(t, broadcast, net.IPv4bcast, fmt.Sprint(i)))
	}
	buf := make([]byte, 100)
	for i := range count {
		n, _, err := server.ReadFromUDP(buf)
		if err != nil || string(buf[:n]) != fmt.Sprint(i) {
			t.Fatalf("datagram %d is %q, %v", i, buf[:n], err)
		}
	}
	if took := time.Since(begun); took < delay {
		t.Errorf("they came after %s, and are held up for %s", took, delay)
	}
}

// TestPutAside: a frame that is put aside comes right after the one that names it, and if none does, after a time; in both cases once.
func TestPutAside(t *testing.T) {
	b := newBridge(t)
	server := listenUDP(t, addHost(t, b, "dhcp", hostMAC, hostAddress), ":67")
	does := map[string]Action{
		"a": {Rule: 1, Aside: 1, Wait: time.Hour}, "b": {Rule: 2, Aside: 2, Wait: time.Hour}, "d": {Then: []int{2, 1, 7}},
		"e": {Rule: 1, Aside: 3, Wait: time.Millisecond}, "g": {Then: []int{3}},
	}
	released := make(chan bool, 1)
	cable := plugIn(t, b, CableConfig{Name: "x64", Tun: true, Filter: func(f Frame) Action {
		if f.FromGuest { // past the headers
			return does[string(f.Data[14+20+8])]
		}
		return Action{}
	},
		Observe: func(f Frame) {
			if f.Action.Aside == 3 {
				released <- true
			}
		}})
	g := connect(t, cable)
	want := ""
	expect := func(payloads string) {
		t.Helper()
		buf := make([]byte, 100)
		for _, p := range payloads {
			if n, _, err := server.ReadFromUDP(buf); err != nil || string(buf[:n]) != string(p) {
				t.Fatalf("after %q came %q, %v; want %q", want, buf[:n], err, p)
			}
			want += string(p)
		}
	}
	for _, payload := range "abcde" {
		g.send(udpFrame(t, broadcast, net.IPv4bcast, string(payload)))
	}
	expect("cdbae") // nothing follows e
	<-released
	for _, payload := range "fgh" {
		g.send(udpFrame(t, broadcast, net.IPv4bcast, string(payload)))
	}
	expect("fgh")
	// What waits as the guest goes off is not for its next power-on, whose frames are numbered anew.
	g.send(udpFrame(t, broadcast, net.IPv4bcast, "a"))
	g = connect(t, cable)
	for _, payload := range "adh" {
		g.send(udpFrame(t, broadcast, net.IPv4bcast, string(payload)))
	}
	expect("dah")
}

// TestSlowLine: a line of so many bits a second takes its time for each frame, one after the other, and what finds its queue full
// is dropped.
func TestSlowLine(t *testing.T) {
	b := newBridge(t)
	server := listenUDP(t, addHost(t, b, "dhcp", hostMAC, hostAddress), ":67")
	const kbit, queue = 80, 10 // ten octets a millisecond
	seen := newLog()
	cable := plugIn(t, b, CableConfig{Name: "x64", Tun: true, Observe: seen.observe, Filter: func(f Frame) Action {
		if f.FromGuest {
			return Action{Rule: 1, Kbit: kbit, Queue: queue}
		}
		return Action{}
	}})
	g := connect(t, cable)
	begun, octets := time.Now(), 0
	for i := range queue + 5 {
		frame := udpFrame(t, broadcast, net.IPv4bcast, fmt.Sprintf("%02d", i))
		octets = len(frame)
		g.send(frame)
	}
	buf := make([]byte, 100)
	for i := range queue {
		n, _, err := server.ReadFromUDP(buf)
		if err != nil || string(buf[:n]) != fmt.Sprintf("%02d", i) {
			t.Fatalf("datagram %d is %q, %v", i, buf[:n], err)
		}
	}
	if took, least := time.Since(begun), time.Duration(queue*octets/10)*time.Millisecond; took < least {
		t.Errorf("%d frames of %d octets took %s; at %d kbit/s they take %s", queue, octets, took, kbit, least)
	}
	dropped := 0
	for _, f := range seen.all() {
		if f.Action.Drop {
			dropped++
		}
	}
	if s := cable.Stats(); dropped == 0 || s.Filtered != dropped {
		t.Errorf("%d frames were seen dropped, %d counted; more were sent than the queue holds", dropped, s.Filtered)
	}
}
