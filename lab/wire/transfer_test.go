package wire

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/event"
)

// kept decodes a script and gives the events in order.
func kept(script []frame) []event.Packet {
	var events []event.Packet
	d := New(guestMAC)
	for i, f := range script {
		if p, ok := d.Frame(i+1, f.data, f.guest); ok {
			events = append(events, p)
		}
	}
	return events
}

// TestRollover transfers more blocks than 16 bits can number, from servers that go on at 0 and at 1.
func TestRollover(t *testing.T) {
	for _, first := range []int{0, 1} {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			ask, a := talk{guestIP + ":2000", serverIP + ":69"}, talk{guestIP + ":2000", serverIP + ":40000"}
			script := []frame{ask.tx(strs(1, "big", "octet", "blksize", "8")), a.rx(strs(6, "blksize", "8")), a.tx(block(4, 0, 0))}
			data, ack := renumbered(a.rx(block(3, 1, 8))), renumbered(a.tx(block(4, 1, 0)))
			number := 1
			for range 70000 {
				script = append(script, data(number), ack(number))
				if number++; number > 65535 {
					number = first
				}
			}
			script = append(script, a.rx(block(3, number, 3)), a.tx(block(4, number, 0)))
			got := kept(script)
			if len(got) != 6 { // RRQ, OACK, ACK 0, DATA 1, DATA last, ACK last
				t.Fatalf("%d events, want 6; the fifth is %+v", len(got), got[min(4, len(got)-1)])
			}
			last := got[4].TFTP
			if !last.Last || last.Bytes != 70000*8+3 || last.Repeat != 0 || last.Block != number {
				t.Errorf("the last DATA is %+v", last)
			}
		})
	}
}

// renumbered makes copies of a DATA or ACK frame with another block number and no UDP checksum.
func renumbered(f frame) func(int) frame {
	return func(n int) frame {
		b := bytes.Clone(f.data)
		b[40], b[41], b[44], b[45] = 0, 0, byte(n>>8), byte(n)
		return frame{b, f.guest}
	}
}

// TestEveryRetransmissionIsTold repeats each packet of a transfer three times.
func TestEveryRetransmissionIsTold(t *testing.T) {
	ask, a := talk{guestIP + ":2000", serverIP + ":69"}, talk{guestIP + ":2000", serverIP + ":40000"}
	once := []frame{ask.tx(strs(1, "f", "octet", "blksize", "512")), a.rx(strs(6, "blksize", "512")), a.tx(block(4, 0, 0)),
		a.rx(block(3, 1, 512)), a.tx(block(4, 1, 0)), a.rx(block(3, 2, 512)), a.tx(block(4, 2, 0)), a.rx(block(3, 3, 9)), a.tx(block(4, 3, 0))}
	var script []frame
	for _, f := range once {
		script = append(script, f, f, f)
	}
	repeats := map[string][]int{}
	for _, p := range kept(script) {
		k := fmt.Sprint(p.TFTP.Op, p.TFTP.Block)
		repeats[k] = append(repeats[k], p.TFTP.Repeat)
		if p.TFTP.Bytes > 1033 {
			t.Errorf("%s: repeated blocks were counted twice: %d octets", p.Info, p.TFTP.Bytes)
		}
	}
	want := map[string]string{"RRQ0": "[0 1 2]", "OACK0": "[0 1 2]", "ACK0": "[0 1 2]", "DATA1": "[0 1 2]", "ACK1": "[1 2]",
		"DATA2": "[1 2]", "ACK2": "[1 2]", "DATA3": "[0 1 2]", "ACK3": "[0 1 2]"}
	for k, w := range want {
		if got := fmt.Sprint(repeats[k]); got != w {
			t.Errorf("%s: repeats %s, want %s", k, got, w)
		}
	}
	if len(repeats) != len(want) {
		t.Errorf("events %v, want those of %v", repeats, want)
	}
}

