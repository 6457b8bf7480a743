package console

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestDecoder: the text is the same however the octets are cut.
func TestDecoder(t *testing.T) {
	for in, want := range map[string]string{
		"plain \x1b[1m\x00":        "plain \x1b[1m\x00",
		"┌é":                       "┌é",
		"\xda\xc4\xc4 \xb3 \xcd\n": "┌── │ ═\n",
		"\xe2\x94":                 "Γö",
		"\xe2\x94A":                "ΓöA",
		"\xb0":                     "░",
	} {
		for cut := range len(in) + 1 {
			var d Decoder
			if got := d.Text([]byte(in[:cut])) + d.Text([]byte(in[cut:])) + d.Flush(); got != want {
				t.Errorf("%q cut at %d: %q, want %q", in, cut, got, want)
			}
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("SeaBIOS \xda\xc4\xbf\xe2\x94\x8c"), 3)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		cut = min(max(cut, 0), len(in))
		var one, two Decoder
		whole := one.Text(in) + one.Flush()
		if parts := two.Text(in[:cut]) + two.Text(in[cut:]) + two.Flush(); parts != whole {
			t.Fatalf("%q whole, %q in parts", whole, parts)
		}
		if !utf8.ValidString(whole) || utf8.Valid(in) && whole != string(in) {
			t.Fatalf("%q becomes %q", in, whole)
		}
		if n := strings.Count(whole, "\n"); n != strings.Count(string(in), "\n") {
			t.Fatal("lines are lost")
		}
	})
}
