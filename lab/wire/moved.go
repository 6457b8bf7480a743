package wire

import "github.com/pxelab/pxelab/lab/event"

// leastMove is how many octets a file must have come further to be told of: short files are there at once.
const leastMove = 64 << 10

// marks are the moments at which it is told how far a file has come.
type marks struct{ next int64 }

// passed tells whether the file has come past the next mark. There are ten where its size is known, fewer if it is short; else they lie
// ever further apart.
func (m *marks) passed(bytes, size int64) bool {
	step := max(size/10, leastMove)
	if size <= 0 {
		step = max(bytes/4, 4*leastMove)
	}
	if m.next == 0 {
		m.next = step
	}
	if bytes < m.next || bytes == size {
		return false
	}
	m.next = bytes - bytes%step + step
	return true
}

// Moved tells, of a frame that Frame has folded away, that with it a long file has come so far that it should be told.
func (d *Decoder) Moved() (event.Progress, bool) {
	if d.moved.Proto == "" {
		return event.Progress{}, false
	}
	d.moved.Client = d.address(d.cur.dst)
	return d.moved, true
}

// moved notes that a transfer over TFTP has come further.
func (t *transfer) moved(d *Decoder) {
	if !t.nameless && t.marks.passed(t.bytes, t.size) {
		d.moved = event.Progress{Proto: "tftp", File: t.file, Bytes: t.bytes, Size: t.size}
	}
}

// moved notes that the body of a response has come further.
func (x *exchange) moved(d *Decoder) {
	size := int64(0)
	if x.length != nil {
		size = *x.length
	}
	if x.marks.passed(x.bytes, size) {
		d.moved = event.Progress{Proto: "http", File: x.target, Bytes: x.bytes, Size: size}
	}
}
