package wire

import (
	"bytes"
	"net"

	"github.com/gopacket/gopacket/layers"
)

const pxeClass = "PXEClient:Arch:00007:UNDI:003000"

// scripts are the crafted exchanges that the goldens show decoded and that the fuzzer starts from.
var scripts = map[string][]frame{
	"dhcp": dhcpScript(), "bootserver": bootServerScript(), "dhcp-malformed": malformedScript(),
	"mtftp": mtftpScript(), "tftp": tftpScript(), "tftp-trouble": troubleScript(), "tftp-servers": serversScript(),
	"tftp-multicast": multicastScript(),
	"chatter":        chatterScript(), "http": httpScript(), "http-trouble": httpTroubleScript(), "garbage": garbageScript(),
}

func dhcpScript() []frame {
	uuid := append([]byte{0}, bytes.Repeat([]byte{0xab}, 16)...)
	ask := opts(53, "\x01", 57, "\x05\xc0", 97, uuid, 94, "\x01\x03\x00", 93, "\x00\x07", 60, pxeClass)
	discover := bootp{op: 1, xid: 0x7715fd76, flags: 0x8000, tail: ask}.bytes()
	offer := bootp{op: 2, xid: 0x7715fd76, flags: 0x8000, yi: guestIP, si: serverIP, file: []byte("ignored"),
		tail: opts(53, "\x02", 54, addr(serverIP), 51, "\x00\x00\x0e\x10", 67, "probe-x64.efi\x00")}.bytes()
	proxy := bootp{op: 2, xid: 0x7715fd76, si: "192.0.2.2",
		tail: opts(53, "\x02", 54, addr("192.0.2.2"), 60, "PXEClient", 43, tlvs(6, "\x08"))}.bytes()
	request := bootp{op: 1, xid: 0x7715fd76, flags: 0x8000, tail: opts(53, "\x03", 54, addr(serverIP),
		50, addr(guestIP), 93, "\x00\x07", 60, pxeClass)}.bytes()
	ack := bootp{op: 2, xid: 0x7715fd76, yi: guestIP, si: "192.0.2.3",
		tail: opts(53, "\x05", 54, addr(serverIP), 67, "probe.0")}.bytes()
	nak := bootp{op: 2, xid: 0x7715fd76, tail: opts(53, "\x06", 54, addr(serverIP), 56, "address \x01 in use")}.bytes()
	foreign := bootp{op: 1, xid: 9, mac: otherMAC, tail: ask}.bytes()
	spoiled := bootp{op: 2, xid: 0x7715fd76, mac: otherMAC, yi: guestIP, tail: opts(53, "\x02")}.bytes()
	theirs := bootp{op: 2, xid: 0x7715fd76, mac: otherMAC, yi: "192.0.2.101", tail: opts(53, "\x05", 54, addr(serverIP))}.bytes()
	all, any := "255.255.255.255:68", "0.0.0.0:68"
	return []frame{
		udp(any, "255.255.255.255:67", true, discover),
		udp(any, "255.255.255.255:67", true, discover),
		udp("192.0.2.1:67", all, false, offer),
		udp("192.0.2.2:67", all, false, proxy),
		udp("192.0.2.1:67", all, false, offer),
		udp("0.0.0.0:68", "255.255.255.255:67", false, foreign), // another guest's: folded
		udp("192.0.2.1:67", all, false, spoiled),                // our transaction, wrong client address: kept
		udp("192.0.2.1:67", all, false, theirs),                 // another OVMF drew the same xid: its ACK ...
		udp(any, "255.255.255.255:67", true, request),
		udp("192.0.2.1:67", all, false, nak),
		udp(any, "255.255.255.255:67", true, request),
		udp("192.0.2.1:67", all, false, ack), // ... does not make this one a repetition
	}
}

