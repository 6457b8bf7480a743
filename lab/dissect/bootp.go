package dissect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
)

// The fixed part of a BOOTP message (RFC 951 section 3, RFC 2131 section 2).
const (
	snameAt     = 44
	fileAt      = 108
	bootpHead   = 236
	cookieAt    = bootpHead
	optionsAt   = 240
	magicCookie = 0x63825363
	bootpLeast  = 300 // octets of a message in RFC 951, to which servers and clients still fill it up
)

// message is what the fields of a DHCP message mean to each other.
type message struct {
	kind    byte // of option 53; zero: BOOTP
	request bool // a client sent it
	option  map[byte][]byte
	order   []byte          // the options as they came; PAD not
	tag     map[byte][]byte // of option 43, where that is PXE's
	class   string          // option 60
	pxe     bool            // option 60 is PXEClient's
	http    bool            // option 60 is HTTPClient's
	ipxe    bool            // the sender says that it is iPXE
	archs   []pxe.Arch
	chaddr  string
	yiaddr  []byte
	siaddr  []byte
	file    string // of the header field, unless options stand there
	proxy   bool   // an answer without an address: proxyDHCP's, or a boot server's
	cookie  bool   // there are options
	ended   bool   // and END ends them
	direct  bool   // bit 3 of the discovery control, and there is a file
}

// has tells whether an option is there.
func (m *message) has(code byte) bool { _, ok := m.option[code]; return ok }

// reply tells whether it is a server's offer or acknowledgement, of DHCP or BOOTP.
func (m *message) reply() bool {
	return !m.request && (m.kind == 0 || m.kind == msgOffer || m.kind == msgAck)
}

// bootfile is the boot file's name, from the option or else the header.
func (m *message) bootfile() string {
	if f := cString(m.option[67]); f != "" {
		return f
	}
	return m.file
}

func cString(v []byte) string {
	text, _, _ := bytes.Cut(v, []byte{0})
	return string(text)
}

// survey reads a whole message before its fields are made, as many of them mean something only beside others.
func survey(v []byte) *message {
	m := &message{request: v[0] == 1, option: map[byte][]byte{}, tag: map[byte][]byte{}, chaddr: net.HardwareAddr(v[28 : 28+min(int(v[2]), 16)]).String(), yiaddr: v[16:20], siaddr: v[20:24],
		file: cString(v[fileAt:bootpHead])}
	if len(v) >= optionsAt && binary.BigEndian.Uint32(v[cookieAt:]) == magicCookie {
		m.cookie, m.ended = true, ended(v[optionsAt:])
		m.read(v[optionsAt:])
		if o := m.option[52]; len(o) == 1 && o[0]&1 != 0 {
			m.file = ""
			m.read(v[fileAt:bootpHead])
		}
		if o := m.option[52]; len(o) == 1 && o[0]&2 != 0 {
			m.read(v[snameAt:fileAt])
		}
	}
	if t := m.option[53]; len(t) == 1 {
		m.kind = t[0]
	}
	m.class = cString(m.option[60])
	m.pxe, m.http = strings.HasPrefix(m.class, "PXEClient"), strings.HasPrefix(m.class, "HTTPClient")
	options := map[uint8][]byte{}
	for c, v := range m.option {
		options[c] = v
	}
	who := pxe.Identify(options)
	m.ipxe, m.archs = who.IPXE, who.Archs
	if m.pxe {
		tlvs(m.option[43], func(tag byte, v []byte) { m.tag[tag] = v })
	}
	m.proxy = !m.request && allZero(m.yiaddr)
	m.direct = len(m.tag[6]) == 1 && m.tag[6][0]&8 != 0 && m.bootfile() != ""
	return m
}

// read gathers the options of an area.
func (m *message) read(area []byte) {
	tlvs(area, func(code byte, v []byte) {
		m.order = append(m.order, code)
		m.option[code] = append(m.option[code], v...)
		if m.option[code] == nil {
			m.option[code] = []byte{}
		}
	})
}

// tlvs visits codes and values up to END, or as far as there are whole ones.
func tlvs(area []byte, visit func(code byte, v []byte)) {
	for len(area) > 0 && area[0] != 255 {
		if area[0] == 0 {
			area = area[1:]
			continue
		}
		if len(area) < 2 || len(area)-2 < int(area[1]) {
			return
		}
		visit(area[0], area[2:2+int(area[1])])
		area = area[2+int(area[1]):]
	}
}

// dhcp opens a DHCP or BOOTP message.
func (d *dissector) dhcp(at, end int) {
	if end-at < bootpHead {
		d.summarize("BOOTP, cut short")
		f := d.octets("dhcp", "DHCP", at, end).spec("RFC 2131 section 2")
		f.flaw(fmt.Sprintf("it has %d octets, and the header alone has %d: receivers drop it", end-at, bootpHead))
		d.layer(f)
		return
	}
	m := survey(d.data[at:end])
	d.bootp = m
	d.rules(d.data[at:end])
	f := d.field("dhcp", "DHCP", at, end-at).spec("RFC 2131 section 2")
	f.Value, f.Meaning = d.messageName(), d.messageMeaning()
	f.Client = d.says("dhcp", nil)
	if m.kind == 0 {
		f.Name, f.Spec = "BOOTP", "RFC 951 section 3"
	}
	d.behind = end
	f.with(d.header(at)...)
	d.vendorArea(&f, at, end)
	d.layer(f)
	d.summarize("%s", d.dhcpSummary())
}

