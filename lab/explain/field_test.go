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
func (w *wire) unreachable(code uint8) *wire {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: net.ParseIP("192.0.2.254"), DstIP: net.ParseIP(leaseIP)}
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
	name  string
	cause judge.Reason
	says  string // in the answer, or for "near" not in it
	build func(*wire) *wire
}{
	{"answered from another address", judge.TFTPError, "the answer came from 192.0.2.77", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi")
		for range 3 {
			w.grants("192.0.2.77", bigOptions).after(4 * time.Second).wantsAgain("x64.efi")
		}
		return w.later(10 * time.Second)
	}},
	{"near: answered from the address that was asked", judge.TFTPError, "the answer came from", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi")
		for range 3 {
			w.grants(dhcpIP, "tsize\x0050000\x00").after(4 * time.Second).wantsAgain("x64.efi")
		}
		return w.later(10 * time.Second)
	}},
	{"large blocks lost, seen at the server", judge.TFTPStopped, "was never acknowledged, though small packets pass", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions).acks(0)
		for range 5 {
			w.block(1, largeBlock).after(2 * time.Second)
		}
		return w.later(10 * time.Second)
	}},
	{"near: small blocks lost", judge.TFTPStopped, "large packets", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, "blksize\x00512\x00tsize\x0050000\x00").acks(0)
		for range 5 {
			w.block(1, 512).after(2 * time.Second)
		}
		return w.later(10 * time.Second)
	}},
	{"large blocks lost, seen at the machine", judge.TFTPError, "agreed on blocks of 1468 octets, and none came", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions)
		for range 5 {
			w.acks(0).after(2 * time.Second)
		}
		return w.later(10 * time.Second)
	}},
	{"near: the fourth block lost", judge.TFTPStopped, "large packets are lost", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions).acks(0)
		for n := range byte(3) {
			w.block(n+1, largeBlock).acks(n + 1)
		}
		return w.later(30 * time.Second)
	}},
	{"a router says that blocks are too large", judge.TFTPStopped, "192.0.2.254 says that its link takes no packets of that size", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions).acks(0).block(1, largeBlock).unreachable(4)
		return w.after(2*time.Second).block(1, largeBlock).later(10 * time.Second)
	}},
	{"near: a router says that the machine is unreachable", judge.TFTPStopped, "large packets", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").grants(dhcpIP, bigOptions).acks(0).block(1, largeBlock).unreachable(1)
		return w.after(2*time.Second).block(1, largeBlock).later(10 * time.Second)
	}},
	{"another machine is answered", judge.NoOffer, "192.0.2.1 answers others and did not answer it", func(w *wire) *wire {
		w.mac = other
		w.leases("x64.efi").wants("x64.efi").has(program(0x8664))
		w.mac = machine
		return w.asksInVain().later(time.Second)
	}},
	{"near: another machine is not answered, either", judge.NoOffer, "answers others", func(w *wire) *wire {
		w.mac = other
		w.discovers()
		w.mac = machine
		return w.asksInVain().later(time.Second)
	}},
	{"a spanning tree", judge.NoOffer, "also possible: a switch here builds a spanning tree", func(w *wire) *wire { return w.bpdu().asksInVain().later(time.Second) }},
	{"near: a spanning tree, and it asked for longer than that takes", judge.NoOffer, "spanning tree", func(w *wire) *wire {
		return w.bpdu().asksInVain().discovers().after(32 * time.Second).discovers().later(16 * time.Second)
	}},
	{"option 43 cannot be read", judge.OfferRefused, "option 43 that cannot be read (tag 6 is cut short)", func(w *wire) *wire {
		bad := vendor("\x06\x09\x08")
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi", pxeClass, bad).after(4*time.Second).
			discovers().told(dhcpv4.MessageTypeOffer, "x64.efi", pxeClass, bad).later(20 * time.Second)
	}},
	{"near: option 43 can be read", judge.OfferRefused, "cannot be read", func(w *wire) *wire {
		good := vendor("\x06\x01\x08\xff")
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi", pxeClass, good).after(4*time.Second).
			discovers().told(dhcpv4.MessageTypeOffer, "x64.efi", pxeClass, good).later(20 * time.Second)
	}},
	{"a name with a carriage return", judge.FileNotFound, `the name goes on after "x64.efi"`, func(w *wire) *wire {
		return w.leases("x64.efi\r").wants("x64.efi\r").hasNot().later(time.Minute)
	}},
	{"near: a name with a blank in it", judge.FileNotFound, "goes on after", func(w *wire) *wire {
		return w.leases("my x64.efi").wants("my x64.efi").hasNot().later(time.Minute)
	}},
	{"its address is in use", judge.AddressInUse, "another host had answered for that address", func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeAck, "x64.efi").
			asks(dhcpv4.MessageTypeDecline, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(dhcpIP)))).later(20 * time.Second)
	}},
	{"near: its address was in use, and it took another", "", "", func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeAck, "x64.efi").
			asks(dhcpv4.MessageTypeDecline, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(dhcpIP)))).after(10 * time.Second).
			leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"two servers contradict each other", judge.NoAck, "192.0.2.9 refused the same request", func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeAck, "x64.efi").
			toldBy(other, "192.0.2.9:67", dhcpv4.MessageTypeNak, "").later(20 * time.Second)
	}},
	{"near: two servers contradict each other, and it boots", "", "", func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeAck, "x64.efi").
			toldBy(other, "192.0.2.9:67", dhcpv4.MessageTypeNak, "").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"a relayed request is answered by broadcast", judge.OfferRefused, "by broadcast on its own network, where the machine is not", func(w *wire) *wire {
		for range 3 {
			w.asks(dhcpv4.MessageTypeDiscover, relayed).told(dhcpv4.MessageTypeOffer, "x64.efi", relayed).after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}},
	{"near: a request is answered by broadcast", judge.OfferRefused, "where the machine is not", func(w *wire) *wire {
		for range 3 {
			w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").after(8 * time.Second)
		}
		return w.later(20 * time.Second)
	}},
	{"option 13 is too small", judge.TFTPNoOptions, `option 13 from 192.0.2.1 says that "x64.efi" has 512 octets`, func(w *wire) *wire {
		return w.leases("x64.efi", bootSize(1)).wants("x64.efi").block(1, largeBlock).breaksOff("No buffer").later(20 * time.Second)
	}},
	{"near: option 13 is right", judge.TFTPNoOptions, "option 13", func(w *wire) *wire {
		return w.leases("x64.efi", bootSize(3)).wants("x64.efi").block(1, largeBlock).breaksOff("No buffer").later(20 * time.Second)
	}},
	{"its first requests are lost", "", "note: its first DHCPDISCOVER was answered after 28 s only", func(w *wire) *wire {
		return w.asksInVain().leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"near: the server pings an address first", "", "first DHCPDISCOVER", func(w *wire) *wire {
		return w.discovers().after(4 * time.Second).leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
}

func relayed(m *dhcpv4.DHCPv4) { m.GatewayIPAddr = []byte{198, 51, 100, 1} }

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
		record, err := explain.Capture(given(c.build(newWire(t)).frames))
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
