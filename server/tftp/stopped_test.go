package tftp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStopped stops the server in the middle of a transfer for longer than it waits for an acknowledgement, and has it go on: it sends
// nothing again, whether the acknowledgement has come meanwhile or its client had stood still as well.
func TestStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for longer than the server's time-out")
	}
	root := t.TempDir()
	content := bytes.Repeat([]byte("0123456789abcde\n"), 100) // 1600 octets: four blocks
	if err := os.WriteFile(filepath.Join(root, "f"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, waits := range map[string]bool{"the ACK waits": true, "the client stood still": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startProcess(t, root, 0)
			c := beginTransfer(t, server.port)
			c.data(1)
			c.ack(1)
			c.data(2)
			server.stop()
			if waits {
				c.ack(2)
			}
			c.silence(retransmitAfter + 3*time.Second/10)
			server.signal(syscall.SIGCONT)
			if !waits {
				c.ack(2)
			}
			c.data(3)
			c.ack(3)
			c.data(4)
			c.ack(4)
			if d := server.ended(); d.Outcome != OK || d.Resent != 0 {
				t.Errorf("%s: %s, with %d datagrams sent again", d.Outcome, d.Reason, d.Resent)
			}
		})
	}
}

// byHand is a transfer whose client does what the test says.
type byHand struct {
	t    *testing.T
	conn *net.UDPConn
	to   netip.AddrPort
}

func beginTransfer(t *testing.T, port int) *byHand {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &byHand{t: t, conn: conn, to: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))}
	c.send([]byte("\x00\x01f\x00octet\x00"))
	return c
}

func (c *byHand) send(b []byte) {
	c.t.Helper()
	if _, err := c.conn.WriteToUDPAddrPort(b, c.to); err != nil {
		c.t.Fatal(err)
	}
}

func (c *byHand) ack(block uint16) { c.send(binary.BigEndian.AppendUint16([]byte{0, opACK}, block)) }

// data takes the next datagram, which is to be this block.
func (c *byHand) data(block uint16) {
	c.t.Helper()
	b := make([]byte, 1024)
	_ = c.conn.SetReadDeadline(time.Time{})
	n, from, err := c.conn.ReadFromUDPAddrPort(b)
	if err != nil || n < 4 || binary.BigEndian.Uint16(b) != opDATA || binary.BigEndian.Uint16(b[2:]) != block {
		c.t.Fatalf("%x (%v), not block %d", b[:min(n, 4)], err, block)
	}
	c.to = from
}

// silence holds that nothing comes for a time.
func (c *byHand) silence(d time.Duration) {
	c.t.Helper()
	b := make([]byte, 1024)
	_ = c.conn.SetReadDeadline(time.Now().Add(d))
	if n, _, err := c.conn.ReadFromUDPAddrPort(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("%x came (%v)", b[:n], err)
	}
}

// signal sends one to the server.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// stop has the server stand still, and returns when it does.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
	for unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WSTOPPED, nil) == unix.EINTR {
	}
}

// ended waits for the end of a transfer.
func (p *process) ended() (d Decision) {
	p.t.Helper()
	for d.Outcome == "" {
		if err := p.said.Decode(&d); err != nil {
			p.t.Fatal(err)
		}
	}
	return d
}
