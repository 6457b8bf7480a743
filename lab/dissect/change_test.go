package dissect

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// changed makes a frame with changes and holds that lengths and checksums of it are right.
func changed(t *testing.T, r real, changes ...string) []byte {
	t.Helper()
	out, err := Change(r.data, changes)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all(Dissect(out, Client{})) {
		if strings.HasSuffix(f.Path, ".checksum") || strings.HasSuffix(f.Path, ".length") && !strings.HasPrefix(f.Path, "dhcp") {
			if f.Bad != "" {
				t.Errorf("%v: %s: %s", changes, f.Path, f.Bad)
			}
		}
	}
	return out
}

// theirs reads the DHCP message of a frame with other people's code.
func theirs(t *testing.T, data []byte) *dhcpv4.DHCPv4 {
	t.Helper()
	p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
	if p.ErrorLayer() != nil && p.Layer(layers.LayerTypeUDP) == nil {
		t.Fatal(p.ErrorLayer().Error())
	}
	udp := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if want := int(udp.Length) - udpHead; len(udp.Payload) != want {
		t.Errorf("UDP's length says %d octets, there are %d", want, len(udp.Payload))
	}
	m, err := dhcpv4.FromBytes(udp.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestChangeHeader(t *testing.T) {
	offer := the(t, "proxy-beside-dhcp", "offer-of-dhcp", "ovmf-x64")
	m := theirs(t, changed(t, offer, "dhcp.yiaddr=192.0.2.77", "dhcp.siaddr=192.0.2.9", "dhcp.file=other.efi", "dhcp.sname=srv", "dhcp.secs=7",
		"dhcp.xid=0x01020304", "dhcp.flags=0x8000", "dhcp.giaddr=198.51.100.1", "dhcp.ciaddr=192.0.2.78"))
	got := fmt.Sprintln(m.YourIPAddr, m.ServerIPAddr, m.BootFileName, m.ServerHostName, m.NumSeconds, m.TransactionID, m.Flags, m.GatewayIPAddr, m.ClientIPAddr)
	if want := "192.0.2.77 192.0.2.9 other.efi srv 7 0x01020304 32768 198.51.100.1 192.0.2.78\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// order gives the codes of a message's options as they stand.
func order(data []byte) []byte {
	return open(data, Client{}).bootp.order
}

func TestChangeOptions(t *testing.T) {
	offer := the(t, "combined-menu", "offer", "bios")
	was := order(offer.data)
	for _, c := range []struct {
		change string
		code   uint8
		want   string // of the option; "none": it is gone
		order  []byte
	}{
		{"dhcp.option.60=PXEClient:other", 60, `PXEClient:other`, was},
		{"-dhcp.option.60", 60, "none", slices.DeleteFunc(slices.Clone(was), func(c byte) bool { return c == 60 })},
		{"dhcp.option.66=tftp.example", 66, "tftp.example", append(slices.Clone(was), 66)},
		{"dhcp.option.6=192.0.2.1, 192.0.2.2", 6, "\xc0\x00\x02\x01\xc0\x00\x02\x02", append(slices.Clone(was), 6)},
		{"dhcp.option.13=12", 13, "\x00\x0c", append(slices.Clone(was), 13)},
		{"dhcp.option.119=boot.example, example", 119, "\x04boot\x07example\x00\x07example\x00", append(slices.Clone(was), 119)},
		{"dhcp.option.121=0.0.0.0/0 192.0.2.1, 198.51.100.0/24 192.0.2.2", 121, "\x00\xc0\x00\x02\x01\x18\xc6\x33\x64\xc0\x00\x02\x02", append(slices.Clone(was), 121)},
		{"dhcp.option.200=hex:01 02:03", 200, "\x01\x02\x03", append(slices.Clone(was), 200)},
		{`dhcp.option.67=a\x00b\\x`, 67, "a\x00b\\x", append(slices.Clone(was), 67)},
		{"dhcp.option.43.6=8", 43, "\x06\x01\x08\x08\x07\x80\x00\x01\xc0\x00\x02\x01\x09\x15\x80\x00\x05Probe\x00\x00\x0aLocal boot\x0a\x09\x00Press F8\xff", was},
		{"dhcp.option.43.9=0x8000 A", 43, "\x06\x01\x03\x08\x07\x80\x00\x01\xc0\x00\x02\x01\x09\x04\x80\x00\x01A\x0a\x09\x00Press F8\xff", was},
		{"dhcp.option.43.9.item#2.text=Disk", 43, "\x06\x01\x03\x08\x07\x80\x00\x01\xc0\x00\x02\x01\x09\x0f\x80\x00\x05Probe\x00\x00\x04Disk\x0a\x09\x00Press F8\xff", was},
		{"dhcp.option.43.7=224.0.1.2", 43, "\x06\x01\x03\x08\x07\x80\x00\x01\xc0\x00\x02\x01\x09\x15\x80\x00\x05Probe\x00\x00\x0aLocal boot\x0a\x09\x00Press F8\x07\x04\xe0\x00\x01\x02\xff", was},
		{"-dhcp.option.43.9.item", 43, "\x06\x01\x03\x08\x07\x80\x00\x01\xc0\x00\x02\x01\x09\x0d\x00\x00\x0aLocal boot\x0a\x09\x00Press F8\xff", was},
		{"-dhcp.option.43.8.server", 43, "\x06\x01\x03\x08\x00\x09\x15\x80\x00\x05Probe\x00\x00\x0aLocal boot\x0a\x09\x00Press F8\xff", was},
		{"-dhcp.option.43.9", 43, "\x06\x01\x03\x08\x07\x80\x00\x01\xc0\x00\x02\x01\x0a\x09\x00Press F8\xff", was},
		{"-dhcp.option.43.255", 43, "\x06\x01\x03\x08\x07\x80\x00\x01\xc0\x00\x02\x01\x09\x15\x80\x00\x05Probe\x00\x00\x0aLocal boot\x0a\x09\x00Press F8", was},
		{"dhcp.option.93=efi-ia32, 7", 93, "\x00\x06\x00\x07", append(slices.Clone(was), 93)},
		{"dhcp.option.53=nak", 53, "\x06", was},
	} {
		out := changed(t, offer, c.change)
		value, ok := theirs(t, out).Options[c.code]
		if !ok {
			value = []byte("none")
		}
		if string(value) != c.want {
			t.Errorf("%s: option %d is %q, want %q", c.change, c.code, value, c.want)
		}
		if got := order(out); !bytes.Equal(got, c.order) {
			t.Errorf("%s: the options are in the order %v, want %v", c.change, got, c.order)
		}
		if end := out[len(out)-1]; end != 255 && end != 0 {
			t.Errorf("%s: the message ends with %#x", c.change, end)
		}
	}
}

// TestChangeKeepsRelayLast holds that option 82 stays behind all others (RFC 3046 section 2.1).
func TestChangeKeepsRelayLast(t *testing.T) {
	offer := the(t, "combined-menu", "offer", "bios")
	out := changed(t, offer, "dhcp.option.82=hex:0104000a0b0c", "dhcp.option.12=host")
	if got := order(out); !bytes.HasSuffix(got, []byte{12, 82}) {
		t.Errorf("the options are in the order %v", got)
	}
	if got := badOf(t, out, "dhcp.option.82.1"); got != "" {
		t.Error(got)
	}
}

// TestChangeKeepsSize holds that a message that is filled up stays as long as it was, and none gets shorter than BOOTP's.
func TestChangeKeepsSize(t *testing.T) {
	size := func(data []byte) int { d := open(data, Client{}); return d.until - d.payload }
	filled := the(t, "bootp", "reply", "bios")
	if size(filled.data) != bootpLeast {
		t.Fatalf("the reply has %d octets", size(filled.data))
	}
	for _, c := range []string{"dhcp.option.12=a-host", "-dhcp.option.1", "-dhcp.option.255"} {
		if got := size(changed(t, filled, c)); got != bootpLeast {
			t.Errorf("%s: %d octets", c, got)
		}
	}
	full := the(t, "proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64")
	was := size(full.data)
	if got := size(changed(t, full, "-dhcp.option.97")); got != bootpLeast {
		t.Errorf("of %d octets %d are left, want %d", was, got, bootpLeast)
	}
	if got := size(changed(t, full, "dhcp.option.12=host")); got != was+6 {
		t.Errorf("of %d octets there are %d", was, got)
	}
}

func TestChangeTFTP(t *testing.T) {
	for _, c := range []struct{ topic, name, firmware, change, want string }{
		{"tftp", "rrq", "bios", "tftp.file=x", "\x00\x01x\x00octet\x00blksize\x001432\x00tsize\x000\x00"},
		{"tftp", "rrq", "bios", "tftp.blksize=512", "\x00\x01probe.0\x00octet\x00blksize\x00512\x00tsize\x000\x00"},
		{"tftp", "rrq", "bios", "-tftp.blksize", "\x00\x01probe.0\x00octet\x00tsize\x000\x00"},
		{"tftp", "rrq", "bios", "tftp.windowsize=4", "\x00\x01probe.0\x00octet\x00blksize\x001432\x00tsize\x000\x00windowsize\x004\x00"},
		{"tftp", "oack", "bios", "-tftp.tsize", "\x00\x06blksize\x001432\x00"},
		{"tftp", "file-not-found", "bios", "tftp.code=access violation", "\x00\x05\x00\x02file not found\x00"},
		{"tftp", "file-not-found", "bios", "tftp.message=no", "\x00\x05\x00\x01no\x00"},
		{"mtftp", "open", "none", "udp.dport=69", "\x00\x01probe-x64.efi\x00octet\x00"},
	} {
		d := open(changed(t, the(t, c.topic, c.name, c.firmware), c.change), Client{})
		if got := string(d.data[d.payload:d.until]); got != c.want {
			t.Errorf("%s: %q, want %q", c.change, got, c.want)
		}
	}
}

func TestChangeIP(t *testing.T) {
	for _, r := range realFrames(t) {
		d := open(r.data, Client{})
		if d.ip == 0 {
			continue
		}
		src := map[bool]string{false: "198.51.100.9", true: "2001:db8::9"}[d.v6]
		out := open(changed(t, r, "ip.ttl=3", "ip.src="+src), Client{})
		if ttl := d.ip + map[bool]int{false: 8, true: 7}[d.v6]; out.data[ttl] != 3 || !strings.Contains(out.src, src) {
			t.Errorf("%s/%s: time to live %d, source %s", r.topic, r.name, out.data[ttl], out.src)
		}
	}
}

func TestChangeDHCP6(t *testing.T) {
	advertise := the(t, "ipv6", "advertise", "ovmf-x64")
	out := Dissect(changed(t, advertise, "dhcp6.option.59=tftp://[2001:db8::2]/a", "dhcp6.option.3.5.address=2001:db8::7", "dhcp6.option.7=255"), Client{})
	if want := "DHCPv6 ADVERTISE 2001:db8::7 tftp://[2001:db8::2]/a"; out.Summary != want {
		t.Errorf("%s, want %s", out.Summary, want)
	}
}

func TestChangeRefuses(t *testing.T) {
	offer, rrq := the(t, "combined-menu", "offer", "bios"), the(t, "tftp", "rrq", "bios")
	plain := the(t, "proxy-beside-dhcp", "offer-of-dhcp", "ovmf-x64")
	bare := changed(t, plain, "dhcp.option.43=hex:ff")
	for _, c := range []struct {
		r            real
		change, want string
	}{
		{offer, "dhcp.option.999=x", `change "dhcp.option.999=x": "999" is no number of an option (want 1 to 255)`},
		{offer, "dhcp.yiaddr=192.0.2", `change "dhcp.yiaddr=192.0.2": "192.0.2" is not an IPv4 address, nor octets as hex:0a1b2c`},
		{offer, "dhcp.yiaddr=hex:00", `dhcp.yiaddr has 4 octets, and the value 1`},
		{offer, "dhcp.yiaddr=hex:0g", `"hex:0g" are not octets in hexadecimal (want hex:0a1b2c)`},
		{offer, "dhcp.option.6=192.0.2.1, x", `is not IPv4 addresses, with commas between`},
		{offer, "dhcp.option.43.9=0x8000 A; x", `"0x8000 A; x" is not menu items by type, as "0x0000 Local disk; 0x8000 Installer"`},
		{offer, "dhcp.option.43.300=1", `"300" is no number of a tag (want 1 to 255)`},
		{plain, "dhcp.option.43.6=8", `there is no dhcp.option.43 to add to; add that first, as dhcp.option.43=hex:ff`},
		{real{data: bare}, "dhcp.option.43.6=8", `option 43 is PXE's only if option 60 says so; set "dhcp.option.60=PXEClient" first`},
		{offer, "dhcp.option.60", `it is neither PATH=VALUE nor -PATH; write "dhcp.option.60=PXEClient" or "-dhcp.option.60"`},
		{offer, "dhcp.option.60=" + strings.Repeat("x", 256), `it or an option around it would have 256 octets (255 at most)`},
		{offer, "dhcp.option.43.9.item.text=" + strings.Repeat("x", 250), `would have`},
		{offer, "dhcp.op=2", `the frame has no field dhcp.op that can be set; it has dhcp.ciaddr, dhcp.file,`},
		{offer, "-dhcp.yiaddr", `dhcp.yiaddr cannot be taken out: it is a field, or an option in one`},
		{offer, "-dhcp.option.66", `the frame has no dhcp.option.66 to take out; it has dhcp.option.1, dhcp.option.255, dhcp.option.43,`},
		{offer, "tftp.blksize=1", `or add dhcp.option.N, dhcp.option.43.N`},
		{offer, "dhcp.file=" + strings.Repeat("x", 129), `is not text of at most 127 octets`},
		{offer, "dhcp.option.255=", `that can be set`},
		{rrq, "tftp.a b=1", `"a b" is no name of a TFTP option (want letters and digits)`},
		{rrq, "tftp.file=" + strings.Repeat("x", 1500), `octets (Ethernet carries 1514 at most)`},
		{real{data: rrq.data[:60]}, "tftp.file=x", `the frame does not hold the whole packet, so its lengths cannot be mended`},
	} {
		out, err := Change(c.r.data, []string{"ip.ttl=9", c.change})
		if err == nil || out != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.change, err, c.want)
		}
	}
}
