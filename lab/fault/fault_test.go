package fault

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

var (
	guestMAC  = []byte{0x52, 0x54, 0, 0, 0, 1}
	serverMAC = []byte{2, 0, 0, 0, 0, 1}
)

// udp is a frame with a UDP datagram.
func udp(from []byte, sport, dport uint16, payload []byte) []byte {
	to := guestMAC
	if bytes.Equal(from, guestMAC) {
		to = serverMAC
	}
	f := append(append(bytes.Clone(to), from...), 8, 0)
	f = append(f, append([]byte{0x45}, make([]byte, 19)...)...)
	f[14+9] = 17
	f = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(f, sport), dport)
	f = binary.BigEndian.AppendUint16(f, uint16(8+len(payload)))
	return append(append(f, 0, 0), payload...)
}

// dhcp is a DHCP message of a type.
func dhcp(from []byte, kind byte) []byte {
	m := make([]byte, 240)
	m[0], m[1], m[2] = 1, 1, 6
	copy(m[28:], guestMAC)
	copy(m[236:], []byte{99, 130, 83, 99})
	sport, dport := uint16(68), uint16(67)
	if kind == 2 || kind == 5 || kind == 6 {
		m[0], sport, dport = 2, 67, 68
	}
	return udp(from, sport, dport, append(m, 0, 53, 1, kind, 255))
}

func data(block uint16) []byte {
	return udp(serverMAC, 3333, 2000, append([]byte{0, 3, byte(block >> 8), byte(block)}, "content"...))
}

// frames are a boot, in order: what each rule of TestRules means of it is given by position.
var frames = []struct {
	fromGuest bool
	data      []byte
}{
	0: {true, dhcp(guestMAC, 1)}, 1: {false, dhcp(serverMAC, 2)}, 2: {false, dhcp([]byte{2, 0, 0, 0, 0, 2}, 2)},
	3: {true, dhcp(guestMAC, 3)}, 4: {false, dhcp(serverMAC, 5)},
	5: {true, append(append(append([]byte{255, 255, 255, 255, 255, 255}, guestMAC...), 8, 6), make([]byte, 28)...)},
	6: {true, udp(guestMAC, 2000, 69, []byte("\x00\x01probe.0\x00octet\x00"))}, 7: {false, data(1)}, 8: {true, udp(guestMAC, 2000, 3333, []byte{0, 4, 0, 1})},
	9: {false, data(2)}, 10: {false, data(2)}, 11: {false, data(3)}, 12: {true, udp(guestMAC, 50000, 7777, []byte("\x00\x03nonce"))},
	13: {true, []byte{1, 2, 3}},
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want []int // positions in frames
	}{
		{Rule{}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}},
		{Rule{From: "guest"}, []int{0, 3, 5, 6, 8, 12, 13}},
		{Rule{From: "dhcp", MAC: "02:00:00:00:00:01"}, []int{1, 4, 7, 9, 10, 11}},
		{Rule{Packet: "offer"}, []int{1, 2}},
		{Rule{Packet: "offer", From: "dhcp", MAC: "02:00:00:00:00:02"}, []int{2}},
		{Rule{Packet: "offer", First: 1}, []int{1}},
		{Rule{Packet: "offer", Nth: 2}, []int{2}},
		{Rule{Packet: "discover"}, []int{0}},
		{Rule{Packet: "ack"}, []int{4}},
		{Rule{Packet: "nak"}, nil},
		{Rule{Packet: "dhcp", Every: 2}, []int{2, 3}},
		{Rule{Packet: "arp"}, []int{5}},
		{Rule{Packet: "rrq"}, []int{6}},
		{Rule{Packet: "data", Block: 2}, []int{9, 10}},
		{Rule{Packet: "data", Block: 2, Nth: 1}, []int{9}},
		{Rule{Packet: "tftp-ack"}, []int{8}},
	} {
		i := New([]Rule{c.rule}, [6]byte(guestMAC))
		var got []int
		for n, f := range frames {
			if a := i.Decide(f.data, f.fromGuest); a.Rule != 0 {
				got = append(got, n)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s means %v, want %v", c.rule, got, c.want)
		}
	}
}

// TestOthers: what is for another machine is not counted, whether a bridge floods it or its server answers by broadcast.
func TestOthers(t *testing.T) {
	i := New([]Rule{{Do: "drop", First: 1}}, [6]byte(guestMAC))
	flooded := data(1)
	flooded[5] = 9
	theirs := dhcp(serverMAC, 2)
	copy(theirs, []byte{255, 255, 255, 255, 255, 255})
	theirs[14+20+8+28+5] = 9
	for _, f := range [][]byte{flooded, theirs} {
		if a := i.Decide(f, false); a.Rule != 0 {
			t.Errorf("% x: %+v", f[:12], a)
		}
	}
	if a := i.Decide(data(1), false); !a.Drop {
		t.Error("the first frame for this guest is not dropped")
	}
}

