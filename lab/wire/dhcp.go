package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// DHCP message types, RFC 2132 section 9.6 and RFC 3203.
var dhcpTypes = []string{1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE",
	8: "INFORM", 9: "FORCERENEW"}

const (
	bootpHeader = 236 // up to the vendor area, RFC 951 section 3
	snameAt     = 44
	fileAt      = 108
)

// dhcpKey tells the messages apart whose repetitions are counted. EDK2 and iPXE keep the xid when they
// retransmit, but the xid alone is not enough: two servers answer one DISCOVER, and iPXE asks every boot
// server with xid 0.
type dhcpKey struct {
	kind      string
	chaddr    string // OVMF draws the same first xid on every machine
	xid       uint32
	fromGuest bool
	src       netip.Addr
	dst       netip.AddrPort
}

func dhcpPort(port uint16) bool { return port == 67 || port == 68 || port == 4011 }

// dhcpv4 decodes DHCP and BOOTP. A broadcast for another guest is folded: its own cable tells of it.
func (d *Decoder) dhcpv4(p *event.Packet, data []byte) bool {
	if len(data) < bootpHeader {
		p.Error = fmt.Sprintf("BOOTP message of %d octets is shorter than its header (%d)", len(data), bootpHeader)
		return true
	}
	if data[0] != 1 && data[0] != 2 {
		p.Error = fmt.Sprintf("BOOTP message with op %d, neither request nor reply", data[0])
		return true
	}
	xid := binary.BigEndian.Uint32(data[4:])
	hw := data[28 : 28+min(int(data[2]), 16)]
	if d.cur.fromGuest {
		room(d.xids)
		d.xids[xid] = true
	} else if d.cur.foreign && !d.xids[xid] && !(len(hw) == 6 && d.own[[6]byte(hw)]) {
		return false
	}
	o := dhcpOptions(data)
	m := header(data)
	m.XID, m.CHAddr = fmt.Sprintf("%08x", xid), net.HardwareAddr(hw).String()
	m.SrcPort, m.DstPort = int(d.cur.src.Port()), int(d.cur.dst.Port())
	o.fill(m)
	k := dhcpKey{m.Type, m.CHAddr, xid, d.cur.fromGuest, d.cur.src.Addr(), d.cur.dst}
	m.Repeat = d.dhcp[k]
	room(d.dhcp)
	d.dhcp[k]++
	p.Proto, p.DHCP, p.Error = "dhcp", m, o.err
	p.Info = d.dhcpLine(m, &o)
	return true
}

// header reads the fixed fields (RFC 2131 section 2).
func header(data []byte) *event.DHCP {
	m := &event.DHCP{
		Type:      "BOOTREQUEST",
		Secs:      int(binary.BigEndian.Uint16(data[8:])),
		Broadcast: data[10]&0x80 != 0,
		CIAddr:    headerAddress(data[12:16]),
		YIAddr:    headerAddress(data[16:20]),
		SIAddr:    headerAddress(data[20:24]),
		GIAddr:    headerAddress(data[24:28]),
		File:      printable(cutNUL(data[fileAt:bootpHeader])),
	}
	if data[0] == 2 {
		m.Type = "BOOTREPLY"
	}
	m.Relayed = m.GIAddr != ""
	return m
}

// dhcpOptions reads the options, and with option 52 also those in the file and sname fields, in the order of
// RFC 2131 section 4.1. Without the magic cookie there are none: that is BOOTP as RFC 951 has it.
func dhcpOptions(data []byte) options {
	var o options
	area := data[bootpHeader:]
	if len(area) < 4 || binary.BigEndian.Uint32(area) != 0x63825363 {
		return o
	}
	o.walk(area[4:])
	over := o.value[optOverload]
	if len(over) == 0 || o.err != "" {
		return o
	}
	for bit, field := range [][]byte{data[fileAt:bootpHeader], data[snameAt:fileAt]} {
		if over[0]&(1<<bit) != 0 {
			o.walk(field)
		}
	}
	return o
}

// fill puts what PXE uses of the options into the event.
func (o *options) fill(m *event.DHCP) {
	m.Options = o.order
	if t := o.value[optType]; len(t) > 0 {
		m.Type = fmt.Sprintf("TYPE %d", t[0])
		if n := int(t[0]); n > 0 && n < len(dhcpTypes) {
			m.Type = dhcpTypes[n]
		}
	}
	if over := o.value[optOverload]; len(over) > 0 && over[0]&1 != 0 {
		m.File = "" // the field holds options, not a name
	}
	if f := o.text(optBootfile); f != "" {
		m.File = f
	}
	m.ServerID, m.Requested = optionAddress(o.value[optServerID]), optionAddress(o.value[optRequested])
	m.ClassID, m.UserClass = o.text(optClassID), o.userClass()
	for a := o.value[optArch]; len(a) >= 2; a = a[2:] {
		m.Archs = append(m.Archs, int(binary.BigEndian.Uint16(a)))
	}
	if u := o.value[optUUID]; len(u) > 1 {
		m.UUID = hex.EncodeToString(u[1:])
	}
	if n := o.value[optBootSize]; len(n) == 2 {
		m.BootSize = int(binary.BigEndian.Uint16(n))
	}
	m.Vendor = hex.EncodeToString(o.value[optVendor])
	m.BootItem = hex.EncodeToString(o.bootItem())
}

// headerAddress prints a fixed field, where 0.0.0.0 means that there is none.
func headerAddress(b []byte) string {
	if a := optionAddress(b); a != "0.0.0.0" {
		return a
	}
	return ""
}

// optionAddress prints an option, where 0.0.0.0 is a value: iPXE asks BOOTP servers for their address with it.
func optionAddress(b []byte) string {
	if len(b) < 4 {
		return ""
	}
	return netip.AddrFrom4([4]byte(b[:4])).String()
}

// dhcpLine tells the message in one line: what a client is and asks for, or what a server gives.
func (d *Decoder) dhcpLine(m *event.DHCP, o *options) string {
	w := []string{m.Type}
	if len(o.value[optType]) > 0 {
		w[0] = "DHCP" + m.Type
	}
	add := func(label, value string) {
		if value != "" {
			w = append(w, label+value)
		}
	}
	if d.cur.src.Port() == 4011 || d.cur.dst.Port() == 4011 {
		add("", "port 4011")
	}
	if m.Reply() {
		add("", m.YIAddr)
		from := m.ServerID
		if from == "" {
			from = d.cur.src.Addr().String()
		}
		add("from ", from)
		add("file ", m.File)
		if m.File != "" && m.SIAddr != from {
			add("on ", m.SIAddr)
		}
		add("", quote(m.ClassID))
		add("", quote(o.text(optMessage)))
	} else {
		add("", m.Requested)
		add("from ", m.ServerID)
		for _, a := range m.Archs[:min(len(m.Archs), 4)] {
			add("arch ", fmt.Sprint(a))
		}
		add("", quote(m.ClassID))
		add("user class ", quote(m.UserClass))
	}
	add("boot item ", m.BootItem)
	return strings.Join(w, " ") + again(m.Repeat)
}

func quote(s string) string {
	if s == "" {
		return ""
	}
	return `"` + s + `"`
}

// again marks a repetition in an Info line.
func again(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (repeat %d)", n)
}
