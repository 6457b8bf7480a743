package images

import (
	"maps"
	"strings"
	"testing"
)

func TestParseLine(t *testing.T) {
	for line, want := range map[string]Line{
		"PXELAB-PROBE v1 arch=bios nonce=n fw=EDK_II": {"probe", map[string]string{"arch": "bios", "nonce": "n", "fw": "EDK_II"}},
		"PXELAB-PROBE END":                            {"end", map[string]string{}},
		"PXELAB-PROBE END\r":                          {"end", map[string]string{}},
		"PXELAB self st=0000 size=2686 how=memory\r":  {"self", map[string]string{"st": "0000", "size": "2686", "how": "memory"}},
		"PXELAB packet=ack valid=1 file= o43=0a=b":    {"packet", map[string]string{"packet": "ack", "valid": "1", "file": "", "o43": "0a=b"}},
		"PXELAB via=dhcp":                             {"via", map[string]string{"via": "dhcp"}},
		"PXELAB future":                               {"future", map[string]string{}},
	} {
		got, ok := ParseLine(line)
		if !ok || got.Key != want.Key || !maps.Equal(got.Fields, want.Fields) {
			t.Errorf("ParseLine(%q) = %v, %v; want %v", line, got, ok, want)
		}
	}
}

func TestParseLineRefuses(t *testing.T) {
	for _, line := range []string{
		"", "\r", "PXELAB", "PXELAB ", "PXELAB  self st=0", "PXELAB-PROBE", "PXELAB-PROBE v2 arch=bios", "PXELAB-PROBE v1 arch",
		" PXELAB self st=0", "xPXELAB self st=0", "PXELAB self st=0 size", "PXELAB self st=0  size=1", "PXELAB self st=0 st=1",
		"PXELAB self st=0 ", "PXELAB Self st=0", "PXELAB self ST=0", "PXELAB =x", "PXELAB self =x", "PXELAB self st=\x1b[0m",
		"PXELAB self st=0\r\r", "PXELAB-PROBE END ", "PXELAB self st=ü", "Filename: PXELAB self st=0",
	} {
		if got, ok := ParseLine(line); ok || got.Key != "" || got.Fields != nil {
			t.Errorf("ParseLine(%q) = %v, %v; want none", line, got, ok)
		}
	}
}

// A line that parses says nothing more than its fields: written out again in any order, it is the same line.
func FuzzParseLine(f *testing.F) {
	f.Add("PXELAB-PROBE v1 arch=bios nonce=nonce-0123456789")
	f.Add("PXELAB packet=ack valid=1 yiaddr=10.0.2.15 sname= file=/probe.0 o53=05")
	f.Add("PXELAB udp st=0000 size=21 from=10.0.2.2 data=ECHO:nonce")
	f.Add("PXELAB-PROBE END\r")
	f.Add("PXELAB x =")
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := ParseLine(line)
		if !ok {
			return
		}
		var words []string
		first, self := got.Fields[got.Key]
		if self {
			words = append(words, got.Key+"="+first)
		} else {
			words = append(words, got.Key)
		}
		for k, v := range got.Fields {
			if k != got.Key {
				words = append(words, k+"="+v)
			}
		}
		if got.Key == "probe" || got.Key == "end" {
			return
		}
		again, ok := ParseLine("PXELAB " + strings.Join(words, " "))
		if !ok || again.Key != got.Key || !maps.Equal(again.Fields, got.Fields) {
			t.Errorf("%q parses as %v, its fields again as %v", line, got, again)
		}
	})
}