// TestFragments follows a transfer whose blocks are larger than a frame.
func TestFragments(t *testing.T) {
	ask, a := talk{guestIP + ":2000", serverIP + ":69"}, talk{guestIP + ":2000", serverIP + ":40000"}
	whole := a.rx(block(3, 1, 8192)).data
	head := frame{refrag(setLength(whole[:14+20+1480]), 0x2000), false}
	script := []frame{ask.tx(strs(1, "f", "octet", "blksize", "8192")), a.rx(strs(6, "blksize", "8192")), a.tx(block(4, 0, 0)),
		head, {refrag(head.data, 0x00b9), false}, a.tx(block(4, 1, 0)), a.rx(block(3, 2, 1)), a.tx(block(4, 2, 0))}
	got := kept(script)
	if len(got) != 6 || got[3].TFTP == nil || got[3].TFTP.Last || got[3].Error != "" || got[4].TFTP.Bytes != 8193 {
		for _, p := range got {
			t.Logf("%s %+v %s", p.Info, p.TFTP, p.Error)
		}
		t.Fatalf("%d events, want 6 and 8193 octets", len(got))
	}
}

// setLength makes an IPv4 frame say its true length.
func setLength(data []byte) []byte {
	n := len(data) - 14
	data[16], data[17] = byte(n>>8), byte(n)
	return data
}

// TestFoldedFramesAreFree holds that the bulk of a transfer costs no allocation: the cable carries it.
func TestFoldedFramesAreFree(t *testing.T) {
	d := run(t, tftpScript()[:7])
	a := talk{guestIP + ":1036", serverIP + ":40002"}
	data, ack := a.rx(block(3, 2, 1468)).data, a.tx(block(4, 2, 0)).data
	segment := tcp(serverIP+":80", guestIP+":49152", false, layers.TCP{ACK: true}, "bulk").data
	tr := d.transfers[transferKey{addrPort(a.client), addr(serverIP)}]
	before := *tr
	allocs := testing.AllocsPerRun(100, func() {
		*tr = before // block 2 comes for the first time, over and over
		for i, f := range [][]byte{data, ack, segment} {
			if p, ok := d.Frame(1, f, i == 1); ok {
				t.Fatalf("not folded: %s", p.Info)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for three folded frames, want none", allocs)
	}
}

func BenchmarkFolded(b *testing.B) {
	d := run(b, tftpScript()[:7])
	a := talk{guestIP + ":1036", serverIP + ":40002"}
	data := a.rx(block(3, 2, 1468)).data
	tr := d.transfers[transferKey{addrPort(a.client), addr(serverIP)}]
	before := *tr
	b.ReportAllocs()
	for b.Loop() {
		*tr = before
		d.Frame(1, data, false)
	}
}

// TestRequestFromAnotherPort: a client may repeat a request that it heard no answer to from a new port. That is a
// repetition too, unless the transfer went on or ended.
func TestRequestFromAnotherPort(t *testing.T) {
	ask := func(port int, file string) frame {
		return talk{fmt.Sprintf("%s:%d", guestIP, port), serverIP + ":69"}.tx(strs(1, file, "octet", "tsize", "0"))
	}
	on := func(port int) talk {
		return talk{fmt.Sprintf("%s:%d", guestIP, port), fmt.Sprintf("%s:%d", serverIP, port+40000)}
	}
	oack := strs(6, "tsize", "9")
	for name, c := range map[string]struct {
		script []frame
		want   []int // Repeat of each event
	}{
		"unheard":     {[]frame{ask(2000, "x"), on(2000).rx(oack), ask(2001, "x"), on(2001).rx(oack), ask(2002, "x")}, []int{0, 0, 1, 1, 2}},
		"acked":       {[]frame{ask(2000, "x"), on(2000).rx(oack), on(2000).tx(block(4, 0, 0)), ask(2001, "x")}, []int{0, 0, 0, 0}},
		"ended":       {[]frame{ask(2000, "x"), on(2000).rx(oack), on(2000).tx(strs(5, "\x08")), ask(2001, "x")}, []int{0, 0, 0, 0}},
		"other file":  {[]frame{ask(2000, "x"), on(2000).rx(oack), ask(2001, "y")}, []int{0, 0, 0}},
		"data came":   {[]frame{ask(2000, "x"), on(2000).rx(block(3, 1, 512)), ask(2001, "x")}, []int{0, 0, 0}},
		"same port":   {[]frame{ask(2000, "x"), ask(2000, "x"), ask(2001, "x")}, []int{0, 1, 2}},
		"back and on": {[]frame{ask(2000, "x"), ask(2001, "x"), on(2001).rx(oack), on(2001).tx(block(4, 0, 0)), ask(2002, "x")}, []int{0, 1, 0, 0, 0}},
	} {
		var got []int
		for _, p := range kept(c.script) {
			got = append(got, p.TFTP.Repeat)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: repetitions %v, want %v", name, got, c.want)
		}
	}
}
