package explain_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/explain"
)

// sll puts Linux's cooked header (tcpdump -i any) in place of Ethernet's.
func sll(frame []byte) []byte {
	kind := byte(0)
	if frame[0]&1 == 1 {
		kind = 1
	}
	return append(append([]byte{0, kind, 0, 1, 0, 6}, append(append(bytes.Clone(frame[6:12]), 0, 0), frame[12:14]...)...), frame[14:]...)
}

// sll2 puts the newer one.
func sll2(frame []byte) []byte {
	kind := byte(0)
	if frame[0]&1 == 1 {
		kind = 1
	}
	head := append(append(bytes.Clone(frame[12:14]), 0, 0, 0, 0, 0, 2, 0, 1, kind, 6), append(bytes.Clone(frame[6:12]), 0, 0)...)
	return append(head, frame[14:]...)
}

// tagged puts a frame into VLAN 7 within VLAN 9.
func tagged(frame []byte) []byte {
	return append(append(bytes.Clone(frame[:12]), 0x88, 0xa8, 0, 9, 0x81, 0, 0, 7), frame[12:]...)
}

// TestForms: the same boot, in each form of capture that is understood, has the same end.
func TestForms(t *testing.T) {
	const whole = 1 << 16
	for name, c := range map[string]struct {
		link   layers.LinkType
		snap   int
		change func([]byte) []byte
		end    explain.End
		note   string
	}{
		"Ethernet":           {layers.LinkTypeEthernet, whole, same, explain.Fetched, ""},
		"VLAN tags":          {layers.LinkTypeEthernet, whole, tagged, explain.Fetched, ""},
		"tcpdump -i any":     {layers.LinkTypeLinuxSLL, whole, sll, explain.Fetched, ""},
		"tcpdump -i any, v2": {276, whole, sll2, explain.Fetched, ""},
	} {
		data := newWire(t).leases("x64.efi").wants("x64.efi").has(program(0x8664)).after(2*time.Minute).discovers().classic(c.link, c.snap, c.change)
		record, err := explain.Capture(explain.Frames(bytes.NewReader(data)))
		if err != nil || len(record.Boots) == 0 {
			t.Errorf("%s: %v, no boots", name, err)
			continue
		}
		if x := record.Boots[0]; x.End != c.end {
			t.Errorf("%s: %s: %s", name, x.End, x.Summary)
		}
	}
}

// TestDamaged: what cannot be read is said in one line, and what can be read before it is explained.
func TestDamaged(t *testing.T) {
	good := newWire(t).leases("x64.efi").wants("x64.efi").hasNot().later(time.Minute).classic(layers.LinkTypeEthernet, 1<<16, same)
	huge := []byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00" +
		"\x06\x00\x00\x00\xf0\xff\xff\x7f\x00\x00\x00\x00")
	long := bytes.Clone(good)
	binary.LittleEndian.PutUint32(long[24+8:], 1<<30)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                    {nil, "the capture is empty"},
		"no capture":               {[]byte("PXE-E53: No boot filename received"), "this is no capture"},
		"three octets":             {[]byte{0xd4, 0xc3, 0xb2}, "this is no capture"},
		"a header that ends":       {good[:10], "ends within the header"},
		"another link type":        {newWire(t).discovers().classic(layers.LinkTypeIEEE802_11, 1<<16, same), "link type 105 (802.11) is not understood"},
		"a block of two gigabytes": {huge, "claims 2147483632 octets"},
		"a frame of a gigabyte":    {long, "read the capture"},
	} {
		_, err := explain.Capture(explain.Frames(bytes.NewReader(c.data)))
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	record, err := explain.Capture(explain.Frames(bytes.NewReader(good[:len(good)-90])))
	if err != nil || len(record.Boots) != 1 || len(record.Said) == 0 || !strings.Contains(record.Said[0], "cut short after frame") {
		t.Errorf("cut in a frame: %v, %+v", err, record)
	}
}

