package judge

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// acknowledgements looks for haste within transfers: an acknowledgement that was repeated for want of patience. One that
// answers a block which came twice or out of order (RFC 7440 section 4) is no haste, nor are those to a server that sends
// nothing any more.
type acknowledgements map[string]*acking

type acking struct {
	called   int64        // octets had when a block came that called for a repetition; -1 none did
	repeated *event.Event // first repetition that nothing called for
}

func (a acknowledgements) of(p *event.TFTP) *acking {
	file := strings.TrimLeft(p.File, "/")
	if a[file] == nil || p.Op == "RRQ" {
		a[file] = &acking{called: -1}
	}
	return a[file]
}

// take takes a packet and says what is not calm about its transfer.
func (a acknowledgements) take(e event.Event) string {
	p := e.Packet.TFTP
	if p == nil {
		return ""
	}
	t := a.of(p)
	if t.repeated != nil && (p.Op == "DATA" || p.Bytes > t.repeated.Packet.TFTP.Bytes) {
		return fmt.Sprintf("it repeated %s although the transfer went on (event %d)", t.repeated.Packet.Info, t.repeated.Seq)
	}
	switch {
	case p.Op == "DATA" && (p.Repeat > 0 || p.Gap > 0):
		t.called = p.Bytes
	case p.Op == "ACK" && p.Repeat > 0 && t.called != p.Bytes && t.repeated == nil:
		t.repeated = &e
	}
	return ""
}
