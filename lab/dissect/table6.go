package dissect

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
)

// options6 is what is known of DHCPv6 options. init fills it, as the parts of options open further options.
var options6 map[uint16]option

func init() {
	of := func(section, name string, k kind, means func(*dissector, []byte) string) option {
		return option{name: name, kind: k, spec: "RFC 8415 section 21." + section, means: means}
	}
	options6 = map[uint16]option{
		1:  of("2", "client identifier", kindOctets, meansDUID).opened(duidParts),
		2:  of("3", "server identifier", kindOctets, meansDUID).opened(duidParts),
		3:  of("4", "IA_NA", kindOctets, says("An association of addresses: the client's name for it, and the addresses themselves.")).opened(association),
		4:  of("5", "IA_TA", kindOctets, says("An association of temporary addresses.")),
		5:  of("6", "IA address", kindOctets, nil).opened(address6),
		6:  of("7", "option request", kindWords, says("What the client wants to be told.")).opened(requestList6),
		7:  of("8", "preference", kindByte, says("A client takes the server with the highest; 255 is taken at once.")),
		8:  of("9", "elapsed time", kindWord, meansElapsed),
		9:  of("10", "relay message", kindOctets, says("The message that is passed on.")).opened(relayMessage6),
		11: of("11", "authentication", kindOctets, nil),
		12: of("12", "server unicast", kindAddress6, says("The client may send to this address in place of the group.")),
		13: of("13", "status code", kindOctets, nil).opened(status6),
		14: of("14", "rapid commit", kindNothing, says("Two messages are enough in place of four.")),
		15: of("15", "user class", kindOctets, says("Groups that the client belongs to, each text behind its length.")).opened(texts6),
		16: of("16", "vendor class", kindOctets, says("The kind of client, in place of DHCPv4's option 60.")).opened(vendorClass6),
		17: of("17", "vendor-specific information", kindOctets, nil),
		18: of("18", "interface ID", kindOctets, says("The relay agent's name for where the message came in; the server returns it.")),
		20: of("20", "reconfigure accept", kindNothing, nil),
		25: of("21", "IA_PD", kindOctets, nil),
		32: of("23", "information refresh time", kindLong, meansSeconds),
		82: of("24", "SOL_MAX_RT", kindLong, meansSeconds),
		83: of("25", "INF_MAX_RT", kindLong, meansSeconds),
		23: {name: "DNS recursive name server", kind: kindList6, spec: "RFC 3646 section 3", means: says("DNS servers, the best first.")},
		24: {name: "domain search list", kind: orHex(kindNames), spec: "RFC 3646 section 4", means: says("Names are looked up in these domains.")},
		59: {name: "boot file URL", kind: kindText, spec: "RFC 5970 section 3.1", means: says("The boot program: server, protocol and file in one, in place of DHCPv4's siaddr and file.")},
		60: {name: "boot file parameters", kind: kindOctets, spec: "RFC 5970 section 3.2", means: says("Texts for the boot program, each behind its length."), parts: texts6},
		61: {name: "client system architecture type", kind: kindArchs, spec: "RFC 5970 section 3.3", means: meansArchs},
		62: {name: "client network interface identifier", kind: orHex(kindNII), spec: "RFC 5970 section 3.4", means: meansNII},
	}
}

func meansElapsed(_ *dissector, v []byte) string {
	return fmt.Sprintf("The client began %d.%02d seconds ago.", big(v)/100, big(v)%100)
}

func meansDUID(_ *dissector, v []byte) string {
	if len(v) < 2 {
		return ""
	}
	return "Who it is, for ever: servers and clients of DHCPv6 know each other by their DUIDs, not by hardware addresses."
}

var duidTypes = map[uint64]string{1: "DUID-LLT, link-layer address and time", 2: "DUID-EN, by enterprise number", 3: "DUID-LL, link-layer address",
	4: "DUID-UUID"}

// duidParts opens a DUID (RFC 8415 section 11).
func duidParts(d *dissector, f *Field, at, n int) {
	if n < 2 {
		f.flaw("a DUID has a type of two octets")
		return
	}
	spec := "RFC 8415 section 11"
	kind := big(d.data[at : at+2])
	if kind >= 1 && kind <= 4 {
		spec = fmt.Sprintf("RFC 8415 section 11.%d", kind+1)
	}
	f.with(d.value(f.Path+".type", "DUID type", named(kindWord, duidTypes), at, 2).spec(spec))
	switch {
	case kind == 1 && n == 14:
		f.with(d.value(f.Path+".time", "time", kindLong, at+4, 4).spec(spec), d.value(f.Path+".address", "link-layer address", kindMAC, at+8, 6).spec(spec))
	case kind == 3 && n == 10:
		f.with(d.value(f.Path+".address", "link-layer address", kindMAC, at+4, 6).spec(spec))
	case kind == 4 && n == 18:
		u := pxe.UUID(d.data[at+2 : at+18])
		o := d.field(f.Path+".uuid", "UUID", at+2, 16).spec("RFC 6355 section 4")
		o.Value = u.BigEndian().String()
		if u != u.BigEndian() {
			o.Value = u.String()
			o.Meaning = "As SMBIOS tools print it, if its first three parts are little-endian as in SMBIOS. In network order it is " + u.BigEndian().String() + "."
		}
		o.Client = d.says("dhcp6.uuid", nil)
		f.with(o)
	}
}

