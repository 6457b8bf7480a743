package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/pxelab/pxelab/tests/golden"
)

// decode gives one line for every frame of a script: its event, or that it was folded.
func decode(t *testing.T, script []frame) []byte {
	t.Helper()
	var out bytes.Buffer
	d := New(guestMAC)
	if len(script) > 0 && script[0].guest && len(script[0].data) > 12 {
		d = New(script[0].data[6:12])
	}
	for i, f := range script {
		p, ok := d.Frame(i+1, f.data, f.guest)
		if !ok {
			fmt.Fprintf(&out, "%d folded\n", i+1)
			continue
		}
		line, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%d %s\n    %s\n", i+1, p.Info, line)
	}
	return out.Bytes()
}

func TestCrafted(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		t.Run(name, func(t *testing.T) {
			golden.Check(t, filepath.Join("testdata", name+".golden"), string(decode(t, scripts[name])))
		})
	}
}

// TestCaptured replays what real firmware and QEMU's own servers said to each other: QEMU 7.2 with
// -netdev user,tftp=...,bootfile=... and -object filter-dump, SeaBIOS with the iPXE ROM and OVMF with EDK2's
// client. QEMU's TFTP server answers from port 69. The boot over IPv6 is of topologies/ipv6-tftp, from its first SOLICIT
// on, that over HTTP of topologies/http-boot, with the server's MAC address changed so that the guest's is told from it.
func TestCaptured(t *testing.T) {
	for _, name := range []string{"bios-ipxe", "ovmf-x64", "ovmf-x64-ipv6", "ovmf-x64-http"} {
		t.Run(name, func(t *testing.T) {
			golden.Check(t, filepath.Join("testdata", name+".golden"), string(decode(t, capture(t, name))))
		})
	}
}

// capture reads a pcap; QEMU's guests have addresses that begin with its own 52:54:00.
func capture(t testing.TB, name string) []frame {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".pcap"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var script []frame
	for {
		data, _, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		script = append(script, frame{data, bytes.HasPrefix(data[6:], []byte{0x52, 0x54, 0})})
	}
	if len(script) == 0 {
		t.Fatal("the capture is empty")
	}
	return script
}

// TestCutAnywhere cuts every crafted frame: each yields an event or is folded,
// and what is cut inside its headers says so.
func TestCutAnywhere(t *testing.T) {
	for name, script := range scripts {
		d := New(guestMAC)
		for i, f := range script {
			for n := 0; n < min(len(f.data), 400); n += 1 + n/60 { // no header reaches further
				p, ok := d.Frame(i, f.data[:n], f.guest)
				if ok {
					check(t, p)
				}
				if n < 14 && p.Error == "" {
					t.Errorf("%s frame %d cut to %d octets: no error", name, i+1, n)
				}
			}
		}
	}
}