func bootServerScript() []frame {
	item := tlvs(71, "\x80\x02\x00\x00")
	ask := bootp{op: 1, xid: 0, ci: guestIP, tail: opts(43, append(item, 255), 53, "\x03", 60, "PXEClient:Arch:00000:UNDI:002001",
		77, "iPXE", 93, "\x00\x00")}.bytes()
	answer := bootp{op: 2, xid: 0, ci: guestIP, si: serverIP, file: []byte("pxelinux.0"),
		tail: opts(43, append(item, 255), 53, "\x05", 54, addr(serverIP), 60, "PXEClient")}.bytes()
	relayed := bootp{op: 2, xid: 7, yi: guestIP, gi: "198.51.100.1", tail: opts(53, "\x02", 54, addr(serverIP))}.bytes()
	inform := bootp{op: 1, xid: 8, ci: guestIP, tail: opts(53, "\x08", 77, "\x04iPXE\x03abc")}.bytes()
	other := bootp{op: 1, xid: 8, ci: guestIP, tail: opts(53, "\x08", 60, "MSFT 5.0", 43, item)}.bytes()
	return []frame{
		udp(guestIP+":68", "192.0.2.1:4011", true, ask),
		udp(guestIP+":68", "192.0.2.1:4011", true, ask),
		udp("192.0.2.1:4011", guestIP+":68", false, answer),
		udp(guestIP+":68", "192.0.2.2:4011", true, ask), // the same xid to another server: no repetition
		udp("192.0.2.1:67", guestIP+":68", false, relayed),
		udp(guestIP+":68", "255.255.255.255:67", true, inform),
		udp(guestIP+":68", "255.255.255.255:67", true, other),
	}
}

func malformedScript() []frame {
	noEnd := bootp{op: 1, xid: 1, tail: append(append([]byte{}, cookie...), tlvs(53, "\x01", 60, "PXEClient")...)}
	bare := bootp{op: 1, xid: 2, file: []byte("boot\\x64\\wdsnbp.com"), tail: make([]byte, 64)}
	reply := bootp{op: 2, xid: 2, yi: guestIP, si: serverIP, file: []byte("bstrap\x1b[2J")}
	overload := bootp{op: 2, xid: 3, yi: guestIP, file: append(tlvs(67, "from-file"), 255),
		sname: append(tlvs(54, addr(serverIP)), 255), tail: opts(53, "\x02", 52, "\x03")}
	overrun := bootp{op: 2, xid: 4, tail: append(append([]byte{}, cookie...), 53, 1, 2, 67, 80, 'x')}
	lone := bootp{op: 2, xid: 5, tail: append(append([]byte{}, cookie...), 53, 1, 2, 67)}
	split := bootp{op: 2, xid: 6, tail: opts(53, "\x02", 67, "first-", 54, addr(serverIP), 67, "second", 53, "\x05")}
	odd := bootp{op: 2, xid: 7, tail: opts(53, "\x63", 54, "\x01", 93, "\x00", 97, "", 67, string([]byte{0xff, 0xfe, 'a'}))}
	long := bootp{op: 1, xid: 8, tail: opts(53, "", 60, bytes.Repeat([]byte{0}, 200))}
	b := func(m bootp) frame {
		if m.op == 1 {
			return udp("0.0.0.0:68", "255.255.255.255:67", true, m.bytes())
		}
		return udp("192.0.2.1:67", "192.0.2.100:68", false, m.bytes())
	}
	return []frame{b(noEnd), b(bare), b(reply), b(overload), b(overrun), b(lone), b(split), b(odd), b(long),
		udp("0.0.0.0:68", "255.255.255.255:67", true, noEnd.bytes()[:100]),
		udp("0.0.0.0:68", "255.255.255.255:67", true, append([]byte{9}, noEnd.bytes()[1:]...)),
		udp("192.0.2.1:67", "192.0.2.100:68", false, nil),
	}
}

// tftpScript is EDK2's habit: a size probe it breaks off, then the file with a window of four.
func tftpScript() []frame {
	probe, probed := talk{guestIP + ":1035", serverIP + ":69"}, talk{guestIP + ":1035", serverIP + ":40001"}
	ask, t := talk{guestIP + ":1036", serverIP + ":69"}, talk{guestIP + ":1036", serverIP + ":40002"}
	s := []frame{
		probe.tx(strs(1, "probe-x64.efi", "octet", "tsize", "0", "blksize", "1468", "windowsize", "4")),
		probed.rx(strs(6, "tsize", "8192", "blksize", "1468", "windowsize", "4")),
		probed.tx(append([]byte{0, 5, 0, 8}, "User aborted the transfer\x00"...)),
		ask.tx(strs(1, "probe-x64.efi", "octet", "blksize", "1468", "windowsize", "4")),
		t.rx(strs(6, "BLKSIZE", "1468", "windowsize", "4")),
		t.tx(block(4, 0, 0)),
	}
	for n := 1; n <= 4; n++ {
		s = append(s, t.rx(block(3, n, 1468)))
	}
	return append(s, t.tx(block(4, 4, 0)), t.rx(block(3, 5, 1468)), t.rx(block(3, 6, 852)), t.tx(block(4, 6, 0)),
		ask.tx(strs(1, "empty", "octet")), t.rx(block(3, 1, 0)), t.tx(block(4, 1, 0)))
}

