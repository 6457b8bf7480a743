package dissect

import (
	"encoding/binary"
	"fmt"

	"github.com/pxelab/pxelab/server/pxe"
)

// rules notes what breaks rules that concern more than one field of a DHCP message, before the fields are made.
func (d *dissector) rules(v []byte) {
	m := d.bootp
	note := func(path, why string) {
		if d.bad[path] != "" {
			why = d.bad[path] + "; " + why
		}
		d.bad[path] = why
	}
	for _, r := range rules {
		if path, why := r(d, m, v); why != "" {
			note(path, why)
		}
	}
}

// rule gives the path of the field that breaks it, and how; no reason if it holds.
type rule func(d *dissector, m *message, v []byte) (path, why string)

var rules = []rule{noEnd, wayRound, hardware, unclassed, noServerID, noArch, noUUIDSent, noNextServer, proxyClass, noURI,
	vendorEnd, noGroup, noMenu, unlisted, halfMTFTP, short}

func noEnd(_ *dissector, m *message, _ []byte) (string, string) {
	if m.cookie && !m.ended {
		return "dhcp", "no END (255) ends the options, as RFC 2131 section 4.1 wants it"
	}
	return "", ""
}

func wayRound(_ *dissector, m *message, v []byte) (string, string) {
	switch {
	case v[0] != 1 && v[0] != 2:
		return "dhcp.op", "it is neither a request nor a reply: receivers drop it"
	case m.kind == 0:
		return "", ""
	case m.request != asks(m.kind) && messageTypes[uint64(m.kind)] != "":
		return "dhcp.op", fmt.Sprintf("option 53 says %s, which goes the other way", messageTypes[uint64(m.kind)])
	}
	return "", ""
}

// asks tells whether clients send messages of this type.
func asks(kind byte) bool {
	return kind == msgDiscover || kind == msgRequest || kind == 4 || kind == 7 || kind == msgInform
}

func hardware(_ *dissector, _ *message, v []byte) (string, string) {
	if v[1] == 1 && v[2] != 6 {
		return "dhcp.hlen", "an Ethernet address has 6 octets"
	}
	return "", ""
}

// unclassed finds discovery answers that name no class: PXE 2.1's and RFC 4578's options without option 60.
func unclassed(d *dissector, m *message, _ []byte) (string, string) {
	if m.request && m.kind != 0 && m.has(93) && m.class == "" {
		return "dhcp.option.93", "a client that boots from the network says its class as well (option 60), and servers go by that"
	}
	return "", ""
}

func noServerID(_ *dissector, m *message, _ []byte) (string, string) {
	if (m.kind == msgOffer || m.kind == msgAck || m.kind == msgNak) && !m.has(54) {
		return "dhcp", "option 54 is missing, which RFC 2131 section 4.3.1 wants in every answer: clients drop it"
	}
	return "", ""
}

func noArch(_ *dissector, m *message, _ []byte) (string, string) {
	if m.request && m.pxe && m.kind != 0 && !m.has(93) {
		return "dhcp.option.60", "a PXEClient's option 93 is missing (RFC 4578 section 2.1): a server has only this text to tell the architecture by"
	}
	return "", ""
}

func noUUIDSent(_ *dissector, m *message, _ []byte) (string, string) {
	if m.request && m.pxe && m.kind != 0 && m.has(93) && !m.has(97) {
		return "dhcp.option.60", "a PXEClient's option 97 is missing (RFC 4578 section 2.3)"
	}
	return "", ""
}

func noNextServer(_ *dissector, m *message, _ []byte) (string, string) {
	if m.reply() && allZero(m.siaddr) && m.bootfile() != "" && !isURI(m.bootfile()) {
		return "dhcp.siaddr", "a boot file is named, and no server that has it: some clients take the sender for it, others boot nothing"
	}
	return "", ""
}

// proxyClass finds proxyDHCP's offers that are none to their clients.
func proxyClass(_ *dissector, m *message, _ []byte) (string, string) {
	if m.kind == msgOffer && m.proxy && !m.pxe && !m.http {
		return "dhcp", "it offers no address, and without option 60 PXEClient it is no proxyDHCP offer: PXE clients pass over it"
	}
	return "", ""
}

