package pxeclient

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/pxe"
)

var sameAddr = cmpopts.EquateComparable(netip.Addr{})

// TestMessageOrder: the options leave in the order in which they were set, which the codec alone would not keep.
func TestMessageOrder(t *testing.T) {
	cfg := Config{MAC: clientMAC, UUID: &pxe.UUID{}, UserClass: []byte("iPXE"), ClientID: []byte{1, 2}, Broadcast: true}.withDefaults()
	m := cfg.message(1, 0x01020304, Option{optVendor, []byte{255}})
	wire := m.Marshal()
	back, err := ParseMessage(wire)
	if diff := cmp.Diff(m, back, sameAddr); diff != "" || err != nil {
		t.Errorf("%v, -sent +read\n%s", err, diff)
	}
	var codes []uint8
	for _, o := range back.Options {
		codes = append(codes, o.Code)
	}
	if want := []uint8{53, 43, 61, 57, 55, 97, 94, 93, 60, 77}; !slices.Equal(codes, want) {
		t.Errorf("options %v, want %v", codes, want)
	}
	if class, _ := m.Get(optClassID); string(class) != "PXEClient:Arch:00000:UNDI:002001" || len(wire) < minMessage {
		t.Errorf("class %q, %d octets", class, len(wire))
	}
	p, err := dhcpv4.FromBytes(wire)
	if err != nil || p.MessageType() != dhcpv4.MessageTypeDiscover || !p.IsBroadcast() || p.TransactionID != [4]byte{1, 2, 3, 4} {
		t.Errorf("the codec reads %v, %v", p, err)
	}
}

func TestBOOTPMessages(t *testing.T) {
	bare := Config{MAC: clientMAC, BOOTP: true, NoCookie: true}.withDefaults()
	m, err := ParseMessage(bare.message(1, 1).Marshal())
	if err != nil || m.Cookie || len(m.Options) != 0 || m.Name() != "BOOTREQUEST" {
		t.Errorf("%+v, %v", m, err)
	}
	bare.NoCookie = false
	m, err = ParseMessage(bare.message(1, 1).Marshal())
	if _, typed := m.Get(optMessageType); err != nil || typed || !m.Cookie {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestCredentials: a client that can check credentials says so in every request (PXE 2.1 table 2-1 tag 12).
func TestCredentials(t *testing.T) {
	c := Client{cfg: Config{Credentials: []uint32{1, 2}}}
	for _, item := range []*pxe.Item{nil, {Type: 1, Layer: pxe.CredentialsLayer}} {
		more := c.vendor(item)
		if len(more) != 1 || more[0].Code != optVendor {
			t.Fatalf("%v", more)
		}
		v, err := pxe.ParseVendor(more[0].Value)
		if diff := cmp.Diff(&pxe.Vendor{Credentials: []uint32{1, 2}, Item: item}, v, sameAddr); diff != "" || err != nil {
			t.Errorf("%v, -want +got\n%s", err, diff)
		}
	}
	if more := (&Client{}).vendor(nil); more != nil {
		t.Errorf("nothing to say, and yet %v", more)
	}
}

func TestLongOptionIsSplit(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 600)
	m := &Message{CHAddr: clientMAC, Cookie: true, Options: []Option{{43, long}}}
	back, err := ParseMessage(m.Marshal())
	if got, _ := back.Get(43); err != nil || !bytes.Equal(got, long) || len(back.Options) != 3 {
		t.Errorf("%d octets in %d parts, %v", len(got), len(back.Options), err)
	}
}

// TestOverload reads options from the header fields that option 52 names.
func TestOverload(t *testing.T) {
	m := &Message{Reply: true, CHAddr: clientMAC, Cookie: true, Options: []Option{{optMessageType, []byte{2}}, {optOverload, []byte{3}}},
		File: "\x43\x03abc\xff", SName: "\x42\x01s\xff"}
	back, err := ParseMessage(m.Marshal())
	if err != nil || back.File != "" || back.SName != "" {
		t.Errorf("%+v, %v", back, err)
	}
	if r := newReply(back, netip.AddrPort{}, nil, m0); r.bootFile() != "abc" {
		t.Errorf("boot file %q", r.bootFile())
	}
	m.File = "\x43\x09abc"
	if _, err := ParseMessage(m.Marshal()); err != nil { // the field is full of NULs behind it
		if !strings.Contains(err.Error(), "file field do not end") {
			t.Error(err)
		}
	} else {
		t.Error("a field of options without end was read")
	}
}

func TestParseMessageRefuses(t *testing.T) {
	for want, b := range map[string][]byte{
		"message of 235 octets":    make([]byte, 235),
		"do not end":               append(make([]byte, 236), 99, 130, 83, 99, 53, 1, 1),
		"option 53 is cut short":   append(make([]byte, 236), 99, 130, 83, 99, 53, 2, 1),
		"options: option 9 is cut": append(make([]byte, 236), 99, 130, 83, 99, 9),
	} {
		if _, err := ParseMessage(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// FuzzMessage: what was read can be sent and read again, and no reply makes a client or Check stumble.
func FuzzMessage(f *testing.F) {
	for _, k := range []*talk{offer(), menu(), bootServer(), relayed()} {
		f.Add(k.q.Marshal())
		f.Add(k.r.Marshal())
	}
	f.Add(append(make([]byte, 236), 99, 130, 83, 99, 52, 1, 3, 255))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMessage(b)
		if m == nil {
			return
		}
		k := bootServer()
		trace := append(k.trace(t)[:1], packet(false, k.src, k.dst, b))
		if m.XID == k.q.XID {
			Check(trace)
		}
		if r := trace[1].Reply(); r != nil {
			Choose([]*Reply{r})
			r.Menu()
			_, _ = r.File()
			_, _ = Ways(r.Vendor, 1)
		}
		if _, overloaded := m.Get(optOverload); err != nil || overloaded || len(m.CHAddr) != 6 ||
			len(m.File) == 128 || len(m.SName) == 64 { // the codec sends a NUL behind each
			return
		}
		again, err := ParseMessage(m.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		m.Options, again.Options = joined(m), joined(again)
		if diff := cmp.Diff(m, again, sameAddr, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-read +read again\n%s", diff)
		}
	})
}

// joined gives each option once, in the order of their codes.
func joined(m *Message) []Option {
	var all []Option
	for code := range 256 {
		if v, ok := m.Get(uint8(code)); ok { //nolint:gosec // bounded
			all = append(all, Option{uint8(code), v}) //nolint:gosec // bounded
		}
	}
	return all
}
