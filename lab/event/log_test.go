package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
)

func TestLogNumbersAndDatesEvents(t *testing.T) {
	times := []time.Duration{5, 3, 9} // a clock that steps back must not make the log do so
	var buf bytes.Buffer
	l := event.NewLog(&buf, func() time.Duration { at := times[0]; times = times[1:]; return at })
	for range 3 {
		l.Append(event.Event{Kind: event.Console, Guest: "x64", Text: "hello"})
	}
	got, _ := l.From(1)
	for i, at := range []time.Duration{5, 5, 9} {
		if got[i].Seq != i+1 || got[i].At != at {
			t.Errorf("event %d: seq %d at %d, want %d at %d", i, got[i].Seq, got[i].At, i+1, at)
		}
	}
	back, err := event.Read(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, back); diff != "" {
		t.Errorf("what was written reads back otherwise:\n%s", diff)
	}
}

func TestLogWakesReaders(t *testing.T) {
	l := event.NewLog(&bytes.Buffer{}, func() time.Duration { return 0 })
	const n = 500
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for next := 1; next <= n; {
				events, more := l.From(next)
				for _, e := range events {
					if e.Seq != next {
						t.Errorf("got event %d, want %d", e.Seq, next)
					}
					next++
				}
				if len(events) == 0 {
					<-more
				}
			}
		})
	}
	for range n {
		l.Append(event.Event{Kind: event.Console})
	}
	readers.Wait()
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestLogKeepsItsFirstWriteError(t *testing.T) {
	l := event.NewLog(full{}, func() time.Duration { return 0 })
	l.Append(event.Event{Kind: event.Console})
	l.Append(event.Event{Kind: event.Console})
	if err := l.Err(); err == nil || !strings.Contains(err.Error(), "write event 1: no space left") {
		t.Errorf("Err() = %v", err)
	}
	if events, _ := l.From(1); len(events) != 2 {
		t.Errorf("%d events kept in memory, want 2", len(events))
	}
}

func TestReadDropsACutOffLastLine(t *testing.T) {
	const whole = `{"seq":1,"at":7,"kind":"console"}` + "\n"
	events, err := event.Read(strings.NewReader(whole + `{"seq":2,"at":8,"ki`))
	if err != nil || len(events) != 1 {
		t.Errorf("%d events, error %v; want 1 event, no error", len(events), err)
	}
	if _, err := event.Read(strings.NewReader(whole + "nonsense\n" + whole)); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v does not name line 2", err)
	}
}

func TestStageNames(t *testing.T) {
	for i, name := range event.StageNames() {
		var s event.Stage
		if err := s.UnmarshalText([]byte(name)); err != nil || s != event.Stage(i) || s.String() != name {
			t.Errorf("stage %q reads as %v, %v", name, s, err)
		}
	}
	var s event.Stage
	if err := s.UnmarshalText([]byte("offered")); err == nil {
		t.Error("stage \"offered\" was accepted")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"seq":1,"at":7,"kind":"packet","packet":{"frame":1,"proto":"dhcp","dhcp":{"type":"OFFER"}}}` + "\n"))
	f.Add([]byte("\n\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := event.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, e := range events {
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("an event that was read cannot be written: %v", err)
			}
		}
	})
}
