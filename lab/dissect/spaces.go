package dissect

import (
	"fmt"
	"strings"
)

// relayed are the sub-options of option 82, which relay agents add.
var relayed = &space{what: "sub-option", spec: "RFC 3046 section 2.0", other: unknown, table: map[byte]option{
	1:   {name: "agent circuit ID", kind: kindOctets, spec: "RFC 3046 section 3.1", means: says("The port or line that the client's message came in by, as the relay agent calls it.")},
	2:   {name: "agent remote ID", kind: kindOctets, spec: "RFC 3046 section 3.2", means: says("The far end of that line, as the relay agent calls it.")},
	4:   {name: "DOCSIS device class", kind: kindLong, spec: "RFC 3256"},
	5:   {name: "link selection", kind: kindAddress, spec: "RFC 3527", means: says("The subnet that the client is on, where it is not giaddr's: the server chooses the pool by this.")},
	6:   {name: "subscriber ID", kind: kindText, spec: "RFC 3993"},
	7:   {name: "RADIUS attributes", kind: kindOctets, spec: "RFC 4014"},
	8:   {name: "authentication", kind: kindOctets, spec: "RFC 4030"},
	9:   {name: "vendor-specific information", kind: kindOctets, spec: "RFC 4243"},
	10:  {name: "relay agent flags", kind: kindHex8, spec: "RFC 5010"},
	11:  {name: "server identifier override", kind: kindAddress, spec: "RFC 5107", means: says("The server is to call itself this in option 54, so that the client's renewals come through the relay agent.")},
	12:  {name: "relay agent identifier", kind: kindOctets, spec: "RFC 6925"},
	151: {name: "virtual subnet selection", kind: kindOctets, spec: "RFC 6607"},
	152: {name: "virtual subnet selection control", kind: kindOctets, spec: "RFC 6607"},
}}

const specIPXE = "iPXE: src/include/ipxe/dhcp.h"

// etherboot are the sub-options of option 175, in which iPXE speaks of itself and servers speak to it.
var etherboot = &space{what: "sub-option", spec: specIPXE, ends: true, other: unknown, table: map[byte]option{}}

func init() {
	feature := func(code byte, what string) {
		etherboot.table[code] = option{name: "feature " + what, kind: kindOctets, spec: "iPXE: src/include/ipxe/features.h",
			means: says("This iPXE knows " + what + ".")}
	}
	for code, what := range map[byte]string{0x10: "PXE extensions", 0x11: "iSCSI", 0x12: "AoE", 0x13: "HTTP", 0x14: "HTTPS", 0x15: "TFTP", 0x16: "FTP",
		0x17: "DNS", 0x18: "bzImage", 0x19: "Multiboot", 0x1a: "SLAM", 0x1b: "SRP", 0x20: "NBI", 0x21: "PXE", 0x22: "ELF", 0x23: "COMBOOT", 0x24: "EFI",
		0x25: "FCoE", 0x26: "VLAN", 0x27: "menus", 0x28: "SDI", 0x29: "NFS"} {
		feature(code, what)
	}
	for code, o := range map[byte]option{
		1:    {name: "priority", kind: kindByte, spec: specIPXE, means: says("How much this offer is worth; iPXE takes the highest.")},
		8:    {name: "keep-san", kind: kindByte, spec: specIPXE, means: says("Whether a SAN disk stays when its boot fails.")},
		9:    {name: "skip-san-boot", kind: kindByte, spec: specIPXE, means: says("Whether iPXE attaches a SAN disk, and does not boot it.")},
		85:   {name: "syslogs", kind: kindText, spec: specIPXE},
		91:   {name: "cert", kind: kindOctets, spec: specIPXE},
		92:   {name: "privkey", kind: kindOctets, spec: specIPXE},
		93:   {name: "crosscert", kind: kindText, spec: specIPXE},
		176:  {name: "no-pxedhcp", kind: kindByte, spec: specIPXE, means: says("With 1 iPXE is told to wait for no proxyDHCP offer, and to pass over the options of PXE.")},
		177:  {name: "bus-id", kind: kindOctets, spec: specIPXE, means: meansBusID},
		188:  {name: "san-filename", kind: kindText, spec: specIPXE},
		189:  {name: "bios-drive", kind: kindByte, spec: specIPXE},
		190:  {name: "username", kind: kindText, spec: specIPXE},
		191:  {name: "password", kind: kindText, spec: specIPXE},
		192:  {name: "reverse-username", kind: kindText, spec: specIPXE},
		193:  {name: "reverse-password", kind: kindText, spec: specIPXE},
		0xeb: {name: "version", kind: kindOctets, spec: specIPXE, means: meansVersion},
	} {
		etherboot.table[code] = o
	}
}

func unknown(byte) string { return "unknown" }

// meansBusID names the client's network card.
func meansBusID(_ *dissector, v []byte) string {
	if len(v) != 5 || v[0] != 1 {
		return "The client's network card."
	}
	return fmt.Sprintf("The client's network card: PCI device %02x%02x:%02x%02x.", v[1], v[2], v[3], v[4])
}

func meansVersion(_ *dissector, v []byte) string {
	var words []string
	for _, b := range v {
		words = append(words, fmt.Sprint(b))
	}
	return "iPXE's version: " + strings.Join(words, ".") + "."
}

// openIn opens the options that another encapsulates.
func (s *space) openIn(d *dissector, f *Field, at, n int) { s.open(d, f, at, n) }
