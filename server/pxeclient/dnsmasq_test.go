package pxeclient_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

var (
	x64  = []pxe.Arch{pxe.ArchEFIX64}
	bios = []pxe.Arch{pxe.ArchBIOS}
	zero = &pxe.UUID{}
	// once sends each message one time, and waits so long for its answer that none is missed.
	once = pxeclient.Schedule{Discover: []time.Duration{time.Minute}, Request: []time.Duration{time.Minute}, Boot: []time.Duration{time.Minute}}
)

// problems fails the test for each problem that is not expected, and for each expected one that is not there.
func problems(t *testing.T, c *pxeclient.Client, want ...string) {
	t.Helper()
	var got []string
	found := pxeclient.Check(c.Trace())
	for _, p := range found {
		if !slices.Contains(got, p.Rule) {
			got = append(got, p.Rule)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("problems %q, want %q:", got, want)
		for _, p := range found {
			t.Log(p)
		}
		for i, p := range c.Trace() {
			if p.Message != nil {
				t.Logf("%3d %s %x", i+1, p.String(), p.Raw[236:])
			}
		}
	}
}

// dialogue gives the DHCP packets of a trace as "source port > destination: name".
func dialogue(c *pxeclient.Client) []string {
	var all []string
	for _, p := range c.Trace() {
		if p.Message != nil {
			all = append(all, p.Src.String()+" > "+p.Dst.String()+" "+p.Message.Name())
		}
	}
	return all
}

func wantDialogue(t *testing.T, c *pxeclient.Client, want ...string) {
	t.Helper()
	if got := dialogue(c); !slices.Equal(got, want) {
		t.Errorf("on the wire:\n%q\nwant\n%q", got, want)
	}
}

func TestDnsmasqCombined(t *testing.T) {
	l := newLAN(t)
	s := l.host("192.0.2.2/24")
	s.dnsmasq("--dhcp-range=192.0.2.100,192.0.2.100,1h", "--enable-tftp", "--tftp-root="+tftpRoot(t, "one.0", "two.0"),
		"--pxe-prompt=Press F8,5", "--pxe-service=x86PC,First,one", "--pxe-service=x86PC,Second,two", "--pxe-service=X86-64_EFI,Other,other")
	for port, name := range map[uint16]string{pxeclient.ClientPort: "as iPXE", pxeclient.BootPort: "as EDK2"} {
		t.Run(name, func(t *testing.T) {
			h := l.host()
			h.t = t
			c := h.client(pxeclient.Config{Archs: bios, UUID: zero, Broadcast: true, SourcePort: port, Enough: enough(1), Schedule: once})
			w, err := c.Boot(t.Context(), func(m pxeclient.Menu) (pxe.MenuItem, error) { return m.Items[1], nil })
			must(t, err)
			if !slices.Equal(w.Menu.Items, []pxe.MenuItem{{Type: 0x8000, Text: "First"}, {Type: 0x8001, Text: "Second"}}) ||
				w.Menu.Prompt != "Press F8" || w.Menu.Timeout != 5*time.Second {
				t.Errorf("menu %+v", w.Menu)
			}
			if w.Choice.Kind != pxeclient.DHCPPXE || w.File.Name != "two.0" || !bytes.Equal(w.Program, program) {
				t.Errorf("%s, file %+v, %d octets", w.Choice.Kind, w.File, len(w.Program))
			}
			from := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.100"), port).String()
			wantDialogue(t, c, "0.0.0.0:68 > 255.255.255.255:67 DHCPDISCOVER", "192.0.2.2:67 > 255.255.255.255:68 DHCPOFFER",
				"0.0.0.0:68 > 255.255.255.255:67 DHCPREQUEST", "192.0.2.2:67 > 255.255.255.255:68 DHCPACK",
				from+" > 192.0.2.2:4011 DHCPREQUEST", "192.0.2.2:4011 > "+from+" DHCPACK")
			problems(t, c)
			must(t, c.Release())
		})
	}
}

// hush lets a client send what a server is to be silent about: the step that is under way when the message leaves is
// given up at once. That no answer came is proved by the answer to a later message.
type hush struct{ cancel context.CancelFunc }

func (h *hush) edit(pxeclient.Step, *pxeclient.Message) {
	if h.cancel != nil {
		h.cancel()
	}
}

func (h *hush) during(t *testing.T, step func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	h.cancel = cancel
	if err := step(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("answered, or not sent: %v", err)
	}
	h.cancel = nil
}

// own runs our DHCP server, without boot information unless boot says some.
func (l *lan) own(root string, boot *server.BootConfig) {
	l.serve(server.Config{TFTP: &server.TFTPConfig{Root: root}, DHCP: &server.DHCPConfig{
		First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"), Boot: boot}})
}

// TestDnsmasqProxy has dnsmasq as proxy beside our DHCP server, which has never heard of PXE.
func TestDnsmasqProxy(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	s := l.host("192.0.2.2/24")
	s.dnsmasq("--dhcp-range=192.0.2.0,proxy", "--enable-tftp", "--tftp-root="+tftpRoot(t, "bios.0", "x64.efi", "more.efi"),
		"--pxe-prompt=Press F8,0", "--pxe-service=x86PC,First,bios", "--pxe-service=x86PC,Local,0",
		"--pxe-service=X86-64_EFI,First,x64.efi", "--pxe-service=X86-64_EFI,Second,more.efi")
	for name, c := range map[string]struct {
		archs []pxe.Arch
		kind  pxeclient.Kind
		asked bool // port 4011, before the boot server
		file  string
	}{
		"bios": {bios, pxeclient.ProxyPXE, false, "bios.0"},
		"x64":  {x64, pxeclient.ProxyBINL, true, "x64.efi"},
	} {
		t.Run(name, func(t *testing.T) {
			h := l.host()
			h.t = t
			client := h.client(pxeclient.Config{Archs: c.archs, UUID: zero, Enough: enough(2), Schedule: once})
			w, err := client.Boot(t.Context(), pxeclient.FirstItem)
			must(t, err)
			if w.Choice.Kind != c.kind || (w.Proxy != nil) != c.asked || w.File.Name != c.file || !bytes.Equal(w.Program, program) {
				t.Errorf("%s", w)
			}
			if w.Choice.Address.Server() != netip.MustParseAddr("192.0.2.1") || w.Choice.Boot.Server() != netip.MustParseAddr("192.0.2.2") {
				t.Errorf("address from %s, boot from %s", w.Choice.Address.Server(), w.Choice.Boot.Server())
			}
			problems(t, client)
		})
	}
}

// TestDnsmasqProxyOneService: with one service dnsmasq tells its file at once on port 4011, and no menu.
func TestDnsmasqProxyOneService(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	l.host("192.0.2.2/24").dnsmasq("--dhcp-range=192.0.2.0,proxy", "--enable-tftp", "--tftp-root="+tftpRoot(t, "x64.efi"),
		"--pxe-service=X86-64_EFI,Only,x64.efi")
	client := l.host().client(pxeclient.Config{Archs: x64, UUID: zero, Enough: enough(2), Schedule: once, SourcePort: pxeclient.BootPort})
	w, err := client.Boot(t.Context(), pxeclient.FirstItem)
	must(t, err)
	if w.Menu != nil || w.Proxy == nil || w.BootServer != nil || !bytes.Equal(w.Program, program) {
		t.Errorf("%s", w)
	}
	problems(t, client)
}

// TestDnsmasqBootServer asks dnsmasq's boot server in every way, for what it has and for what it has not.
func TestDnsmasqBootServer(t *testing.T) {
	l := newLAN(t)
	l.host("192.0.2.2/24").dnsmasq("--dhcp-range=192.0.2.100,192.0.2.100", "--pxe-service=x86PC,First,one", "--pxe-service=x86PC,Second,two")
	quiet := &hush{}
	client := l.host().client(pxeclient.Config{UUID: zero, Enough: enough(1), Schedule: once, Edit: quiet.edit})
	offers, err := client.Discover(t.Context())
	must(t, err)
	_, err = client.Request(t.Context(), offers[0])
	must(t, err)
	at := pxeclient.Discovery{Mode: pxeclient.Unicast, To: []netip.Addr{netip.MustParseAddr("192.0.2.2")}}
	for _, item := range []pxe.Item{{Type: 0x9000}, {Type: 0x8000, Layer: pxe.CredentialsLayer}} {
		quiet.during(t, func(ctx context.Context) error {
			d := at
			d.Item = item
			_, err := client.DiscoverBootServer(ctx, d)
			return err
		})
	}
	for _, inform := range []bool{false, true} {
		d := at
		d.Item, d.Inform = pxe.Item{Type: 0x8001}, inform
		ack, err := client.DiscoverBootServer(t.Context(), d)
		must(t, err)
		if f, err := ack.File(); err != nil || f.Name != "two.0" || *ack.Vendor.Item != d.Item {
			t.Errorf("inform %v: %+v, %v", inform, f, err)
		}
	}
	wantDialogue(t, client, "0.0.0.0:68 > 255.255.255.255:67 DHCPDISCOVER", "192.0.2.2:67 > 192.0.2.100:68 DHCPOFFER",
		"0.0.0.0:68 > 255.255.255.255:67 DHCPREQUEST", "192.0.2.2:67 > 192.0.2.100:68 DHCPACK",
		"192.0.2.100:68 > 192.0.2.2:4011 DHCPREQUEST", "192.0.2.100:68 > 192.0.2.2:4011 DHCPREQUEST",
		"192.0.2.100:68 > 192.0.2.2:4011 DHCPREQUEST", "192.0.2.2:4011 > 192.0.2.100:68 DHCPACK",
		"192.0.2.100:68 > 192.0.2.2:4011 DHCPINFORM", "192.0.2.2:4011 > 192.0.2.100:68 DHCPACK")
	problems(t, client)
}

// TestDnsmasqPlain is dnsmasq with a boot file and without a word of PXE: to DHCP, BOOTP and HTTP clients.
func TestDnsmasqPlain(t *testing.T) {
	l := newLAN(t)
	l.host("192.0.2.2/24").dnsmasq("--dhcp-range=192.0.2.100,192.0.2.199", "--bootp-dynamic", "--enable-tftp", "--tftp-root="+tftpRoot(t, "x64.efi"),
		"--dhcp-vendorclass=set:http,HTTPClient", "--dhcp-boot=tag:http,http://192.0.2.2/x64.efi", "--dhcp-boot=tag:!http,x64.efi",
		"--dhcp-option-force=tag:http,60,HTTPClient")
	for name, c := range map[string]struct {
		cfg  pxeclient.Config
		kind pxeclient.Kind
		file string
	}{
		"dhcp":  {pxeclient.Config{Archs: x64}, pxeclient.PlainDHCP, "x64.efi"},
		"bootp": {pxeclient.Config{BOOTP: true}, pxeclient.BOOTP, "x64.efi"},
		"http":  {pxeclient.Config{HTTP: true, Archs: []pxe.Arch{16}}, pxeclient.HTTP, "http://192.0.2.2/x64.efi"},
	} {
		t.Run(name, func(t *testing.T) {
			client := l.boots(t, c.cfg, c.kind, c.file)
			problems(t, client)
		})
	}
}

// TestDnsmasqRelay reaches dnsmasq through a relay on a subnet of its own.
func TestDnsmasqRelay(t *testing.T) {
	l := newLAN(t)
	s := l.host("192.0.2.2/24", "198.51.100.2/24")
	s.dnsmasq("--dhcp-range=198.51.100.100,198.51.100.199", "--dhcp-boot=x64.efi", "--listen-address=192.0.2.2")
	client := l.host().client(pxeclient.Config{Archs: x64, UUID: zero, Enough: enough(1), Schedule: once, Relay: &pxeclient.Relay{
		Address: netip.MustParsePrefix("198.51.100.1/24"), Server: netip.MustParseAddr("198.51.100.2"), Info: []byte{1, 2, 'p', '1'}}})
	offers, err := client.Discover(t.Context())
	must(t, err)
	ack, err := client.Request(t.Context(), offers[0])
	must(t, err)
	if !netip.MustParsePrefix("198.51.100.0/24").Contains(ack.YIAddr) {
		t.Errorf("the relay's subnet is 198.51.100.0/24, and the address %s", ack.YIAddr)
	}
	wantDialogue(t, client, "198.51.100.1:67 > 198.51.100.2:67 DHCPDISCOVER", "198.51.100.2:67 > 198.51.100.1:67 DHCPOFFER",
		"198.51.100.1:67 > 198.51.100.2:67 DHCPREQUEST", "198.51.100.2:67 > 198.51.100.1:67 DHCPACK")
	problems(t, client)
}
