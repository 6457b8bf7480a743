package explain_test

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/tests/golden"
)

const largeBlock = 1468

// grants answers the machine's request with options; acks acknowledges them; block sends a block of a size.
func (w *wire) grants(from string, options string) *wire {
	return w.after(time.Millisecond).udp(dhcpMAC, w.mac, from+":3333", w.at(leaseIP), []byte("\x00\x06"+options))
}

func (w *wire) acks(n byte) *wire {
	return w.after(time.Millisecond).udp(w.mac, dhcpMAC, w.at(leaseIP), dhcpIP+":3333", []byte{0, 4, 0, n})
}

func (w *wire) block(n byte, size int) *wire {
	return w.after(time.Millisecond).udp(dhcpMAC, w.mac, dhcpIP+":3333", w.at(leaseIP), append([]byte{0, 3, 0, n}, make([]byte, size)...))
}

func (w *wire) breaksOff(text string) *wire {
	return w.after(time.Millisecond).udp(w.mac, dhcpMAC, w.at(leaseIP), dhcpIP+":3333", []byte("\x00\x05\x00\x03"+text+"\x00"))
}

// unreachable is a router's word to the server about its packets to the machine (RFC 792); code 4 is that they are too large.
func (w *wire) unreachable(code uint8) *wire { return w.unreachableBy("192.0.2.254", code) }

func (w *wire) unreachableBy(host string, code uint8) *wire {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: net.ParseIP(host), DstIP: net.ParseIP(leaseIP)}
	icmp := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, code)}
	return w.frame(w.serialize(&layers.Ethernet{SrcMAC: dhcpMAC, DstMAC: w.mac, EthernetType: layers.EthernetTypeIPv4}, ip, icmp))
}

// bpdu is a frame of a spanning tree.
func (w *wire) bpdu() *wire {
	return w.frame(append([]byte{1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, 38, 0x42, 0x42, 3}, make([]byte, 40)...))
}

// asksInVain sends DISCOVERs that nobody answers, for 28 s.
func (w *wire) asksInVain() *wire {
	return w.discovers().after(4 * time.Second).discovers().after(8 * time.Second).discovers().after(16 * time.Second)
}

const bigOptions = "blksize\x001468\x00tsize\x0050000\x00"

