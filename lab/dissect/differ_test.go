package dissect

import (
	"slices"
	"testing"
)

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		changes, want []string
	}{
		{nil, nil},
		{[]string{"dhcp.file=other.efi", "-dhcp.option.97", "dhcp.option.209=more"},
			[]string{`dhcp.file other.efi instead of nothing`, `dhcp.option.209 more added`, `dhcp.option.97 taken out`}},
		{[]string{"dhcp.option.43.6=0"}, []string{"dhcp.option.43.6 0x00 instead of 0x08"}},
	} {
		r := the(t, "proxy-beside-dhcp", "offer-of-dhcp", "ovmf-x64")
		if len(c.changes) == 1 {
			r = the(t, "proxy-beside-dhcp", "offer-of-proxy", "ovmf-x64")
		}
		after, err := Change(r.data, c.changes)
		if err != nil {
			t.Fatal(err)
		}
		if got := Differences(r.data, after); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.changes, got, c.want)
		}
	}
}
