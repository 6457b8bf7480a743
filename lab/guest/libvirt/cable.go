package libvirt

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
)

// largest is the longest frame that QEMU's network code passes on (NET_BUFSIZE). The lab's cable drops what no wire carries.
const largest = 4096 + 65536

// cable joins the two forms in which frames travel: to and from QEMU as a stream, each frame after its length in four octets, high
// one first (QEMU's net/socket.c), and to and from the lab's cable as datagrams. Neither side of the stream collects small frames
// into larger segments: QEMU sets TCP_NODELAY, and so does Go.
type cable struct {
	stream *net.TCPConn
	frames net.Conn
}

// fromGuest carries frames until QEMU is gone, all that it had sent before included.
func (c *cable) fromGuest() {
	in := bufio.NewReaderSize(c.stream, largest+4)
	var length [4]byte
	buf := make([]byte, largest)
	for {
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > largest {
			return // not QEMU
		}
		if _, err := io.ReadFull(in, buf[:n]); err != nil {
			return
		}
		if _, err := c.frames.Write(buf[:n]); err != nil {
			return
		}
	}
}

// toGuest carries frames until the lab's cable is unplugged, or QEMU is gone.
func (c *cable) toGuest() {
	buf := make([]byte, 4+largest)
	for {
		n, err := c.frames.Read(buf[4:])
		if err != nil {
			return
		}
		binary.BigEndian.PutUint32(buf, uint32(n))
		if _, err := c.stream.Write(buf[:4+n]); err != nil {
			return
		}
	}
}

func (c *cable) close() {
	if c == nil {
		return
	}
	_ = c.stream.Close()
	if c.frames != nil {
		_ = c.frames.Close()
	}
}