func troubleScript() []frame {
	ask, t := talk{guestIP + ":2000", serverIP + ":69"}, talk{guestIP + ":2000", serverIP + ":41000"}
	late := talk{guestIP + ":2000", serverIP + ":41001"}
	rrq := strs(1, "probe.0", "octet", "blksize", "512")
	return []frame{
		ask.tx(rrq), ask.tx(rrq), // repeated
		t.rx(strs(6, "blksize", "512")), late.rx(strs(6, "blksize", "512")), t.rx(strs(6, "blksize", "512")),
		late.tx(append([]byte{0, 5, 0, 5}, "unknown transfer ID\x00"...)), // does not end the first
		t.tx(block(4, 0, 0)),
		t.rx(block(3, 1, 512)), t.tx(block(4, 1, 0)), // the ACK is in the middle: folded
		t.rx(block(3, 1, 512)), t.tx(block(4, 1, 0)), // both repeated
		t.rx(block(3, 2, 512)), t.tx(block(4, 2, 0)),
		t.rx(block(3, 4, 512)), t.rx(block(3, 5, 512)), t.tx(block(4, 2, 0)), // block 3 was lost before the cable
		t.rx(block(3, 3, 512)), t.tx(block(4, 3, 0)),
		t.rx(block(3, 4, 512)), t.tx(block(4, 4, 0)),
		t.tx(block(4, 1, 0)), // behind and again
		ask.tx(rrq),          // the client starts over
		late.rx(block(3, 1, 100)),
		late.tx(block(4, 1, 0)), late.tx(block(4, 1, 0)),
		ask.tx(strs(1, "missing", "octet")), ask.rx(append([]byte{0, 5, 0, 1}, "file \x07not found"...)),
		ask.tx(strs(1, "a", "netascii")), ask.tx(strs(2, "up", "octet")), ask.rx(block(4, 0, 0)), ask.tx(block(3, 1, 3)),
		ask.rx(block(4, 1, 0)),
		ask.tx([]byte{0, 1, 'x', 'y'}), ask.tx([]byte{0, 1, 'x', 0, 'o', 0, 'k'}), ask.tx([]byte{0, 9, 0, 0}),
		ask.tx([]byte{1}), ask.tx(nil),
	}
}

// multicastScript is a guest that joins a group late (RFC 2090): it hears the end of the file, is made the master client,
// and asks for the beginning. Another guest's blocks cross its cable, too.
func multicastScript() []frame {
	ask, a := talk{guestIP + ":2000", serverIP + ":69"}, talk{guestIP + ":2000", serverIP + ":40000"}
	group := talk{"239.255.17.1:1758", serverIP + ":40000"}
	s := []frame{
		group.rx(block(3, 1, 512)), // before it asked
		ask.tx(strs(1, "f", "octet", "multicast", "", "blksize", "512")),
		a.rx(strs(6, "blksize", "512", "multicast", "239.255.17.1,1758,0")),
		group.rx(block(3, 2, 512)), group.rx(block(3, 3, 512)), group.rx(block(3, 3, 512)), group.rx(block(3, 4, 100)),
		a.rx(strs(6, "blksize", "512", "multicast", ",,1")), a.tx(block(4, 0, 0)),
		group.rx(block(3, 1, 512)), a.tx(block(4, 4, 0)),
		group.rx(block(3, 2, 512)), // for somebody else
	}
	for _, odd := range []string{"239.255.17.1,x,1", "10.0.0.1,1758,1", ",,", "a", "239.255.17.1,70000,1"} {
		s = append(s, a.rx(strs(6, "multicast", odd)))
	}
	return s
}

func serversScript() []frame {
	single, odd := talk{guestIP + ":3000", serverIP + ":69"}, talk{guestIP + ":3001", serverIP + ":6969"}
	wrong := talk{guestIP + ":3002", "192.0.2.9:41000"}
	six, sixAnswer := talk{"[fd00::64]:3003", "[fd00::1]:69"}, talk{"[fd00::64]:3003", "[fd00::1]:42000"}
	unknown := talk{guestIP + ":3005", serverIP + ":69"}
	return []frame{
		single.tx(strs(1, "f", "octet")), single.rx(block(3, 1, 512)), single.tx(block(4, 1, 0)),
		single.rx(block(3, 2, 512)), single.tx(block(4, 2, 0)), single.rx(block(3, 3, 1)), single.tx(block(4, 3, 0)),
		odd.tx(strs(1, "f", "OCTET")), odd.rx(block(3, 1, 1)), odd.tx(block(4, 1, 0)),
		talk{guestIP + ":3002", serverIP + ":69"}.tx(strs(1, "f", "octet")),
		wrong.rx(block(3, 1, 512)), wrong.tx(block(4, 1, 0)), wrong.rx(block(3, 2, 512)), wrong.tx(block(4, 2, 0)),
		six.tx(strs(1, "f", "octet", "blksize", "1228")), sixAnswer.rx(strs(6, "blksize", "1228")), sixAnswer.tx(block(4, 0, 0)),
		sixAnswer.rx(block(3, 1, 10)), sixAnswer.tx(block(4, 1, 0)),
		unknown.rx(block(3, 77, 512)), unknown.tx(block(4, 77, 0)), // its request was not seen
	}
}

