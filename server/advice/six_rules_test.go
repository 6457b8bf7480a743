package advice

import (
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// TestRules6: each rule over IPv6 on one answer finds its trap, and does not where one thing is as it should be.
func TestRules6(t *testing.T) {
	address := netip.MustParseAddr("2001:db8::100")
	good := Offer6{Address: address, URL: "http://[2001:db8::1]/a.efi", Class: "HTTPClient"}
	change := func(f func(*Offer6)) []Offer6 {
		o := good
		f(&o)
		return []Offer6{o}
	}
	managed := &Six{Router: true, Managed: true}
	for name, c := range map[string]struct {
		find   func(*Six, *Answer6) string
		six    *Six
		http   bool
		offers []Offer6
		trap   bool
	}{
		"no URL":                     {noURL6, managed, false, change(func(o *Offer6) { o.URL = "" }), true},
		"a URL":                      {noURL6, managed, false, []Offer6{good}, false},
		"one of two has a URL":       {noURL6, managed, false, append(change(func(o *Offer6) { o.URL = "" }), good), false},
		"no offer, no URL":           {noURL6, managed, false, nil, false},
		"no class":                   {noClass6, managed, true, change(func(o *Offer6) { o.Class = "" }), true},
		"class of PXE":               {noClass6, managed, true, change(func(o *Offer6) { o.Class = "PXEClient" }), true},
		"class":                      {noClass6, managed, true, []Offer6{good}, false},
		"no class, to PXE":           {noClass6, managed, false, change(func(o *Offer6) { o.Class = "" }), false},
		"no class, but no URL":       {noClass6, managed, true, change(func(o *Offer6) { o.Class, o.URL = "", "" }), false},
		"no address":                 {noAddress6, managed, false, change(func(o *Offer6) { o.Address = netip.Addr{} }), true},
		"an address":                 {noAddress6, managed, false, []Offer6{good}, false},
		"no offer, no address":       {noAddress6, managed, false, nil, false},
		"router without M":           {notManaged6, &Six{Router: true}, false, []Offer6{good}, true},
		"no router":                  {notManaged6, &Six{}, false, []Offer6{good}, true},
		"router with M":              {notManaged6, managed, false, []Offer6{good}, false},
		"no router, no DHCPv6":       {notManaged6, &Six{}, false, nil, false},
		"router without M, no offer": {notManaged6, &Six{Router: true}, false, nil, false},
	} {
		a := &Answer6{Asker: Asker{Arch: 16, HTTP: c.http}, Offers: c.offers}
		if text := c.find(c.six, a); (text != "") != c.trap {
			t.Errorf("%s: %q, want a trap: %v", name, text, c.trap)
		}
	}
}

// FuzzOffer6: whatever comes to the DHCPv6 client's port is read, and counts only if it is an ADVERTISE of the transaction.
func FuzzOffer6(f *testing.F) {
	from := netip.MustParseAddr("fe80::1")
	f.Add([]byte("\x02abc\x00\x3b\x00\x04tftp"))
	f.Add([]byte("\x02abc\x00\x03\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x07abc"))
	f.Add([]byte("\x02abc\x00\x10\x00\x04\x00\x00\x01\x57"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, ok := parseOffer6(b, from, dhcpv6.TransactionID{'a', 'b', 'c'})
		if ok && (len(b) < 4 || b[0] != 2 || string(b[1:4]) != "abc" || o.From != from) {
			t.Errorf("%x: %+v", b, o)
		}
	})
}
