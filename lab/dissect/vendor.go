package dissect

import (
	"encoding/binary"
	"fmt"

	"github.com/pxelab/pxelab/server/pxe"
)

// pxeTags are the tags of option 43 as PXE has them (PXE 2.1 table 2-1).
var pxeTags = &space{what: "tag", ends: true, spec: "PXE 2.1 table 2-1", other: otherTag}

func init() {
	tag := func(code byte, name string, k kind, means func(*dissector, []byte) string, parts func(*dissector, *Field, int, int)) {
		pxeTags.table[code] = option{name, k, fmt.Sprintf("PXE 2.1 table 2-1, tag %d", code), means, parts}
	}
	pxeTags.table = map[byte]option{}
	tag(1, "PXE_MTFTP_IP", kindAddress, says("The multicast group to which the MTFTP server sends the boot file."), nil)
	tag(2, "PXE_MTFTP_CPORT", kindWord, says("The UDP port that clients listen on for the file."), nil)
	tag(3, "PXE_MTFTP_SPORT", kindWord, says("The UDP port of the server's that a client asks to begin the transfer."), nil)
	tag(4, "PXE_MTFTP_TMOUT", kindByte, says("Seconds that a client listens for a transfer under way, before it begins one."), nil)
	tag(5, "PXE_MTFTP_DELAY", kindByte, says("Seconds of silence after which a client that misses blocks begins a transfer."), nil)
	tag(6, "PXE_DISCOVERY_CONTROL", kindHex8, meansControl, controlBits)
	tag(7, "DISCOVERY_MCAST_ADDR", kindAddress, says("The multicast group that boot servers are asked in, on port 4011."), nil)
	tag(8, "PXE_BOOT_SERVERS", kindServers, says("Boot servers by type. A type without addresses may be served by anybody."), serverList)
	tag(9, "PXE_BOOT_MENU", kindMenu, meansMenu, menuItems)
	tag(10, "PXE_MENU_PROMPT", kindPrompt, meansPrompt, promptParts)
	tag(11, "PXE_MCAST_ADDRS_ALLOC", kindOctets, says("A block of multicast addresses that the server sets aside for transfers."), allocParts)
	tag(12, "PXE_CREDENTIAL_TYPES", kindLongs, says("The kinds of signatures that the client can check (BIS). A server that has none of these says nothing to a request for credentials."), nil)
	tag(71, "PXE_BOOT_ITEM", kindItem, meansItem, itemParts)
}

func otherTag(code byte) string {
	switch {
	case code >= 64 && code <= 127:
		return "for boot programs"
	case code >= 128:
		return "vendor's own"
	}
	return "reserved"
}

// serverTypes are boot servers by name (PXE 2.1 table 2-1, tag 8).
var serverTypes = map[uint64]string{0: "bootstrap server", 1: "Microsoft Windows NT", 2: "Intel LCM", 3: "DOS/UNDI", 4: "NEC ESMPRO",
	5: "IBM WSoD", 6: "IBM LCCM", 7: "CA Unicenter TNG", 8: "HP OpenView", 0xffff: "PXE API test server"}

var kindType = named(kindHex16, serverTypes)

// meansControl says what the bits of the discovery control leave.
func meansControl(d *dissector, v []byte) string {
	c := pxe.Control(v[0])
	if c&pxe.Direct != 0 && d.bootp.direct {
		return "Bit 3: boot the file of this message at once, without prompt, menu or discovery."
	}
	text := "Boot servers may be looked for by "
	switch c & (pxe.NoBroadcast | pxe.NoMulticast) {
	case 0:
		text += "multicast and by broadcast"
	case pxe.NoBroadcast:
		text += "multicast, but not by broadcast"
	case pxe.NoMulticast:
		text += "broadcast, but not by multicast"
	default:
		text = "Broadcast and multicast discovery are off: the client asks the servers of the list (tag 8)"
	}
	if c&pxe.OnlyListed != 0 {
		text += ", and takes answers only from servers of the list"
	}
	if c&pxe.Direct != 0 {
		text += ". Bit 3 says to boot the file at once, but there is no file name here, so it does not count"
	}
	return text + "."
}

// controlBits shows each bit that has a meaning.
func controlBits(d *dissector, f *Field, at, n int) {
	if n == 1 {
		d.bits(f, at, 1, []string{"no broadcast discovery", "no multicast discovery", "only listed servers", "boot the file at once"})
	}
}

// bits shows the bits of a number, from the lowest.
func (d *dissector) bits(f *Field, at, n int, names []string) {
	v := big(d.data[at : at+n])
	for i, name := range names {
		if name == "" {
			continue
		}
		b := d.field(fmt.Sprintf("%s.bit%d", f.Path, i), fmt.Sprintf("bit %d, %s", i, name), at, n).spec(f.Spec)
		b.Value = []string{"no", "yes"}[v>>i&1]
		f.with(b)
	}
}