func chatterScript() []frame {
	quoted := udp(guestIP+":68", "192.0.2.1:4011", true, []byte("x")).data[14:]
	quoted6 := append(make([]byte, 4), udp("[fd00::64]:3000", "[fd00::1]:69", true, []byte("x")).data[14:]...)
	ns := append(make([]byte, 4), addr("fe80::1").AsSlice()...)
	solicit := append([]byte{1, 1, 2, 3}, 0, 1, 0, 2, 9, 9)
	advertise := append(append([]byte{2, 1, 2, 3}, 0, 59, 0, 18), "tftp://[fd00::1]/x"...)
	fragment := udp(serverIP+":40000", guestIP+":5000", false, []byte("tail")).data
	fragment = refrag(fragment, 0x00b9)
	return []frame{
		arp(1, guestMAC, "0.0.0.0", guestIP, true), arp(1, guestMAC, guestIP, guestIP, true),
		arp(1, guestMAC, guestIP, serverIP, true), arp(1, guestMAC, guestIP, serverIP, true),
		arp(2, serverMAC, serverIP, guestIP, false),
		arp(1, otherMAC, "192.0.2.101", serverIP, false), arp(1, otherMAC, "192.0.2.101", serverIP, false), // once
		arp(1, serverMAC, serverIP, guestIP, false), arp(1, serverMAC, serverIP, guestIP, false),
		icmp4(serverIP, guestIP, false, 3, 3, quoted), icmp4(serverIP, guestIP, false, 3, 1, quoted),
		icmp4(serverIP, guestIP, false, 3, 77, nil), icmp4(serverIP, guestIP, false, 3, 4, quoted),
		icmp4(serverIP, guestIP, false, 11, 0, quoted), icmp4(serverIP, guestIP, false, 5, 0, quoted),
		icmp4(serverIP, guestIP, false, 8, 0, nil), icmp4(serverIP, guestIP, false, 8, 0, nil), icmp4(guestIP, serverIP, true, 0, 0, nil),
		icmp6("fe80::64", "ff02::2", true, 133, 0, make([]byte, 4)), icmp6("fe80::64", "ff02::2", true, 133, 0, make([]byte, 4)),
		icmp6("fe80::1", "ff02::1", false, 134, 0, make([]byte, 12)), icmp6("fe80::1", "ff02::1", false, 134, 0, make([]byte, 12)),
		icmp6("fe80::65", "ff02::2", false, 133, 0, make([]byte, 4)), icmp6("fe80::65", "ff02::2", false, 133, 0, make([]byte, 4)),
		icmp6("fe80::64", "ff02::1", true, 135, 0, ns), icmp6("fe80::64", "ff02::1", true, 135, 0, ns),
		icmp6("fe80::1", "fe80::64", false, 136, 0, ns), icmp6("fe80::64", "ff02::16", true, 143, 0, make([]byte, 4)),
		icmp6("fe80::64", "ff02::16", true, 131, 0, make([]byte, 20)), icmp6("fe80::64", "ff02::16", true, 135, 0, nil),
		icmp6("fd00::1", "fd00::64", false, 1, 4, quoted6), icmp6("fd00::1", "fd00::64", false, 2, 0, quoted6),
		icmp6("fd00::1", "fd00::64", false, 3, 0, nil), icmp6("fd00::1", "fd00::64", false, 200, 1, nil),
		udp("[fe80::64]:546", "[ff02::1:2]:547", true, solicit), udp("[fe80::1]:547", "[fe80::64]:546", false, advertise),
		udp("[fe80::65]:546", "[ff02::1:2]:547", false, solicit), udp("[fe80::65]:546", "[ff02::1:2]:547", false, solicit),
		udp("[fe80::1]:547", "[fe80::64]:546", false, []byte{7, 0, 0, 0, 0, 1, 0, 9}), udp("[fe80::1]:547", "[fe80::64]:546", false, []byte{99, 0, 0, 0, 1}),
		udp("[fe80::1]:547", "[fe80::64]:546", false, []byte{12, 0, 0, 0, 1}), udp("[fe80::1]:547", "[fe80::64]:546", false, nil),
		udp(guestIP+":5000", serverIP+":7777", true, []byte("ping")), udp(guestIP+":5000", serverIP+":7777", true, []byte("ping")),
		udp(serverIP+":7777", guestIP+":5000", false, []byte("ECHO:ping")),
		{build(ether(serverMAC, otherMAC, layers.EthernetTypeIPv4)), false}, // flooded, for another NIC
		{fragment, false},
	}
}

