package libvirt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// pair is a cable, QEMU's end of its stream and the lab's end of its frames.
func pair(t *testing.T) (c *cable, qemu *net.TCPConn, lab net.Conn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	qemu, err = net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends := [2]net.Conn{}
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "frames")
		if ends[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	c = &cable{stream: stream, frames: ends[0]}
	t.Cleanup(func() { c.close(); qemu.Close(); ends[1].Close() })
	return c, qemu, ends[1]
}

func framed(frames ...[]byte) []byte {
	var out []byte
	for _, f := range frames {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(f))), f...)
	}
	return out
}

// Frames come whole and in order, however the stream cuts them up, and all that QEMU sent before it ended come.
func TestFramesFromGuest(t *testing.T) {
	c, qemu, lab := pair(t)
	want := [][]byte{bytes.Repeat([]byte{1}, 14), bytes.Repeat([]byte{2}, 1514), bytes.Repeat([]byte{3}, 60)}
	sent := framed(want...)
	sent = append(sent, 0, 0, 0, 200, 9) // and QEMU dies in the middle of one
	go func() {
		for _, b := range sent {
			_, _ = qemu.Write([]byte{b})
		}
		_ = qemu.Close()
	}()
	ended := make(chan struct{})
	go func() { c.fromGuest(); close(ended) }()
	for i, w := range want {
		buf := make([]byte, 2000)
		n, err := lab.Read(buf)
		if err != nil || !bytes.Equal(buf[:n], w) {
			t.Errorf("frame %d: %d octets, %v; want %d", i, n, err, len(w))
		}
	}
	<-ended
	_ = lab.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, err := lab.Read(make([]byte, 2000)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("half a frame was passed on: %d octets, %v", n, err)
	}
}

// What calls and is not QEMU sends lengths that QEMU never does.
func TestNotQEMU(t *testing.T) {
	c, qemu, _ := pair(t)
	if _, err := qemu.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	c.fromGuest() // returns
}

func TestFramesToGuest(t *testing.T) {
	c, qemu, lab := pair(t)
	ended := make(chan struct{})
	go func() { c.toGuest(); close(ended) }()
	want := [][]byte{bytes.Repeat([]byte{1}, 60), bytes.Repeat([]byte{2}, 1514)}
	for _, f := range want {
		if _, err := lab.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(framed(want...)))
	if _, err := io.ReadFull(qemu, got); err != nil || !bytes.Equal(got, framed(want...)) {
		t.Errorf("%v: % x", err, got[:16])
	}
	c.close()
	<-ended
}