// TestPercent: the same seed picks the same frames, another seed others, and as many as were asked for.
func TestPercent(t *testing.T) {
	pick := func(seed int) (out []int) {
		i := New([]Rule{{Do: "drop", Percent: 10, Seed: seed}}, [6]byte(guestMAC))
		for n := range 10_000 {
			if i.Decide(frames[0].data, true).Drop {
				out = append(out, n)
			}
		}
		return out
	}
	first := pick(7)
	if !slices.Equal(first, pick(7)) {
		t.Error("the same seed picks other frames")
	}
	if slices.Equal(first, pick(8)) {
		t.Error("another seed picks the same frames")
	}
	if n := len(first); n < 900 || n > 1100 {
		t.Errorf("%d of 10000 frames, want a tenth", n)
	}
}

func TestDeeds(t *testing.T) {
	frame := data(1)
	for deed, check := range map[string]func(Action) bool{
		"drop":      func(a Action) bool { return a.Drop },
		"delay":     func(a Action) bool { return a.Delay == time.Second && !a.Drop },
		"duplicate": func(a Action) bool { return a.Copies == 1 && a.Data == nil },
		"corrupt": func(a Action) bool {
			return len(a.Data) == len(frame) && !bytes.Equal(a.Data, frame) && bytes.Equal(a.Data[:42], frame[:42])
		},
		"truncate": func(a Action) bool { return len(a.Data) == 44 },
	} {
		before := bytes.Clone(frame)
		if a := New([]Rule{{Do: deed, By: time.Second, To: 44}}, [6]byte(guestMAC)).Decide(frame, false); !check(a) || !bytes.Equal(frame, before) {
			t.Errorf("%s: %+v", deed, a)
		}
	}
	for _, d := range CableDeeds {
		if a := New([]Rule{{Do: d}, {Do: "drop"}}, [6]byte(guestMAC)).Decide(frame, false); a.Rule != 1 {
			t.Errorf("%s before drop: rule %d acts", d, a.Rule)
		}
	}
}

// TestOnce: what is done to a service or to the guest is done at one frame, once, and the frame travels on; a slow service is slow
// at each.
func TestOnce(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want []int // positions in frames
	}{
		{Rule{Do: "crash", Service: "boot", Packet: "data"}, []int{7}},
		{Rule{Do: "restart", Service: "boot", Packet: "data", Nth: 2}, []int{9}},
		{Rule{Do: "pause", Service: "boot", Packet: "dhcp", From: "guest"}, []int{0}},
		{Rule{Do: "slow", Service: "boot", Packet: "data", From: "boot", MAC: "02:00:00:00:00:01"}, []int{7, 9, 10, 11}},
		{Rule{Do: "reset", Packet: "ack"}, []int{4}},
		{Rule{Do: "fill-pool", Service: "boot"}, nil}, // before the first frame
		{Rule{Do: "stop", Service: "boot"}, nil},
	} {
		i := New([]Rule{c.rule}, [6]byte(guestMAC))
		var got []int
		for range 2 {
			for n, f := range frames {
				switch a := i.Decide(f.data, f.fromGuest); {
				case a.Rule != 0 && (a.Drop || a.Data != nil || a.Delay != 0 || a.Copies != 0):
					t.Errorf("%s does something to frame %d: %+v", c.rule, n, a)
				case a.Rule != 0:
					got = append(got, n)
				}
			}
		}
		if c.rule.Do == "slow" {
			c.want = append(c.want, c.want...)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s is done at %v, want %v", c.rule, got, c.want)
		}
		spent := New([]Rule{c.rule}, [6]byte(guestMAC)).Without(func(r *Rule) bool { return r.OnGuest() })
		if a := spent.Decide(frames[4].data, false); c.rule.OnGuest() && a.Rule != 0 {
			t.Errorf("%s is done although it was left out", c.rule)
		}
	}
}

func FuzzDecide(f *testing.F) {
	for _, x := range frames {
		f.Add(x.data, x.fromGuest)
	}
	f.Fuzz(func(t *testing.T, frame []byte, fromGuest bool) {
		var rules []Rule
		for _, p := range Packets {
			for _, d := range Deeds {
				rules = append(rules, Rule{Packet: p, Do: d, To: 20, Nth: 1 + len(rules)%2})
			}
		}
		i, before := New(rules, [6]byte(guestMAC)), bytes.Clone(frame)
		for range 3 {
			if a := i.Decide(frame, fromGuest); a.Data != nil && len(a.Data) > len(frame) {
				t.Errorf("%d octets became %d", len(frame), len(a.Data))
			}
		}
		if !bytes.Equal(before, frame) {
			t.Error("the frame itself was changed")
		}
	})
}
