package studio

import (
	"sync"

	"github.com/pxelab/pxelab/lab/story"
)

// tale is a story as far as it has been told. It only grows, and each reader reads it at its own pace, so a slow one holds up nobody.
type tale struct {
	mu    sync.Mutex
	items []story.Item  // numbered from 1, without gaps
	more  chan struct{} // closed as soon as there are more, or no more will come
	over  bool
}

func newTale() *tale { return &tale{more: make(chan struct{})} }

// add takes what came next.
func (t *tale) add(items ...story.Item) {
	if len(items) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.items = append(t.items, items...)
	close(t.more)
	t.more = make(chan struct{})
}

// end says that no more will come.
func (t *tale) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.over = true
		close(t.more)
		t.more = nil
	}
}

// since gives the items from number from on, which the caller may not change, and a channel that is closed as soon as there is more to
// look for; nil: never again.
func (t *tale) since(from int) ([]story.Item, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := min(max(from-1, 0), len(t.items))
	return t.items[at:len(t.items):len(t.items)], t.more
}

// live tells whether more may come.
func (t *tale) live() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.over
}
