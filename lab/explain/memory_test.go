package explain_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/pxelab/pxelab/lab/explain"
)

// stream is a capture that is made while it is read, so that a long one takes no room. It measures how much is alive as it goes.
type stream struct {
	t    testing.TB
	w    *pcapgo.Writer
	buf  bytes.Buffer
	next func(i int) []byte // the frame of that number
	made int
	left int64 // octets still to come
	look int64 // at which to measure next
	step int64
	peak uint64
}

func newStream(t testing.TB, size int64, next func(i int) []byte) *stream {
	s := &stream{t: t, next: next, left: size, look: size, step: size / 8}
	s.w = pcapgo.NewWriter(&s.buf)
	if err := s.w.WriteFileHeader(1<<16, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stream) Read(p []byte) (int, error) {
	for s.buf.Len() < len(p) && s.left > 0 {
		data := s.next(s.made)
		info := gopacket.CaptureInfo{Timestamp: time.Unix(1_700_000_000, 0).Add(time.Duration(s.made) * time.Millisecond), CaptureLength: len(data), Length: len(data)}
		if err := s.w.WritePacket(info, data); err != nil {
			s.t.Fatal(err)
		}
		s.made++
		s.left -= int64(len(data)) + 16
	}
	if s.left < s.look {
		s.look -= s.step
		s.measure()
	}
	if s.buf.Len() == 0 {
		return 0, io.EOF
	}
	return s.buf.Read(p)
}

func (s *stream) measure() {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	s.peak = max(s.peak, m.HeapAlloc)
}

// crowdMAC is the address of a machine among many.
func crowdMAC(i int) net.HardwareAddr {
	return net.HardwareAddr{0x52, 0x54, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
}

// patched is a frame with its sender, its addresses and its port changed, and no UDP checksum.
func patched(frame []byte, src, dst net.HardwareAddr, from, to netip.Addr, port int) []byte {
	b := bytes.Clone(frame)
	copy(b, dst)
	copy(b[6:], src)
	copy(b[26:], from.AsSlice())
	copy(b[30:], to.AsSlice())
	binary.BigEndian.PutUint16(b[34:], uint16(port))
	copy(b[24:], []byte{0, 0})
	copy(b[40:], []byte{0, 0})
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[24:], ^uint16(sum))
	return b
}

// TestMemory: whatever a capture consists of, reading it takes no more memory than a bound that does not grow with it. The first
// is one of a hundred megabytes; the others are made to fill tables, and reach their bounds sooner.
func TestMemory(t *testing.T) {
	w := newWire(t).leases("x64.efi").wants("x64.efi").has(make([]byte, 1400))
	lease, request, data, ack := w.frames[:4], w.frames[4].Data, w.frames[5].Data, w.frames[6].Data
	client, server := netip.MustParseAddr(leaseIP), netip.MustParseAddr(dhcpIP)
	alike := func(i, n int) []byte { // the beginning of a boot
		f := bytes.Clone(lease[i%4].Data)
		copy(f[42+28:], crowdMAC(n))
		if i%2 == 0 {
			copy(f[6:], crowdMAC(n))
		}
		copy(f[40:], []byte{0, 0})
		return f
	}
	const megabyte = 1 << 20
	for name, c := range map[string]struct {
		size  int64
		bound uint64 // of what is alive at a time
		next  func(i int) []byte
	}{
		"a long transfer": {100 * megabyte, 16 * megabyte, func(i int) []byte {
			switch {
			case i < 4:
				return lease[i].Data
			case i == 4:
				return request
			case i%2 == 1:
				f := patched(data, dhcpMAC, machine, server, client, 3333)
				binary.BigEndian.PutUint16(f[44:], uint16(i/2-1))
				return f
			}
			f := patched(ack, machine, dhcpMAC, client, server, 2001)
			binary.BigEndian.PutUint16(f[44:], uint16(i/2-2))
			return f
		}},
		"machines without end":          {6 * megabyte, 128 * megabyte, func(i int) []byte { return alike(i, i/4) }},
		"the same machines without end": {6 * megabyte, 128 * megabyte, func(i int) []byte { return alike(i/256, i%256) }},
		"requests without end": {6 * megabyte, 128 * megabyte, func(i int) []byte {
			if i < 4*64 {
				return alike(i, i/4)
			}
			return patched(request, crowdMAC(i%64), dhcpMAC, client, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), i)
		}},
		"addresses without end": {6 * megabyte, 128 * megabyte, func(i int) []byte {
			if i < 4*64 {
				return alike(i, i/4)
			}
			return patched(request[:60], crowdMAC(i%64), dhcpMAC, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), server, i)
		}},
	} {
		s := newStream(t, c.size, c.next)
		var before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		record, err := explain.Capture(explain.Frames(s))
		if err != nil || len(record.Boots) == 0 {
			t.Fatalf("%s: %v, no boots", name, err)
		}
		s.measure()
		runtime.KeepAlive(record)
		t.Logf("%s: %d frames, %d boots; %d MB were alive at a time", name, record.Frames, len(record.Boots), (s.peak-before.HeapAlloc)/megabyte)
		if s.peak-before.HeapAlloc > c.bound {
			t.Errorf("%s: more than %d MB were alive at a time", name, c.bound/megabyte)
		}
	}
}
