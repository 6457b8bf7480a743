package judge

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
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

// unrepeated tells of a boot whose client gave up on a transfer of which the lab had taken a block, though it would not have taken that
// block each time. A server sends again what nobody acknowledged after a second or so: half a minute and more to a warped client.
func (b *boot) unrepeated() string {
	if b.outcome.Reason != TFTPStopped {
		return ""
	}
	for i := range b.faults {
		a := &b.faults[i]
		if !a.rule.OnCable() || fault.Lossless(a.rule.Do) || !a.rule.Spares() {
			continue
		}
		for _, e := range b.hitsOf(a) {
			if !e.Fault.FromGuest && strings.HasPrefix(e.Fault.Info, "TFTP DATA") {
				return fmt.Sprintf("%s took %s, and it gave up before the server had time to send that again (event %d)", a, e.Fault.Info, e.Seq)
			}
		}
	}
	return ""
}
