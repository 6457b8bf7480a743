package dissect

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
)

// pxeOptions are the options that a network boot turns on.
var pxeOptions = map[byte]option{
	13: of("boot file size", kindWord, "3.15", func(_ *dissector, v []byte) string {
		n := int(big(v))
		return fmt.Sprintf("The boot file has %s of 512 octets: %d to %d octets.", count(n, "block"), max(n-1, 0)*512+min(n, 1), n*512)
	}),
	43: of("vendor-specific information", kindOctets, "8.4", meansVendor).opened(vendor),
	60: of("vendor class identifier", kindText, "9.13", meansClass),
	61: of("client identifier", orHex(kindClientID), "9.14", meansClientID),
	66: of("TFTP server name", kindText, "9.4", says("The name of the TFTP server, of which sname has no room when options stand there.")),
	67: of("bootfile name", kindText, "9.5", meansBootfile),
	77: {"user class", kindOctets, "RFC 3004 section 4", meansUserClass, userClasses},
	81: {"client FQDN", kindOctets, "RFC 4702 section 2", meansFQDN, nil},
	82: {"relay agent information", kindOctets, "RFC 3046 section 2.0", says("A relay agent added it, and the server returns it as it came; the relay agent takes it out again."), relayed.openIn},
	93: {"client system architecture", kindArchs, "RFC 4578 section 2.1", meansArchs, architectures},
	94: {"client network interface identifier", kindNII, "RFC 4578 section 2.2", meansNII, nil},
	97: {"client machine identifier (UUID)", kindUUID, "RFC 4578 section 2.3", meansUUID, uuidParts},

	119: {"domain search", orHex(kindNames), "RFC 3397 section 2", says("Names are looked up in these domains."), nil},
	121: {"classless static route", kindRoutes, "RFC 3442", says("Subnet and router of each route. With this option there, the client passes over option 3."), nil},
	128: reserved(128), 129: reserved(129), 130: reserved(130), 131: reserved(131),
	132: reserved(132), 133: reserved(133), 134: reserved(134), 135: reserved(135),
	150: {"TFTP server address", kindList, "RFC 5859", says("TFTP servers, the best first. PXE knows nothing of it; GRUB and Cisco's telephones do."), nil},
	175: {"Etherboot (iPXE's options)", kindOctets, specIPXE, says("Options of iPXE's own, for iPXE and from it."), etherboot.openIn},
	208: {"PXELINUX magic", kindHex32, "RFC 5071 section 3", says("F1:00:74:7E told PXELINUX that options 209 to 211 are meant for it. It asks for it no longer."), nil},
	209: {"PXELINUX configuration file", kindText, "RFC 5071 section 4", says("The configuration file that PXELINUX fetches in place of those that it would try."), nil},
	210: {"PXELINUX path prefix", kindText, "RFC 5071 section 5", says("What PXELINUX puts in front of the names of files."), nil},
	211: {"PXELINUX reboot time", kindLong, "RFC 5071 section 6", says("Seconds that PXELINUX waits before it reboots, if it cannot fetch its files."), nil},
}

// reserved is one of the options that PXE clients must ask for, and that mean nothing to them.
func reserved(code int) option {
	return option{fmt.Sprintf("PXE, vendor use %d", code-127), kindOctets, "RFC 4578 section 2.4",
		says("PXE clients must ask for options 128 to 135; what they hold is a vendor's affair."), nil}
}

// meansVendor says whose option 43 is.
func meansVendor(d *dissector, _ []byte) string {
	switch {
	case d.bootp.pxe:
		return "Option 60 of this message says PXEClient, so these are PXE's tags."
	case d.bootp.class != "":
		return fmt.Sprintf("What it holds is up to %q, the class of option 60.", escape([]byte(d.bootp.class)))
	}
	return "Without option 60 in the same message nobody knows whose it is, and PXE clients do not read it."
}

// vendor opens option 43, if it is PXE's.
func vendor(d *dissector, f *Field, at, n int) {
	if d.bootp.pxe {
		pxeTags.open(d, f, at, n)
	}
}

func meansClass(d *dissector, v []byte) string {
	class := cString(v)
	switch {
	case d.bootp.pxe && !d.bootp.request:
		return "The server speaks PXE: without it here, a PXE client takes the message for one of plain DHCP, and does not read option 43."
	case d.bootp.http && !d.bootp.request:
		return "The server speaks HTTP boot: the client takes option 67 for a URI."
	case !d.bootp.pxe && !d.bootp.http:
		return "The kind of client, by which a server may answer differently. It is none that boots from the network."
	}
	what := "PXE client"
	if d.bootp.http {
		what = "client of UEFI HTTP boot"
	}
	var arch, major, minor int
	_, after, _ := strings.Cut(class, ":")
	if n, _ := fmt.Sscanf(after, "Arch:%5d:UNDI:%3d%3d", &arch, &major, &minor); n == 3 {
		return fmt.Sprintf("A %s of architecture %d, with a network driver interface (UNDI) of version %d.%d.", what, arch, major, minor)
	}
	return "A " + what + ", which does not say its architecture here as PXE 2.1 has it."
}

