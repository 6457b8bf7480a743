package dissect

import (
	"fmt"
)

// space is a set of options that another option encapsulates, each with a code and a length of one octet.
type space struct {
	what  string // "tag", "sub-option"
	table map[byte]option
	ends  bool // code 0 fills up, and 255 ends it (RFC 2132 section 8.4)
	spec  string
	other func(code byte) string // the name of a code that is not in the table
}

// open opens the options inside the option f, whose value is at this place.
func (s *space) open(d *dissector, f *Field, at, n int) {
	family, end := f.Path, at+n
	put := func(at int) {
		if d.tight {
			return
		}
		d.places[family] = place{at: at, lens: append([]length(nil), d.lens...), encode: encodeOption(s.table, s.what)}
	}
	for at < end && !d.full() {
		code := d.data[at]
		if s.ends && code == 0 {
			f.with(d.field(family+".0", s.what+" 0 (pad)", at, 1).spec(s.spec).means("Fills up; receivers skip it."))
			at++
			continue
		}
		if s.ends && code == 255 {
			put(at)
			f.with(d.end(family+".255", s.what+" 255 (end)", at, s.spec, "Here the "+s.what+"s end."))
			if at+1 < end {
				rest := d.octets(family+".rest", "octets behind the end", at+1, end)
				f.with(rest.means("What stands behind the end is not read."))
			}
			return
		}
		if at+2 > end || at+2+int(d.data[at+1]) > end {
			put(at)
			f.with(d.broken(fmt.Sprintf("%s.%d", family, code), s.what, code, at, end))
			return
		}
		f.with(s.option(d, family, at))
		at += 2 + int(d.data[at+1])
	}
	put(at)
}

// option opens one of them, which is whole.
func (s *space) option(d *dissector, family string, at int) Field {
	code := d.data[at]
	o, ok := s.table[code]
	if !ok {
		o = option{name: s.other(code), kind: kindOctets, spec: s.spec}
	}
	path := fmt.Sprintf("%s.%d", family, code)
	return d.tlv(path, fmt.Sprintf("%s %d (%s)", s.what, code, o.name), o, at)
}
