package dissect

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const specDHCP6 = "RFC 8415 section 8"

var dhcp6Types = map[uint64]string{1: "SOLICIT", 2: "ADVERTISE", 3: "REQUEST", 4: "CONFIRM", 5: "RENEW", 6: "REBIND", 7: "REPLY",
	8: "RELEASE", 9: "DECLINE", 10: "RECONFIGURE", 11: "INFORMATION-REQUEST", 12: "RELAY-FORW", 13: "RELAY-REPL"}

// dhcp6Means says what each message is for (RFC 8415 section 7.3).
var dhcp6Means = map[byte]string{
	1:  "The client asks for servers that can give it an address, and what to boot.",
	2:  "A server says what it would give.",
	3:  "The client takes one server's offer (option 2).",
	4:  "The client asks whether its address is still right on this link.",
	5:  "The client asks its server for more time.",
	6:  "The client asks any server for more time.",
	7:  "The server confirms: from now on the client has what is in it.",
	8:  "The client gives its address back.",
	9:  "The client found the address in use by somebody else.",
	10: "The server asks the client to come again.",
	11: "The client asks for the rest, without an address.",
	12: "A relay agent passes a client's message on.",
	13: "A server's answer, for the relay agent to pass on.",
}

// dhcp6 opens a DHCPv6 message.
func (d *dissector) dhcp6(at, end int) {
	f, whole := d.message6("dhcp6", at, end)
	if whole {
		f.Client = d.says("dhcp6", nil)
	}
	d.layer(f)
	d.summarize("DHCPv6 %s", f.Value)
}

// message6 opens a DHCPv6 message, which may be one that a relay agent's holds.
func (d *dissector) message6(path string, at, end int) (Field, bool) {
	f := d.field(path, "DHCPv6", at, end-at).spec(specDHCP6)
	if end-at < 4 {
		f.flaw(fmt.Sprintf("a DHCPv6 message has 4 octets at least, this one %d", end-at))
		return f, false
	}
	t := d.data[at]
	f.Value, f.Meaning = nameOf(dhcp6Types, uint64(t)), dhcp6Means[t]
	path = f.Path
	f.with(d.value(path+".type", "msg-type", named(kindByte, dhcp6Types), at, 1).spec(specDHCP6))
	from := at + 4
	if t == 12 || t == 13 {
		f.Spec = "RFC 8415 section 9"
		if end-at < 34 {
			f.flaw(fmt.Sprintf("a relay agent's message has 34 octets at least, this one %d", end-at))
			return f, false
		}
		f.with(d.value(path+".hops", "hop-count", kindByte, at+1, 1).spec(f.Spec),
			d.value(path+".link", "link-address", kindAddress6, at+2, 16).spec(f.Spec).means("The link that the client is on."),
			d.value(path+".peer", "peer-address", kindAddress6, at+18, 16).spec(f.Spec).means("Whom the message came from, or is for."))
		from = at + 34
	} else {
		xid := d.field(path+".xid", "transaction-id", at+1, 3).spec(specDHCP6)
		xid.Value = fmt.Sprintf("0x%06x", big(d.data[at+1:at+4]))
		xid.Meaning = "The number of the exchange, which the client drew: the server returns it."
		f.with(xid)
	}
	d.options6(&f, path+".option", from, end)
	d.rules6(&f)
	for _, o := range f.Fields {
		switch o.Name {
		case "option 3 (IA_NA)", "option 59 (boot file URL)", "option 13 (status code)":
			f.Value = strings.TrimSpace(f.Value + " " + o.Value)
		}
	}
	return f, true
}

// deepest is how deep options may stand in options: a relay agent's message in eight others has two dozen.
const deepest = 40

// options6 opens DHCPv6 options, each behind a code and a length of two octets.
func (d *dissector) options6(f *Field, family string, at, end int) {
	if at < end && strings.Count(family, ".") > deepest {
		f.with(d.octets(family+".deeper", "options, too deep to be opened", at, end))
		return
	}
	d.places[family] = place{at: end, lens: append([]length(nil), d.lens...), encode: encodeOption6}
	for at < end && !d.full() {
		if end-at < 4 || end-at-4 < int(binary.BigEndian.Uint16(d.data[at+2:])) {
			b := d.octets(family+".cut", "option, cut short", at, end)
			b.flaw("its length leads out of the message: receivers drop it")
			f.with(b)
			return
		}
		n := int(binary.BigEndian.Uint16(d.data[at+2:]))
		f.with(d.option6(family, at, n))
		at += 4 + n
	}
}

// option6 opens the DHCPv6 option at this place, whose value has n octets.
func (d *dissector) option6(family string, at, n int) Field {
	code := binary.BigEndian.Uint16(d.data[at:])
	o, ok := options6[code]
	if !ok {
		o = option{name: "unknown", kind: kindOctets}
	}
	return d.measured(fmt.Sprintf("%s.%d", family, code), fmt.Sprintf("option %d (%s)", code, o.name), o, at, 4, length{at + 2, 2}, n)
}

// encodeOption6 makes a code, a length and a value of a text.
func encodeOption6(name, value string) ([]byte, error) {
	code, err := kindWord.parse(name, nil)
	if err != nil {
		return nil, fmt.Errorf("%q is no number of an option (want 0 to 65535)", name)
	}
	o, ok := options6[uint16(big(code))]
	if !ok {
		o.kind = kindOctets
	}
	v, err := o.kind.read(value, nil)
	if err != nil {
		return nil, err
	}
	if len(v) > 65535 {
		return nil, fmt.Errorf("option %s would have %d octets (65535 at most)", name, len(v))
	}
	return append(binary.BigEndian.AppendUint16(code, uint16(len(v))), v...), nil
}
