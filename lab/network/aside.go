package network

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// write hands a frame to the guest, and waits while it takes none.
func (p *plug) write(data []byte) error {
	_, err := p.conn.Write(data)
	return err
}

// queues puts a frame aside that the guest does not take now, if it is one of a gate or comes behind one that waits; it is false if the
// frame is to be written, which is then next.
func (p *plug) queues(c *Cable, data []byte, gated bool) bool {
	p.handing.Lock()
	defer p.handing.Unlock()
	switch {
	case len(p.aside) >= maxHeld:
		c.lost(&c.stats.ToGuest, len(data), &c.stats.NoGuest)
		return true
	case len(p.aside) > 0:
		p.aside = append(p.aside, bytes.Clone(data))
		return true
	case !gated || p.closed:
		return false
	}
	switch taken, err := p.offer(data); {
	case err != nil:
		return false // write meets the same
	case taken:
		return true
	}
	p.aside = append(p.aside, bytes.Clone(data))
	p.pumping.Go(func() { p.handOver(c) })
	return true
}

// offer hands a frame to the guest if it takes it at once.
func (p *plug) offer(data []byte) (taken bool, err error) {
	raw, err := p.conn.SyscallConn()
	if err != nil {
		return false, err
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		_, sent = unix.Write(int(fd), data)
		return true
	})
	switch {
	case err != nil:
		return false, err
	case errors.Is(sent, unix.EAGAIN):
		return false, nil
	}
	return sent == nil, sent
}

// handOver hands to the guest what was put aside for it, until nothing is left.
func (p *plug) handOver(c *Cable) {
	for {
		p.handing.Lock()
		if len(p.aside) == 0 {
			p.handing.Unlock()
			return
		}
		data := p.aside[0]
		p.handing.Unlock()
		c.written(p, data, p.write(data))
		p.handing.Lock()
		p.aside = p.aside[1:] // only now: what comes meanwhile comes behind it
		p.handing.Unlock()
	}
}

// close has no frame put aside any more.
func (p *plug) close() {
	p.handing.Lock()
	defer p.handing.Unlock()
	p.closed = true
}
