package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

const httpURL6 = "http://[2001:db8::2]/probe-x64.efi"

// testPlanHTTP6 is testPlan6, whose x64 boots over HTTP.
func testPlanHTTP6() *plan.Plan {
	p := testPlan6()
	p.Guests = p.Guests[1:2]
	p.Guests[0].BootsOver = "http"
	return p
}

// triesHTTP4 is EDK2's HTTP boot over IPv4, which no setting leaves out.
func (s *script) triesHTTP4() *script {
	const class = "HTTPClient:Arch:00016:UNDI:003000"
	return s.say(">>Start HTTP Boot over IPv4.").sends(event.DHCP{Type: "DISCOVER", ClassID: class}).
		failsHTTP(noSize, "  Error: Server response timeout.").say(">>Start HTTP Boot over IPv6.")
}

// httpSARR is a healthy exchange of UEFI HTTP boot over IPv6.
func (s *script) httpSARR(url, class string) *script {
	const own = "HTTPClient:Arch:00016:UNDI:003000"
	s.sends6(event.DHCP6{Type: "SOLICIT", XID: "000001", VendorClass: own})
	offer := advertise(lease6, url)
	offer.VendorClass = class
	s.receives6("dhcp", offer)
	ask := request6()
	ask.VendorClass = own
	s.sends6(ask)
	return s.receives6("dhcp", event.DHCP6{Type: "REPLY", XID: "000002", IAs: ia6(lease6), BootURL: url, VendorClass: class})
}

func (s *script) downloads6(crc string) *script {
	send := func(service string, h event.HTTP) {
		h.Target = "/probe-x64.efi"
		p := event.Packet{Proto: "http", Src: "[" + lease6 + "]:1069", Dst: "[2001:db8::2]:80", Info: "HTTP " + h.Op, HTTP: &h}
		if service != "" {
			p.Src, p.Dst = p.Dst, p.Src
		}
		s.after(ms).packet(service, p)
	}
	send("", event.HTTP{Op: "request", Method: "GET"})
	send("tftp", event.HTTP{Op: "response", Method: "GET", Status: 200, Length: length(8192), Bytes: 8192, Last: true, CRC32: crc})
	return s.say(`BdsDxe: starting Boot0003 "UEFI HTTPv6 (MAC:525400707802)" from PciRoot(0x0)`)
}

func (s *script) failsHTTP6() *script {
	return s.say(noSize, `BdsDxe: failed to load Boot0003 "UEFI HTTPv6 (MAC:525400707802)" from PciRoot(0x0): Not Found`)
}

func TestHTTPOverIPv6(t *testing.T) {
	healthy := func(s *script) *script {
		return s.triesHTTP4().httpSARR(httpURL6, "HTTPClient").downloads6(probeCRC).reportsHTTP(nonce).off()
	}
	offered := func(file string) []topology.Expectation {
		return one(topology.Expectation{Offer: &topology.Offer{From: "dhcp", File: file}})
	}
	for _, c := range []struct {
		name   string
		expect []topology.Expectation
		play   func(*script) *script
		pass   bool
		says   string
	}{
		{"booted", booted("probe", "tftp"), healthy, true, "came over HTTP as served"},
		{"other bytes", booted("probe", ""), func(s *script) *script {
			return s.triesHTTP4().httpSARR(httpURL6, "HTTPClient").downloads6("deadbeef").reportsHTTP(nonce).off()
		}, false, "is not the file as served"},
		{"address", address("dhcp"), healthy, true, lease6},
		{"offer", offered(httpURL6), healthy, true, "took it"},
		{"offer of another URI", offered("http://[2001:db8::2]/x"), healthy, false, `not "http://[2001:db8::2]/x"`},
		{"no server", stops(event.StageDiscover, "no-offer"), func(s *script) *script {
			return s.triesHTTP4().sends6(event.DHCP6{Type: "SOLICIT", XID: "000001", VendorClass: "HTTPClient:Arch:00016"}).failsHTTP6()
		}, true, "no DHCPv6 server"},
		{"no URI", stops(event.StageOffer, "no-uri"), func(s *script) *script {
			s.triesHTTP4().sends6(event.DHCP6{Type: "SOLICIT", XID: "000001", VendorClass: "HTTPClient:Arch:00016"})
			return s.receives6("dhcp", advertise(lease6, "")).failsHTTP6()
		}, true, "advertised it 2001:db8::100 and no URI"},
		{"a URL of PXE's", stops(event.StageOffer, "no-uri"), func(s *script) *script {
			s.triesHTTP4().sends6(event.DHCP6{Type: "SOLICIT", XID: "000001", VendorClass: "HTTPClient:Arch:00016"})
			return s.receives6("dhcp", advertise(lease6, url6)).failsHTTP6()
		}, true, "but not as HTTPClient (option 16)"},
		{"near-miss: it has a URI", stops(event.StageOffer, "no-uri"), func(s *script) *script {
			s.triesHTTP4().sends6(event.DHCP6{Type: "SOLICIT", XID: "000001", VendorClass: "HTTPClient:Arch:00016"})
			offer := advertise(lease6, httpURL6)
			offer.VendorClass = "HTTPClient"
			return s.receives6("dhcp", offer).failsHTTP6()
		}, false, "for reason offer-refused"},
		{"PXE's own transactions are not this client's", stops(event.StageDiscover, "no-offer"), func(s *script) *script {
			s.triesHTTP4().solicits(1).receives6("dhcp", advertise(lease6, url6))
			return s.sends6(event.DHCP6{Type: "SOLICIT", XID: "000009", VendorClass: "HTTPClient:Arch:00016"}).failsHTTP6()
		}, true, ""},
	} {
		p := testPlanHTTP6()
		p.Guests[0].Expect = c.expect
		v := Judge(p, c.play(newScript(p, "sixx64")).events)[0]
		if v.Pass != c.pass || !strings.Contains(v.Sentence, c.says) {
			t.Errorf("%s: pass %t, %q; want %t, saying %q", c.name, v.Pass, v.Sentence, c.pass, c.says)
		}
	}
}
