package explain_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/tests/golden"
)

// byHand writes the frames as pcap in an order of octets, with fractions of a second in micro- or in nanoseconds.
func (w *wire) byHand(order binary.AppendByteOrder, nanoseconds bool) []byte {
	magic, unit := uint32(0xa1b2c3d4), time.Microsecond
	if nanoseconds {
		magic, unit = 0xa1b23c4d, time.Nanosecond
	}
	var out []byte
	words := func(list ...uint32) {
		for _, n := range list {
			out = order.AppendUint32(out, n)
		}
	}
	words(magic)
	out = order.AppendUint16(order.AppendUint16(out, 2), 4)
	words(0, 0, 1<<16, uint32(layers.LinkTypeEthernet))
	for _, f := range w.frames {
		n := uint32(len(f.Data)) //nolint:gosec // a frame
		words(uint32(f.At.Unix()), uint32(f.At.Nanosecond()/int(unit)), n, n)
		out = append(out, f.Data...)
	}
	return out
}

// seenOn is one interface of a pcapng file.
type seenOn struct {
	link   layers.LinkType
	change func([]byte) []byte
}

// ng writes the frames as pcapng, each as every interface saw it.
func (w *wire) ng(interfaces ...seenOn) []byte {
	w.t.Helper()
	var out bytes.Buffer
	nw, err := pcapgo.NewNgWriter(&out, interfaces[0].link)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, i := range interfaces[1:] {
		if _, err := nw.AddInterface(pcapgo.NgInterface{LinkType: i.link, SnapLength: 1 << 16, TimestampResolution: 9}); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, f := range w.frames {
		for n, i := range interfaces {
			data := i.change(f.Data)
			if err := nw.WritePacket(gopacket.CaptureInfo{Timestamp: f.At, CaptureLength: len(data), Length: len(data), InterfaceIndex: n}, data); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if err := nw.Flush(); err != nil {
		w.t.Fatal(err)
	}
	return out.Bytes()
}

func packed(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data) //nolint:errcheck // to memory
	w.Close()     //nolint:errcheck
	return out.Bytes()
}

// in802 puts a frame into one VLAN.
func in802(frame []byte) []byte {
	return append(append(bytes.Clone(frame[:12]), 0x81, 0, 0, 7), frame[12:]...)
}

// toServer is in802 for what the machine sends alone.
func toServer(frame []byte) []byte {
	if bytes.Equal(frame[6:12], machine) {
		return in802(frame)
	}
	return frame
}

// wifi is what is not understood.
func wifi(frame []byte) []byte { return append([]byte{8, 0}, frame...) }

// TestMalformed holds what is said of captures as people bring them, word for word.
func TestMalformed(t *testing.T) {
	const whole, ether = 1 << 16, layers.LinkTypeEthernet
	boot := func() *wire {
		return newWire(t).leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}
	plain := boot().classic(ether, whole, same)
	half := newWire(t).leases("x64.efi").wants("x64.efi")
	for n := range byte(5) {
		block := append([]byte{0, 3, 0, n + 1}, make([]byte, 512)...)
		half.after(100*time.Millisecond).udp(dhcpMAC, half.mac, dhcpIP+":3333", half.at(leaseIP), block)
		half.udp(half.mac, dhcpMAC, half.at(leaseIP), dhcpIP+":3333", []byte{0, 4, 0, n + 1})
	}
	lost := newWire(t).leases("x64.efi").wants("x64.efi").has(make([]byte, 512)).after(time.Millisecond)
	lost.udp(lost.mac, dhcpMAC, lost.at(leaseIP), dhcpIP+":3333", []byte{0, 4, 0, 2}).later(time.Minute)
	midway := newWire(t).wants("x64.efi").has(program(0x8664)).later(time.Minute)
	crossed := newWire(t).discovers()
	crossed.mac = other
	crossed.discovers()
	crossed.mac = machine
	crossed.told(2, "x64.efi").after(4*time.Second).requests().told(5, "x64.efi").wants("x64.efi").has(program(0x8664))
	crossed.mac = other
	crossed.after(4 * time.Second).discovers().after(8 * time.Second).discovers().later(16 * time.Second)
	var said strings.Builder
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"empty", nil},
		{"a header and no frame", plain[:24]},
		{"no capture", []byte("PXE-E53: No boot filename received")},
		{"a header that ends", plain[:10]},
		{"another link type", boot().classic(layers.LinkTypeIEEE802_11, whole, same)},
		{"truncated in a frame", plain[:len(plain)-90]},
		{"snaplen 64", boot().classic(ether, 64, same)},
		{"snaplen 300", boot().classic(ether, 300, same)},
		{"802.1Q", boot().classic(ether, whole, in802)},
		{"802.1Q one way", boot().classic(ether, whole, toServer)},
		{"QinQ", boot().classic(ether, whole, tagged)},
		{"nanoseconds", boot().byHand(binary.LittleEndian, true)},
		{"big-endian", boot().byHand(binary.BigEndian, false)},
		{"big-endian, nanoseconds", boot().byHand(binary.BigEndian, true)},
		{"pcapng of several interfaces", boot().ng(seenOn{ether, same}, seenOn{layers.LinkTypeLinuxSLL, sll}, seenOn{276, sll2})},
		{"pcapng, one link type not understood", boot().ng(seenOn{layers.LinkTypeIEEE802_11, wifi}, seenOn{ether, same})},
		{"gzip", packed(plain)},
		{"gzip, truncated", packed(plain)[:300]},
		{"gzip twice", packed(packed(plain))},
		{"xz", []byte("\xfd7zXZ\x00\x00\x04")},
		{"zstd", []byte("\x28\xb5\x2f\xfd\x04\x00")},
		{"half a boot: it ends in the transfer", half.classic(ether, whole, same)},
		{"half a boot: the last block was lost", lost.classic(ether, whole, same)},
		{"half a boot: it begins in the transfer", midway.classic(ether, whole, same)},
		{"two boots interleaved", crossed.classic(ether, whole, same)},
	} {
		record, err := explain.Capture(explain.Frames(bytes.NewReader(c.data)))
		said.WriteString("== " + c.name + "\n")
		if err != nil {
			said.WriteString("error: " + err.Error() + "\n\n")
			continue
		}
		said.WriteString(report.Record(record, false, report.Style{Width: 100}) + "\n")
	}
	golden.Check(t, filepath.Join("testdata", "malformed.golden"), said.String())
}
