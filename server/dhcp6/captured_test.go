package dhcp6

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

// captured are messages as firmware sent them (OVMF 2022.11, iPXE 1.0.0+git-20190125), of two machines with the UUIDs
// 70786c61-6200-4c61-8000-52540070780N.
var captured = []struct {
	name, hex, from   string
	client, want, why string
}{
	{"EDK2's PXE client solicits", "0188ef7f000100120004616c78700062614c80005254007078010008000200000003000c7f467dffffffffffffffffff00060008003b003c0017" +
		"0010003e0003010300003d0002000700100026000001570020505845436c69656e743a417263683a30303030373a554e44493a303033303030",
		"fe80::5054:ff:fe70:7801", "52:54:00:70:78:01",
		"ADVERTISE 255=2001:db8::100 tftp://[2001:db8::1]/x64.efi dns", "next free address; option 61 = 7, so efi-x64"},
	{"the client beside it solicits", "0189ef7f000100120004616c78700062614c80005254007078010008000200000003000c782d557bffffffffffffffff000600020017",
		"fe80::5054:ff:fe70:7801", "52:54:00:70:78:01", "ADVERTISE 123=2001:db8::101 dns", "next free address; not a boot client"},
	{"it requests, naming server 52:54:00:00:00:ff", "038aef7f000100120004616c78700062614c80005254007078010008000200000002000a000300015254000000ff" +
		"00030028782d557b0000070800000b400005001820010db800000000000000000000010100000e1000000e10000600020017",
		"fe80::5054:ff:fe70:7801", "52:54:00:70:78:01", "REPLY 123=2001:db8::101 dns", "the address it had before; not a boot client"},
	{"it releases before the download", "088cef7f000100120004616c78700062614c80005254007078010002000a000300015254000000ff000800020000" +
		"00030028782d557bffffffffffffffff0005001820010db800000000000000000000010100000e1000000e10",
		"fe80::5054:ff:fe70:7801", "52:54:00:70:78:01", "REPLY status=Success", "2001:db8::101 is free again"},
	{"iPXE solicits from BIOS", "01cf074f00010012000470786c6162004c6180005254007078020003000cd1cc3a7500000000000000000006000800170018003b003c0010002600000157" +
		"0020505845436c69656e743a417263683a30303030303a554e44493a303032303031003d00020000003e0003010201000f0006000469505845000800020000",
		"fe80::5054:ff:fe70:7802", "52:54:00:70:78:02", "ADVERTISE 117=2001:db8::102 dns", "no boot file: none is configured for bios"},
	{"iPXE solicits from EFI", "0148f21d00010012000470786c6162004c6180005254007078010003000c48c56bcf00000000000000000006000800170018003b003c0010002600000157" +
		"0020505845436c69656e743a417263683a30303030373a554e44493a303033303130003d00020007003e000301030a000f0006000469505845000800020000",
		"fe80::5054:ff:fe70:7801", "52:54:00:70:78:01", "ADVERTISE 207=2001:db8::101 tftp://[2001:db8::1]/x64.efi dns", "option 61 = 7, so efi-x64"},
}

// TestCaptured answers them one after the other.
func TestCaptured(t *testing.T) {
	cfg, leases := testConfig(), NewLeases()
	for _, c := range captured {
		datagram, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		req, err := ParseRequest(datagram, netip.AddrPortFrom(ip(c.from), ClientPort), AllServers)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r, d := Answer(req, cfg, leases, t0)
		if got := describe(r); got != c.want || !strings.Contains(d.Reason, c.why) || d.Client != c.client {
			t.Errorf("%s: %s gets %s (%s)\nwant %s (%s)", c.name, d.Client, got, d.Reason, c.want, c.why)
		}
		if ipxe := strings.HasPrefix(c.name, "iPXE"); req.Client.IPXE != ipxe {
			t.Errorf("%s: taken for iPXE: %v", c.name, req.Client.IPXE)
		}
	}
}
