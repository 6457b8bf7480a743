package network

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/network/capture"
)

// WatchConfig says who looks on at a host's interface, as at a guest's cable.
type WatchConfig struct {
	Interface string             // eth0, eth1 ...
	Capture   *capture.Interface // gets every frame; may be nil
	Observe   func(Frame)        // sees every frame, one at a time, in order; FromGuest means that the host sent it; may be nil
}

// Watch is an onlooker at an interface of a host: it carries nothing and holds nothing up, so a frame may be seen a
// moment after it has passed.
type Watch struct {
	config  WatchConfig
	socket  *os.File
	buf     []byte
	reading sync.WaitGroup
	err     error
}

// Watch begins to look on at one of the host's interfaces.
func (h *Host) Watch(c WatchConfig) (*Watch, error) {
	w := &Watch{config: c, buf: make([]byte, readSize)}
	err := h.Do(func() error {
		ifi, err := net.InterfaceByName(c.Interface)
		if err != nil {
			return err
		}
		w.socket, err = openPacketSocket(ifi.Index, true)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("watch %s of host %q: %w", c.Interface, h.name, err)
	}
	w.reading.Go(w.read)
	return w, nil
}

// Close ends the watch once all that has passed until now is seen. It says why nothing was seen any more, if that
// happened before.
func (w *Watch) Close() error {
	w.socket.SetDeadline(time.Unix(1, 0))
	w.reading.Wait()
	raw, err := w.socket.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { // heeds no deadline
			for w.frame(int(fd)) == nil {
			}
		})
	}
	return errors.Join(w.err, err, w.socket.Close())
}

// read sees frames until the deadline that Close sets. A host that is unplugged is no error.
func (w *Watch) read() {
	raw, err := w.socket.SyscallConn()
	if err != nil {
		w.err = err
		return
	}
	for err == nil {
		var failed error
		err = raw.Read(func(fd uintptr) bool {
			failed = w.frame(int(fd))
			return !errors.Is(failed, unix.EAGAIN)
		})
		if failed != nil && !errors.Is(failed, unix.EAGAIN) && !errors.Is(failed, unix.ENETDOWN) {
			w.err = fmt.Errorf("watch %s: %w", w.config.Interface, failed)
			return
		}
	}
}

// frame takes one frame from the socket.
func (w *Watch) frame(fd int) error {
	n, from, err := unix.Recvfrom(fd, w.buf, 0)
	if err != nil {
		return err
	}
	lla, ok := from.(*unix.SockaddrLinklayer)
	f := Frame{Data: w.buf[:n], FromGuest: ok && lla.Pkttype == unix.PACKET_OUTGOING, At: time.Now()}
	if w.config.Capture != nil {
		f.Number, _ = w.config.Capture.Write(f.Data, f.At, f.FromGuest, "") // the file keeps its error
	}
	if w.config.Observe != nil {
		w.config.Observe(f)
	}
	return nil
}