// TestSnapped: frames of which only the beginning was kept are said to be so, and give no cause that needs the rest.
func TestSnapped(t *testing.T) {
	data := newWire(t).leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute).classic(layers.LinkTypeEthernet, 64, same)
	record, err := explain.Capture(explain.Frames(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Said) == 0 || !strings.Contains(record.Said[0], "tcpdump -s 0") {
		t.Errorf("nothing is said of the frames that were cut: %q", record.Said)
	}
	for _, x := range record.Boots {
		if x.End == explain.Stopped {
			t.Errorf("a cause was found in 64 octets a frame: %s", x.Summary)
		}
	}
}

// TestLong: a capture of many frames is read without being kept.
func TestLong(t *testing.T) {
	one := newWire(t).leases("x64.efi").wants("x64.efi").has(program(0x8664))
	frames := func(yield func(explain.Frame, error) bool) {
		for i := range 200_000 {
			f := one.frames[i%len(one.frames)]
			f.Number, f.Data = i+1, bytes.Clone(f.Data)
			f.At = f.At.Add(time.Duration(i/len(one.frames)) * 2 * time.Minute)
			if !yield(f, nil) {
				return
			}
		}
	}
	record, err := explain.Capture(frames)
	if err != nil || len(record.Boots) == 0 {
		t.Fatalf("%v, %d boots", err, len(record.Boots))
	}
	if last := record.Boots[len(record.Boots)-1]; !strings.Contains(last.Summary, "more came of it") || len(record.Boots) > 20_000 {
		t.Errorf("%d boots are kept, and it is not said that there were more: %s", len(record.Boots), last.Summary)
	}
}

// TestLongLive: who listens for months is told the last boot as the first one was, and keeps no more than fits.
func TestLongLive(t *testing.T) {
	one := newWire(t).leases("x64.efi").wants("x64.efi").has(program(0x8664)).frames
	live, told, number := explain.NewLive(), 0, 0
	const boots = 5_000
	for i := range boots {
		told = 0
		for _, f := range one {
			number++
			f.Number, f.Data, f.At = number, bytes.Clone(f.Data), f.At.Add(time.Duration(i)*2*time.Minute)
			told += len(live.Frame(&f))
		}
	}
	if told != 6 {
		t.Errorf("%d steps of the last boot were told, want 6", told)
	}
	record := live.Explain(one[0].At.Add(boots * 2 * time.Minute))
	if n := len(record.Boots); n == 0 || record.Boots[n-1].Boot != boots || n > boots/2 || !strings.Contains(strings.Join(record.Said, " "), "earlier boots were told") {
		t.Errorf("%d boots are explained, %q", n, record.Said)
	}
}

// FuzzFrames holds that no file makes the reader panic or take more room than its frames have.
func FuzzFrames(f *testing.F) {
	w := &wire{t: &testing.T{}, mac: machine, arch: 7, port: 2000}
	w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	for _, link := range []layers.LinkType{layers.LinkTypeEthernet, layers.LinkTypeLinuxSLL, 276, layers.LinkTypeRaw} {
		f.Add(w.classic(link, 1<<16, same))
	}
	f.Add([]byte("\x0a\x0d\x0d\x0a"))
	f.Add(w.byHand(binary.BigEndian, true))
	f.Add(w.ng(seenOn{layers.LinkTypeEthernet, tagged}, seenOn{276, sll2}, seenOn{layers.LinkTypeIEEE802_11, wifi}))
	f.Add(packed(w.classic(layers.LinkTypeEthernet, 300, same)))
	for name := range boot {
		real := &wire{t: f}
		real.frames = shipped(f, name)
		f.Add(real.classic(layers.LinkTypeEthernet, 1<<16, same))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := explain.Capture(explain.Frames(bytes.NewReader(data)))
		if (err == nil) == (record == nil) {
			t.Errorf("record %v, error %v", record, err)
		}
		if record == nil {
			return
		}
		for _, x := range record.Boots {
			if x.Summary == "" || (x.End == explain.Stopped) != (len(x.Answers) > 0) {
				t.Errorf("%+v", x)
			}
		}
	})
}
