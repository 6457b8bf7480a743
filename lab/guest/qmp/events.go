package qmp

import "context"

// backlog is how many events a subscriber may be behind. QEMU sends a handful in the life of a machine; only a
// consumer that has stopped reading gets near it.
const backlog = 256

type subscriber struct {
	ch   chan Event
	stop func() bool // takes back the wish to be told of the end of the context
}

// Events returns the events from now on. The channel is closed when ctx ends and when QEMU is gone. Events that
// find it full are dropped and counted, for a slow consumer must not hold up replies. It may be called before
// Connect, and then misses none.
func (m *Monitor) Events(ctx context.Context) (<-chan Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reason != nil {
		return nil, m.reason
	}
	s := &subscriber{ch: make(chan Event, backlog)}
	m.events[s] = struct{}{}
	s.stop = context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.unsubscribe(s)
	})
	return s.ch, nil
}

// Dropped is how many events were dropped because a channel that Events returned was full.
func (m *Monitor) Dropped() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped
}

// unsubscribe closes a subscriber's channel, once. The caller holds mu.
func (m *Monitor) unsubscribe(s *subscriber) {
	if _, ok := m.events[s]; !ok {
		return
	}
	s.stop()
	delete(m.events, s)
	close(s.ch)
}

func (m *Monitor) publish(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range m.events {
		select {
		case s.ch <- e:
		default:
			m.dropped++
		}
	}
}
