package netns

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Queued gives the datagram that waits for a socket, or nil, and does not wait itself. Between addresses of one host a
// datagram is there as soon as it has been sent, so nil means that nothing was.
func Queued(t testing.TB, conn *net.UDPConn) (got []byte) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 65536)
	if err := raw.Control(func(fd uintptr) {
		if n, _, err := unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT); err == nil {
			got = b[:n]
		} else if !errors.Is(err, unix.EAGAIN) {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return got
}
