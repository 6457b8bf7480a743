// Package hold says at which packets a lab that is stepped through is held.
//
// A decision depends on the frames of one cable and their order alone. It does nothing itself: the gate on the cables keeps what is
// meant, and the lab has everybody stand still.
package hold

import (
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/wire"
)

// Condition says which frames of one guest's cable are meant. It is not safe for concurrent use.
type Condition struct {
	own  [6]byte
	sel  *fault.Injector
	file transfer
}

// Telling means the packets that tell something of a boot, on the cable of the guest whose card has this address: DHCP, DHCPv6, TFTP
// but the middle of a file, the beginning of each HTTP request and response, and all other UDP. It does not mean ARP, neighbour
// discovery, ICMP, IGMP, and TCP segments that only carry on.
func Telling(own [6]byte) *Condition { return &Condition{own: own} }

// Selected means the frames that a fault with this selection would meet, counted from now on; all of them, if it is the zero one.
func Selected(s fault.Selection, own [6]byte) *Condition {
	return &Condition{own: own, sel: fault.New([]fault.Rule{{Do: "drop", Selection: s}}, own)}
}

// Means tells whether a frame is meant. It is to be asked about every frame, in their order.
func (c *Condition) Means(data []byte, fromGuest bool) bool {
	if c.sel != nil {
		return c.sel.Decide(data, fromGuest).Rule > 0
	}
	h, known := wire.Peek(data)
	if !known || !fromGuest && !fault.Concerns(c.own, data, &h) {
		return false
	}
	if h.UDP == nil {
		return h.HTTP() != ""
	}
	op, block, ok := h.TFTP()
	switch {
	case !ok:
		return true
	case op == opData:
		return c.file.data(&h, block)
	case op == opAck:
		return block <= 1
	}
	return true
}

// The opcodes of RFC 1350 section 5 that make up the middle of a file.
const (
	opData = 3
	opAck  = 4
)

// leastBlock is the size of a block that no firmware goes below (RFC 1350 section 2): shorter ones end a file.
const leastBlock = 512

// transfer is what is known of the file that came last.
type transfer struct {
	src, dst uint16
	size     int // octets of its blocks; zero: not known
}

// data tells whether a block of a file begins or ends it. The last one is shorter than those before it.
func (t *transfer) data(h *wire.Head, block uint16) bool {
	const header = 4
	size := len(h.UDP) - header
	if block == 1 || t.src != h.SrcPort || t.dst != h.DstPort {
		*t = transfer{h.SrcPort, h.DstPort, size}
		return block == 1 || size < leastBlock
	}
	return size < t.size
}
