package tftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// retransmitAfter is how long a datagram waits for its acknowledgement before it is sent again, retransmits how
	// often it is.
	retransmitAfter = time.Second
	retransmits     = 5
	// repeatAfter is the age of a block at which a repeated acknowledgement of the one before means that the block was
	// lost. Sooner it may only be late, and to send it again would double every block that follows (RFC 1123 section
	// 4.2.3.1). Clients repeat after 250 ms or more; a time-warped one much sooner, and again.
	repeatAfter = 100 * time.Millisecond
)

// ending is why a transfer stopped before the whole file was acknowledged.
type ending struct {
	outcome    string
	reason     string
	fromClient bool
	code       uint16 // of the client's ERROR, or of ours
	tell       string // ERROR message for the client; empty sends none
}

// link is the net.PacketConn through which the library sees one transfer: a socket with one client. It answers for
// what the library leaves open: it retransmits, counts, drops what is not from the client or not awaited, and sends
// errors with their code and without paths. It delivers exactly one datagram for each that the library sends,
// because the library closes a channel at the end of a transfer that a further datagram would be sent on.
type link struct {
	sock   *net.UDPConn
	client netip.AddrPort
	peer   *net.UDPAddr  // client, for the library
	first  []byte        // the request, until the library has read it
	sentCh chan struct{} // a datagram awaits its acknowledgement
	done   chan struct{} // the library is through
	over   sync.Once
	again  time.Duration // how long to wait before a datagram is sent again

	mu        sync.Mutex
	last      []byte // datagram that awaits its acknowledgement
	sentAt    time.Time
	acked     bool // something was
	stop      *ending
	end       ending
	confirmed int64 // octets of data acknowledged
	resent    int
}

func newLink(sock *net.UDPConn, client netip.AddrPort, request []byte, again time.Duration) *link {
	return &link{sock: sock, client: client, again: again, peer: net.UDPAddrFromAddrPort(client), first: request,
		sentCh: make(chan struct{}, 1), done: make(chan struct{})}
}

// ReadFrom gives the request first, then one datagram for each that was sent: the acknowledgement it waits for, the
// client's ERROR, or an ERROR of our own when the transfer is over.
func (l *link) ReadFrom(b []byte) (int, net.Addr, error) {
	if l.first != nil {
		n := copy(b, l.first)
		l.first = nil
		return n, l.peer, nil
	}
	select {
	case <-l.sentCh:
		return copy(b, l.await()), l.peer, nil
	case <-l.done:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

// await gives the datagram that ends the wait for an acknowledgement.
func (l *link) await() []byte {
	buf := make([]byte, 1024)
	for tries := 0; tries <= retransmits; tries++ {
		if tries > 0 {
			l.sendAgain()
		}
		for deadline := time.Now().Add(l.again); l.setDeadline(deadline); {
			n, from, err := l.sock.ReadFromUDPAddrPort(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err == nil && l.judge(buf[:n], from) {
				return buf[:n]
			}
		}
		if stop := l.stopped(); stop != nil {
			return l.finishWith(*stop)
		}
	}
	return l.finishWith(ending{outcome: Timeout, code: codeUndefined, tell: "timeout",
		reason: fmt.Sprintf("no acknowledgement of %s after %d retransmissions", describe(l.last), retransmits)})
}

// judge says whether a datagram is what the library waits for.
func (l *link) judge(b []byte, from netip.AddrPort) bool {
	if from.Addr().Unmap() != l.client.Addr() || from.Port() != l.client.Port() {
		_, _ = l.sock.WriteToUDPAddrPort(errorPacket(codeUnknownTID, "unknown transfer"), from) // RFC 1350 section 4
		return false
	}
	if len(b) < 4 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	number, awaited := binary.BigEndian.Uint16(b[2:]), blockOf(l.last)
	switch op := binary.BigEndian.Uint16(b); {
	case op == opERROR && len(b) >= 5:
		l.end = ending{outcome: Aborted, fromClient: true, code: number,
			reason: fmt.Sprintf("the client sent ERROR %d %q", number, strings.TrimRight(string(b[4:]), "\x00"))}
		return true
	case op == opACK && number == awaited:
		l.acked = true
		if binary.BigEndian.Uint16(l.last) == opDATA {
			l.confirmed += int64(len(l.last) - 4)
		}
		return true
	case op == opACK && number == awaited-1 && l.acked && time.Since(l.sentAt) >= repeatAfter:
		l.resend()
	}
	return false
}

// finishWith ends the transfer and gives the ERROR that makes the library stop.
func (l *link) finishWith(e ending) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = e
	return errorPacket(e.code, e.outcome)
}

// setDeadline sets the time until which to read; false if the transfer is to stop.
func (l *link) setDeadline(t time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop == nil && l.sock.SetReadDeadline(t) == nil
}

func (l *link) stopped() *ending {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop
}

// cancel stops the transfer at its next wait.
func (l *link) cancel(e ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop == nil {
		l.stop = &e
		_ = l.sock.SetReadDeadline(time.Now()) // fails only on a closed socket: over already
	}
}

// repeatFirst sends the first answer again, and reports false once it was acknowledged or the transfer is over.
func (l *link) repeatFirst() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acked || l.stop != nil || l.end.outcome != "" {
		return false
	}
	if l.last != nil {
		l.resend()
	}
	return true
}

func (l *link) sendAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resend()
}

// resend is called with mu held.
func (l *link) resend() {
	l.resent++
	l.sentAt = time.Now()
	_, _ = l.sock.WriteToUDPAddrPort(l.last, l.client) // lost like any datagram, and sent again like any
}

// WriteTo sends what the library sends: OACK and DATA as they are, ERROR as the ending wants it.
func (l *link) WriteTo(b []byte, _ net.Addr) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if binary.BigEndian.Uint16(b) == opERROR {
		if l.end.outcome == "" {
			l.end.tell = "read error"
		}
		if l.end.tell != "" {
			_, _ = l.sock.WriteToUDPAddrPort(errorPacket(l.end.code, l.end.tell), l.client)
		}
		return len(b), nil
	}
	l.last = append(l.last[:0], b...)
	l.sentAt = time.Now()
	_, _ = l.sock.WriteToUDPAddrPort(b, l.client)
	select {
	case l.sentCh <- struct{}{}:
	default: // it says so already
	}
	return len(b), nil
}

// finish lets ReadFrom tell the library that there is nothing more.
func (l *link) finish() { l.over.Do(func() { close(l.done) }) }

// Close closes the socket.
func (l *link) Close() error { return l.sock.Close() }

// LocalAddr gives the socket's address.
func (l *link) LocalAddr() net.Addr { return l.sock.LocalAddr() }

// SetDeadline does nothing: the link has its own deadlines.
func (l *link) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (l *link) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (l *link) SetWriteDeadline(time.Time) error { return nil }

// blockOf gives the block number that acknowledges a datagram: an OACK is acknowledged as block 0 (RFC 2347).
func blockOf(datagram []byte) uint16 {
	if binary.BigEndian.Uint16(datagram) == opDATA {
		return binary.BigEndian.Uint16(datagram[2:])
	}
	return 0
}

func describe(datagram []byte) string {
	if binary.BigEndian.Uint16(datagram) == opDATA {
		return fmt.Sprintf("block %d", blockOf(datagram))
	}
	return "the OACK"
}
