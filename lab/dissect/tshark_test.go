package dissect

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// inTshark are fields of tshark's that are held against ours: the path of ours, and how its value reads there. Of lists of options
// tshark names each by its number, and so do the paths.
var inTshark = []struct {
	field string
	ours  func(fields []Field) []string
}{
	{"dhcp.id", valuesOf("dhcp.xid")},
	{"dhcp.ip.your", valuesOf("dhcp.yiaddr")},
	{"dhcp.ip.server", valuesOf("dhcp.siaddr")},
	{"dhcp.ip.relay", valuesOf("dhcp.giaddr")},
	{"dhcp.flags", valuesOf("dhcp.flags")},
	{"dhcp.hw.mac_addr", valuesOf("dhcp.chaddr")},
	{"dhcp.file", valuesOf("dhcp.file")},
	{"dhcp.option.type", endIsNought(codesUnder("dhcp.option."))},
	{"dhcp.option.vendor.pxeclient.suboption", codesUnder("dhcp.option.43.", "255")}, // it leaves out the end of the tags
	{"dhcp.option.dhcp_server_id", valuesOf("dhcp.option.54")},
	{"dhcp.option.vendor_class_id", valuesOf("dhcp.option.60")},
	{"tftp.opcode", valuesOf("tftp.op")},
	{"tftp.option.name", codesUnder("tftp.", "op", "file", "mode", "block", "data", "code", "message")},
	{"dhcpv6.msgtype", valuesOf("dhcp6.type")},
	{"dhcpv6.option.type", codes6},
	{"icmpv6.type", valuesOf("icmp6.type")},
	{"icmp.code", valuesOf("icmp.code")},
	{"arp.dst.proto_ipv4", valuesOf("arp.tpa")},
	{"tcp.srcport", valuesOf("tcp.sport")},
	{"http.host", valuesOf("http.host")},
	{"udp.checksum", valuesOf("udp.checksum")},
}

// valuesOf gives the values of a path, without what a number stands for.
func valuesOf(path string) func([]Field) []string {
	return func(fields []Field) []string {
		var out []string
		for _, f := range fields {
			if f.Path == path && f.Value != "" {
				value, _, _ := strings.Cut(f.Value, " (")
				out = append(out, value)
			}
		}
		return out
	}
}

// codesUnder gives the last parts of the paths right under another, in the order of the frame. Tags that are not options are left out.
func codesUnder(prefix string, but ...string) func([]Field) []string {
	return func(fields []Field) []string {
		var out []string
		for _, f := range fields {
			code, under := strings.CutPrefix(f.Path, prefix)
			code, _, _ = strings.Cut(code, "#")
			if under && !strings.Contains(code, ".") && !slices.Contains(but, code) {
				out = append(out, code)
			}
		}
		return out
	}
}

// endIsNought writes END as tshark has it.
func endIsNought(codes func([]Field) []string) func([]Field) []string {
	return func(fields []Field) []string {
		out := codes(fields)
		if n := len(out); n > 0 && out[n-1] == "255" {
			out[n-1] = "0"
		}
		return out
	}
}

// codes6 gives the codes of DHCPv6's options and of the options in them, in the order of the frame.
func codes6(fields []Field) []string {
	var out []string
	for _, f := range fields {
		if strings.HasPrefix(f.Path, "dhcp6.option.") && strings.HasPrefix(f.Name, "option ") && f.Len >= 4 {
			out = append(out, strings.Fields(f.Name)[1])
		}
	}
	return out
}

// TestTshark holds what is read of real frames against tshark's reading of them.
func TestTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "tshark") {
			t.Fatalf("PXELAB_REQUIRE asks for this test, but: %v", err)
		}
		t.Skip(err)
	}
	frames := realFrames(t)
	path := filepath.Join(t.TempDir(), "frames.pcap")
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	if err := w.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for _, r := range frames {
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), CaptureLength: len(r.data), Length: len(r.data)}, r.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-n", "-r", path, "-d", "udp.port==1759,tftp", "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"}
	for _, f := range inTshark {
		args = append(args, "-e", f.field)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v, %s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(frames) {
		t.Fatalf("tshark reads %d frames of %d", len(lines), len(frames))
	}
	compared := map[string]int{}
	for i, line := range lines {
		fields := all(Dissect(frames[i].data, frames[i].client))
		for j, theirs := range strings.Split(line, "|") {
			f := inTshark[j]
			ours := strings.Join(f.ours(fields), ",")
			// It opens what an ICMP error quotes, names hardware addresses in options, too, and knows TFTP by its first packet only.
			if frames[i].topic == "icmp" && !strings.HasPrefix(f.field, "icmp") || theirs == "" && strings.HasPrefix(f.field, "tftp") {
				continue
			}
			if f.field == "dhcp.hw.mac_addr" {
				theirs, _, _ = strings.Cut(theirs, ",")
			}
			if theirs != "" {
				compared[f.field]++
			}
			if ours != theirs {
				t.Errorf("%s/%s: %s is %q to tshark, and to us %q", frames[i].topic, frames[i].name, f.field, theirs, ours)
			}
		}
	}
	for _, f := range inTshark {
		if compared[f.field] == 0 {
			t.Errorf("no frame has %s", f.field)
		}
	}
}
