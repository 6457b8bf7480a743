package serial

import (
	"io"
	"sync"
)

// recent is how many bytes of the console are kept for those who attach later, and how far one of them may lag
// behind. A screenful with colours is some 4 KiB.
const recent = 64 << 10

// history is the last output of the console, and a place to wait for more.
type history struct {
	mu     sync.Mutex
	more   *sync.Cond
	data   []byte // the last bytes, at most 2*recent
	end    int64  // bytes written so far
	closed bool
}

func (h *history) init() { h.more = sync.NewCond(&h.mu) }

func (h *history) write(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.data = append(h.data, p...)
	h.end += int64(len(p))
	if len(h.data) > 2*recent {
		h.data = append(h.data[:0], h.data[len(h.data)-recent:]...)
	}
	h.more.Broadcast()
}

func (h *history) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.more.Broadcast()
}

// after waits for bytes past the offset and returns them with the offset that follows; none means the end.
func (h *history) after(offset int64, detached *bool) ([]byte, int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.end == offset && !h.closed && !*detached {
		h.more.Wait()
	}
	if *detached {
		return nil, offset
	}
	n := min(h.end-offset, int64(len(h.data)), recent)
	return append([]byte(nil), h.data[int64(len(h.data))-n:]...), h.end
}

// Attach copies the raw console to w, for a person at a terminal: first the recent output, so that the screen
// is there, then everything as it comes. It ends at detach, at the end of the guest, or when w fails. A slow w
// holds nobody up: it misses what it is too late for. One Write may still be under way when detach returns; done is
// closed after the last.
func (p *Port) Attach(w io.Writer) (detach func(), done <-chan struct{}) {
	detached := false
	over := make(chan struct{})
	go func() {
		defer close(over)
		offset := int64(0)
		for {
			b, next := p.history.after(offset, &detached)
			if len(b) == 0 {
				return
			}
			if _, err := w.Write(b); err != nil {
				return
			}
			offset = next
		}
	}()
	return func() {
		p.history.mu.Lock()
		defer p.history.mu.Unlock()
		detached = true
		p.history.more.Broadcast()
	}, over
}
