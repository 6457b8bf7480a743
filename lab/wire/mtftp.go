package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/pxelab/pxelab/lab/event"
)

// Ports that MTFTP customarily uses (PXE 2.1, tags 2 and 3 of option 43). iPXE listens on another, but asks on this.
const (
	mtftpClientPort = 1758
	mtftpServerPort = 1759
)

// mtftpData reports whether a datagram is a block that an MTFTP server sends to a group, and not one of a transfer whose
// group an OACK named (RFC 2090). Everything else of MTFTP looks like TFTP.
func (d *Decoder) mtftpData(src, dst uint16, payload []byte) bool {
	if !d.cur.dst.Addr().IsMulticast() || len(payload) < 4 || binary.BigEndian.Uint16(payload) != opDATA {
		return false
	}
	return src == mtftpServerPort || dst == mtftpClientPort && d.transfers[transferKey{d.cur.dst, d.cur.src.Addr()}] == nil
}

// multicast follows a block sent to a group. It belongs to the transfer that the guest opened last with that server, as
// the opener's ACKs do; to a guest that only listens it has no name.
func (d *Decoder) multicast(p *event.Packet, payload []byte, size int) bool {
	block := binary.BigEndian.Uint16(payload[2:])
	key := transferKey{d.cur.dst, d.cur.src.Addr()}
	t := d.transfers[key]
	if opened := d.opened[key.server]; opened != nil {
		t = opened
	}
	if t == nil {
		t = &transfer{server: key.server, blksize: defaultBlksize, next: 1, heard: &heard{}}
	}
	d.put(key, t)
	kept := t.listen(p, block, size-4)
	if kept {
		p.Info += " to " + d.cur.dst.Addr().String()
	}
	return kept
}

// opens notes a request to an MTFTP server: its answer goes to a group. A client that opens again has not forgotten what
// it heard of the file before.
func (d *Decoder) opens(t *transfer, to netip.AddrPort) {
	if to.Port() != mtftpServerPort {
		return
	}
	if old := d.opened[to.Addr()]; old != nil && old != t && old.file == t.file && !old.ended {
		t.heard, t.bytes, t.last = old.heard, old.bytes, old.last
	}
	if t.heard == nil {
		t.heard = &heard{}
	}
	d.opened[to.Addr()] = t
}
