package dissect

import (
	"fmt"
	"strings"
)

// option is what is known of a DHCP option, or of a sub-option or tag inside one.
type option struct {
	name  string // as IANA's registry or the specification has it
	kind  kind
	spec  string
	means func(d *dissector, v []byte) string     // what this value says to the receiver
	parts func(d *dissector, f *Field, at, n int) // opens the value at this place
}

// says gives a meaning that does not depend on the value.
func says(text string) func(*dissector, []byte) string {
	return func(*dissector, []byte) string { return text }
}

// options opens the options of an area, and gives the offset behind what it read of it. Only of the area behind the header, which is
// the first, can options be added to.
func (d *dissector) options(f *Field, at, end int) int {
	const family = "dhcp.option"
	last := 0 // where the relay agent's option stands, if it is the last
	for at < end && !d.full() {
		code := d.data[at]
		switch code {
		case 0:
			n := 1
			for at+n < end && d.data[at+n] == 0 {
				n++
			}
			if at+n == end {
				d.putPlace(family, at, last)
				return at
			}
			p := d.octets("dhcp.option.0", "option 0 (pad)", at, at+n).spec("RFC 2132 section 3.1")
			p.Meaning = "Fills up; receivers skip it."
			f.with(p)
			at += n
			continue
		case 255:
			d.putPlace(family, at, last)
			f.with(d.end(family+".255", "option 255 (end)", at, "RFC 2132 section 3.2", "Here the options end."))
			return at + 1
		}
		if at+2 > end || at+2+int(d.data[at+1]) > end {
			f.with(d.broken(fmt.Sprintf("%s.%d", family, code), "option", code, at, end))
			return end
		}
		if last = 0; code == 82 {
			last = at
		}
		f.with(d.option(at))
		at += 2 + int(d.data[at+1])
	}
	d.putPlace(family, at, last)
	return at
}

// putPlace notes where options can be added: in front of END, and of option 82 if that is the last, as RFC 3046 section 2.1 has it.
func (d *dissector) putPlace(family string, at, relay int) {
	if _, ok := d.places[family]; ok || d.tight {
		return
	}
	if relay != 0 {
		at = relay
	}
	d.places[family] = place{at: at, lens: append([]length(nil), d.lens...), encode: encodeOption(options, "option")}
}

// end makes the field of an END, which has no length.
func (d *dissector) end(path, name string, at int, spec, meaning string) Field {
	f := d.field(path, name, at, 1).spec(spec).means(meaning)
	f.Value = "255"
	d.edit(&f, edit{whole: [2]int{at, 1}, bare: true, only: true})
	return f
}

// broken makes the field of an option whose length leads out of its area.
func (d *dissector) broken(path, what string, code byte, at, end int) Field {
	f := d.octets(path, fmt.Sprintf("%s %d", what, code), at, end)
	if at+2 > end {
		f.flaw("it has no length: the area ends here")
	} else {
		f.flaw(fmt.Sprintf("it says that it has %s, and %d are left: receivers drop the message, or stop to read here", count(int(d.data[at+1]), "octet"), end-at-2))
	}
	return f
}

// option opens the DHCP option at this place, which is whole.
func (d *dissector) option(at int) Field {
	code := d.data[at]
	o, ok := options[code]
	if !ok {
		o = option{name: "unknown", kind: kindOctets, spec: ""}
		if code >= 224 {
			o = option{name: "site-specific", kind: kindOctets, spec: "RFC 3942 section 4"}
		}
	}
	path := fmt.Sprintf("dhcp.option.%d", code)
	f := d.tlv(path, fmt.Sprintf("option %d (%s)", code, o.name), o, at)
	if d.data[at+1] == 0 && ok && f.Bad == "" && o.kind.want != kindNothing.want {
		f.flaw("it is empty: this option has an octet at least")
	}
	return f
}

// tlv opens a value behind a code and a length of one octet each.
func (d *dissector) tlv(path, name string, o option, at int) Field {
	return d.measured(path, name, o, at, 2, length{at + 1, 1}, int(d.data[at+1]))
}

// measured opens a value of n octets behind a head, of which the length is a part.
func (d *dissector) measured(path, name string, o option, at, head int, l length, n int) Field {
	d.lens = append(d.lens, l)
	defer func() { d.lens = d.lens[:len(d.lens)-1] }()
	f := d.value(path, name, o.kind, at+head, n)
	d.edit(&f, edit{kind: o.kind, at: at + head, n: n, whole: [2]int{at, head + n}})
	f.At, f.Len, f.Spec = at, head+n, o.spec
	v := d.data[at+head : at+head+n]
	if _, ok := o.kind.show(v); ok && o.means != nil {
		f.Meaning = o.means(d, v)
	}
	f.Client = d.says(path, v)
	if o.parts != nil {
		o.parts(d, &f, at+head, n)
	}
	return f
}

// article puts the article in front of a noun.
func article(noun string) string {
	if strings.HasPrefix(noun, "o") {
		return "an " + noun
	}
	return "a " + noun
}

// encodeOption makes a code, a length and a value of a text.
func encodeOption(table map[byte]option, what string) func(name, value string) ([]byte, error) {
	return func(name, value string) ([]byte, error) {
		code, err := kindByte.parse(name, nil)
		if err != nil || code[0] == 0 && value != "" {
			return nil, fmt.Errorf("%q is no number of %s (want 1 to 255)", name, article(what))
		}
		if code[0] == 0 || code[0] == 255 {
			if value != "" {
				return nil, fmt.Errorf("%s %s has no value", what, name)
			}
			return code, nil
		}
		o, ok := table[code[0]]
		if !ok {
			o.kind = kindOctets
		}
		v, err := o.kind.read(value, nil)
		if err != nil {
			return nil, err
		}
		if len(v) > 255 {
			return nil, fmt.Errorf("%s %s would have %d octets (255 at most)", what, name, len(v))
		}
		return append([]byte{code[0], byte(len(v))}, v...), nil
	}
}