// serverList shows each entry of tag 8.
func serverList(d *dissector, f *Field, at, n int) {
	for end := at + n; at < end && !d.full(); {
		if end-at < 3 || end-at-3 < 4*int(d.data[at+2]) {
			f.flaw("the list is cut short")
			f.with(d.octets(f.Path+".cut", "entry, cut short", at, end))
			return
		}
		many := int(d.data[at+2])
		e := d.field(f.Path+".server", "boot server", at, 3+4*many).spec(f.Spec)
		d.edit(&e, edit{whole: [2]int{at, e.Len}, bare: true, only: true})
		e.with(d.fixed(e.Path+".type", "type", kindType, at, 2).spec(f.Spec),
			d.value(e.Path+".count", "count", kindByte, at+2, 1).spec(f.Spec))
		for i := range many {
			e.with(d.fixed(e.Path+".address", "address", kindAddress, at+3+4*i, 4).spec(f.Spec))
		}
		e.Value, _ = kindType.show(d.data[at : at+2])
		if many == 0 {
			e.Meaning = "Any server of this type may answer."
		} else {
			who, _ := kindList.show(d.data[at+3 : at+3+4*many])
			e.Value += " " + who
		}
		f.with(e)
		at += 3 + 4*many
	}
}

func meansMenu(_ *dissector, _ []byte) string {
	return "What the user can choose from. The first item is the default; type 0 is to boot from the machine's own disk."
}

// menuItems shows each item of tag 9.
func menuItems(d *dissector, f *Field, at, n int) {
	for end := at + n; at < end && !d.full(); {
		if end-at < 3 || end-at-3 < int(d.data[at+2]) {
			f.flaw("the menu is cut short")
			f.with(d.octets(f.Path+".cut", "item, cut short", at, end))
			return
		}
		chars := int(d.data[at+2])
		e := d.field(f.Path+".item", "menu item", at, 3+chars).spec(f.Spec)
		d.edit(&e, edit{whole: [2]int{at, e.Len}, bare: true, only: true})
		e.with(d.fixed(e.Path+".type", "type", kindType, at, 2).spec(f.Spec),
			d.value(e.Path+".length", "length", kindByte, at+2, 1).spec(f.Spec))
		d.lens = append(d.lens, length{at + 2, 1})
		e.with(d.editable(e.Path+".text", "description", kindText, at+3, chars).spec(f.Spec))
		d.lens = d.lens[:len(d.lens)-1]
		e.Value = fmt.Sprintf("%q, type %s", e.Fields[2].Value, e.Fields[0].Value)
		if binary.BigEndian.Uint16(d.data[at:]) == 0 {
			e.Meaning = "Type 0: boot from the machine's own disk."
		}
		if chars == 0 {
			e.flaw("an item has a text of one octet at least")
		}
		f.with(e)
		at += 3 + chars
	}
}

func meansPrompt(_ *dissector, v []byte) string {
	switch {
	case len(v) == 0:
		return ""
	case v[0] == 0:
		return "Timeout 0: the first item of the menu is taken at once, without a prompt."
	case v[0] == 255:
		return "Timeout 255: the menu is shown at once, and waits for ever."
	}
	return fmt.Sprintf("The text is shown for %s. F8 opens the menu; otherwise the first item is taken.", count(int(v[0]), "second"))
}

func promptParts(d *dissector, f *Field, at, n int) {
	if n == 0 {
		f.flaw("it has no timeout")
		return
	}
	f.with(d.fixed(f.Path+".timeout", "timeout", kindByte, at, 1).spec(f.Spec),
		d.editable(f.Path+".text", "prompt", kindText, at+1, n-1).spec(f.Spec))
}

func allocParts(d *dissector, f *Field, at, n int) {
	if n != 8 {
		f.flaw(fmt.Sprintf("it has %s, not 8", count(n, "octet")))
		return
	}
	f.with(d.fixed(f.Path+".base", "first address", kindAddress, at, 4).spec(f.Spec),
		d.fixed(f.Path+".block", "block size", kindWord, at+4, 2).spec(f.Spec),
		d.fixed(f.Path+".range", "range", kindWord, at+6, 2).spec(f.Spec))
}

func meansItem(d *dissector, v []byte) string {
	if len(v) != 4 {
		return ""
	}
	t, _ := kindType.show(v[:2])
	layer := binary.BigEndian.Uint16(v[2:])
	what := fmt.Sprintf("layer %d of its boot program", layer&^pxe.CredentialsLayer)
	if layer&pxe.CredentialsLayer != 0 {
		what = "the credentials (BIS) of " + what
	}
	if d.bootp.request {
		return fmt.Sprintf("The client asks for a boot server of type %s, for %s.", t, what)
	}
	return fmt.Sprintf("The boot server answers for type %s, with %s.", t, what)
}

func itemParts(d *dissector, f *Field, at, n int) {
	if n != 4 {
		f.flaw(fmt.Sprintf("it has %s, not 4", count(n, "octet")))
		return
	}
	f.with(d.fixed(f.Path+".type", "type", kindType, at, 2).spec(f.Spec),
		d.fixed(f.Path+".layer", "layer", kindHex16, at+2, 2).spec(f.Spec))
}
