package explain_test

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/explain"
)

// onInterface is a frame as tcpdump -i any of today sees it there. A way of 4 is outgoing (packet(7)).
func onInterface(frame []byte, port, way byte) []byte {
	out := sll2(frame)
	out[7], out[10] = port, way
	return out
}

// unnumbered is the same of an older tcpdump, which does not record the interface.
func unnumbered(frame []byte, way byte) []byte {
	out := sll(frame)
	out[1] = way
	return out
}

// filled is a short frame as it comes from a cable.
func filled(frame []byte) []byte { return append(frame, make([]byte, max(0, 60-len(frame)))...) }

// routed is a frame behind a router.
func routed(frame []byte) []byte {
	out := bytes.Clone(frame)
	if out[0]&1 == 1 || out[12] != 8 || out[13] != 0 { // nobody routes a broadcast
		return nil
	}
	copy(out[6:12], []byte{2, 0, 0, 0, 0, 9})
	out[14+8]--  // time to live
	out[14+10]++ // and the sum that goes with it, without its carry
	return out
}

// told is what an explanation says, but for the numbers of frames.
func told(t *testing.T, link layers.LinkType, w *wire) (string, string) {
	t.Helper()
	record, err := explain.Capture(explain.Frames(bytes.NewReader(w.classic(link, 1<<16, same))))
	if err != nil || len(record.Boots) == 0 {
		t.Fatalf("%v, no boots", err)
	}
	var out strings.Builder
	for _, x := range record.Boots {
		fmt.Fprintln(&out, x.End, x.Summary)
		for _, s := range x.Steps {
			fmt.Fprintln(&out, s.Text, s.Times)
		}
	}
	return out.String(), strings.Join(record.Said, "\n")
}

// TestCopies: a frame that was seen on several interfaces was sent once, and one that was sent again was sent twice.
func TestCopies(t *testing.T) {
	boots := map[string]func() *wire{
		"no server": func() *wire {
			return newWire(t).discovers().after(4 * time.Second).discovers().after(8 * time.Second).discovers().later(16 * time.Second)
		},
		"two tries": func() *wire { return newWire(t).discovers().after(4 * time.Second).discovers().later(2 * time.Second) },
		"silent TFTP": func() *wire {
			return newWire(t).leases("x64.efi").wants("x64.efi").after(4 * time.Second).wantsAgain("x64.efi").later(time.Minute)
		},
		"healthy": func() *wire {
			return newWire(t).leases("x64.efi").wants("x64.efi").has(program(0x8664)).after(time.Second).wants("grub.cfg").has([]byte("menuentry")).later(time.Minute)
		},
	}
	for name, seen := range map[string]struct {
		link layers.LinkType
		ways []func([]byte) []byte
	}{
		"a bridge": {276, []func([]byte) []byte{
			func(b []byte) []byte { return onInterface(filled(b), 2, 1) },
			func(b []byte) []byte { return onInterface(filled(b), 5, 1) },
			func(b []byte) []byte { return onInterface(b, 3, 4) }}},
		"a bridge, older tcpdump": {layers.LinkTypeLinuxSLL, []func([]byte) []byte{
			func(b []byte) []byte { return unnumbered(b, 1) },
			func(b []byte) []byte { return unnumbered(b, 1) },
			func(b []byte) []byte { return unnumbered(b, 4) }}},
		"a router":      {layers.LinkTypeEthernet, []func([]byte) []byte{same, routed}},
		"a mirror port": {layers.LinkTypeEthernet, []func([]byte) []byte{same, tagged}},
	} {
		for boot, build := range boots {
			once := build()
			want, _ := told(t, layers.LinkTypeEthernet, once)
			several := newWire(t)
			for _, f := range once.frames {
				several.now = f.At.Sub(time.Unix(1_700_000_000, 0))
				for _, way := range seen.ways {
					if data := way(bytes.Clone(f.Data)); data != nil {
						several.frame(data).after(30 * time.Microsecond)
					}
				}
			}
			got, said := told(t, seen.link, several)
			if got != want {
				t.Errorf("%s, %s:\n%s\nwant, as on one interface:\n%s", boot, name, got, want)
			}
			if name != "a router" && !strings.Contains(said, "each frame is counted once") {
				t.Errorf("%s, %s: it is not said that frames are there twice: %q", boot, name, said)
			}
		}
	}
}

// TestRelayed: what a relay passes on to two servers is one message of the client.
func TestRelayed(t *testing.T) {
	w := newWire(t)
	for range 2 {
		w.discovers()
		for _, server := range []string{"203.0.113.1:67", "203.0.113.2:67"} {
			m := bytes.Clone(w.frames[len(w.frames)-1].Data[42:])
			m[3] = 1
			copy(m[24:], net.IP{192, 0, 2, 9})
			w.after(2*time.Millisecond).udp(other, dhcpMAC, "192.0.2.9:67", server, m)
		}
		w.after(4 * time.Second)
	}
	if got, said := told(t, layers.LinkTypeEthernet, w.later(time.Minute)); !strings.Contains(got, "2 DHCPDISCOVERs") || !strings.Contains(said, "4 frames") {
		t.Errorf("%s\n%s", got, said)
	}
}

// TestSentAgain: the same message on the same interface was sent again, however soon that is.
func TestSentAgain(t *testing.T) {
	w := newWire(t).discovers().after(500 * time.Microsecond).discovers().after(500 * time.Microsecond).discovers().later(time.Second)
	for i := range w.frames {
		w.frames[i].Data = onInterface(w.frames[i].Data, 2, 1)
	}
	if got, said := told(t, 276, w); !strings.Contains(got, "3 DHCPDISCOVERs") || said != "" {
		t.Errorf("%s\n%s", got, said)
	}
}
