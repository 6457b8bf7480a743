package network

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// readSize is larger than any frame, so that an oversized one is seen as such and not cut.
const readSize = 64 << 10

// lastFrames bounds what is still taken from a guest that is being disconnected: its socket holds fewer.
const lastFrames = 1024

// pumpFromGuest carries frames until the guest is disconnected, and then those that it had sent before.
func (c *Cable) pumpFromGuest(conn *net.UnixConn) {
	buf := make([]byte, readSize)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			break
		}
		c.sendToBridge(buf[:n])
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { // unlike Read, it heeds no deadline
		for range lastFrames {
			n, err := unix.Read(int(fd), buf)
			if err != nil {
				return
			}
			c.sendToBridge(buf[:n])
		}
	})
}

func (c *Cable) sendToBridge(data []byte) {
	if _, pass := c.admit(data, true); !pass {
		return
	}
	if _, err := c.port.Write(data); err != nil {
		c.lost(&c.stats.FromGuest, len(data), &c.stats.Failed)
	}
}

// pumpToGuest carries frames until the cable is closed.
func (c *Cable) pumpToGuest() {
	buf := make([]byte, readSize)
	for {
		n, err := c.port.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			c.order.Lock()
			c.err = fmt.Errorf("read frames for cable %q from its %s: %w", c.config.Name, c.via, err)
			c.order.Unlock()
			return
		}
		c.sendToGuest(buf[:n])
	}
}

func (c *Cable) sendToGuest(data []byte) {
	guest, pass := c.admit(data, false)
	if !pass {
		return
	}
	// A paused guest takes nothing: Write waits, the port's queue fills, and the kernel drops the rest.
	_, err := guest.conn.Write(data)
	switch {
	case err == nil:
	case errors.Is(err, unix.ECONNREFUSED): // QEMU has closed its end; what it sent before is still carried
		c.lost(&c.stats.ToGuest, len(data), &c.stats.NoGuest)
		c.order.Lock()
		guest.gone = true
		c.order.Unlock()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed): // disconnected meanwhile
		c.lost(&c.stats.ToGuest, len(data), &c.stats.NoGuest)
	default:
		c.lost(&c.stats.ToGuest, len(data), &c.stats.Failed)
	}
}

// admit decides whether a frame travels on, and has it captured and observed. The guest is nil only where
// the frame does not travel towards it.
func (c *Cable) admit(data []byte, fromGuest bool) (guest *plug, pass bool) {
	c.order.Lock()
	defer c.order.Unlock()
	count := &c.stats.ToGuest
	if fromGuest {
		count = &c.stats.FromGuest
	}
	switch {
	case len(data) < minFrame || len(data) > maxFrame:
		c.stats.Misfit++
		return nil, false
	case c.down:
		c.stats.LinkDown++
		return nil, false
	case !fromGuest && (c.guest == nil || c.guest.gone):
		c.stats.NoGuest++
		return nil, false
	}
	frame := Frame{Data: data, FromGuest: fromGuest, At: time.Now()}
	if c.config.Filter != nil {
		frame.Action = c.config.Filter(frame)
	}
	comment := ""
	if frame.Action == Drop {
		comment = fmt.Sprintf("dropped on cable %s", c.config.Name)
		c.stats.Filtered++
	} else {
		count.Frames++
		count.Octets += len(data)
	}
	if c.config.Capture != nil {
		frame.Number, _ = c.config.Capture.Write(data, frame.At, fromGuest, comment) // the file keeps its error
	}
	if c.config.Observe != nil {
		c.config.Observe(frame)
	}
	return c.guest, frame.Action == Pass
}

// lost takes back that a frame travelled on.
func (c *Cable) lost(count *Count, octets int, instead *int) {
	c.order.Lock()
	defer c.order.Unlock()
	count.Frames--
	count.Octets -= octets
	*instead++
}
