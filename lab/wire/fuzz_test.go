package wire

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/pxelab/pxelab/lab/event"
)

var protos = []string{"dhcp", "tftp", "arp", "icmp", "icmp6", "dhcp6", "udp", "tcp", "http", "other"}

// check holds what every event promises its readers.
func check(t testing.TB, p event.Packet) {
	t.Helper()
	if !slices.Contains(protos, p.Proto) || p.Info == "" {
		t.Errorf("proto %q, info %q", p.Proto, p.Info)
	}
	if (p.Proto == "dhcp") != (p.DHCP != nil) || (p.Proto == "tftp") != (p.TFTP != nil) ||
		(p.Proto == "dhcp6") != (p.DHCP6 != nil) || (p.Proto == "http") != (p.HTTP != nil) {
		t.Errorf("proto %q with DHCP %v, TFTP %v, DHCPv6 %v, HTTP %v", p.Proto, p.DHCP, p.TFTP, p.DHCP6, p.HTTP)
	}
	if i := strings.IndexFunc(p.Info+p.Error, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("info %q or error %q has an unprintable rune", p.Info, p.Error)
	}
	line, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back event.Packet
	if err := json.Unmarshal(line, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); string(again) != string(line) {
		t.Errorf("the event does not survive JSON:\n%s\n%s", line, again)
	}
}

// pack writes a script as one fuzz input: per frame a direction, its length and its octets.
func pack(script []frame) []byte {
	var b []byte
	for _, f := range script {
		n := uint16(len(f.data))
		if f.guest {
			n |= 0x8000
		}
		b = append(binary.BigEndian.AppendUint16(b, n), f.data...)
	}
	return b
}

func unpack(b []byte) []frame {
	var script []frame
	for len(b) >= 2 && len(script) < 80 {
		head := binary.BigEndian.Uint16(b)
		n := min(int(head&0x7fff), len(b)-2)
		script = append(script, frame{b[2 : 2+n], head&0x8000 != 0})
		b = b[2+n:]
	}
	return script
}

// FuzzFrames decodes whole sequences of frames, as what one frame means follows from those before it.
func FuzzFrames(f *testing.F) {
	for _, script := range scripts {
		f.Add(pack(script))
		for _, one := range script {
			f.Add(pack([]frame{one, one}))
		}
	}
	for _, name := range []string{"bios-ipxe", "ovmf-x64", "ovmf-x64-ipv6"} {
		f.Add(pack(capture(f, name)))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		d := New(guestMAC)
		for i, one := range unpack(input) {
			if s, ok := PeekTCP(one.data); ok && (s.Len < 0 || s.Len > 1<<16) {
				t.Errorf("a segment of %d octets", s.Len)
			}
			if p, ok := d.Frame(i+1, one.data, one.guest); ok {
				check(t, p)
			}
		}
	})
}

// FuzzPayload gives the fuzzer the payload of intact datagrams, which checksums keep it from reaching.
func FuzzPayload(f *testing.F) {
	ports := []string{"67", "68", "69", "4011", "2000", "547"}
	for i := range ports {
		f.Add(byte(i), bootp{op: 1, tail: opts(53, "\x01", 43, tlvs(71, "\x80\x00\x00\x00"), 60, pxeClass)}.bytes(), block(3, 2, 512))
		f.Add(byte(i), strs(1, "f", "octet", "blksize", "1468"), strs(6, "blksize", "1468"))
		f.Add(byte(i), []byte{1, 2, 3, 4, 0, 59, 0, 2, 'a', 'b'}, []byte{0, 5, 0, 1})
	}
	f.Fuzz(func(t *testing.T, port byte, ask, answer []byte) {
		if len(ask) > 60000 || len(answer) > 60000 {
			t.Skip("longer than a datagram can be")
		}
		d := New(guestMAC)
		server, client := serverIP+":"+ports[int(port)%len(ports)], guestIP+":1234"
		for i, one := range []frame{udp(client, server, true, ask), udp(server, client, false, answer),
			udp(client, server, true, answer), udp(client, server, true, ask), udp(server, client, false, answer)} {
			if p, ok := d.Frame(i+1, one.data, one.guest); ok {
				check(t, p)
			}
		}
	})
}