func meansClientID(_ *dissector, v []byte) string {
	switch {
	case len(v) == 7 && v[0] == 1:
		mac, _ := showMAC(v[1:])
		return "By its hardware address (type 1, Ethernet): " + mac + ". Servers tell clients apart by this option."
	case len(v) == 17 && v[0] == 0:
		return "Type 0 and 16 octets: the machine's UUID, as PXE 2.1 has it. Servers tell clients apart by this option."
	case len(v) > 0 && v[0] == 255:
		return "An IAID and a DUID (RFC 4361). Servers tell clients apart by this option."
	}
	return "Servers tell clients apart by this option, and by chaddr if it is not there."
}

func meansBootfile(d *dissector, v []byte) string {
	name := cString(v)
	switch {
	case strings.HasPrefix(strings.ToLower(name), "http"):
		return "A URI: the boot program comes by HTTP."
	case name == "":
		return "It names no file."
	case d.bootp.file != "" && d.bootp.file != name:
		return fmt.Sprintf("The boot program. The field file names another, %q: which of them counts is up to the firmware.", escape([]byte(d.bootp.file)))
	}
	return "The boot program, to be fetched by TFTP."
}

func meansUserClass(d *dissector, v []byte) string {
	if cString(v) == "iPXE" {
		return "iPXE says who it is by this. A server answers it otherwise than the firmware that loaded it, or else iPXE loads itself for ever. RFC 3004 wants a length before each text, which iPXE leaves out."
	}
	return "Groups that the client belongs to."
}

// userClasses shows the texts of RFC 3004, each behind its length.
func userClasses(d *dissector, f *Field, at, n int) {
	v := d.data[at : at+n]
	var ends []int
	for i := 0; i < n; {
		i += 1 + int(v[i])
		ends = append(ends, i)
	}
	if n == 0 || ends[len(ends)-1] != n {
		f.Value, _ = showText(v)
		d.retype(f, kindText)
		return
	}
	from := 0
	for i, end := range ends {
		if d.full() {
			return
		}
		f.with(d.value(fmt.Sprintf("%s.class%d", f.Path, i+1), "class", kindText, at+from+1, end-from-1))
		from = end
	}
}

// retype changes the kind in which a field is written.
func (d *dissector) retype(f *Field, k kind) {
	e := d.edits[f.Path]
	e.kind = k
	d.edits[f.Path] = e
}

func meansFQDN(_ *dissector, v []byte) string {
	if len(v) < 3 {
		return ""
	}
	return fmt.Sprintf("The client's full name is %q.", escape(v[3:]))
}

func meansArchs(_ *dissector, v []byte) string {
	switch {
	case len(v) == 0:
		return "It names none."
	case len(v) > 2:
		return "The kinds of boot programs that the client can start, the best first. By these the server chooses the file."
	case big(v) == 7:
		return "The kind of boot program that the client can start; by this the server chooses the file. RFC 4578's text has 9 for x86-64, but firmware sends 7."
	}
	return "The kind of boot program that the client can start; by this the server chooses the file."
}

// architectures shows each of the list.
func architectures(d *dissector, f *Field, at, n int) {
	if n <= 2 || n%2 != 0 {
		return
	}
	for i := at; i < at+n && !d.full(); i += 2 {
		a := d.value(f.Path+".arch", "architecture", kindWord, i, 2)
		a.Meaning = pxe.Arch(binary.BigEndian.Uint16(d.data[i:])).Title()
		f.with(a)
	}
}

func meansNII(_ *dissector, v []byte) string {
	if len(v) != 3 || v[0] != 1 {
		return ""
	}
	return fmt.Sprintf("The firmware's network driver interface is UNDI of version %d.%d.", v[1], v[2])
}

func meansUUID(_ *dissector, v []byte) string {
	switch {
	case len(v) != 17 || v[0] != 0:
		return ""
	case allZero(v):
		return "All noughts: the machine has no UUID, and every such machine sends this."
	}
	return "The machine's UUID, by which a server can know it whatever card it has. A server returns it as it came."
}

// uuidParts shows a UUID in both orders of octets.
func uuidParts(d *dissector, f *Field, at, n int) {
	if n != 17 || d.data[at] != 0 {
		return
	}
	u := pxe.UUID(d.data[at+1 : at+17])
	t := d.value(f.Path+".type", "type", named(kindByte, map[uint64]string{0: "UUID"}), at, 1).spec(f.Spec)
	o := d.field(f.Path+".uuid", "UUID", at+1, 16).spec("SMBIOS 2.6 section 7.2.1")
	o.Value = u.String()
	if u != u.BigEndian() {
		o.Meaning = "As SMBIOS tools print it: the first three parts are little-endian on the wire. Read octet by octet it is " + u.BigEndian().String() + "."
	}
	f.with(t, o)
}
