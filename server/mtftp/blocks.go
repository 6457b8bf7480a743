package mtftp

import "fmt"

// blocks is a file of which blocks arrive in any order.
type blocks struct {
	data []byte // a multiple of blockSize; what is missing is zero
	have []bool // have[0] is block 1
	got  int    // blocks here
	lead int    // blocks here without a gap, from block 1 on
	last int    // number of the last block; zero while unknown
	tail int    // octets of the last block
}

// put stores a block, and tells whether it is new. A block that contradicts those before it is an error: what is sent
// to the group is another file now, or another version of it.
func (b *blocks) put(block uint16, data []byte) (fresh bool, err error) {
	n := int(block)
	final := len(data) < blockSize
	switch {
	case b.last > 0 && n > b.last, b.last == n && !final, final && b.last > 0 && b.last != n, final && b.last == 0 && n <= len(b.have):
		return false, fmt.Errorf("block %d has %d octets and the last block is %d: the file changed between two transmissions",
			n, len(data), max(b.last, len(b.have)))
	case n <= len(b.have) && b.have[n-1]:
		return false, nil
	}
	if n > len(b.have) {
		b.have = append(b.have, make([]bool, n-len(b.have))...)
		b.data = append(b.data, make([]byte, n*blockSize-len(b.data))...)
	}
	copy(b.data[(n-1)*blockSize:], data)
	b.have[n-1] = true
	b.got++
	if final {
		b.last, b.tail = n, len(data)
	}
	for b.lead < len(b.have) && b.have[b.lead] {
		b.lead++
	}
	return true, nil
}

// complete tells whether nothing is missing.
func (b *blocks) complete() bool { return b.last > 0 && b.lead == b.last }

// file is the whole file; only meaningful once complete.
func (b *blocks) file() []byte { return b.data[:(b.last-1)*blockSize+b.tail] }
