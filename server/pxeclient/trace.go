package pxeclient

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pxelab/pxelab/server/station"
)

// Packet is one datagram that a client sent or received, whether the client could use it or not.
type Packet struct {
	Time           time.Time
	Sent           bool
	Src, Dst       netip.AddrPort
	SrcMAC, DstMAC net.HardwareAddr
	Size           int      // octets of UDP payload
	Raw            []byte   // those octets; of files in transfer the first 64 only
	Message        *Message // nil for what is not BOOTP or DHCP
	Malformed      string   // why a message could not be read to its end
	ICMP           string   // not a datagram: Src tells why one did not reach Dst
}

// Trace is all that a client sent and received, in order.
type Trace []Packet

// Reply gives a received message as the client sees it; nil for anything else.
func (p *Packet) Reply() *Reply {
	if p.Sent || p.Message == nil || !p.Message.Reply {
		return nil
	}
	return newReply(p.Message, p.Src, p.SrcMAC, p.Time)
}

// String tells a packet in one line.
func (p *Packet) String() string {
	var b strings.Builder
	way := "received"
	if p.Sent {
		way = "sent"
	}
	fmt.Fprintf(&b, "%s %s > %s", way, p.Src, p.Dst)
	switch m := p.Message; {
	case p.ICMP != "":
		fmt.Fprintf(&b, ": %s", p.ICMP)
	case m == nil:
		fmt.Fprintf(&b, ": %d octets", p.Size)
	default:
		fmt.Fprintf(&b, ": %s xid %08x", m.Name(), m.XID)
	}
	if p.Malformed != "" {
		fmt.Fprintf(&b, " (%s)", p.Malformed)
	}
	return b.String()
}

// recorder keeps the datagrams of a station.
type recorder struct {
	saw   func(Packet)
	mu    sync.Mutex
	trace Trace
}

func (r *recorder) record(d station.Datagram) {
	p := Packet{Time: d.Time, Sent: d.Sent, Src: d.Src, Dst: d.Dst, SrcMAC: d.SrcMAC, DstMAC: d.DstMAC, Size: len(d.Payload), ICMP: d.ICMP}
	if protocol(d.Src.Port()) || protocol(d.Dst.Port()) {
		p.Raw = bytes.Clone(d.Payload)
		if d.ICMP == "" {
			m, err := ParseMessage(p.Raw)
			if p.Message = m; err != nil {
				p.Malformed = err.Error()
			}
		}
	} else {
		p.Raw = bytes.Clone(d.Payload[:min(len(d.Payload), 64)])
	}
	r.mu.Lock()
	r.trace = append(r.trace, p)
	r.mu.Unlock()
	if r.saw != nil {
		r.saw(p)
	}
}

// protocol reports whether a port is one at which BOOTP messages are spoken.
func protocol(port uint16) bool {
	return port == ServerPort || port == ClientPort || port == BootPort
}

func (r *recorder) all() Trace {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.trace)
}
