package wire

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// segment keeps how a TCP connection begins and ends, and the first line of what looks like HTTP: a UEFI
// HTTP boot asks for its boot file that way.
func (d *Decoder) segment(p *event.Packet, data []byte) bool {
	p.Proto, p.Info = "tcp", "TCP"
	if err := d.tcp.DecodeFromBytes(data, &d.cur); err != nil {
		p.Error = "TCP: " + err.Error()
		return true
	}
	d.cur.src = netip.AddrPortFrom(d.cur.src.Addr(), uint16(d.tcp.SrcPort))
	d.cur.dst = netip.AddrPortFrom(d.cur.dst.Addr(), uint16(d.tcp.DstPort))
	d.cur.ports = true
	switch {
	case d.tcp.RST:
		p.Info = "TCP RST"
		return true
	case d.tcp.SYN && d.tcp.ACK:
		p.Info = "TCP SYN ACK"
		return true
	case d.tcp.SYN:
		p.Info = "TCP SYN"
		return true
	}
	if line := httpLine(d.tcp.Payload); line != "" {
		p.Info = line
		return true
	}
	if d.tcp.FIN {
		p.Info = "TCP FIN"
		return d.once(kind{what: "fin", src: d.cur.src, dst: d.cur.dst})
	}
	return false
}

// httpLine gives "HTTP GET /file" or "HTTP 200 OK" for a segment that begins a request or a response
// (RFC 9112), and nothing for any other.
func httpLine(payload []byte) string {
	line, _, _ := bytes.Cut(payload, []byte("\r\n"))
	if rest, ok := bytes.CutPrefix(line, []byte("HTTP/1.")); ok {
		_, status, _ := strings.Cut(printable(rest), " ")
		return "HTTP " + status
	}
	for _, method := range []string{"GET ", "HEAD ", "POST ", "PUT "} {
		if bytes.HasPrefix(line, []byte(method)) {
			target, _, _ := strings.Cut(printable(line[len(method):]), " HTTP/")
			return "HTTP " + method + target
		}
	}
	return ""
}
