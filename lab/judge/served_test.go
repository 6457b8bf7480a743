package judge

import (
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestServedByTheOneThatEndedIt: what another server says of the same name later does not make the file its own, until
// it has sent it whole.
func TestServedByTheOneThatEndedIt(t *testing.T) {
	for _, c := range []struct {
		later event.TFTP
		from  string
	}{
		{event.TFTP{Op: "OACK"}, "tftp"},
		{event.TFTP{Op: "ERROR", Code: 1, Message: "File not found"}, "tftp"},
		{event.TFTP{Op: "DATA", Block: 1, Bytes: 1468}, "tftp"},
		{event.TFTP{Op: "DATA", Block: 6, Bytes: 8192, Last: true}, "dhcp"},
	} {
		for _, from := range []string{"tftp", "dhcp"} {
			p := expecting("bios", topology.Expectation{Served: &topology.Served{File: "probe.0", From: from}})
			s := newScript(p, "bios").firmware().dora("probe.0").fetches("probe.0")
			s.asks("RRQ", "probe.0", event.TFTP{})
			c.later.File = "probe.0"
			s.packet("dhcp", event.Packet{Proto: "tftp", Src: "192.0.2.1:4001", Dst: s.lease() + ":1069", Info: c.later.Op, TFTP: &c.later}).off()
			if v := verdictsOf("bios", Judge(p, s.events))[0]; v.Pass != (from == c.from) {
				t.Errorf("%s from the other server, expected from %s: pass %v: %s", c.later.Op, from, v.Pass, v.Sentence)
			}
		}
	}
}

// TestServedOverHTTPByTheOneThatEndedIt: the same over HTTP.
func TestServedOverHTTPByTheOneThatEndedIt(t *testing.T) {
	get := func(s *script, service, src string, h event.HTTP) {
		h.Method, h.Target = "GET", "/probe.0"
		s.packet("", event.Packet{Proto: "http", Src: s.lease() + ":5000", Dst: src, Info: "GET", HTTP: &event.HTTP{Op: "request", Method: "GET", Target: "/probe.0"}})
		s.packet(service, event.Packet{Proto: "http", Src: src, Dst: s.lease() + ":5000", Info: h.Op, HTTP: &h})
	}
	whole := event.HTTP{Op: "end", Status: 200, Bytes: 8192, Last: true, CRC32: probeCRC}
	for _, c := range []struct {
		later event.HTTP
		from  string
	}{
		{event.HTTP{Op: "response", Status: 404}, "tftp"},
		{event.HTTP{Op: "response", Status: 200}, "tftp"},
		{whole, "dhcp"},
	} {
		for _, from := range []string{"tftp", "dhcp"} {
			p := expecting("bios", topology.Expectation{Served: &topology.Served{File: "probe.0", From: from, Over: "http"}})
			s := newScript(p, "bios").firmware().dora("http://192.0.2.2/probe.0")
			get(s, "tftp", "192.0.2.2:80", whole)
			get(s, "dhcp", "192.0.2.1:80", c.later)
			if v := verdictsOf("bios", Judge(p, s.off().events))[0]; v.Pass != (from == c.from) {
				t.Errorf("%s %d from the other server, expected from %s: pass %v: %s", c.later.Op, c.later.Status, from, v.Pass, v.Sentence)
			}
		}
	}
}
