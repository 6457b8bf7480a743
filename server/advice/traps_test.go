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