// association opens an IA_NA: 12 octets, and options.
func association(d *dissector, f *Field, at, n int) {
	if n < 12 {
		f.flaw(fmt.Sprintf("it has %s, 12 at least", count(n, "octet")))
		return
	}
	f.with(d.value(f.Path+".iaid", "IAID", kindHex32, at, 4).spec(f.Spec),
		d.value(f.Path+".t1", "T1", kindLong, at+4, 4).spec(f.Spec).means("After so many seconds the client asks for more time; 0: as it likes."),
		d.value(f.Path+".t2", "T2", kindLong, at+8, 4).spec(f.Spec).means("After so many seconds it asks any server; 0: as it likes."))
	d.options6(f, f.Path, at+12, at+n)
	var addrs []string
	for _, o := range f.Fields[3:] {
		addrs = append(addrs, o.Value)
	}
	f.Value = strings.Join(addrs, ", ")
	d.noText(f)
}

// address6 opens an IA address: 24 octets, and options.
func address6(d *dissector, f *Field, at, n int) {
	if n < 24 {
		f.flaw(fmt.Sprintf("it has %s, 24 at least", count(n, "octet")))
		return
	}
	f.with(d.fixed(f.Path+".address", "IPv6 address", kindAddress6, at, 16).spec(f.Spec),
		d.fixed(f.Path+".preferred", "preferred lifetime", kindLong, at+16, 4).spec(f.Spec),
		d.fixed(f.Path+".valid", "valid lifetime", kindLong, at+20, 4).spec(f.Spec))
	f.Value = f.Fields[0].Value
	f.Meaning = "The client's address, for this time: " + duration(big(d.data[at+20:at+24])) + "."
	d.options6(f, f.Path, at+24, at+n)
	d.noText(f)
}

// noText takes from a field that it can be set, as its value is not what it was made of.
func (d *dissector) noText(f *Field) {
	e := d.edits[f.Path]
	e.only, f.Edit = true, false
	d.edits[f.Path] = e
}

func requestList6(d *dissector, f *Field, at, n int) {
	for i := at; i+2 <= at+n && !d.full(); i += 2 {
		code := binary.BigEndian.Uint16(d.data[i:])
		name := options6[code].name
		if name == "" {
			name = "unknown"
		}
		p := d.field(fmt.Sprintf("%s.%d", f.Path, code), fmt.Sprintf("option %d", code), i, 2)
		p.Value = name
		f.with(p)
	}
}

// relayMessage6 opens the message that a relay agent's holds. Relays behind relays are opened as far as there are hops (RFC 8415
// section 7.6).
func relayMessage6(d *dissector, f *Field, at, n int) {
	if strings.Count(f.Path, ".message") >= 8 {
		return
	}
	m, _ := d.message6(f.Path+".message", at, at+n)
	f.Value = m.Value
	f.with(m)
	d.noText(f)
}

var statuses6 = map[uint64]string{0: "Success", 1: "UnspecFail", 2: "NoAddrsAvail", 3: "NoBinding", 4: "NotOnLink", 5: "UseMulticast", 6: "NoPrefixAvail"}

func status6(d *dissector, f *Field, at, n int) {
	if n < 2 {
		f.flaw("a status has two octets at least")
		return
	}
	f.with(d.fixed(f.Path+".code", "status", named(kindWord, statuses6), at, 2).spec(f.Spec),
		d.editable(f.Path+".message", "message", kindText, at+2, n-2).spec(f.Spec))
	f.Value = nameOf(statuses6, big(d.data[at:at+2]))
	d.noText(f)
}

// texts6 opens texts that stand each behind a length of two octets.
func texts6(d *dissector, f *Field, at, n int) {
	for end, i := at+n, 1; at < end && !d.full(); i++ {
		if end-at < 2 || end-at-2 < int(binary.BigEndian.Uint16(d.data[at:])) {
			f.flaw("a text is cut short")
			break
		}
		size := int(binary.BigEndian.Uint16(d.data[at:]))
		d.lens = append(d.lens, length{at, 2})
		f.with(d.editable(fmt.Sprintf("%s.text%d", f.Path, i), "text", kindText, at+2, size).spec(f.Spec))
		d.lens = d.lens[:len(d.lens)-1]
		at += 2 + size
	}
	var texts []string
	for _, t := range f.Fields {
		texts = append(texts, t.Value)
	}
	f.Value = strings.Join(texts, ", ")
	d.noText(f)
}

func vendorClass6(d *dissector, f *Field, at, n int) {
	if n < 4 {
		f.flaw(fmt.Sprintf("it has %s, 4 at least", count(n, "octet")))
		return
	}
	f.with(d.value(f.Path+".enterprise", "enterprise number", named(kindLong, map[uint64]string{343: "Intel", 10006: "Etherboot"}), at, 4).spec(f.Spec))
	texts6(d, f, at+4, n-4)
}
