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
		{Rule{Selection: Selection{From: "guest"}}, []int{0, 3, 5, 6, 8, 12, 13}},
		{Rule{Selection: Selection{From: "dhcp", MAC: "02:00:00:00:00:01"}}, []int{1, 4, 7, 9, 10, 11}},
		{Rule{Selection: Selection{Packet: "offer"}}, []int{1, 2}},
		{Rule{Selection: Selection{Packet: "offer", From: "dhcp", MAC: "02:00:00:00:00:02"}}, []int{2}},
		{Rule{Selection: Selection{Packet: "offer", First: 1}}, []int{1}},
		{Rule{Selection: Selection{Packet: "offer", Nth: 2}}, []int{2}},
		{Rule{Selection: Selection{Packet: "discover"}}, []int{0}},
		{Rule{Selection: Selection{Packet: "ack"}}, []int{4}},
		{Rule{Selection: Selection{Packet: "nak"}}, nil},
		{Rule{Selection: Selection{Packet: "dhcp", Every: 2}}, []int{2, 3}},
		{Rule{Selection: Selection{Packet: "arp"}}, []int{5}},
		{Rule{Selection: Selection{Packet: "rrq"}}, []int{6}},
		{Rule{Selection: Selection{Packet: "data", Block: 2}}, []int{9, 10}},
		{Rule{Selection: Selection{Packet: "data", Block: 2, Nth: 1}}, []int{9}},
		{Rule{Selection: Selection{Packet: "tftp-ack"}}, []int{8}},
		{Rule{Selection: Selection{Packet: "data", After: 1, First: 2}}, []int{9, 10}},
		{Rule{Selection: Selection{Packet: "data", After: 1, Every: 2}}, []int{10}},
		{Rule{Selection: Selection{Packet: "data", After: 4}}, nil},
		{Rule{Selection: Selection{Packet: "udp", From: "guest"}}, []int{0, 3, 6, 8, 12}},
		{Rule{Selection: Selection{Port: 3333}}, []int{7, 8, 9, 10, 11}},
		{Rule{Selection: Selection{Packet: "tftp", Port: 69}}, []int{6}},
		{Rule{Selection: Selection{Port: 7777, From: "guest"}}, []int{12}},
		{Rule{Do: "mtu", To: 256}, []int{0, 1, 2, 3, 4}}, // the DHCP messages
		{Rule{Do: "mtu", To: 273}, nil},                  // and these just pass
		{Rule{Do: "mtu", To: 256, Selection: Selection{Nth: 2}}, []int{2, 3}},
		{Rule{Do: "partition", Selection: Selection{Packet: "rrq"}}, []int{6, 7, 8, 9, 10, 11, 12, 13}},
		{Rule{Do: "partition", Selection: Selection{Packet: "rrq"}, Frames: 2}, []int{6, 7, 8, 9}},
		{Rule{Do: "partition", Selection: Selection{Packet: "data", Block: 2, First: 1}, Frames: 1}, []int{9, 12}},
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
	i := New([]Rule{{Do: "drop", Selection: Selection{First: 1}}}, [6]byte(guestMAC))
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
		i := New([]Rule{{Do: "drop", Selection: Selection{Percent: 10, Seed: seed}}}, [6]byte(guestMAC))
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

// deedTo is what each deed leaves.
var deedTo = map[string]int{"truncate": 44, "mtu": 30}

