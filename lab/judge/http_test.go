package judge

import (
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

const probeURI = "http://192.0.2.2/probe-x64.efi"

// httpDORA is a healthy exchange of UEFI HTTP boot; uri may be empty.
func (s *script) httpDORA(uri string) *script {
	const class = "HTTPClient:Arch:00016:UNDI:003000"
	offer := event.DHCP{Type: "OFFER", YIAddr: s.lease(), ServerID: "192.0.2.1", ClassID: "HTTPClient", File: uri}
	ack := offer
	ack.Type = "ACK"
	s.say(">>Start HTTP Boot over IPv4.").sends(event.DHCP{Type: "DISCOVER", ClassID: class, Archs: []int{16}})
	s.after(ms).receives("dhcp", offer).after(4 * time.Second)
	s.sends(event.DHCP{Type: "REQUEST", ClassID: class, ServerID: "192.0.2.1", Requested: s.lease()})
	return s.after(ms).receives("dhcp", ack).after(80*ms).say("  Station IP address is "+s.lease(), "  URI: "+uri)
}

// wants and answers are steps of HTTP of the guest and to it.
func (s *script) wants(method, target string) *script {
	return s.packet("", event.Packet{Proto: "http", Src: s.lease() + ":1069", Dst: "192.0.2.2:80", Info: "HTTP " + method + " " + target,
		HTTP: &event.HTTP{Op: "request", Method: method, Target: target, Host: "192.0.2.2"}})
}

func (s *script) answers(op string, h event.HTTP) *script {
	h.Op, h.Target = op, orElse(h.Target, "/probe-x64.efi")
	return s.after(ms).packet("tftp", event.Packet{Proto: "http", Src: "192.0.2.2:80", Dst: s.lease() + ":1069", Info: "HTTP " + op, HTTP: &h})
}

func length(n int64) *int64 { return &n }

// downloads is EDK2's way: the size first.
func (s *script) downloads(crc string) *script {
	s.wants("HEAD", "/probe-x64.efi").answers("response", event.HTTP{Method: "HEAD", Status: 200, Length: length(8192), Last: true})
	s.wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200, Length: length(8192)})
	return s.answers("end", event.HTTP{Method: "GET", Status: 200, Length: length(8192), Bytes: 8192, Last: true, CRC32: crc})
}

// startsHTTP and reportsHTTP: EDK2 gives a program that came over HTTP no PXE protocol.
func (s *script) startsHTTP() *script {
	return s.say("  File Size: 8192 Bytes", `  Downloading...100%BdsDxe: loading Boot0002 "UEFI HTTPv4 (MAC:525400707804)" from PciRoot(0x0)`,
		`BdsDxe: starting Boot0002 "UEFI HTTPv4 (MAC:525400707804)" from PciRoot(0x0)`)
}

func (s *script) reportsHTTP(nonce string) *script {
	return s.say("PXELAB-PROBE v1 arch=efi-x64 nonce="+nonce, "PXELAB pxebc st=8000000000000003", "PXELAB-PROBE END")
}

func (s *script) failsHTTP(lines ...string) *script {
	return s.say(lines...).say(`BdsDxe: failed to load Boot0002 "UEFI HTTPv4 (MAC:525400707804)" from PciRoot(0x0): Not Found`)
}

// byURI is iPXE that is told a URI; its probe can use the firmware's TFTP.
func byURI(replace ...string) func(*script) *script {
	return func(s *script) *script {
		s.firmware().dora("http://192.0.2.2/probe.0").wants("GET", "/probe.0")
		s.answers("response", event.HTTP{Method: "GET", Target: "/probe.0", Status: 200, Length: length(8192), Bytes: 8192, Last: true, CRC32: probeCRC})
		return s.reports(replace...).off()
	}
}

const noSize = "  Error: Could not retrieve NBP file size from HTTP server."