// header opens the fixed fields.
func (d *dissector) header(at int) []Field {
	v := d.data[at:]
	hlen := min(int(v[2]), 16)
	hops := d.value("dhcp.hops", "hops", kindByte, at+3, 1)
	fields := []Field{
		d.value("dhcp.op", "op", named(kindByte, map[uint64]string{1: "BOOTREQUEST", 2: "BOOTREPLY"}), at, 1),
		d.value("dhcp.htype", "htype", named(kindByte, map[uint64]string{1: "Ethernet", 6: "IEEE 802"}), at+1, 1),
		d.value("dhcp.hlen", "hlen", kindByte, at+2, 1),
		hops,
		d.fixed("dhcp.xid", "xid", kindHex32, at+4, 4),
		d.fixed("dhcp.secs", "secs", kindWord, at+8, 2),
		d.fixed("dhcp.flags", "flags", kindHex16, at+10, 2),
		d.fixed("dhcp.ciaddr", "ciaddr", kindAddress, at+12, 4),
		d.fixed("dhcp.yiaddr", "yiaddr", kindAddress, at+16, 4),
		d.fixed("dhcp.siaddr", "siaddr", kindAddress, at+20, 4),
		d.fixed("dhcp.giaddr", "giaddr", kindAddress, at+24, 4),
		d.chaddr(at+28, hlen),
		d.nameField("dhcp.sname", "sname", 2, at+snameAt, fileAt-snameAt),
		d.nameField("dhcp.file", "file", 1, at+fileAt, bootpHead-fileAt),
	}
	for i := range fields {
		f := &fields[i]
		f.Spec = "RFC 2131 section 2"
		if means := headerMeans[f.Path]; means != nil && f.Meaning == "" {
			f.Meaning = means(d, d.data[f.At:f.At+f.Len])
		}
		f.Client = d.says(f.Path, d.data[f.At:f.At+f.Len])
		if f.Path == "dhcp.flags" {
			d.bits(f, f.At, f.Len, []string{15: "broadcast"})
		}
	}
	return fields
}

// chaddr opens the field for the hardware address, which has room for 16 octets.
func (d *dissector) chaddr(at, hlen int) Field {
	f := d.field("dhcp.chaddr", "chaddr", at, 16)
	f.Value = net.HardwareAddr(d.data[at : at+hlen]).String()
	if f.Value == "" {
		f.Value = hexed(d.data[at : at+16])
	}
	return f
}

// nameField opens file or sname: a name, or options if option 52 says so.
func (d *dissector) nameField(path, name string, bit byte, at, n int) Field {
	over := d.bootp.option[52]
	if len(over) != 1 || over[0]&bit == 0 {
		f := d.fixed(path, name, cText(n), at, n)
		if bytes.IndexByte(d.data[at:at+n], 0) < 0 {
			f.flaw("no NUL ends it, so receivers read on into the next field")
		}
		return f
	}
	f := d.field(path, name, at, n)
	f.Value = "(options)"
	f.Meaning = "Option 52 says that the field holds options, which go on here, and no name."
	d.tight = true
	d.options(&f, at, at+n)
	d.tight = false
	return f
}

// vendorArea opens what follows the fixed fields: the options, if the magic cookie says so.
func (d *dissector) vendorArea(f *Field, at, end int) {
	if end-at < optionsAt || binary.BigEndian.Uint32(d.data[at+cookieAt:]) != magicCookie {
		if end-at > bootpHead {
			o := d.octets("dhcp.vend", "vend", at+bootpHead, end).spec("RFC 951 section 3")
			o.Meaning = "The vendor's area of BOOTP, without the magic cookie of RFC 1048: there are no options in it."
			f.with(o)
		}
		return
	}
	c := d.value("dhcp.cookie", "magic cookie", kindHex32, at+cookieAt, 4).spec("RFC 2131 section 3")
	c.Meaning = "What follows are options. Messages of BOOTP as it was first have none."
	f.with(c)
	stop := d.options(f, at+optionsAt, end)
	d.behind = stop
	if stop < end {
		p := d.octets("dhcp.pad", "octets behind END", stop, end).spec("RFC 2132 section 3.2")
		if allZero(d.data[stop:end]) {
			p.Meaning = "Nothing: they fill the message up. BOOTP's messages had 300 octets, and some relay agents and clients drop shorter ones."
		} else {
			p.Meaning = "What stands behind END is not read."
		}
		f.with(p)
	}
}
