package hold

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/wire"
	"github.com/pxelab/pxelab/tests/golden"
)

// captured gives the frames of a boot of real firmware, and whose it is: the machine that sent the first one.
func captured(t *testing.T, name string) (frames [][]byte, own [6]byte) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "wire", "testdata", name+".pcap"))
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
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, data)
	}
	for _, f := range frames { // the first DISCOVER or SOLICIT is the machine's
		h, _ := wire.Peek(f)
		if h.DstPort == 67 || h.DstPort == 547 {
			return frames, h.Src
		}
	}
	t.Fatalf("%s.pcap has no boot", name)
	return nil, own
}

// means lists the frames that a condition means, a line each.
func means(t *testing.T, name string, condition func(own [6]byte) *Condition) string {
	t.Helper()
	frames, own := captured(t, name)
	c, d := condition(own), wire.New(net.HardwareAddr(own[:]))
	var out strings.Builder
	for i, f := range frames {
		fromGuest := [6]byte(f[6:12]) == own
		info := "folded away"
		if p, ok := d.Frame(i+1, f, fromGuest); ok {
			info = p.Info
		}
		if c.Means(f, fromGuest) {
			fmt.Fprintf(&out, "%4d %s\n", i+1, info)
		}
	}
	return out.String()
}

// TestTelling shows at which packets of real boots a lab is held that is stepped through without a word.
func TestTelling(t *testing.T) {
	for _, name := range []string{"bios-ipxe", "ovmf-x64", "ovmf-x64-http", "ovmf-x64-ipv6"} {
		t.Run(name, func(t *testing.T) {
			golden.Check(t, filepath.Join("testdata", name+".golden"), means(t, name, Telling))
		})
	}
}

func TestSelected(t *testing.T) {
	for _, c := range []struct {
		what fault.Selection
		want string
	}{
		{fault.Selection{Packet: "offer"}, "DHCPOFFER"},
		{fault.Selection{Packet: "data", Block: 2}, "folded away"},
		{fault.Selection{Packet: "ack", From: "guest"}, ""},
	} {
		got := means(t, "ovmf-x64", func(own [6]byte) *Condition { return Selected(c.what, own) })
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.what, got, c.want)
		}
	}
	for kind, want := range map[string]string{
		"http-request":  "  10 HTTP HEAD /probe-x64.efi\n  14 HTTP GET /probe-x64.efi\n",
		"http-response": "  12 HTTP 200 OK length=12288\n  15 HTTP 200 OK length=12288\n",
	} {
		got := means(t, "ovmf-x64-http", func(own [6]byte) *Condition { return Selected(fault.Selection{Packet: kind}, own) })
		if got != want {
			t.Errorf("%s:\n%s", kind, got)
		}
	}
	frames, _ := captured(t, "ovmf-x64")
	all := means(t, "ovmf-x64", func(own [6]byte) *Condition { return Selected(fault.Selection{}, own) })
	if n := strings.Count(all, "\n"); n < len(frames)/2 || !strings.Contains(all, "ARP") {
		t.Errorf("any packet: %d of %d frames:\n%s", n, len(frames), all)
	}
}
