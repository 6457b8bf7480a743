package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/pxelab/pxelab/lab/event"
)

// Ports that MTFTP customarily uses (PXE 2.1, tags 2 and 3 of option 43). iPXE listens on another, but asks on this.
const (
	mtftpClientPort = 1758
	mtftpServerPort = 1759
)

// mtftpData reports whether a datagram is a block sent to a group. Everything else of MTFTP looks like TFTP.
func (d *Decoder) mtftpData(src, dst uint16, payload []byte) bool {
	return (src == mtftpServerPort || dst == mtftpClientPort) && d.cur.dst.Addr().IsMulticast() &&
		len(payload) >= 4 && binary.BigEndian.Uint16(payload) == opDATA
}

// multicast follows a block sent to a group. It belongs to the transfer that the guest opened last with that server, as
// the opener's ACKs do; to a guest that only listens it has no name, and begins anywhere.
func (d *Decoder) multicast(p *event.Packet, payload []byte, size int) bool {
	block := binary.BigEndian.Uint16(payload[2:])
	key := transferKey{d.cur.dst, d.cur.src.Addr()}
	t := d.transfers[key]
	if opened := d.opened[key.server]; opened != nil && (t == nil || t.ended || t != opened) {
		t = opened
	}
	joins := t == nil || t.ended && block == 1
	if joins {
		t = &transfer{server: key.server, blksize: defaultBlksize, next: max(int64(block), 1)}
	}
	d.transfers[key] = t
	kept := t.data(p, block, size-4)
	if joins && !kept { // what a listener hears first
		p.Info = fmt.Sprint("DATA ", block)
		kept = tell(p, event.TFTP{Op: "DATA", Block: int(block), Bytes: t.bytes})
	}
	if kept {
		p.Info += " to " + d.cur.dst.Addr().String()
	}
	return kept
}

// opens notes a request to an MTFTP server: its answer goes to a group.
func (d *Decoder) opens(t *transfer, to netip.AddrPort) {
	if to.Port() == mtftpServerPort {
		d.opened[to.Addr()] = t
	}
}