func garbageScript() []frame {
	whole := udp(serverIP+":40000", guestIP+":5000", false, []byte("0123456789"))
	flip := func(at int) frame {
		b := bytes.Clone(whole.data)
		b[at] ^= 0xff
		return frame{b, false}
	}
	partial := bytes.Clone(whole.data)
	pseudo := sum(sum(0, partial[26:34]), []byte{0, 17, 0, 18})
	partial[40], partial[41] = byte(pseudo>>8), byte(pseudo)
	spanning := net.HardwareAddr{1, 0x80, 0xc2, 0, 0, 0}
	return []frame{
		{nil, false}, {make([]byte, 13), true}, {whole.data[:14], false}, {whole.data[:20], false}, {whole.data[:36], false},
		{whole.data[:45], false}, flip(15), flip(24), flip(41), flip(49), {partial, false}, flip(38),
		{build(ether(guestMAC, broadcast, 0x88cc)), true}, {build(ether(guestMAC, broadcast, 0x88cc)), true},
		{append(append(append([]byte{}, spanning...), serverMAC...), 0, 3, 0x42, 0x42, 3, 0, 0), false},
		{append(build(ether(guestMAC, broadcast, layers.EthernetTypeARP)), 0, 1, 8, 0, 6, 4), true},
		{append(build(ether(guestMAC, broadcast, layers.EthernetTypeARP)), 0, 1, 8, 0, 0, 0, 0, 1), true},
		{append(build(ether(guestMAC, serverMAC, layers.EthernetTypeIPv6)), make([]byte, 40)...), true},
		{append(build(ether(guestMAC, serverMAC, layers.EthernetTypeIPv6)), 0x60), true},
		{build(ip(addr(guestIP), addr(serverIP), true, 89)...), true},
		{build(ip(addr(guestIP), addr(serverIP), true, layers.IPProtocolTCP)...), true},
		{build(ip(addr(guestIP), addr(serverIP), true, layers.IPProtocolICMPv4)...), true},
		{build(ip(addr("fd00::64"), addr("fd00::1"), true, 59)...), true},
	}
}

// refrag sets the fragment field of an IPv4 frame and mends its header checksum.
func refrag(data []byte, field uint16) []byte {
	b := bytes.Clone(data)
	b[20], b[21], b[24], b[25] = byte(field>>8), byte(field), 0, 0
	s := ^sum(0, b[14:34])
	b[24], b[25] = byte(s>>8), byte(s)
	return b
}

// mtftpScript is a guest that opens a multicast transmission as iPXE does (from a port of its own, to a group on another),
// a second opening for what it missed, and then what it hears of another's.
func mtftpScript() []frame {
	own, again := talk{guestIP + ":1037", serverIP + ":1759"}, talk{guestIP + ":1038", serverIP + ":1759"}
	group := talk{"239.255.1.1:3001", serverIP + ":1759"}
	s := []frame{own.tx(strs(1, "probe.0", "octet"))}
	for n := 1; n <= 5; n++ {
		s = append(s, group.rx(block(3, n, 512)))
		if n == 1 {
			s = append(s, own.rx(block(3, 1, 512)))
		}
		s = append(s, own.tx(block(4, n, 0)))
	}
	s = append(s, group.rx(block(3, 7, 512)), again.tx(strs(1, "probe.0", "octet")), group.rx(block(3, 1, 512)), again.rx(block(3, 1, 512)),
		again.tx(block(4, 5, 0)), group.rx(block(3, 6, 512)), again.tx(block(4, 7, 0)), group.rx(block(3, 8, 9)), again.tx(block(4, 8, 0)))
	other := talk{"239.255.1.2:1758", "192.0.2.9:40000"}
	return append(s, other.rx(block(3, 30, 512)), other.rx(block(3, 31, 512)), other.rx(block(3, 33, 512)), other.rx(block(3, 34, 1)))
}
