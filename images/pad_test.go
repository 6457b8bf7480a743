package images

import (
	"bytes"
	"testing"
)

func TestPadded(t *testing.T) {
	program := []byte("MZ program")
	a := Padded("probe-x64.efi", program, 5000, "A")
	if len(a) != 5000 || !bytes.HasPrefix(a, program) || bytes.Equal(a[1000:1512], a[2000:2512]) {
		t.Errorf("%d octets", len(a))
	}
	if !bytes.Equal(a, Padded("probe-x64.efi", program, 5000, "A")) || bytes.Equal(a, Padded("probe-x64.efi", program, 5000, "B")) {
		t.Error("the padding does not follow from the nonce")
	}
	for _, c := range []struct {
		file string
		size int
	}{{"probe.0", 5000}, {"second.bin", 5000}, {"probe-x64.efi", 0}, {"probe-x64.efi", 9}} {
		if got := Padded(c.file, program, c.size, "A"); !bytes.Equal(got, program) {
			t.Errorf("%s became %d octets", c.file, len(got))
		}
	}
}