func TestDeeds(t *testing.T) {
	frame := data(1)
	for deed, check := range map[string]func(Action) bool{
		"drop":      func(a Action) bool { return a.Drop },
		"delay":     func(a Action) bool { return a.Delay == time.Second && !a.Drop },
		"duplicate": func(a Action) bool { return a.Copies == 1 && a.Data == nil },
		"corrupt": func(a Action) bool {
			return len(a.Data) == len(frame) && !bytes.Equal(a.Data, frame) && bytes.Equal(a.Data[:42], frame[:42])
		},
		"truncate":  func(a Action) bool { return len(a.Data) == 44 },
		"jitter":    func(a Action) bool { return a.Delay > 0 && a.Delay <= time.Second && !a.Drop },
		"reorder":   func(a Action) bool { return a.Aside > 0 && a.Wait == time.Second && !a.Drop },
		"rate":      func(a Action) bool { return a.Kbit == 512 && a.Queue == DefaultQueue && !a.Drop },
		"mtu":       func(a Action) bool { return a.Drop },
		"partition": func(a Action) bool { return a.Drop },
	} {
		before := bytes.Clone(frame)
		if a := New([]Rule{{Do: deed, By: time.Second, To: deedTo[deed], Kbit: 512}}, [6]byte(guestMAC)).Decide(frame, false); !check(a) || !bytes.Equal(frame, before) {
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
		{Rule{Do: "crash", Service: "boot", Selection: Selection{Packet: "data"}}, []int{7}},
		{Rule{Do: "restart", Service: "boot", Selection: Selection{Packet: "data", Nth: 2}}, []int{9}},
		{Rule{Do: "pause", Service: "boot", Selection: Selection{Packet: "dhcp", From: "guest"}}, []int{0}},
		{Rule{Do: "slow", Service: "boot", Selection: Selection{Packet: "data", From: "boot", MAC: "02:00:00:00:00:01"}}, []int{7, 9, 10, 11}},
		{Rule{Do: "reset", Selection: Selection{Packet: "ack"}}, []int{4}},
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
				rules = append(rules, Rule{Selection: Selection{Packet: p, Nth: len(rules) % 3}, Do: d, To: 20, Frames: len(rules) % 3, By: time.Second})
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

// kinds are frames of one kind each, which other protocols' rules must not mean.
var kinds = map[string][]byte{
	"decline": dhcp(guestMAC, 4), "release": dhcp(guestMAC, 7), "inform": dhcp(guestMAC, 8),
	"pxe":   pxe(),
	"dhcp6": udp6(546, 547), "icmp": ip(1, nil), "http": ip(6, []byte{0, 80, 0xc0, 0, 0, 0, 0, 0}), "tcp": ip(6, []byte{0x1f, 0x90, 0xc0, 0, 0, 0, 0, 0}),
}

// pxe is a request to port 4011.
func pxe() []byte {
	f := dhcp(guestMAC, 3)
	binary.BigEndian.PutUint16(f[14+20+2:], 4011)
	return f
}

// ip is a frame with an IPv4 datagram.
func ip(proto byte, payload []byte) []byte {
	f := udp(guestMAC, 0, 0, nil)[:34]
	f[14+9] = proto
	return append(f, payload...)
}

// udp6 is a frame with a UDP datagram over IPv6.
func udp6(sport, dport uint16) []byte {
	f := append(append(bytes.Clone(serverMAC), guestMAC...), 0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 1)
	f = append(f, make([]byte, 32)...)
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(f, sport), dport), 0, 8, 0, 0)
}

func TestKinds(t *testing.T) {
	wider := map[string][]string{"decline": {"dhcp", "udp"}, "release": {"dhcp", "udp"}, "inform": {"dhcp", "udp"},
		"pxe": {"dhcp", "udp", "request"}, "dhcp6": {"udp"}, "http": {"tcp"}}
	for kind, frame := range kinds {
		for _, p := range Packets {
			want := p == "any" || p == kind || slices.Contains(wider[kind], p)
			got := New([]Rule{{Do: "drop", Selection: Selection{Packet: p}}}, [6]byte(guestMAC)).Decide(frame, true).Drop
			if got != want {
				t.Errorf("a frame of kind %s is one of %s: %v, want %v", kind, p, got, want)
			}
		}
	}
	if r := (Rule{Do: "drop", Selection: Selection{Packet: "tcp", Port: 8080}}); !New([]Rule{r}, [6]byte(guestMAC)).Decide(kinds["tcp"], true).Drop {
		t.Error("a port of TCP is not seen")
	}
}

// order is how a cable that follows the injector carries n frames of the guest: those that are put aside come when they are named.
func order(i *Injector, n int) (out []int) {
	waiting := map[int]int{}
	for k := 1; k <= n; k++ {
		a := i.Decide(frames[0].data, true)
		switch {
		case a.Aside > 0:
			waiting[a.Aside] = k
		case !a.Drop:
			out = append(out, k)
		}
		for _, ticket := range a.Then {
			out = append(out, waiting[ticket])
		}
	}
	return out
}

func TestReorder(t *testing.T) {
	for _, c := range []struct {
		rules []Rule
		want  []int
	}{
		{[]Rule{{Do: "reorder", Selection: Selection{Nth: 2}}}, []int{1, 3, 2, 4, 5, 6}},
		{[]Rule{{Do: "reorder", Selection: Selection{Nth: 2}, Frames: 3}}, []int{1, 3, 4, 5, 2, 6}},
		{[]Rule{{Do: "reorder"}}, []int{2, 1, 4, 3, 6, 5}},
		{[]Rule{{Do: "reorder", Selection: Selection{Nth: 6}}}, []int{1, 2, 3, 4, 5}},                                                     // the cable has it go on in time
		{[]Rule{{Do: "reorder", Selection: Selection{Nth: 2}}, {Do: "drop", Selection: Selection{Nth: 3}}}, []int{1, 4, 2, 5, 6}},         // a lost frame goes first of nobody
		{[]Rule{{Do: "reorder", Selection: Selection{Nth: 2}}, {Do: "reorder", Selection: Selection{Nth: 3}}}, []int{1, 4, 2, 3, 5, 6}},   // nor does one that waits
		{[]Rule{{Do: "reorder", Selection: Selection{Nth: 1}, Frames: 9}, {Do: "drop", Selection: Selection{Nth: 4}}}, []int{2, 3, 5, 6}}, // it still waits
	} {
		if got := order(New(c.rules, [6]byte(guestMAC)), 6); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.rules, got, c.want)
		}
	}
	i := New([]Rule{{Do: "reorder", Selection: Selection{Nth: 1}}}, [6]byte(guestMAC))
	if a := i.Decide(data(1), false); a.Aside == 0 || a.Wait <= 0 || !a.Held() {
		t.Errorf("the first frame: %+v", a)
	}
	if a := i.Decide(frames[1].data, true); len(a.Then) > 0 {
		t.Error("a frame of the other direction goes first of it")
	}
}

