// Package replay holds our servers, without QEMU, to what they told real firmware in a lab: requests that were captured
// there, octet for octet, and the replies.
package replay

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/server"
)

var (
	update = flag.Bool("update", false, "rewrite the replies in the fixtures")
	from   = flag.String("from", "", "make a fixture for each service of this bundle, named by its topology")
)

// request is one captured datagram.
type request struct {
	from, to netip.AddrPort
	payload  []byte
}

// TestReplay replays every fixture: a service's configuration, requests of real firmware, and the replies.
func TestReplay(t *testing.T) {
	if *from != "" {
		makeFixtures(t, *from)
	}
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no fixtures")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { replay(t, file) })
	}
}

func replay(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part := map[string][]byte{}
	for _, f := range a.Files {
		part[f.Name] = f.Data
	}
	var c server.Config
	if err := json.Unmarshal(part["config.json"], &c); err != nil {
		t.Fatal(err)
	}
	got := answers(t, c, parse(t, part["requests"]))
	if *update {
		a.Files = []txtar.File{{Name: "config.json", Data: part["config.json"]}, {Name: "requests", Data: part["requests"]}, {Name: "replies", Data: []byte(got)}}
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(part["replies"]), got); diff != "" {
		t.Errorf("-want +got (go test ./tests/replay -update rewrites it)\n%s", diff)
	}
}

// answers is a line for each decision, and the reply's octets without the zeros at its end.
func answers(t *testing.T, c server.Config, requests []request) string {
	t.Helper()
	stack, err := server.NewStack(c)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	now, replies := time.Unix(0, 0), 0
	for i, r := range requests {
		now = now.Add(time.Second)
		list, err := stack.Answer(r.payload, r.from, r.to, now)
		if err != nil {
			t.Fatalf("request %d: %v", i+1, err)
		}
		for _, a := range list {
			fmt.Fprintf(&b, "%d %s %s: %s\n", i+1, a.Role, a.Decision.Request, a.Decision.Reason)
			if a.Reply != nil {
				replies++
				fmt.Fprintf(&b, "  %s to %s %x\n", a.Decision.Reply, a.Reply.To, bytes.TrimRight(a.Reply.Bytes(), "\x00"))
			}
		}
	}
	if replies == 0 {
		t.Error("nothing was answered, so this fixture shows nothing")
	}
	return b.String()
}

func parse(t *testing.T, text []byte) []request {
	t.Helper()
	var out []request
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		payload, err := hex.DecodeString(f[2])
		if err != nil || len(f) != 3 {
			t.Fatalf("bad request %q", line)
		}
		out = append(out, request{netip.MustParseAddrPort(f[0]), netip.MustParseAddrPort(f[1]), append(payload, make([]byte, max(0, 300-len(payload)))...)})
	}
	return out
}

// makeFixtures turns a bundle of the lab into fixtures, each request once.
func makeFixtures(t *testing.T, dir string) {
	t.Helper()
	p, _, err := bundle.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	requests := captured(t, filepath.Join(dir, "wire.pcapng"))
	for _, s := range p.Services {
		if s.Server == nil || len(s.Ports()) == 0 {
			continue
		}
		config, err := json.MarshalIndent(s.Server, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		seen := map[string]bool{}
		for _, r := range requests {
			to := r.to.Addr()
			line := fmt.Sprintf("%s %s %x\n", r.from, r.to, bytes.TrimRight(r.payload, "\x00"))
			if !seen[line] && (to == s.Address.Addr() || to.IsMulticast() || to == netip.AddrFrom4([4]byte{255, 255, 255, 255})) {
				lines.WriteString(line)
			}
			seen[line] = true
		}
		a := &txtar.Archive{Comment: []byte(fmt.Sprintf("# %s, service %s, as real firmware asked it in a lab\n", p.Name, s.Name)), Files: []txtar.File{
			{Name: "config.json", Data: append(config, '\n')}, {Name: "requests", Data: []byte(lines.String())}}}
		if err := os.WriteFile(filepath.Join("testdata", p.Name+"-"+s.Name+".txtar"), txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// captured reads the DHCP requests of a capture.
func captured(t *testing.T, path string) []request {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	var out []request
	for {
		data, _, err := r.ReadPacketData()
		if err != nil {
			return out
		}
		packet := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		ip, ok1 := packet.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		udp, ok2 := packet.Layer(layers.LayerTypeUDP).(*layers.UDP)
		if !ok1 || !ok2 || (udp.DstPort != 67 && udp.DstPort != 4011) || len(udp.Payload) == 0 || udp.Payload[0] != 1 {
			continue
		}
		src, _ := netip.AddrFromSlice(ip.SrcIP.To4())
		dst, _ := netip.AddrFromSlice(ip.DstIP.To4())
		out = append(out, request{netip.AddrPortFrom(src, uint16(udp.SrcPort)), netip.AddrPortFrom(dst, uint16(udp.DstPort)), udp.Payload})
	}
}
