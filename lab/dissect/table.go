package dissect

import (
	"fmt"
	"strings"
)

// options is what is known of DHCP options by their numbers. init fills it from the tables of the specifications.
var options = map[byte]option{}

// init cannot be spared: the parts of options open further options.
func init() {
	for _, table := range []map[byte]option{rfc2132, others, pxeOptions} {
		for code, o := range table {
			options[code] = o
		}
	}
}

// of is an option of RFC 2132.
func of(name string, k kind, section string, means func(*dissector, []byte) string) option {
	return option{name: name, kind: k, spec: "RFC 2132 section " + section, means: means}
}

// opened is the same option with parts.
func (o option) opened(parts func(d *dissector, f *Field, at, n int)) option {
	o.parts = parts
	return o
}

// rfc2132 are the options of RFC 2132 but those in pxeOptions.
var rfc2132 = map[byte]option{
	1:  of("subnet mask", kindAddress, "3.3", meansMask),
	2:  of("time offset", kindSigned, "3.4", says("Seconds that local time is ahead of UTC.")),
	3:  of("router", kindList, "3.5", says("Where packets go that leave the subnet, the best first.")),
	4:  of("time server", kindList, "3.6", nil),
	5:  of("name server", kindList, "3.7", says("Name servers of IEN 116, which nobody uses any more.")),
	6:  of("domain name server", kindList, "3.8", says("DNS servers, the best first.")),
	7:  of("log server", kindList, "3.9", nil),
	8:  of("cookie server", kindList, "3.10", nil),
	9:  of("LPR server", kindList, "3.11", nil),
	10: of("Impress server", kindList, "3.12", nil),
	11: of("resource location server", kindList, "3.13", nil),
	12: of("host name", kindText, "3.14", says("The client's name.")),
	14: of("merit dump file", kindText, "3.16", nil),
	15: of("domain name", kindText, "3.17", says("What the client appends to names for DNS.")),
	16: of("swap server", kindAddress, "3.18", nil),
	17: of("root path", kindText, "3.19", says("Where the root of the client's file system is: of iSCSI and NFS boots.")),
	18: of("extensions path", kindText, "3.20", nil),
	19: of("IP forwarding", kindFlag, "4.1", nil),
	20: of("non-local source routing", kindFlag, "4.2", nil),
	21: of("policy filter", kindPairs, "4.3", nil),
	22: of("maximum datagram reassembly size", kindWord, "4.4", nil),
	23: of("default IP time to live", kindByte, "4.5", nil),
	24: of("path MTU aging timeout", kindLong, "4.6", meansSeconds),
	25: of("path MTU plateau table", kindWords, "4.7", nil),
	26: of("interface MTU", kindWord, "5.1", nil),
	27: of("all subnets are local", kindFlag, "5.2", nil),
	28: of("broadcast address", kindAddress, "5.3", nil),
	29: of("perform mask discovery", kindFlag, "5.4", nil),
	30: of("mask supplier", kindFlag, "5.5", nil),
	31: of("perform router discovery", kindFlag, "5.6", nil),
	32: of("router solicitation address", kindAddress, "5.7", nil),
	33: of("static route", kindPairs, "5.8", says("Destination and router of each route.")),
	34: of("trailer encapsulation", kindFlag, "6.1", nil),
	35: of("ARP cache timeout", kindLong, "6.2", meansSeconds),
	36: of("Ethernet encapsulation", kindFlag, "6.3", nil),
	37: of("TCP default time to live", kindByte, "7.1", nil),
	38: of("TCP keepalive interval", kindLong, "7.2", meansSeconds),
	39: of("TCP keepalive garbage", kindFlag, "7.3", nil),
	40: of("NIS domain", kindText, "8.1", nil),
	41: of("NIS servers", kindList, "8.2", nil),
	42: of("NTP servers", kindList, "8.3", nil),
	44: of("NetBIOS name server", kindList, "8.5", nil),
	45: of("NetBIOS datagram distribution server", kindList, "8.6", nil),
	46: of("NetBIOS node type", kindByte, "8.7", nil),
	47: of("NetBIOS scope", kindText, "8.8", nil),
	48: of("X Window System font server", kindList, "8.9", nil),
	49: of("X Window System display manager", kindList, "8.10", nil),
	64: of("NIS+ domain", kindText, "8.11", nil),
	65: of("NIS+ servers", kindList, "8.12", nil),
	68: of("mobile IP home agent", kindList, "8.13", nil),
	69: of("SMTP server", kindList, "8.14", nil),
	70: of("POP3 server", kindList, "8.15", nil),
	71: of("NNTP server", kindList, "8.16", nil),
	72: of("WWW server", kindList, "8.17", nil),
	73: of("finger server", kindList, "8.18", nil),
	74: of("IRC server", kindList, "8.19", nil),
	75: of("StreetTalk server", kindList, "8.20", nil),
	76: of("StreetTalk directory assistance server", kindList, "8.21", nil),
	50: of("requested IP address", kindAddress, "9.1", meansRequested),
	51: of("IP address lease time", kindLong, "9.2", meansLease),
	52: of("option overload", named(kindByte, map[uint64]string{1: "file", 2: "sname", 3: "file and sname"}), "9.3", meansOverload),
	53: of("DHCP message type", named(kindByte, messageTypes), "9.6", func(d *dissector, _ []byte) string { return d.messageMeaning() }),
	54: of("server identifier", kindAddress, "9.7", meansServer),
	55: of("parameter request list", kindBytes, "9.8", says("What the client wants to be told. A server may say less, and more.")).opened(requestList),
	56: of("message", kindText, "9.9", says("Why: for a person to read.")),
	57: of("maximum DHCP message size", kindWord, "9.10", meansMaxSize),
	58: of("renewal time (T1)", kindLong, "9.11", meansSeconds),
	59: of("rebinding time (T2)", kindLong, "9.12", meansSeconds),
}

// duration says seconds in the unit that a person would.
func duration(n uint64) string {
	switch {
	case n == 0xffffffff:
		return "for ever"
	case n >= 172800 && n%86400 == 0:
		return count(int(n/86400), "day")
	case n >= 7200 && n%3600 == 0:
		return count(int(n/3600), "hour")
	case n >= 120 && n%60 == 0:
		return count(int(n/60), "minute")
	}
	return count(int(n), "second")
}

func meansSeconds(_ *dissector, v []byte) string {
	d := duration(big(v))
	return strings.ToUpper(d[:1]) + d[1:] + "."
}

func meansMask(_ *dissector, v []byte) string {
	ones, inverse := 0, ^uint32(big(v))
	for m := uint32(big(v)); m != 0; m <<= 1 {
		ones += int(m >> 31)
	}
	if inverse&(inverse+1) != 0 {
		return "No mask: its ones and noughts are mixed."
	}
	return fmt.Sprintf("The subnet's addresses have their first %d bits in common (/%d).", ones, ones)
}

// requestList shows each option that is asked for.
func requestList(d *dissector, f *Field, at, n int) {
	for i := at; i < at+n && !d.full(); i++ {
		code := d.data[i]
		name := options[code].name
		if name == "" {
			name = "unknown"
		}
		p := d.field(fmt.Sprintf("%s.%d", f.Path, code), fmt.Sprintf("option %d", code), i, 1)
		p.Value = name
		f.with(p)
	}
}