// fieldScenarios are failures of real networks that no lab makes, as captures. Those named "near" differ in one thing from the one
// before and must not be explained by what that says.
var fieldScenarios = []struct {
	name    string
	cause   judge.Reason
	says    string // in the answer, or for "near" not in it
	build   func(*wire) *wire
	console []string // the lines of its console
}{
	{"answered from another address", judge.TFTPError, "the answer came from 192.0.2.77", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi")
		for range 3 {
			w.grants("192.0.2.77", bigOptions).after(4 * time.Second).wantsAgain("x64.efi")
		}
		return w.later(10 * time.Second)
	}, nil},
	{"near: answered from the address that was asked", judge.TFTPError, "the answer came from", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi")
		for range 3 {
			w.grants(dhcpIP, "tsize\x0050000\x00").after(4 * time.Second).wantsAgain("x64.efi")
		}
		return w.later(10 * time.Second)
	}, nil},
	{"large blocks lost, seen at the server", judge.TFTPStopped, "was never acknowledged, though small packets pass", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions).acks(0)
		for range 5 {
			w.block(1, largeBlock).after(2 * time.Second).acks(0)
		}
		return w.later(10 * time.Second)
	}, nil},
	{"near: small blocks lost", judge.TFTPStopped, "large packets", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, "blksize\x00512\x00tsize\x0050000\x00").acks(0)
		for range 5 {
			w.block(1, 512).after(2 * time.Second).acks(0)
		}
		return w.later(10 * time.Second)
	}, nil},
	{"large blocks lost, seen at the machine", judge.TFTPError, "agreed on blocks of 1468 octets, and none came", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions)
		for range 5 {
			w.acks(0).after(2 * time.Second)
		}
		return w.later(10 * time.Second)
	}, nil},
	{"near: the fourth block lost", judge.TFTPStopped, "large packets are lost", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions).acks(0)
		for n := range byte(3) {
			w.block(n+1, largeBlock).acks(n + 1)
		}
		return w.after(4 * time.Second).acks(3).after(4 * time.Second).acks(3).later(30 * time.Second)
	}, nil},
	{"a router says that blocks are too large", judge.TFTPStopped, "192.0.2.254 says that its link takes no packets of that size", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions).acks(0).block(1, largeBlock).unreachable(4)
		return w.after(2*time.Second).acks(0).block(1, largeBlock).after(2 * time.Second).acks(0).later(10 * time.Second)
	}, nil},
	{"near: a router says that the machine is unreachable", judge.TFTPStopped, "large packets", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions).acks(0).block(1, largeBlock).unreachable(1)
		return w.after(2*time.Second).acks(0).block(1, largeBlock).after(2 * time.Second).acks(0).later(10 * time.Second)
	}, nil},
	{"another machine is answered", judge.NoOffer, "192.0.2.1 answers others and did not answer it", func(w *wire) *wire {
		w.mac = other
		w.leases("x64.efi").wants("x64.efi").has(program(0x8664))
		w.mac = machine
		return w.asksInVain().later(time.Second)
	}, nil},
	{"near: another machine is not answered, either", judge.NoOffer, "answers others", func(w *wire) *wire {
		w.mac = other
		w.discovers()
		w.mac = machine
		return w.asksInVain().later(time.Second)
	}, nil},
	{"a spanning tree", judge.NoOffer, "for it: a switch here builds a spanning tree", func(w *wire) *wire { return w.bpdu().asksInVain().later(time.Second) }, nil},
	{"near: a spanning tree, and it asked for longer than that takes", judge.NoOffer, "spanning tree", func(w *wire) *wire {
		return w.bpdu().asksInVain().discovers().after(32 * time.Second).discovers().later(16 * time.Second)
	}, nil},
	{"option 43 cannot be read", judge.OfferRefused, "option 43 that cannot be read (tag 6 is cut short)", func(w *wire) *wire {
		bad := vendor("\x06\x09\x08")
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi", pxeClass, bad).after(4*time.Second).
			discovers().told(dhcpv4.MessageTypeOffer, "x64.efi", pxeClass, bad).later(20 * time.Second)
	}, nil},
	{"near: option 43 can be read", judge.OfferRefused, "cannot be read", func(w *wire) *wire {
		good := vendor("\x06\x01\x08\xff")
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi", pxeClass, good).after(4*time.Second).
			discovers().told(dhcpv4.MessageTypeOffer, "x64.efi", pxeClass, good).later(20 * time.Second)
	}, nil},
	{"a name with a carriage return", judge.FileNotFound, `the name goes on after "x64.efi"`, func(w *wire) *wire {
		return w.leases("x64.efi\r").wants("x64.efi\r").hasNot().later(time.Minute)
	}, nil},
	{"near: a name with a blank in it", judge.FileNotFound, "goes on after", func(w *wire) *wire {
		return w.leases("my x64.efi").wants("my x64.efi").hasNot().later(time.Minute)
	}, nil},
	{"its address is in use", judge.AddressInUse, "another host had answered for that address", func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeAck, "x64.efi").
			asks(dhcpv4.MessageTypeDecline, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(dhcpIP)))).later(20 * time.Second)
	}, nil},
	{"near: its address was in use, and it took another", "", "", func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeAck, "x64.efi").
			asks(dhcpv4.MessageTypeDecline, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(dhcpIP)))).after(10 * time.Second).
			leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}, nil},
	{"two servers contradict each other", judge.NoAck, "192.0.2.9 refused the same request", func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeAck, "x64.efi").
			toldBy(other, "192.0.2.9:67", dhcpv4.MessageTypeNak, "").later(20 * time.Second)
	}, nil},
	{"near: two servers contradict each other, and it boots", "", "", func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeAck, "x64.efi").
			toldBy(other, "192.0.2.9:67", dhcpv4.MessageTypeNak, "").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}, nil},
	{"a relayed request is answered by broadcast", judge.OfferRefused, "by broadcast on its own network, where the machine is not", func(w *wire) *wire {
		for range 3 {
			w.asks(dhcpv4.MessageTypeDiscover, relayed).told(dhcpv4.MessageTypeOffer, "x64.efi", relayed).after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}, nil},
	{"near: a request is answered by broadcast", judge.OfferRefused, "where the machine is not", func(w *wire) *wire {
		for range 3 {
			w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}, nil},
	{"option 13 is too small", judge.TFTPNoOptions, `option 13 from 192.0.2.1 says that "x64.efi" has 512 octets`, func(w *wire) *wire {
		return w.leases("x64.efi", bootSize(1)).wants("x64.efi").block(1, largeBlock).breaksOff("No buffer").later(20 * time.Second)
	}, nil},
	{"near: option 13 is right", judge.TFTPNoOptions, "option 13", func(w *wire) *wire {
		return w.leases("x64.efi", bootSize(3)).wants("x64.efi").block(1, largeBlock).breaksOff("No buffer").later(20 * time.Second)
	}, nil},
	{"option 13 is too small, and the last block is one too many", judge.ImageRefused, `option 13 from 192.0.2.1 says that "x64.efi" has 512 octets, and it has 900`, func(w *wire) *wire {
		return w.sized(1).breaksOff("User provided memory block is too small").later(20 * time.Second)
	}, nil},
	{"near: option 13 is too small, and the client has room", "", "option 13", func(w *wire) *wire {
		return w.sized(1).acks(2).later(20 * time.Second)
	}, nil},
	{"a file for which there is no room", judge.ImageRefused, "it had no room for that", func(w *wire) *wire {
		return w.sized(2).breaksOff("Out of memory").later(20 * time.Second)
	}, nil},
	{"near: no room at first", "", "no room", func(w *wire) *wire {
		w.sized(2).breaksOff("Out of memory").after(time.Second)
		return w.wants("x64.efi").grants(dhcpIP, "blksize\x00512\x00").acks(0).block(1, 512).acks(1).block(2, 388).acks(2).later(20 * time.Second)
	}, nil},
	{"answers from the server's own port are lost", judge.TFTPError, "from port 3333, and it asked 3 times more as if nothing had come", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi")
		for range 3 {
			w.grants(dhcpIP, "tsize\x0050000\x00").after(4 * time.Second).wantsAgain("x64.efi")
		}
		return w.later(10 * time.Second)
	}, nil},
	{"near: an answer came late, and was acknowledged", judge.TFTPError, "as if nothing had come", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").after(4*time.Second).wantsAgain("x64.efi").grants(dhcpIP, "tsize\x0050000\x00")
		return w.acks(0).later(20 * time.Second)
	}, nil},
	{"no TFTP service, or a firewall", judge.TFTPSilent, "also possible: the service runs on 192.0.2.1, and a firewall", func(w *wire) *wire { return w.tftpSilent().later(4 * time.Second) }, nil},
	{"near: the host says that nobody listens", judge.TFTPSilent, "also possible", func(w *wire) *wire { return w.tftpSilent().unreachableBy(dhcpIP, 3).later(4 * time.Second) }, nil},
	{"a next server that is not there", judge.TFTPSilent, "also possible: 192.0.2.1 is not the host that has the file", func(w *wire) *wire {
		w.discovers().toldBy(other, "192.0.2.9:67", dhcpv4.MessageTypeOffer, "x64.efi", lent, next).after(4 * time.Second)
		w.requests().toldBy(other, "192.0.2.9:67", dhcpv4.MessageTypeAck, "x64.efi", lent, next)
		return w.wants("x64.efi").after(4 * time.Second).wantsAgain("x64.efi").later(20 * time.Second)
	}, nil},
	{"near: the next server is there", judge.TFTPSilent, "is not the host", func(w *wire) *wire { return w.tftpSilent().later(4 * time.Second) }, nil},
	{"answers come in another VLAN", judge.OfferRefused, "it asks in VLAN 10 and is answered in VLAN 20 alone", func(w *wire) *wire {
		for range 3 {
			w.in(10).discovers().in(20).told(dhcpv4.MessageTypeOffer, "x64.efi").after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}, nil},
	{"near: answers come in its own VLAN", judge.OfferRefused, "VLAN", func(w *wire) *wire {
		for range 3 {
			w.in(10).discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}, nil},
	{"frames in two VLANs", judge.OfferRefused, "also possible: machine and server are in different VLANs", func(w *wire) *wire {
		for range 3 {
			w.in(10).discovers().in(20).told(dhcpv4.MessageTypeOffer, "x64.efi").after(100*time.Millisecond).in(10).told(dhcpv4.MessageTypeOffer, "x64.efi").after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}, nil},
	{"near: a trunk shows the answer on its way from one VLAN into the other", judge.OfferRefused, "in VLAN 20 alone", func(w *wire) *wire {
		for range 3 {
			w.in(10).discovers().in(20).told(dhcpv4.MessageTypeOffer, "x64.efi").in(10).told(dhcpv4.MessageTypeOffer, "x64.efi").after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}, nil},
	{"near: frames without tags", judge.OfferRefused, "VLAN", func(w *wire) *wire {
		for range 3 {
			w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}, nil},
	{"Secure Boot", judge.ImageRefused, "Secure Boot did not accept its signature", func(w *wire) *wire {
		return w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}, []string{`BdsDxe: loading Boot0001 "UEFI PXEv4 (MAC:525400000001)" from PciRoot(0x0)`,
		`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400000001)" from PciRoot(0x0): Access Denied`}},
	{"near: the firmware cannot load it for another reason", judge.ImageRefused, "Secure Boot", func(w *wire) *wire {
		return w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}, []string{`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400000001)" from PciRoot(0x0): Not Found`}},
	{"the ROM of QEMU's card", "", "note: this is iPXE from the first message on", func(w *wire) *wire {
		w.ipxe = true
		return w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}, nil},
	{"near: iPXE that the firmware's client loaded", "", "iPXE from the first message", func(w *wire) *wire {
		w.leases("ipxe.efi").wants("ipxe.efi").has(program(0x8664)).after(2 * time.Second)
		w.ipxe = true
		return w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}, nil},
	{"its first requests are lost", "", "note: its first DHCPDISCOVER was answered after 28 s only", func(w *wire) *wire {
		return w.asksInVain().leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}, nil},
	{"near: the server pings an address first", "", "first DHCPDISCOVER", func(w *wire) *wire {
		return w.discovers().after(4 * time.Second).leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}, nil},
}

// tftpSilent is a machine that asks a host in vain for a file.
func (w *wire) tftpSilent() *wire {
	return w.leases("x64.efi").wants("x64.efi").after(4 * time.Second).wantsAgain("x64.efi").after(4 * time.Second).wantsAgain("x64.efi")
}

func relayed(m *dhcpv4.DHCPv4) { m.GatewayIPAddr = []byte{198, 51, 100, 1} }

var (
	lent = dhcpv4.WithYourIP(net.ParseIP(leaseIP))
	next = dhcpv4.WithServerIP(net.ParseIP(dhcpIP))
)

// sized is a transfer of 900 octets up to its last block, whose size option 13 tells in blocks of 512 octets.
func (w *wire) sized(blocks byte) *wire {
	return w.leases("x64.efi", bootSize(blocks)).wants("x64.efi").grants(dhcpIP, "blksize\x00512\x00").acks(0).block(1, 512).acks(1).block(2, 388)
}

// bootSize is option 13: blocks of 512 octets.
func bootSize(n byte) dhcpv4.Modifier {
	return dhcpv4.WithGeneric(dhcpv4.OptionBootFileSize, []byte{0, n})
}

// TestField explains what only real networks do.
func TestField(t *testing.T) {
	var said strings.Builder
	for i, c := range fieldScenarios {
		if !strings.HasPrefix(c.name, "near") && (i+1 == len(fieldScenarios) || !strings.HasPrefix(fieldScenarios[i+1].name, "near")) {
			t.Errorf("%s: nothing near it that must not be taken for it", c.name)
		}
		record, err := explain.Capture(given(c.build(newWire(t)).frames), c.console...)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(record.Boots, func(x explain.Explanation) bool { return x.Machine == machine.String() })
		x := record.Boots[i]
		var cause judge.Reason
		if len(x.Answers) > 0 {
			cause = x.Answers[0].Cause
		}
		text := report.Explained(x, false, report.Style{Width: 1000})
		if near := strings.HasPrefix(c.name, "near"); cause != c.cause || c.says != "" && strings.Contains(text, c.says) == near {
			t.Errorf("%s: cause %q, want %q:\n%s", c.name, cause, c.cause, text)
		}
		said.WriteString("== " + c.name + "\n" + report.Explained(x, false, report.Style{Width: 100}) + "\n")
	}
	golden.Check(t, filepath.Join("testdata", "field.golden"), said.String())
}
