package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
)

// TestPortsClosed: who sent the client to a port is named, and a host that says that nobody listens there is told from one that does
// not: the first has no firewall, the second has a program that hangs or a firewall that drops.
func TestPortsClosed(t *testing.T) {
	icmp := func(to string) func(*script) *script {
		return func(s *script) *script {
			return s.packet("tftp", event.Packet{Proto: "icmp", Src: event.HostOf(to), Dst: s.lease(), Info: "ICMP port unreachable (" + to + ")"})
		}
	}
	nothing := func(s *script) *script { return s }
	asks4011 := func(s *script, host string) *script {
		s.sends(event.DHCP{Type: "REQUEST", SrcPort: 4011, DstPort: 4011, CIAddr: s.lease(), XID: "00000001"})
		s.events[len(s.events)-1].Packet.Dst = host + ":4011"
		return s
	}
	proxy := event.DHCP{Type: "OFFER", ServerID: "192.0.2.2", SIAddr: "192.0.2.2", ClassID: "PXEClient"}
	named := proxy
	named.File, named.Vendor = "probe-x64.efi", "060108ff"
	ofProxy := func(s *script) *script {
		return asks4011(s.firmware().discovers(1).receives("tftp", proxy).dora(""), "192.0.2.2")
	}
	ofDHCP := func(others ...event.DHCP) func(*script) *script {
		return func(s *script) *script {
			s.firmware().discovers(1)
			for _, o := range others {
				s.receives("tftp", o)
			}
			own := event.DHCP{Type: "OFFER", YIAddr: s.lease(), ServerID: "192.0.2.1", ClassID: "PXEClient"}
			return asks4011(s.receives("dhcp", own).dora(""), "192.0.2.1")
		}
	}
	file := func(s *script) *script {
		s.firmware().dora("probe-x64.efi")
		s.packet("tftp", event.Packet{Proto: "udp", Src: "192.0.2.2:7", Dst: s.lease() + ":7", Info: "UDP"})
		return s.asks("RRQ", "probe-x64.efi", event.TFTP{})
	}
	const closed, open = "no program listens", "nothing answered"
	for _, c := range []struct {
		name     string
		before   func(*script) *script
		then     func(*script) *script
		what, do string
		not      string
	}{
		{"a proxy's port is closed", ofProxy, icmp("192.0.2.2:4011"), `"tftp" offered itself on port 67 and named no file, so it was asked on 192.0.2.2:4011, where no program listens (ICMP port unreachable)`,
			`let "tftp" listen on UDP 4011, too, or let it name the boot file`, "firewall"},
		{"a proxy's port is silent", ofProxy, nothing, `"tftp" offered itself on port 67 and named no file, so it was asked on 192.0.2.2:4011, with 1 request, and nothing answered`,
			`let "tftp" answer on UDP 4011 (its program hangs, or a firewall drops`, closed},
		{"another port is closed", ofProxy, icmp("192.0.2.2:69"), open, "firewall", closed},
		{"a DHCP server says PXEClient", ofDHCP(), icmp("192.0.2.1:4011"), `"dhcp" said PXEClient (option 60) in its offer and named no file, so it was asked on 192.0.2.1:4011, where no program listens`,
			`take option 60 (PXEClient) out of the offers of "dhcp" and name the boot file there, or`, "obeys"},
		{"a DHCP server says PXEClient beside a proxy", ofDHCP(named), icmp("192.0.2.1:4011"), `; the offer of "tftp", which names "probe-x64.efi", was not used`,
			`out of the offers of "dhcp": the machine then obeys "tftp"`, "nothing answered"},
		{"a proxy was asked, too", func(s *script) *script { return asks4011(ofDHCP(named)(s), "192.0.2.2") }, icmp("192.0.2.1:4011"), `"dhcp" said PXEClient`,
			`out of the offers of "dhcp" and name`, "was not used"},
		{"the TFTP port is closed", file, icmp("192.0.2.2:69"), "and no program listens there (ICMP port unreachable)", "start the TFTP server there", "firewall"},
		{"the TFTP port is silent", file, nothing, `nothing answered, not even an ICMP "port unreachable"`, "its program hangs, or a firewall drops", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPlan()
			s := c.then(c.before(newScript(p, "x64"))).fails("  PXE-E18: Server response timeout.").fails("  PXE-E16: No valid offer received.")
			o := Results(p, s.events)
			for _, r := range o {
				if r.Guest == "x64" && (!strings.Contains(r.Outcome.What, c.what) || !strings.Contains(r.Outcome.Do, c.do) || strings.Contains(r.Outcome.Sentence, c.not)) {
					t.Errorf("%s: %s; %s\nwant %q; %q and not %q", r.Outcome.Reason, r.Outcome.What, r.Outcome.Do, c.what, c.do, c.not)
				}
			}
		})
	}
}

// TestSee: where a cause is specified elsewhere than others of its reason, that is cited, and there alone.
func TestSee(t *testing.T) {
	lacks := func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", event.TFTP{}).gets("ERROR", "probe-x64.efi", event.TFTP{Code: 1})
	}
	lacksHTTP := func(s *script) *script {
		s.firmware().dora("http://192.0.2.2/probe-x64.efi")
		s.packet("", event.Packet{Proto: "http", Src: s.lease() + ":2000", Dst: "192.0.2.2:80", HTTP: &event.HTTP{Op: "request", Method: "GET", Target: "/probe-x64.efi"}})
		return s.packet("tftp", event.Packet{Proto: "http", Src: "192.0.2.2:80", Dst: s.lease() + ":2000", HTTP: &event.HTTP{Op: "response", Target: "/probe-x64.efi", Status: 404}})
	}
	silent := func(siaddr string) func(*script) *script {
		return func(s *script) *script {
			s.firmware().discovers(1)
			for _, typ := range []string{"OFFER", "ACK"} {
				s.receives("dhcp", event.DHCP{Type: typ, YIAddr: s.lease(), SIAddr: siaddr, ServerID: "192.0.2.2", File: "probe-x64.efi"})
			}
			return s.asks("RRQ", "probe-x64.efi", event.TFTP{})
		}
	}
	for _, c := range []struct {
		name   string
		build  func(*script) *script
		reason Reason
		see    string
	}{
		{"no file over TFTP", lacks, FileNotFound, ""},
		{"no file over HTTP", lacksHTTP, FileNotFound, "RFC 9110 section 15.5.5: 404 Not Found"},
		{"TFTP silent", silent("192.0.2.2"), TFTPSilent, ""},
		{"TFTP silent, as no next server is named", silent(""), TFTPSilent, "RFC 2132 section 9.5 (option 67); RFC 2131 section 2 (file, siaddr)"},
	} {
		p := testPlan()
		s := c.build(newScript(p, "x64")).fails("  PXE-E18: Server response timeout.").fails("  Error: Could not retrieve NBP file size from HTTP server.")
		tr := NewTracker(p)
		for _, e := range s.fails(`BdsDxe: failed to load Boot0001 "UEFI PXEv4": Not Found`).events {
			tr.Feed(e)
		}
		if o := tr.Guest("x64").Outcome; o.Reason != c.reason || o.See != c.see {
			t.Errorf("%s: %s, see %q; want %s, %q", c.name, o.Reason, o.See, c.reason, c.see)
		}
	}
}
