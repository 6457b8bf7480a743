package pxeclient

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/server/mtftp"
	"github.com/pxelab/pxelab/server/station"
)

// MTFTP is how a client takes part in multicast transfers by Intel's scheme (PXE 2.1, tags 1 to 5 of option 43). The
// zero value does what the tags say.
type MTFTP struct {
	Off     bool          // take tags 1 to 5 for nothing, as all firmware in use does
	Timeout time.Duration // to listen before opening a transmission; zero is what tag 4 says
	Miss    Blocks        // blocks that do not reach it before it first opens: of a machine that comes late, or on a bad line
}

// Blocks is a range of block numbers, both ends included; the zero value is none.
type Blocks struct{ First, Last uint16 }

func (b Blocks) has(n uint16) bool { return b.First <= n && n <= b.Last && n > 0 }

// Transmission is what became of an attempt to have a boot program by MTFTP.
type Transmission struct {
	mtftp.Received
	Group  netip.Addr
	Port   uint16 // of the client
	Missed int    // blocks that MTFTP.Miss had it miss
	Err    error
	TFTP   bool // it was in vain, and TFTP on port 69 is what is left (PXE 2.1)
}

// String tells it in one line.
func (m *Transmission) String() string {
	opened := fmt.Sprintf("opened %d times", m.Opened)
	switch {
	case m.Opened == 0:
		opened = "never opened"
	case m.Opened == 1:
		opened = "opened once"
	}
	s := fmt.Sprintf("group %s port %d: %s, %d blocks heard, %d acknowledged", m.Group, m.Port, opened, m.Heard, m.Acknowledged)
	if m.Missed > 0 {
		s += fmt.Sprintf(", %d missed at first", m.Missed)
	}
	if m.Err != nil {
		return s + ": " + m.Err.Error()
	}
	return s + fmt.Sprintf(", %d octets", len(m.Data))
}

// receive gets a file by MTFTP.
func (c *Client) receive(ctx context.Context, f File) (*Transmission, error) {
	tags, how := f.MTFTP, c.cfg.MTFTP
	m := &Transmission{Group: tags.Addr, Port: tags.ClientPort}
	conn, err := c.host.ListenUDP(tags.ClientPort, tags.Addr)
	if err != nil {
		m.Err = err
		return m, fmt.Errorf("download: %w", err)
	}
	p := &groupPort{conn: conn, group: tags.Addr, miss: how.Miss, missed: map[uint16]bool{}}
	s := mtftp.Source{Server: f.Server, File: f.Name, Group: tags.Addr, ClientPort: tags.ClientPort, ServerPort: tags.ServerPort,
		Timeout: time.Duration(tags.Timeout) * time.Second, Delay: time.Duration(tags.Delay) * time.Second}
	if how.Timeout > 0 {
		s.Timeout = how.Timeout
	}
	m.Received, m.Err = mtftp.ReceiveOn(ctx, p, s)
	m.Missed, m.TFTP = len(p.missed), errors.Is(m.Err, mtftp.ErrSilent)
	if m.Err != nil {
		return m, fmt.Errorf("download: %w", m.Err)
	}
	return m, nil
}

// groupPort is an mtftp.Port of the client's station. Certain blocks do not reach it before the client has sent anything.
type groupPort struct {
	conn   *station.Conn
	group  netip.Addr
	miss   Blocks
	missed map[uint16]bool
	spoke  bool
}

// Send is part of mtftp.Port.
func (p *groupPort) Send(to netip.AddrPort, payload []byte) error {
	p.spoke = true
	return p.conn.Send(to, payload)
}

// Close is part of mtftp.Port.
func (p *groupPort) Close() error { return p.conn.Close() }

// Next is part of mtftp.Port.
func (p *groupPort) Next(deadline time.Time) (mtftp.Datagram, error) {
	if err := p.conn.SetReadDeadline(deadline); err != nil {
		return mtftp.Datagram{}, err
	}
	for {
		d, err := p.conn.Receive()
		if err != nil {
			return mtftp.Datagram{}, err
		}
		if !p.misses(d) {
			return mtftp.Datagram{Src: d.Src, Dst: d.Dst.Addr(), Payload: d.Payload}, nil
		}
	}
}

// misses tells whether a datagram is one that the client is to miss.
func (p *groupPort) misses(d station.Datagram) bool {
	if p.spoke || d.Dst.Addr() != p.group || len(d.Payload) < 4 || binary.BigEndian.Uint16(d.Payload) != opData {
		return false
	}
	n := binary.BigEndian.Uint16(d.Payload[2:])
	if !p.miss.has(n) {
		return false
	}
	p.missed[n] = true
	return true
}