// TestJitter: the same seed holds the same frames up for the same time, none not at all and none too long.
func TestJitter(t *testing.T) {
	const by = 50 * time.Millisecond
	times := func(seed int) (out []time.Duration) {
		i := New([]Rule{{Do: "jitter", By: by, Selection: Selection{Seed: seed}}}, [6]byte(guestMAC))
		for range 1000 {
			out = append(out, i.Decide(frames[0].data, true).Delay)
		}
		return out
	}
	first := times(1)
	if !slices.Equal(first, times(1)) || slices.Equal(first, times(2)) {
		t.Error("it is not the seed that decides")
	}
	if low, high := slices.Min(first), slices.Max(first); low <= 0 || high > by || low > by/20 || high < by*19/20 {
		t.Errorf("from %s to %s, want all of 0 to %s", low, high, by)
	}
}

// TestHeal: a partition that time ends is one until it is healed, and another frame of its kind begins another.
func TestHeal(t *testing.T) {
	i := New(nil, [6]byte(guestMAC))
	i.Add(4, Rule{Do: "partition", For: time.Second, Selection: Selection{Packet: "data", First: 1}})
	steps := []struct {
		fromGuest bool
		data      []byte
		drop      bool
		begins    time.Duration
	}{{true, frames[0].data, false, 0}, {false, data(1), true, time.Second}, {true, frames[0].data, true, 0}, {false, frames[1].data, true, 0}}
	for n, s := range steps {
		if a := i.Decide(s.data, s.fromGuest); a.Drop != s.drop || a.For != s.begins || s.drop && a.Rule != 4 {
			t.Errorf("frame %d: %+v", n, a)
		}
	}
	i.Heal(4)
	if a := i.Decide(data(2), false); a.Drop {
		t.Error("it goes on")
	}
	i.Add(5, Rule{Do: "drop"})
	if a := i.Decide(data(2), false); !a.Drop || a.Rule != 5 {
		t.Errorf("a rule that was added: %+v", a)
	}
	i.Remove(5)
	if a := i.Decide(data(2), false); a.Rule != 0 {
		t.Errorf("a rule that was taken away: %+v", a)
	}
}
