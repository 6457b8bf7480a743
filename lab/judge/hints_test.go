package judge

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
)

// TestPlanHints: where the lab's own servers are configured so that the boot had to stop, the outcome names that, and does
// not where another thing is to blame.
func TestPlanHints(t *testing.T) {
	reserved := func(r server.Reservation) func(*plan.Plan) {
		return func(p *plan.Plan) { p.Services[0].Server.DHCP.Reservations = []server.Reservation{r} }
	}
	files := func(f map[string]string) func(*plan.Plan) {
		return func(p *plan.Plan) { p.Services[0].Server.DHCP.Boot = &server.BootConfig{Files: f} }
	}
	bootServer := func(broadcast bool) func(*plan.Plan) {
		return func(p *plan.Plan) { p.Services[1].Server.BootServer = &server.BootServerConfig{Broadcast: broadcast} }
	}
	says := func(uuid string) func(*script) *script {
		return func(s *script) *script {
			s.firmware().sends(event.DHCP{Type: "DISCOVER", UUID: uuid}).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: s.lease(), ServerID: "192.0.2.1"})
			return s.fails("  PXE-E16: No valid offer received.")
		}
	}
	asks := func(dst string) func(*script) *script {
		return func(s *script) *script {
			s.offered(pxe.Vendor{Control: ctl(pxe.NoMulticast), Menu: menu})
			d := event.DHCP{Type: "REQUEST", SrcPort: 68, DstPort: 67, CIAddr: s.lease(), BootItem: "80000000", CHAddr: s.guest.MAC}
			return s.packet("", event.Packet{Proto: "dhcp", Src: s.lease() + ":68", Dst: dst, DHCP: &d}).fails("  PXE-E16: No valid offer received.")
		}
	}
	fetches := func(s *script) *script {
		s.firmware().sends(event.DHCP{Type: "DISCOVER", Archs: []int{7}}).dora("probe-ia32.efi").fetches("probe-ia32.efi")
		return s.fails(`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0): Not Found`)
	}
	program := func(service int, path string) func(*plan.Plan) {
		return func(p *plan.Plan) {
			p.Services[service].Server, p.Services[service].Exec = nil, &plan.Exec{Argv: []string{path, "-d"}}
		}
	}
	saysNothing := func(s *script) *script {
		s.firmware().dora("probe-ia32.efi").fetches("probe-ia32.efi")
		return s.fails(`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0): Not Found`)
	}
	twoTFTP := func(path string) func(*plan.Plan) {
		return func(p *plan.Plan) {
			program(0, path)(p)
			more := p.Services[1]
			more.Name, more.Address, more.MAC = "more", netip.MustParsePrefix("192.0.2.3/24"), "52:54:00:70:73:03"
			p.Services = append(p.Services, more)
		}
	}
	misses := func(file string) func(*script) *script {
		return func(s *script) *script {
			s.firmware().dora(file).asks("RRQ", file, event.TFTP{}).gets("ERROR", file, event.TFTP{Code: 1, Message: "File not found"})
			return s.fails("  PXE-E23: Client received TFTP error from server.")
		}
	}
	missesHTTP := func(s *script) *script {
		s.firmware().dora("http://192.0.2.2/probe-x64.efi")
		s.packet("", event.Packet{Proto: "http", Src: s.lease() + ":2000", Dst: "192.0.2.2:80", Info: "GET", HTTP: &event.HTTP{Op: "request", Method: "GET", Target: "/probe-x64.efi"}})
		s.packet("tftp", event.Packet{Proto: "http", Src: "192.0.2.2:80", Dst: s.lease() + ":2000", Info: "404", HTTP: &event.HTTP{Op: "response", Method: "GET", Target: "/probe-x64.efi", Status: 404}})
		return s.fails("  Error: Could not retrieve NBP file size from HTTP server.").fails(`BdsDxe: failed to load Boot0001 "UEFI HTTPv4": Not Found`)
	}
	noMenu := func(s *script) *script {
		return s.offered(pxe.Vendor{Prompt: &pxe.Prompt{Timeout: 3, Text: "Press F8"}}).fails("  PXE-E21: Remote boot cancelled.")
	}
	noNext := func(s *script) *script {
		s.firmware().discovers(1)
		for _, typ := range []string{"OFFER", "ACK"} {
			s.receives("dhcp", event.DHCP{Type: typ, YIAddr: s.lease(), ServerID: "192.0.2.1", File: "probe-x64.efi"})
		}
		return s.asks("RRQ", "probe-x64.efi", event.TFTP{}).fails("  PXE-E18: Server response timeout.")
	}
	deafOn4011 := func(s *script) *script {
		s.firmware().dora("").sends(event.DHCP{Type: "REQUEST", SrcPort: 4011, DstPort: 4011, CIAddr: "192.0.2.50", XID: "00000001"})
		return s.fails("  PXE-E16: No valid offer received.")
	}
	classed := func(address string) func(*script) *script {
		return func(s *script) *script {
			s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: address, ServerID: "192.0.2.1", ClassID: "PXEClient"})
			s.dora("").sends(event.DHCP{Type: "REQUEST", SrcPort: 4011, DstPort: 4011, CIAddr: "192.0.2.50", XID: "00000001"})
			return s.fails("  PXE-E16: No valid offer received.")
		}
	}
	outvoted := func(by string, address string) func(*script) *script {
		return func(s *script) *script {
			s.firmware().discovers(1).receives(by, event.DHCP{Type: "OFFER", YIAddr: address, ServerID: "192.0.2.2", File: "probe-x64.efi"})
			s.dora("old/pxelinux.0").asks("RRQ", "old/pxelinux.0", event.TFTP{}).gets("ERROR", "old/pxelinux.0", event.TFTP{Code: 1, Message: "not found"})
			return s.fails("  PXE-E23: Client received TFTP error from server.")
		}
	}
	asIs := func(*plan.Plan) {}
	silent := func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", event.TFTP{}).fails("  PXE-E18: Server response timeout.")
	}
	ended := func(s *script) *script { return silent(s.add(event.Event{Kind: event.ServiceExited, Service: "tftp"})) }
	eclipsed := func(s *script) *script {
		s.firmware().discovers(1).receives("tftp", event.DHCP{Type: "OFFER", ServerID: "192.0.2.2", SIAddr: "192.0.2.2", ClassID: "PXEClient"})
		s.dora("probe-x64.efi").sends(event.DHCP{Type: "REQUEST", SrcPort: 4011, DstPort: 4011, CIAddr: "192.0.2.50", XID: "00000001"})
		s.events[len(s.events)-1].Packet.Dst = "192.0.2.2:4011"
		return s.fails("  PXE-E16: No valid offer received.")
	}
	noTsize := func(s *script) *script {
		s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", event.TFTP{Options: map[string]string{"tsize": "0"}})
		return s.gets("OACK", "probe-x64.efi", event.TFTP{Options: map[string]string{"blksize": "1468"}}).fails("  PXE-E53: No boot filename received.")
	}
	loops := func(s *script) *script {
		s.firmware()
		for range loopAfter {
			s.asIPXE().dora("ipxe.efi").fetches("ipxe.efi")
		}
		return s.asIPXE().dora("ipxe.efi")
	}
	logs := func(line string) func(*script) *script {
		return func(s *script) *script {
			s.firmware().discovers(4)
			s.add(event.Event{Kind: event.ServiceLog, Service: "dhcp", Text: strings.ReplaceAll(line, "MAC", s.guest.MAC)})
			return s.fails("  PXE-E18: Server response timeout.")
		}
	}
	lateLog := func(s *script) *script {
		s.firmware().discovers(4).fails("  PXE-E18: Server response timeout.").fails(`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400707802)": Not Found`)
		return s.add(event.Event{Kind: event.ServiceLog, Service: "dhcp", Text: "dnsmasq-dhcp: DHCPDISCOVER(eth0) " + s.guest.MAC + " no address available"})
	}
	lent := logs("dnsmasq-dhcp: DHCPDISCOVER(eth0) MAC no address available")
	const uuid, inVain, deaf, swapped = "00112233-4455-6677-8899-aabbccddee01", "reserves boot files by UUID", "does not listen for broadcasts", "7 is x86-64"
	for _, c := range []struct {
		name   string
		plan   func(*plan.Plan)
		script func(*script) *script
		hint   string
		hints  bool
	}{
		{"by UUID, and it has none", reserved(server.Reservation{UUID: uuid, File: "probe.0"}), says(zeroUUID), inVain, true},
		{"by UUID, and it has another", reserved(server.Reservation{UUID: uuid, File: "probe.0"}), says("33221100554477668899aabbccddee02"), inVain, false},
		{"by UUID, an address alone", reserved(server.Reservation{UUID: uuid, Address: netip.MustParseAddr("192.0.2.50")}), says(zeroUUID), inVain, false},
		{"by MAC", reserved(server.Reservation{MAC: "52:54:00:70:78:09", File: "probe.0"}), says(zeroUUID), inVain, false},
		{"broadcast, and the boot server is deaf to it", bootServer(false), asks("255.255.255.255:67"), deaf, true},
		{"broadcast, and the boot server listens", bootServer(true), asks("255.255.255.255:67"), deaf, false},
		{"asked at its address", bootServer(false), asks("192.0.2.1:4011"), deaf, false},
		{"7 and 9 the other way round", files(map[string]string{"efi-x64": "probe-ia32.efi", "efi-bc": "probe-x64.efi"}), fetches, swapped, true},
		{"7 wrong, 9 too", files(map[string]string{"efi-x64": "probe-ia32.efi", "efi-bc": "probe.0"}), fetches, swapped, false},
		{"7 wrong alone", files(map[string]string{"efi-x64": "probe-ia32.efi"}), fetches, swapped, false},
		{"wrong program of dnsmasq", program(0, "/usr/sbin/dnsmasq"), fetches, "dhcp-match=set:ARCH,option:client-arch,7", true},
		{"wrong program of Kea", program(0, "kea-dhcp4"), fetches, "option[93].hex == 0x0007", true},
		{"wrong program of dhcpd", program(0, "dhcpd"), fetches, "option arch = 00:07", true},
		{"wrong program of another", program(0, "udhcpd"), fetches, `have "dhcp" name "probe-x64.efi" to clients that send 7 in option 93 (EFI x86-64); now they get "probe-ia32.efi"`, true},
		{"wrong program, and it did not say what it is", asIs, saysNothing, "to it: choose by option 93", true},
		{"wrong program, and dnsmasq only served it", program(1, "dnsmasq"), fetches, "dhcp-match", false},
		{"no file, nginx", program(1, "nginx"), missesHTTP, `put probe-x64.efi below the folder that "root" names in nginx's server block for 192.0.2.2:80`, true},
		{"no file over HTTP, another", program(1, "lighttpd"), missesHTTP, `"root"`, false},
		{"no menu, dnsmasq", program(0, "dnsmasq"), noMenu, "add pxe-service=X86-64_EFI", true},
		{"no menu, another", program(0, "udhcpd"), noMenu, "add pxe-service", false},
		{"no menu, dhcpd", program(0, "dhcpd"), noMenu, "dhcpd sends option 43 by vendor-option-space", true},
		{"no menu, Kea", program(0, "kea-dhcp4"), noMenu, "Kea sends option 43 by vendor-encapsulated-options", true},
		{"loop, dhcpd", program(0, "dhcpd"), loops, `if exists user-class and option user-class = "iPXE"`, true},
		{"loop, dnsmasq", program(0, "dnsmasq"), loops, "dhcp-userclass=set:ipxe,iPXE", true},
		{"loop, Kea", program(0, "kea-dhcp4"), loops, "option[77].hex == 'iPXE'", true},
		{"loop, another", program(0, "udhcpd"), loops, "user-class", false},
		{"no next server, Kea", program(0, "kea-dhcp4"), noNext, `write "next-server": "192.0.2.2" beside each "boot-file-name"`, true},
		{"no next server, dhcpd", program(0, "dhcpd"), noNext, "write next-server 192.0.2.2; beside each filename", true},
		{"no next server, another", program(0, "udhcpd"), noNext, "next-server", false},
		{"no next server, Kea, and two TFTP servers", twoTFTP("kea-dhcp4"), noNext, `write "next-server": "ADDRESS" beside each "boot-file-name", where ADDRESS is that of the TFTP server`, true},
		{"no next server, dhcpd, and two TFTP servers", twoTFTP("dhcpd"), noNext, "write next-server ADDRESS; beside each filename, where ADDRESS", true},
		{"option 60 of dhcpd", program(0, "dhcpd"), deafOn4011, `take option vendor-class-identifier "PXEClient" out`, true},
		{"option 60 of dnsmasq", program(0, "dnsmasq"), deafOn4011, "take dhcp-option=60,PXEClient out", true},
		{"option 60 of Kea", program(0, "kea-dhcp4"), deafOn4011, "take vendor-class-identifier out of Kea's option-data", true},
		{"option 60 of another", program(0, "udhcpd"), classed("192.0.2.50"), `take option 60 (PXEClient) out of the offers of "dhcp"`, true},
		{"option 60 of a proxy", program(0, "udhcpd"), classed(""), `let "dhcp" answer on UDP 4011`, true},
		{"no option 60, and no sender of it is known", program(0, "udhcpd"), deafOn4011, "let a proxyDHCP service answer there: start it, or open UDP 4011", true},
		{"no option 60 of another", program(0, "udhcpd"), deafOn4011, "take", false},
		{"a deaf proxy beside a file", program(0, "udhcpd"), eclipsed, `do not come back to the file of the DHCP server ("probe-x64.efi" of "dhcp")`, true},
		{"no proxy, and a file", program(0, "udhcpd"), deafOn4011, "do not come back", false},
		{"TFTP elsewhere, dnsmasq", program(1, "dnsmasq"), silent, "enable-tftp=INTERFACE", true},
		{"TFTP elsewhere, another", program(1, "in.tftpd"), silent, "enable-tftp=INTERFACE", false},
		{"TFTP of a dnsmasq that has ended", program(1, "dnsmasq"), ended, `service "tftp" had ended by then`, true},
		{"no file, and another server named another", asIs, outvoted("tftp", "192.0.2.60"), `"dhcp" named that file and "tftp" another, "probe-x64.efi"`, true},
		{"no file, and the same server named another", asIs, outvoted("dhcp", "192.0.2.60"), "two servers answer", false},
		{"no file, and a proxy named another", asIs, outvoted("tftp", ""), "two servers answer", false},
		{"no tsize, atftpd", program(1, "atftpd"), noTsize, "start atftpd without --no-tsize", true},
		{"no tsize, another", program(1, "in.tftpd"), noTsize, "--no-tsize", false},
		{"not in the folder of in.tftpd", program(1, "in.tftpd"), misses("probe.0"), "after --secure", true},
		{"all lent, dnsmasq", program(0, "dnsmasq"), lent, "widen dhcp-range", true},
		{"all lent, dnsmasq, said late", program(0, "dnsmasq"), lateLog, "widen dhcp-range", true},
		{"all lent, dnsmasq, another machine", program(0, "dnsmasq"), logs("dnsmasq-dhcp: DHCPDISCOVER(eth0) 02:00:00:00:00:77 no address available"), "widen dhcp-range", false},
		{"not lent, dnsmasq", program(0, "dnsmasq"), logs("dnsmasq-dhcp: DHCPDISCOVER(eth0) MAC ignored"), "no address", false},
		{"the words of dnsmasq, another", program(0, "udhcpd"), lent, "no address", false},
		{"all lent, dhcpd", program(0, "dhcpd"), logs("DHCPDISCOVER from MAC via eth0: network 192.0.2.0/24: no free leases"), "max-lease-time", true},
		{"all lent, Kea", program(0, "kea-dhcp4"), logs("WARN ALLOC_ENGINE_V4_ALLOC_FAIL [hwtype=1 MAC], cid=[no info], tid=0x1: failed to allocate an IPv4 address"), "valid-lifetime", true},
		{"9 of a file that nobody knows", files(map[string]string{"efi-x64": "probe-ia32.efi", "efi-bc": "bc.efi"}), fetches, swapped, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPlan()
			c.plan(p)
			tr := NewTracker(p)
			for _, e := range c.script(newScript(p, "x64")).events {
				tr.Feed(e)
			}
			if o := tr.Guest("x64").Outcome; strings.Contains(o.Sentence, c.hint) != c.hints {
				t.Errorf("%s: %s\nwant %v of %q", o.Reason, o.Sentence, c.hints, c.hint)
			}
		})
	}
}
