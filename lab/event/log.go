package event

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Log is the append-only log of one run. It numbers and dates events, writes each as one line at once (so a
// killed lab loses nothing) and wakes readers. It is safe for use by many goroutines.
type Log struct {
	mu     sync.Mutex
	w      io.Writer
	now    func() time.Duration
	events []Event
	more   chan struct{}
	err    error
}

// NewLog starts a log that writes JSON lines to w and dates events by now, the time since the run began.
func NewLog(w io.Writer, now func() time.Duration) *Log {
	return &Log{w: w, now: now, more: make(chan struct{})}
}

// Append numbers and dates e, writes it and returns it. A write error is kept for Err: the events stay in
// memory, so that the lab can still end in good order and say what happened.
func (l *Log) Append(e Event) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Seq = len(l.events) + 1
	e.At = l.now()
	if e.Seq > 1 && e.At < l.events[e.Seq-2].At {
		e.At = l.events[e.Seq-2].At
	}
	if l.err == nil { // a line after half a line would spoil both
		l.err = l.write(e)
	}
	l.events = append(l.events, e)
	close(l.more)
	l.more = make(chan struct{})
	return e
}

func (l *Log) write(e Event) error {
	line, err := json.Marshal(e)
	if err == nil {
		_, err = l.w.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write event %d: %w", e.Seq, err)
	}
	return nil
}

// From returns the events numbered seq (from 1) and later, and a channel that is closed when there are more.
// The slice is shared: it must not be changed.
func (l *Log) From(seq int) ([]Event, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seq = min(max(seq, 1), len(l.events)+1)
	return l.events[seq-1 : len(l.events) : len(l.events)], l.more
}

// Err returns the first error met in writing, if any.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// maxLine bounds one JSON line of a log that Read accepts.
const maxLine = 4 << 20

// Read reads a log written by Log. A last line that was cut off, as a killed lab may leave, is dropped; any
// other line that does not parse is an error with its number.
func Read(r io.Reader) ([]Event, error) {
	var events []Event
	br := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, err := br.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, fmt.Errorf("read event log: line %d: %w", n, err)
		}
		if len(line) > maxLine {
			return events, fmt.Errorf("read event log: line %d: longer than %d octets", n, maxLine)
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			return events, fmt.Errorf("read event log: line %d: %w", n, err)
		}
		events = append(events, e)
	}
}
