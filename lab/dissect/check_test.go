package dissect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/gopacket/gopacket/pcapgo"
)

// clients are all that a frame can be opened for.
var clients = []Client{{}, {"bios", true, ""}, {"bios", false, ""}, {"ovmf-x64", true, ""}, {"ovmf-x64", false, "52:54:00:12:34:02"}, {"ovmf-x64-ipxe", false, ""}, {"ovmf-ia32", false, ""}}

// captured gives the frames of the captures that lab/wire's tests have.
func captured(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../wire/testdata/*.pcap")
	if err != nil || len(files) < 3 {
		t.Fatalf("captures %v, %v", files, err)
	}
	var frames [][]byte
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := pcapgo.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for {
			data, _, err := r.ReadPacketData()
			if err != nil {
				break
			}
			frames = append(frames, slices.Clone(data))
		}
	}
	if len(frames) < 100 {
		t.Fatalf("%d frames", len(frames))
	}
	return frames
}

// check holds what every frame that was opened promises its readers.
func check(t testing.TB, data []byte, f Frame) {
	t.Helper()
	if f.Size != len(data) || !oneLine(f.Summary) || f.Summary == "" || !oneLine(f.Error) {
		t.Errorf("size %d of %d, summary %q, error %q", f.Size, len(data), f.Summary, f.Error)
	}
	seen := map[string]bool{}
	var walk func(in Field, fields []Field)
	walk = func(in Field, fields []Field) {
		for _, c := range fields {
			if seen[c.Path] || c.Path == "" || c.Name == "" {
				t.Errorf("path %q and name %q: empty, or there twice", c.Path, c.Name)
			}
			seen[c.Path] = true
			for _, s := range []string{c.Path, c.Name, c.Value, c.Meaning, c.Client, c.Spec, c.Bad} {
				if !oneLine(s) {
					t.Errorf("%s: %q does not print on one line", c.Path, s)
				}
			}
			if c.Len < 0 || c.At < in.At || c.At+c.Len > in.At+in.Len {
				t.Errorf("%s [%d+%d] is outside %s [%d+%d]", c.Path, c.At, c.Len, in.Path, in.At, in.Len)
			}
			walk(c, c.Fields)
		}
	}
	walk(Field{Path: "the frame", Len: len(data)}, f.Layers)
	if len(seen) > maxFields+100 {
		t.Errorf("%d fields", len(seen))
	}
}

func oneLine(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// all gives the fields of a frame, the parts behind what they are parts of.
func all(f Frame) []Field {
	var out []Field
	var walk func(fields []Field)
	walk = func(fields []Field) {
		for _, c := range fields {
			out = append(out, c)
			walk(c.Fields)
		}
	}
	walk(f.Layers)
	return out
}

// sameAgain sets every field that can be set to the value it has, and holds that nothing is different; and that no other can be set.
func sameAgain(t testing.TB, data []byte) {
	t.Helper()
	was := Dissect(data, Client{})
	for _, f := range all(was) {
		changed, err := Change(data, []string{f.Path + "=" + f.Value})
		switch {
		case !f.Edit && err == nil:
			t.Errorf("%s can be set, and is said not to", f.Path)
		case f.Edit && err != nil:
			t.Errorf("%s = %q cannot be set: %v", f.Path, f.Value, err)
		case f.Edit && !reflect.DeepEqual(Dissect(changed, Client{}), was):
			t.Errorf("%s = %q is not the same when it is set again:\n%x\n%x", f.Path, f.Value, data, changed)
		}
	}
}

func TestSameAgain(t *testing.T) {
	for i, data := range captured(t) {
		if i%5 == 0 {
			t.Run(fmt.Sprint(i), func(t *testing.T) { sameAgain(t, data) })
		}
	}
}

func TestChangeKeepsItsInput(t *testing.T) {
	for _, data := range captured(t)[:30] {
		was := slices.Clone(data)
		for _, f := range all(Dissect(data, Client{})) {
			if _, err := Change(data, []string{"-" + f.Path}); err == nil && !bytes.Equal(was, data) {
				t.Fatalf("-%s changed the frame that was given", f.Path)
			}
		}
	}
}

// unsound says which length or checksum of the outer layers is wrong.
func unsound(f Frame) string {
	for _, c := range all(f) {
		switch c.Path {
		case "ip", "ip.length", "ip.checksum", "udp.length", "udp.checksum", "tcp.checksum", "icmp6.checksum":
			if c.Bad != "" {
				return c.Path + " is bad: " + c.Bad
			}
		}
	}
	return ""
}

func FuzzDissect(f *testing.F) {
	for i, data := range captured(f) {
		f.Add(byte(i), data)
	}
	for i, r := range realFrames(f) {
		f.Add(byte(i), r.data)
	}
	f.Fuzz(func(t *testing.T, client byte, data []byte) {
		check(t, data, Dissect(data, clients[int(client)%len(clients)]))
	})
}

func FuzzChange(f *testing.F) {
	changes := []string{"dhcp.option.60=PXEClient", "-dhcp.option.43", "dhcp.file=x", "tftp.blksize=512", "dhcp.option.43.6=hex:08", "ip.ttl=3",
		"-dhcp.option.255", "dhcp.option.43.9.item.text=a longer text", "tftp.file=", "udp.dport=70"}
	for i, data := range captured(f) {
		f.Add(changes[i%len(changes)], data)
	}
	for _, r := range realFrames(f) {
		for _, c := range all(Dissect(r.data, r.client)) {
			if c.Edit && r.topic == "combined-menu" {
				f.Add(c.Path+"="+c.Value, r.data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, c string, data []byte) {
		changed, err := Change(data, []string{c})
		if err != nil {
			return
		}
		f := Dissect(changed, Client{})
		check(t, changed, f)
		if unsound(Dissect(data, Client{})) == "" && unsound(f) != "" {
			t.Errorf("the change makes a frame whose %s", unsound(f))
		}
		if again, err := Change(changed, nil); err != nil || !bytes.Equal(again, changed) {
			t.Errorf("no change at all: %x, %v", again, err)
		}
		Differences(data, changed)
	})
}

// TestHostile opens frames that were made to take long, or much memory.
func TestHostile(t *testing.T) {
	frame := func(proto byte, port uint16, payload []byte) []byte {
		v := append(make([]byte, 12), 0x08, 0x00, 0x45, 0, byte((len(payload)+28)>>8), byte(len(payload)+28), 0, 0, 0, 0, 64, proto, 0, 0)
		v = append(v, make([]byte, 8)...)
		v = append(v, 0, 1, byte(port>>8), byte(port), byte((len(payload)+8)>>8), byte(len(payload)+8), 0, 0)
		return append(v, payload...)
	}
	dhcp := func(options string) []byte {
		v := make([]byte, bootpHead, 65000)
		v[0], v[1], v[2] = 2, 1, 6
		v = append(v, 0x63, 0x82, 0x53, 0x63)
		for len(v)+len(options) < 65000 {
			v = append(v, options...)
		}
		return v
	}
	deep := []byte{1, 0, 0, 0}
	for n := 64904 - 8; n > 20; n -= 16 {
		deep = append(deep, 0, 3, byte(n>>8), byte(n))
		deep = append(deep, make([]byte, 12)...)
	}
	relayed := []byte{}
	for n := 64904 - 38; n > 60; n -= 38 {
		relayed = append(append(relayed, 12), make([]byte, 33)...)
		relayed = append(relayed, 0, 9, byte(n>>8), byte(n))
	}
	filled := func(v []byte) []byte { return append(v, make([]byte, 64904-len(v))...) }
	for name, data := range map[string][]byte{
		"empty options":       frame(protoUDP, 68, dhcp("\x0c\x00")),
		"request lists":       frame(protoUDP, 68, dhcp("\x37\xff"+strings.Repeat("\x37", 255))),
		"tags":                frame(protoUDP, 68, dhcp("\x3c\x09PXEClient\x2b\xff"+strings.Repeat("\x08\x03\x00\x00\x00", 51))),
		"pads and ends":       frame(protoUDP, 68, dhcp("\x00\x0c\x00")),
		"TFTP options":        frame(protoUDP, 69, append([]byte("\x00\x01f\x00octet\x00"), strings.Repeat("a\x00\x00", 20000)...)),
		"associations":        frame(protoUDP, 547, filled(deep)),
		"relayed and again":   frame(protoUDP, 547, filled(relayed)),
		"lines of a header":   frame(protoTCP, 80, append([]byte{0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0}, "GET / HTTP/1.1\n"+strings.Repeat("a:\n", 20000)...)),
		"multicast records":   frame(protoIGMP, 0, append(make([]byte, 8), make([]byte, 60000)...)),
		"nothing but noughts": make([]byte, 65000),
	} {
		t.Run(name, func(t *testing.T) {
			f := Dissect(data, Client{Firmware: "ovmf-x64"})
			check(t, data, f)
			if text, err := json.Marshal(f); err != nil || len(text) > 4<<20 {
				t.Errorf("%d octets of JSON, %v", len(text), err)
			}
		})
	}
}
