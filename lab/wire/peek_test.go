package wire

import "testing"

func TestFirstAnswer6(t *testing.T) {
	six := talk{"[2001:db8::100]:1850", "[2001:db8::1]:40495"}
	four := talk{"192.0.2.100:1850", "192.0.2.1:40495"}
	for _, c := range []struct {
		name  string
		frame frame
		want  bool
	}{
		{"an OACK", six.rx(strs(6, "tsize", "13824")), true},
		{"an ERROR", six.rx(append([]byte{0, 5, 0, 1}, "File not found\x00"...)), true},
		{"the first block", six.rx(block(3, 1, 512)), true},
		{"another block", six.rx(block(3, 2, 512)), false},
		{"a request", six.tx(strs(1, "probe.efi", "octet")), false},
		{"an ACK", six.tx(block(4, 1, 0)), false},
		{"an OACK over IPv4", four.rx(strs(6, "tsize", "13824")), false},
		{"no IP", arp(1, guestMAC, "192.0.2.100", "192.0.2.1", true), false},
		{"nothing", frame{}, false},
	} {
		if got := FirstAnswer6(c.frame.data); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
