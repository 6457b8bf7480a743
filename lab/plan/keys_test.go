package plan

import "testing"

func TestTyped(t *testing.T) {
	for _, c := range []struct{ firmware, keys, want string }{
		{"bios", "\x1b[19~", "\x1b[19~"},
		{"ovmf-x64", "\x1b[19~", "\x1b[T"},
		{"ovmf-ia32", "a\x1bOP\x1b[24~\r", "a\x1b[M\x1b[X\r"},
		{"ovmf-x64-ipxe", "\x1b[A\x1b", "\x1b[A\x1b"}, // arrows are the same, and Esc is itself
	} {
		if got := Typed(c.firmware, c.keys); got != c.want {
			t.Errorf("%s is sent %q for %q, want %q", c.firmware, got, c.keys, c.want)
		}
	}
}