func noURI(_ *dissector, m *message, _ []byte) (string, string) {
	if m.reply() && m.http && m.bootfile() != "" && !isURI(m.bootfile()) {
		if m.has(67) {
			return "dhcp.option.67", "a client of HTTP boot takes a URI here"
		}
		return "dhcp.file", "a client of HTTP boot takes a URI here"
	}
	return "", ""
}

func vendorEnd(_ *dissector, m *message, _ []byte) (string, string) {
	if v := m.option[43]; m.pxe && len(v) > 0 && !ended(v) {
		return "dhcp.option.43", "no tag 255 ends it, as PXE 2.1 wants it: some ROMs read on behind it"
	}
	return "", ""
}

// ended tells whether an END ends options.
func ended(v []byte) bool {
	for len(v) > 0 && v[0] != 255 {
		n := 1
		if v[0] != 0 {
			if len(v) < 2 {
				return false
			}
			n = 2 + int(v[1])
		}
		v = v[min(n, len(v)):]
	}
	return len(v) > 0
}

// offers tells whether it is an offer of discovery, which is not yet a boot server's answer.
func (m *message) offers() bool {
	_, item := m.tag[71]
	return m.reply() && m.pxe && m.discovery() && !item && !m.direct
}

func noGroup(_ *dissector, m *message, _ []byte) (string, string) {
	if m.offers() && m.control()&pxe.NoMulticast == 0 && len(m.tag[7]) != 4 {
		where := "dhcp.option.43"
		if _, ok := m.tag[6]; ok {
			where = "dhcp.option.43.6"
		}
		return where, "multicast discovery is on (bit 1 is not set), and tag 7 names no group"
	}
	return "", ""
}

func noMenu(_ *dissector, m *message, _ []byte) (string, string) {
	if m.offers() && m.tag[9] == nil {
		return "dhcp.option.43", "boot servers are to be looked for, and no menu (tag 9) says of which type"
	}
	return "", ""
}

// unlisted finds items of the menu that no server of the list has, where only the list can be asked.
func unlisted(_ *dissector, m *message, _ []byte) (string, string) {
	if !m.offers() || m.tag[8] == nil || m.control()&(pxe.NoBroadcast|pxe.NoMulticast) != pxe.NoBroadcast|pxe.NoMulticast {
		return "", ""
	}
	listed := map[uint16]bool{0: true}
	for v := m.tag[8]; len(v) >= 3; v = v[min(3+4*int(v[2]), len(v)):] {
		listed[binary.BigEndian.Uint16(v)] = true
	}
	for v := m.tag[9]; len(v) >= 3; v = v[min(3+int(v[2]), len(v)):] {
		if t := binary.BigEndian.Uint16(v); !listed[t] {
			return "dhcp.option.43.9", fmt.Sprintf("the list (tag 8) has no server of the type 0x%04x, and nobody else may be asked", t)
		}
	}
	return "", ""
}

func halfMTFTP(_ *dissector, m *message, _ []byte) (string, string) {
	some := false
	for t := byte(1); t <= 5; t++ {
		_, ok := m.tag[t]
		some = some || ok
	}
	if some && !m.mtftp() {
		return "dhcp.option.43", "the tags 1 to 5 of MTFTP count together only, and some are missing"
	}
	return "", ""
}

func short(_ *dissector, _ *message, v []byte) (string, string) {
	if len(v) < bootpLeast {
		return "dhcp", fmt.Sprintf("it has %d octets, and BOOTP's messages have %d at least (RFC 1542 section 2.1): some ROMs and relay agents drop shorter ones", len(v), bootpLeast)
	}
	return "", ""
}

// rules6 notes what breaks a rule of DHCPv6 messages.
func (d *dissector) rules6(f *Field) {
	has := func(name string) bool {
		for _, o := range f.Fields {
			if o.Name == name {
				return true
			}
		}
		return false
	}
	client, server := has("option 1 (client identifier)"), has("option 2 (server identifier)")
	switch kind := d.data[f.At]; {
	case (kind == 1 || kind == 3) && !client:
		f.flaw("option 1 (client identifier) is missing: servers drop it (RFC 8415 section 16)")
	case (kind == 2 || kind == 7) && !server:
		f.flaw("option 2 (server identifier) is missing: clients drop it (RFC 8415 section 16)")
	case kind == 2 && !client:
		f.flaw("option 1 (client identifier) is missing: clients drop it (RFC 8415 section 16)")
	}
}
