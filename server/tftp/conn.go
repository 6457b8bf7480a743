package tftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server/socket"
)

// ending is why a transfer stopped.
type ending struct {
	outcome    string
	reason     string
	fromClient bool
	code       uint16 // of the client's ERROR, or of ours
	tell       string // ERROR message for the client; empty sends none
}

// conn is the socket that a transfer is sent from. One goroutine reads; any may send, and stop it.
//
// It is outside of Go's poller, and its reads block a thread: a block then costs two system calls and one wake-up, where
// the poller would make it four and wake a second thread for every datagram.
type conn struct {
	fd    int
	link  *net.Interface
	armed time.Duration // that a read waits
	slept bool          // the process was stopped while the last read waited
	stop  atomic.Pointer[ending]
	buf   [1024]byte

	mu     sync.Mutex // held to use fd from another goroutine
	closed bool
}

// openConn opens a port of its own at the address that the client asked, on one interface.
func openConn(link *net.Interface, local netip.Addr) (*conn, error) {
	udp, err := socket.ListenUDP(link.Name, netip.AddrPortFrom(local, 0))
	if err != nil {
		return nil, err
	}
	defer udp.Close()
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{link: link}
	if cerr := raw.Control(func(fd uintptr) { c.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("taking a socket for a transfer: %w", err)
	}
	if err := unix.SetNonblock(c.fd, false); err != nil {
		c.close()
		return nil, fmt.Errorf("preparing a socket for a transfer: %w", err)
	}
	return c, nil
}

// receive gives the next datagram and its sender; nil once that time is past, or the transfer is to stop, or the process was stopped
// meanwhile (slept), and whoever is waited for is to get its time anew. What has come already is given, however late it is.
func (c *conn) receive(until time.Time) ([]byte, netip.AddrPort) {
	c.slept = false
	for c.stop.Load() == nil && !c.slept {
		begun, flags := time.Now(), 0
		left := until.Sub(begun)
		if left > 0 {
			c.arm(left)
		} else {
			flags = unix.MSG_DONTWAIT
		}
		n, from, err := syscall.Recvfrom(c.fd, c.buf[:], flags)
		if err == nil {
			return c.buf[:n], c.sender(from)
		}
		if errors.Is(err, unix.EBADF) || left <= 0 {
			break
		}
		c.slept = socket.Slept(max(left, c.armed), time.Since(begun), errors.Is(err, unix.EINTR))
	}
	return nil, netip.AddrPort{}
}

// arm sets how long a read waits. Mostly that is about as long as before, and then it is left: a transfer waits equally
// long for each window, and the time is looked at again after.
func (c *conn) arm(left time.Duration) {
	if left <= c.armed && c.armed-left < c.armed/16 {
		return
	}
	wait := unix.NsecToTimeval(left.Nanoseconds() + 1000) // zero would wait for ever
	if unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait) == nil {
		c.armed = left
	}
}

// halt makes the transfer stop at its next wait. Of several reasons the first counts.
func (c *conn) halt(e ending) {
	if !c.stop.CompareAndSwap(nil, &e) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		_ = unix.Shutdown(c.fd, unix.SHUT_RD) // wakes the reader, and says ENOTCONN all the same
	}
}

// sender is the address that a datagram came from.
func (c *conn) sender(from syscall.Sockaddr) netip.AddrPort {
	switch from := from.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port))
	case *syscall.SockaddrInet6:
		addr := netip.AddrFrom16(from.Addr)
		if from.ZoneId != 0 {
			addr = addr.WithZone(c.link.Name)
		}
		return netip.AddrPortFrom(addr, uint16(from.Port))
	}
	return netip.AddrPort{}
}

// sockaddr is an address on a link, as send takes it. It may be used by one goroutine at a time.
func sockaddr(a netip.AddrPort, link *net.Interface) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	to := &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
	if a.Addr().Zone() != "" {
		to.ZoneId = uint32(link.Index)
	}
	return to
}

// rawSockaddr is the same as the kernel keeps it: struct sockaddr_in or sockaddr_in6.
func rawSockaddr(a netip.AddrPort, link *net.Interface) []byte {
	if a.Addr().Is4() {
		b := binary.BigEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, unix.AF_INET), a.Port())
		return append(append(b, a.Addr().AsSlice()...), make([]byte, unix.SizeofSockaddrInet4-8)...)
	}
	b := binary.BigEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, unix.AF_INET6), a.Port())
	b = append(append(b, 0, 0, 0, 0), a.Addr().AsSlice()...) // no flow label
	if a.Addr().Zone() != "" {
		return binary.NativeEndian.AppendUint32(b, uint32(link.Index))
	}
	return append(b, 0, 0, 0, 0)
}

// send sends one datagram. One that cannot be sent is lost like any other, and sent again like any other.
func (c *conn) send(b []byte, to unix.Sockaddr) { _ = unix.Sendto(c.fd, b, 0, to) }

// batch is room for the system call that sends a whole window (sendmmsg).
type batch struct {
	to   []byte // struct sockaddr
	head []mmsghdr
	body []unix.Iovec
}

// mmsghdr is the kernel's struct of that name.
type mmsghdr struct {
	unix.Msghdr
	sent uint32
}

func newBatch(to netip.AddrPort, link *net.Interface, most int64) *batch {
	b := &batch{to: rawSockaddr(to, link), head: make([]mmsghdr, most), body: make([]unix.Iovec, most)}
	for i := range b.head {
		b.head[i].Name = &b.to[0]
		b.head[i].Namelen = uint32(len(b.to))
		b.head[i].Iov = &b.body[i]
		b.head[i].SetIovlen(1)
	}
	return b
}

// put makes a datagram the i-th of the batch. It must stay as it is until sent.
func (b *batch) put(i int64, datagram []byte) {
	b.body[i].Base = &datagram[0]
	b.body[i].SetLen(len(datagram))
}

// sendAll sends the first n datagrams of a batch.
func (c *conn) sendAll(b *batch, n int64) {
	for at := uintptr(0); at < uintptr(n); {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&b.head[at])), uintptr(n)-at, 0, 0, 0)
		if errno != 0 || sent == 0 {
			return
		}
		at += sent
	}
}

// sendError sends an ERROR.
func (c *conn) sendError(code uint16, message string, to netip.AddrPort) {
	c.send(errorPacket(code, message), sockaddr(to, c.link))
}

// unknown turns away a datagram from somebody whom this transfer is not with, without disturbing it (RFC 1350 section 4).
func (c *conn) unknown(from netip.AddrPort) { c.sendError(codeUnknownTID, "unknown transfer", from) }

// multicastOn sends what goes to a group out of the link.
func (c *conn) multicastOn() error {
	return unix.SetsockoptIPMreqn(c.fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(c.link.Index)})
}

func (c *conn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		_ = unix.Close(c.fd)
	}
}
