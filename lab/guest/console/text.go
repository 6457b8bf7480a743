package console

import "unicode/utf8"

// Decoder makes text of what a guest writes: UTF-8 where it is that, and else octets of code page 437, the character set of EDK2's
// PC-ANSI terminal. The zero value is ready. The text depends on the octets alone, not on how they were cut into chunks.
type Decoder struct {
	pend []byte // a UTF-8 sequence being read
}

// Text gives the text of the next octets, as far as it can be told: a character that is not complete comes with a later call.
func (d *Decoder) Text(p []byte) string {
	out := make([]byte, 0, len(p)+len(d.pend))
	put := func(r rune) { out = utf8.AppendRune(out, r) }
	for _, b := range p {
		if b >= utf8.RuneSelf {
			d.add(b, put)
			continue
		}
		d.flush(put)
		out = append(out, b)
	}
	return string(out)
}

// Flush ends the stream and gives the text of what was not complete.
func (d *Decoder) Flush() string {
	var out []rune
	d.flush(func(r rune) { out = append(out, r) })
	return string(out)
}

// add takes an octet that is no ASCII, and hands out as many runes as there are now.
func (d *Decoder) add(b byte, put func(rune)) {
	d.pend = append(d.pend, b)
	for len(d.pend) > 0 && utf8.FullRune(d.pend) {
		r, n := utf8.DecodeRune(d.pend)
		if n == 1 {
			r = fromCP437(d.pend[0])
		}
		put(r)
		d.pend = append(d.pend[:0], d.pend[n:]...)
	}
}

// flush hands out a UTF-8 sequence that was cut short: its octets were no UTF-8, so they are CP437.
func (d *Decoder) flush(put func(rune)) {
	for _, b := range d.pend {
		put(fromCP437(b))
	}
	d.pend = d.pend[:0]
}
