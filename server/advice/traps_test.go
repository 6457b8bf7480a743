package advice

import (
	"net/netip"
	"testing"

	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

func TestRemedies(t *testing.T) {
	for _, n := range pxeclient.RuleNames() {
		if _, ok := remedies[n]; !ok {
			t.Errorf("rule %q has no remedy", n)
		}
	}
}

func told(a Asker, file string) Answer {
	f := pxeclient.File{Server: netip.MustParseAddr("192.0.2.1"), Name: file}
	return Answer{Asker: a, Walk: &pxeclient.Walk{File: &f}}
}

func TestComparisons(t *testing.T) {
	bios, x64, bc := Asker{Arch: pxe.ArchBIOS}, Asker{Arch: pxe.ArchEFIX64}, Asker{Arch: pxe.ArchEFIBC}
	ipxe := Asker{Arch: pxe.ArchBIOS, IPXE: true}
	none := Answer{Asker: x64, Walk: &pxeclient.Walk{}}
	for name, c := range map[string]struct {
		find func([]Answer) ([]string, string)
		all  []Answer
		trap bool
	}{
		"one file":                 {oneFile, []Answer{told(bios, "a"), told(x64, "a")}, true},
		"one file, both x64":       {oneFile, []Answer{told(x64, "a"), told(bc, "a")}, false},
		"loop":                     {loop, []Answer{told(ipxe, "undionly.kpxe")}, true},
		"script":                   {loop, []Answer{told(ipxe, "ipxe/boot.ipxe")}, false},
		"firmware loads iPXE":      {loop, []Answer{told(bios, "undionly.kpxe")}, false},
		"9 and not 7":              {nineNotSeven, []Answer{none, told(bc, "a")}, true},
		"9 and 7":                  {nineNotSeven, []Answer{told(x64, "a"), told(bc, "a")}, false},
		"nobody":                   {nobody, []Answer{none}, true},
		"nobody, but there is one": {nobody, []Answer{{Asker: x64, Walk: &pxeclient.Walk{Offers: []*pxeclient.Reply{{}}}}}, false},
	} {
		if _, text := c.find(c.all); (text != "") != c.trap {
			t.Errorf("%s: %q, want a trap: %v", name, text, c.trap)
		}
	}
}

// TestRules: each rule on one answer finds its trap, and does not where one thing is as it should be.
func TestRules(t *testing.T) {
	asker := Asker{Arch: pxe.ArchEFIX64, Wanted: true}
	looked := func(l *Look) Answer {
		a := told(asker, "a")
		a.Look = l
		return a
	}
	sized := func(blocks int64, size string) Answer {
		a := looked(&Look{Options: map[string]string{"tsize": size}})
		a.Walk.File.Size = blocks * 512
		return a
	}
	offers := func(from ...string) Answer {
		a := Answer{Asker: asker, Walk: &pxeclient.Walk{}}
		for _, f := range from {
			a.Walk.Offers = append(a.Walk.Offers, &pxeclient.Reply{From: netip.MustParseAddrPort(f), Message: &pxeclient.Message{YIAddr: netip.MustParseAddr("192.0.2.100")}})
		}
		return a
	}
	for name, c := range map[string]struct {
		find   func(*Answer) string
		answer Answer
		trap   bool
	}{
		"no file":                  {(*Answer).noFile, offers("192.0.2.1:67"), true},
		"a file":                   {(*Answer).noFile, told(asker, "a"), false},
		"no offer at all":          {(*Answer).noFile, offers(), false},
		"two servers":              {(*Answer).twoServers, offers("192.0.2.1:67", "192.0.2.2:67"), true},
		"one server, twice":        {(*Answer).twoServers, offers("192.0.2.1:67", "192.0.2.1:67"), false},
		"refused":                  {(*Answer).refused, looked(&Look{Refused: "TFTP error 1"}), true},
		"not refused":              {(*Answer).refused, looked(&Look{}), false},
		"silent":                   {(*Answer).silent, looked(&Look{Silent: true}), true},
		"not silent":               {(*Answer).silent, looked(&Look{}), false},
		"not looked at":            {(*Answer).silent, looked(nil), false},
		"no options":               {(*Answer).noOptions, looked(&Look{}), true},
		"options":                  {(*Answer).noOptions, looked(&Look{Options: map[string]string{}}), false},
		"no options, as refused":   {(*Answer).noOptions, looked(&Look{Refused: "x"}), false},
		"no tsize":                 {(*Answer).noSize, looked(&Look{Options: map[string]string{"blksize": "1468"}}), true},
		"tsize":                    {(*Answer).noSize, looked(&Look{Options: map[string]string{"tsize": "1"}}), false},
		"tsize that is no number":  {(*Answer).noSize, looked(&Look{Options: map[string]string{"tsize": "much"}}), true},
		"option 13 wrong":          {(*Answer).wrongSize, sized(3, "512"), true},
		"option 13 right":          {(*Answer).wrongSize, sized(3, "1025"), false},
		"option 13 right, a whole": {(*Answer).wrongSize, sized(2, "1024"), false},
		"no option 13":             {(*Answer).wrongSize, sized(0, "1024"), false},
	} {
		if text := c.find(&c.answer); (text != "") != c.trap {
			t.Errorf("%s: %q, want a trap: %v", name, text, c.trap)
		}
	}
}

// TestOtherAck: an acknowledgement that names another file, or another next server, than the offer of the same server did.
func TestOtherAck(t *testing.T) {
	says := func(server, next, file string) *pxeclient.Reply {
		m := &pxeclient.Message{YIAddr: netip.MustParseAddr("192.0.2.100"), SIAddr: netip.MustParseAddr(next), File: file}
		m.Set(54, netip.MustParseAddr(server).AsSlice()...)
		return &pxeclient.Reply{Message: m, Vendor: &pxe.Vendor{}}
	}
	offer := says("192.0.2.1", "192.0.2.1", "a")
	for name, c := range map[string]struct {
		ack  *pxeclient.Reply
		trap bool
	}{
		"another file":          {says("192.0.2.1", "192.0.2.1", "b"), true},
		"another next server":   {says("192.0.2.1", "192.0.2.2", "a"), true},
		"the same":              {says("192.0.2.1", "192.0.2.1", "a"), false},
		"no file in the ACK":    {says("192.0.2.1", "192.0.2.1", ""), false}, // clients keep the offer's
		"an ACK of another":     {says("192.0.2.2", "192.0.2.2", "b"), false},
		"no ACK":                {nil, false},
		"file in option 67, ok": {option67(says("192.0.2.1", "192.0.2.1", ""), "a\x00"), false},
		"file in option 67":     {option67(says("192.0.2.1", "192.0.2.1", "a"), "b"), true},
	} {
		a := Answer{Walk: &pxeclient.Walk{Choice: pxeclient.Choice{Address: offer}, Lease: c.ack}}
		if text := a.otherAck(); (text != "") != c.trap {
			t.Errorf("%s: %q, want a trap: %v", name, text, c.trap)
		}
	}
}

func option67(r *pxeclient.Reply, file string) *pxeclient.Reply {
	r.Set(67, []byte(file)...)
	return r
}

// TestNoHTTPClass: an offer with a URI to an HTTP client that does not say HTTPClient.
func TestNoHTTPClass(t *testing.T) {
	http := Asker{Arch: 16, HTTP: true}
	const uri = "http://192.0.2.1/a.efi"
	for name, c := range map[string]struct {
		asker       Asker
		file, class string
		trap        bool
	}{
		"no class":               {http, uri, "", true},
		"PXEClient":              {http, uri, "PXEClient", true},
		"https":                  {http, "https://boot.example/a.efi", "", true},
		"HTTPClient":             {http, uri, "HTTPClient", false},
		"the client's own":       {http, uri, "HTTPClient:Arch:00016:UNDI:003001", false}, // EDK2 compares ten letters
		"a file for TFTP":        {http, "a.efi", "", false},
		"no file":                {http, "", "", false},
		"to iPXE, which fetches": {Asker{Arch: pxe.ArchEFIX64, IPXE: true}, uri, "", false},
	} {
		m := &pxeclient.Message{YIAddr: netip.MustParseAddr("192.0.2.100"), File: c.file}
		m.Set(54, 192, 0, 2, 1)
		if c.class != "" {
			m.Set(60, []byte(c.class)...)
		}
		a := Answer{Asker: c.asker, Walk: &pxeclient.Walk{Offers: []*pxeclient.Reply{{Message: m, Vendor: &pxe.Vendor{}}}}}
		if text := a.noHTTPClass(); (text != "") != c.trap {
			t.Errorf("%s: %q, want a trap: %v", name, text, c.trap)
		}
	}
}

// FuzzLook: whatever a TFTP server sends first is read.
func FuzzLook(f *testing.F) {
	for _, b := range []string{"\x00\x06tsize\x0010\x00blksize\x001468\x00", "\x00\x05\x00\x01File not found\x00", "\x00\x03\x00\x01data", "\x00\x06\x00\x00", "\x00\x09\x00\x00"} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		l := parseLook(b)
		if n, ok := l.Size(); ok && n < 0 {
			t.Errorf("a size of %d", n)
		}
		if l.Refused != "" && l.Options != nil {
			t.Errorf("%+v", l)
		}
	})
}
