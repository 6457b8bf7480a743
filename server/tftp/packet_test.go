package tftp

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRequest(t *testing.T) {
	for _, c := range []struct {
		in   string
		want request
		err  string
	}{
		{"\x00\x01probe.0\x00octet\x00", request{op: opRRQ, name: "probe.0", mode: "octet"}, ""},
		{"\x00\x02f\x00NetASCII\x00", request{op: opWRQ, name: "f", mode: "netascii"}, ""},
		{"\x00\x01f\x00octet\x00BlkSize\x001468\x00tsize\x000\x00", request{op: opRRQ, name: "f", mode: "octet",
			options: []option{{"blksize", "1468"}, {"tsize", "0"}}}, ""},
		{"\x00\x01f\x00octet\x00blksize\x00", request{op: opRRQ, name: "f", mode: "octet"}, ""},
		{"\x00\x01f\x00octet\x00blksize\x0014", request{op: opRRQ, name: "f", mode: "octet"}, ""}, // cut short
		{"\x00\x01f\x00octet", request{}, "without file name or mode"},
		{"\x00\x01", request{}, "without file name or mode"},
		{"\x00\x04\x00\x00", request{}, "opcode 4: not a request"},
		{"\x00", request{}, "datagram of 1 octets"},
	} {
		got, err := parseRequest([]byte(c.in))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %s", c.in, err, c.err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(request{}, option{})); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", c.in, err, diff)
		}
	}
}

func TestLocalName(t *testing.T) {
	for in, want := range map[string]string{
		"probe.0": "probe.0", "/probe.0": "probe.0", "//a//b": "a/b", `\boot\x64\x.com`: "boot/x64/x.com", `C:\boot\x`: "boot/x",
		"c:x": "x", "./a/./b": "a/b", "a..b/...": "a..b/...", "1:x": "1:x",
		"": "", "/": "", ".": "", `C:\`: "",
	} {
		got, refused := localName(in)
		if got != want || (refused == nil) != (want != "") {
			t.Errorf("%q gives %q, want %q (%+v)", in, got, want, refused)
		}
	}
	for _, in := range []string{"..", "../a", `a\..\b`, "C:..", "/../a", "a/.."} {
		if got, refused := localName(in); refused == nil || refused.code != codeAccess {
			t.Errorf("%q gives %q, not refused", in, got)
		}
	}
}

func TestMaxBlk(t *testing.T) {
	for _, c := range []struct{ limit, mtu, want int }{
		{0, 1500, 1468}, {0, 9000, 8968}, {0, 65536, 65464}, {0, 500, 512}, {1024, 1500, 1024}, {4096, 1500, 1468}, {512, 1500, 512},
	} {
		if got := maxBlk(c.limit, c.mtu); got != c.want {
			t.Errorf("limit %d, MTU %d: %d, want %d", c.limit, c.mtu, got, c.want)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("\x00\x01probe.0\x00octet\x00blksize\x001468\x00tsize\x000\x00"))
	f.Add([]byte("\x00\x02a\\..\\b\x00NETASCII\x00"))
	f.Add([]byte{0, 1, 0, 0, 0})
	f.Add([]byte("\x00\x02\r\\\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if err != nil {
			return
		}
		if strings.ContainsAny(r.String(), "\x00\n\r\x1b") {
			t.Errorf("%q has control characters", r.String())
		}
		checkTerms(t, r)
		if name, refused := localName(r.name); refused == nil && (name == "" || name[0] == '/' || strings.Contains("/"+name+"/", "/../")) {
			t.Errorf("%q becomes %q", r.name, name)
		}
	})
}

// checkTerms holds what is granted to what was asked for, and the OACK to what its reader understands.
func checkTerms(t *testing.T, r request) {
	l := limits{blk: 1468, window: 16, multicast: true, again: time.Second}
	terms := r.agree(l, 12345)
	if terms.blk < minBlk || terms.blk > l.blk || terms.window < 1 || terms.window > l.window || terms.again < time.Second ||
		terms.again > maxTimeout*time.Second || terms.multicast && (terms.window > 1 || !r.has(optMulticast)) {
		t.Errorf("%+v is granted %+v", r, terms)
	}
	for _, o := range terms.granted {
		if !r.has(o.name) {
			t.Errorf("%s is granted and was not asked for by %+v", o.name, r)
		}
	}
	packet := oack(terms.granted)
	again, err := parseRequest(append([]byte("\x00\x01f\x00octet\x00"), packet[2:]...))
	if err != nil || !slices.Equal(again.options, terms.granted) {
		t.Errorf("OACK %q reads as %+v, %v", packet, again.options, err)
	}
	if strings.ContainsAny(terms.String(), "\x00\n\r\x1b") {
		t.Errorf("%q has control characters", terms)
	}
}