func init() {
	scenarios = append(scenarios, []scenario{
		{"healthy/http", "web", "", event.StageOff, func(s *script) *script {
			return s.httpDORA(probeURI).downloads(probeCRC).startsHTTP().reportsHTTP(nonce).off()
		}},
		{"healthy/http after a PXE attempt", "web", "", event.StageOff, func(s *script) *script {
			s.say(">>Start PXE over IPv4.", "  PXE-E18: Server response timeout.", `BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400707804)" from PciRoot(0x0): Not Found`)
			return s.httpDORA(probeURI).downloads(probeCRC).startsHTTP().reportsHTTP(nonce).off()
		}},
		{"healthy/ipxe by a URI", "bios", "", event.StageOff, func(s *script) *script {
			return byURI()(s)
		}},
		{"http/missing file", "web", FileNotFound, event.StageDownload, func(s *script) *script {
			s.httpDORA(probeURI).wants("HEAD", "/probe-x64.efi").answers("response", event.HTTP{Method: "HEAD", Status: 404, Length: length(10), Last: true})
			return s.failsHTTP("  Client Error: 404 Not Found", noSize, "  Error: Unexpected network error.")
		}},
		{"http/missing file for ipxe", "bios", FileNotFound, event.StageDownload, func(s *script) *script {
			s.firmware().dora("http://192.0.2.2/probe.0").wants("GET", "/probe.0")
			s.answers("response", event.HTTP{Method: "GET", Target: "/probe.0", Status: 404, Length: length(10), Bytes: 10, Last: true, CRC32: "1"})
			return s.fails("http://192.0.2.2/probe.0... No such file or directory (http://ipxe.org/2d0c613b)")
		}},
		{"http/forbidden", "web", HTTPError, event.StageDownload, func(s *script) *script {
			s.httpDORA(probeURI).wants("HEAD", "/probe-x64.efi").answers("response", event.HTTP{Method: "HEAD", Status: 403, Last: true})
			return s.failsHTTP("  Client Error: 403 Forbidden", noSize)
		}},
		{"http/cut off", "web", HTTPError, event.StageDownload, func(s *script) *script {
			s.httpDORA(probeURI).wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200, Length: length(8192)})
			return s.answers("cut", event.HTTP{Method: "GET", Status: 200, Length: length(8192), Bytes: 1460}).failsHTTP("  Error: Unexpected network error.")
		}},
		{"http/broken off by the client", "web", HTTPError, event.StageDownload, func(s *script) *script {
			s.httpDORA(probeURI).wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200, Length: length(8192)})
			s.packet("", event.Packet{Proto: "http", Src: s.lease() + ":1069", Dst: "192.0.2.2:80", Info: "HTTP cut", HTTP: &event.HTTP{Op: "cut", Method: "GET", Target: "/probe-x64.efi"}})
			return s.failsHTTP("  Error: Unexpected network error.")
		}},
		{"http/no length", "web", NoLength, event.StageDownload, func(s *script) *script {
			s.httpDORA(probeURI).wants("HEAD", "/probe-x64.efi").answers("response", event.HTTP{Method: "HEAD", Status: 200, Last: true})
			s.wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200})
			s.answers("end", event.HTTP{Method: "GET", Status: 200, Bytes: 8192, Last: true, CRC32: probeCRC})
			return s.failsHTTP("  Downloading...512 Bytes", noSize, "  Error: Unexpected network error.")
		}},
		{"http/no length/broken off, and no more was heard", "web", NoLength, event.StageDownload, func(s *script) *script {
			s.httpDORA(probeURI).wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200, Bytes: 512})
			s.say("  Downloading...512 Bytes", noSize, "  Error: Unexpected network error.")
			s.packet("", event.Packet{Proto: "http", Src: s.lease() + ":1069", Dst: "192.0.2.2:80", Info: "HTTP cut", HTTP: &event.HTTP{Op: "cut", Method: "GET", Target: "/probe-x64.efi"}})
			return s.stalls(event.StageDownload)
		}},
		{"http/no length/near-miss: it goes on", "web", Stalled, event.StageDownload, func(s *script) *script {
			s.httpDORA(probeURI).wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200, Bytes: 512})
			return s.stalls(event.StageDownload)
		}},
		{"http/no length/near-miss: in chunks", "web", ImageRefused, event.StageDownload, func(s *script) *script {
			s.httpDORA(probeURI).wants("HEAD", "/probe-x64.efi").answers("response", event.HTTP{Method: "HEAD", Status: 200, Last: true})
			s.wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200, Chunks: true})
			s.answers("end", event.HTTP{Method: "GET", Status: 200, Chunks: true, Bytes: 8192, Last: true, CRC32: probeCRC})
			return s.failsHTTP("  Downloading...8192 Bytes")
		}},
		{"http/no length/near-miss: taken nevertheless", "web", "", event.StageOff, func(s *script) *script {
			s.httpDORA(probeURI).wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200})
			s.answers("end", event.HTTP{Method: "GET", Status: 200, Bytes: 8192, Last: true, CRC32: probeCRC})
			return s.startsHTTP().reportsHTTP(nonce).off()
		}},
		{"http/silent", "web", HTTPSilent, event.StageDownload, func(s *script) *script {
			return s.httpDORA(probeURI).wants("HEAD", "/probe-x64.efi").after(30*time.Second).failsHTTP(noSize, "  Error: Could not establish connection with HTTP server.")
		}},
		{"http/silent for ipxe, which waits for ever", "bios", HTTPSilent, event.StageDownload, func(s *script) *script {
			return s.firmware().dora("http://192.0.2.2/probe.0").wants("GET", "/probe.0").stalls(event.StageDownload)
		}},
		{"http/refused", "web", HTTPSilent, event.StageAddress, func(s *script) *script {
			s.httpDORA(probeURI).packet("", event.Packet{Proto: "tcp", Src: s.lease() + ":1069", Dst: "192.0.2.2:80", Info: "TCP SYN"})
			s.packet("tftp", event.Packet{Proto: "tcp", Src: "192.0.2.2:80", Dst: s.lease() + ":1069", Info: "TCP RST"})
			return s.failsHTTP(noSize)
		}},
		{"http/firewalled", "web", HTTPSilent, event.StageAddress, func(s *script) *script {
			s.httpDORA(probeURI)
			for range 3 {
				s.packet("", event.Packet{Proto: "tcp", Src: s.lease() + ":1069", Dst: "192.0.2.2:80", Info: "TCP SYN"})
			}
			return s.failsHTTP(noSize)
		}},
		{"http/no URI", "web", NoURI, event.StageOffer, func(s *script) *script {
			s.say(">>Start HTTP Boot over IPv4.").sends(event.DHCP{Type: "DISCOVER", ClassID: "HTTPClient:Arch:00016:UNDI:003000"})
			return s.receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: s.lease(), ServerID: "192.0.2.1"}).failsHTTP(noSize, "  Error: Server response timeout.")
		}},
		{"http/a URI without HTTPClient", "web", NoURI, event.StageOffer, func(s *script) *script {
			s.say(">>Start HTTP Boot over IPv4.").sends(event.DHCP{Type: "DISCOVER", ClassID: "HTTPClient:Arch:00016:UNDI:003000"})
			return s.receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: s.lease(), ServerID: "192.0.2.1", File: probeURI}).failsHTTP(noSize)
		}},
		{"http/a TFTP file", "web", NoURI, event.StageOffer, func(s *script) *script {
			s.say(">>Start HTTP Boot over IPv4.").sends(event.DHCP{Type: "DISCOVER", ClassID: "HTTPClient:Arch:00016:UNDI:003000"})
			return s.receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: s.lease(), ServerID: "192.0.2.1", File: "probe-x64.efi"}).failsHTTP(noSize)
		}},
		{"http/no server", "web", NoOffer, event.StageDiscover, func(s *script) *script {
			s.say(">>Start HTTP Boot over IPv4.").sends(event.DHCP{Type: "DISCOVER", ClassID: "HTTPClient:Arch:00016:UNDI:003000"})
			return s.after(time.Minute).failsHTTP(noSize, "  Error: Server response timeout.")
		}},
		{"http/secure boot", "web", ImageRefused, event.StageDownload, func(s *script) *script {
			return s.httpDORA(probeURI).downloads(probeCRC).say(`BdsDxe: failed to load Boot0002 "UEFI HTTPv4 (MAC:525400707804)" from PciRoot(0x0): Access Denied`)
		}},
		{"http/wrong architecture", "web", WrongArch, event.StageDownload, func(s *script) *script {
			s.httpDORA("http://192.0.2.2/probe.0").wants("GET", "/probe.0")
			s.answers("end", event.HTTP{Method: "GET", Target: "/probe.0", Status: 200, Length: length(8192), Bytes: 8192, Last: true, CRC32: probeCRC})
			return s.failsHTTP()
		}},
	}...)

	healthyHTTP := func(s *script) *script {
		return s.httpDORA(probeURI).downloads(probeCRC).startsHTTP().reportsHTTP(nonce).off()
	}
	offered := func(file string) []topology.Expectation {
		return one(topology.Expectation{Offer: &topology.Offer{From: "dhcp", File: file}})
	}
	allClaims = append(allClaims, []claims{
		{"http/booted", "web", booted("probe", "tftp"), healthyHTTP, true, "came over HTTP as served (8192 bytes, crc 1055d55b)"},
		{"http/booted/another service", "web", booted("probe", "dhcp"), healthyHTTP, false, `served by "tftp", not by "dhcp"`},
		{"http/booted/another nonce", "web", booted("probe", ""), func(s *script) *script {
			return s.httpDORA(probeURI).downloads(probeCRC).startsHTTP().reportsHTTP("OLDOLDOLDOLDOLD0").off()
		}, false, "not of this run"},
		{"http/booted/other bytes on the wire", "web", booted("probe", ""), func(s *script) *script {
			return s.httpDORA(probeURI).downloads("deadbeef").startsHTTP().reportsHTTP(nonce).off()
		}, false, `crc deadbeef) is not the file as served`},
		{"http/booted/unfinished", "web", booted("probe", ""), func(s *script) *script {
			return s.httpDORA(probeURI).downloads(probeCRC).startsHTTP().say("PXELAB-PROBE v1 arch=efi-x64 nonce=" + nonce).stalls(event.StageStarted)
		}, false, "did not finish"},
		{"http/booted/a wrong sum of its own", "web", booted("probe", ""), func(s *script) *script {
			s.httpDORA(probeURI).downloads(probeCRC).startsHTTP()
			return s.reports("PXELAB self", "PXELAB self st=0000 size=1 crc=deadbeef how=memory", "PXELAB packet=ack", "").off()
		}, false, "is not image"},
		{"http/booted/ipxe, with round trips of its own", "bios", booted("probe", "tftp"), byURI(), true, "came over HTTP as served"},
		{"http/booted/ipxe, second file not fetched", "bios", booted("probe", ""),
			byURI("PXELAB fetch", "PXELAB fetch st=0035 server=192.0.2.2 name=second.bin size=0 crc=0"), false, "could not fetch"},
		{"http/booted/ipxe, where nobody could serve the second file", "bios", booted("probe", ""),
			byURI("PXELAB fetch", "PXELAB fetch st=0035 server=192.0.2.1 name=second.bin size=0 crc=0"), true, ""},
		{"http/booted/ipxe, no echo", "bios", booted("probe", ""), byURI("PXELAB udp", "PXELAB udp st=0001 size=0"), false, "did not come back"},
		{"http/booted/never fetched whole", "web", booted("probe", ""), func(s *script) *script {
			return s.httpDORA(probeURI).wants("GET", "/probe-x64.efi").startsHTTP().reportsHTTP(nonce).off()
		}, false, "did not say which file"},
		{"http/served", "web", served("probe-x64.efi", "tftp", "http"), healthyHTTP, true, `to web over HTTP, 8192 bytes`},
		{"http/served/by any protocol", "web", served("/probe-x64.efi", "tftp", ""), healthyHTTP, true, "over HTTP"},
		{"http/served/by TFTP", "web", served("probe-x64.efi", "", "tftp"), healthyHTTP, false, `never asked for "probe-x64.efi" over tftp, but for "/probe-x64.efi" over HTTP`},
		{"http/served/other bytes", "web", served("probe-x64.efi", "", "http"), func(s *script) *script {
			return s.httpDORA(probeURI).downloads("deadbeef").startsHTTP().reportsHTTP(nonce).off()
		}, false, "is not the file as served"},
		{"http/served/half", "web", served("probe-x64.efi", "", "http"), func(s *script) *script {
			s.httpDORA(probeURI).wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 200, Length: length(8192), Bytes: 512})
			return s.stalls(event.StageDownload)
		}, false, "did not get it whole (512 bytes came)"},
		{"http/served/a part", "web", served("probe-x64.efi", "", "http"), func(s *script) *script {
			s.httpDORA(probeURI).wants("GET", "/probe-x64.efi").answers("response", event.HTTP{Method: "GET", Status: 206, Length: length(10), Bytes: 10, Last: true})
			return s.stalls(event.StageDownload)
		}, false, "did not get it whole (10 bytes came)"},
		{"http/offer", "web", offered(probeURI), healthyHTTP, true, "took it"},
		{"http/offer/another URI", "web", offered("http://192.0.2.2/other.efi"), healthyHTTP, false, `offered web boot file "http://192.0.2.2/probe-x64.efi", not "http://192.0.2.2/other.efi"`},
	}...)
}

func TestHTTPCalm(t *testing.T) {
	answer := event.HTTP{Method: "HEAD", Status: 200, Length: length(8192), Last: true}
	for name, c := range map[string]struct {
		why  string // empty: calm
		play func(*script) *script
	}{
		"healthy": {"", func(s *script) *script { return s.httpDORA(probeURI).downloads(probeCRC) }},
		"late answer": {"the answer to HTTP HEAD /probe-x64.efi came 41ms", func(s *script) *script {
			return s.wants("HEAD", "/probe-x64.efi").after(40*ms).answers("response", answer)
		}},
		"no answer": {`service "tftp" had not answered HTTP HEAD`, func(s *script) *script { return s.wants("HEAD", "/probe-x64.efi") }},
		"silent by decision": {"", func(s *script) *script {
			return s.wants("HEAD", "/probe-x64.efi").decided("tftp", "http", "HEAD /probe-x64.efi", "")
		}},
	} {
		p := testPlan()
		s := c.play(newScript(p, "bios").power("web", true)).stalls(event.StageDownload)
		calm, why := Calm(p, s.events, "web")
		if calm != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: calm %t, %q; want %q", name, calm, why, c.why)
		}
	}
}
