// Package cast reads and writes recordings of a terminal in asciinema's form, version 2: a line of JSON that says what it is, and a line
// for each thing that was written, typed or marked, with its time.
//
// See https://docs.asciinema.org/manual/asciicast/v2/. It is pure.
package cast

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Header says what a recording is of.
type Header struct {
	Version   int    `json:"version"`             // 2
	Width     int    `json:"width"`               // columns
	Height    int    `json:"height"`              // rows
	Timestamp int64  `json:"timestamp,omitempty"` // when it began, Unix time in seconds
	Title     string `json:"title,omitempty"`
	// IdleLimit is how long a player pauses at most where nothing happens, in seconds; zero leaves it to the player.
	IdleLimit float64 `json:"idle_time_limit,omitempty"`
}

// Kind is what an event is, as the form spells it. There are more than these; readers ignore those they do not know.
type Kind string

// The kinds.
const (
	Output Kind = "o" // Data was written to the terminal
	Input  Kind = "i" // Data was typed
	Marker Kind = "m" // Data names this moment
)

// Event is one event of a recording.
type Event struct {
	At   time.Duration // since its beginning
	Kind Kind
	Data string
}

// Writer writes a recording, each event at once and as a whole line.
type Writer struct{ w io.Writer }

// Begin writes the header and gives the writer of the events.
func Begin(w io.Writer, h Header) (*Writer, error) {
	h.Version = 2
	line, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(append(line, '\n'))
	return &Writer{w}, err
}

// Resume gives the writer of further events of a recording that has its header.
func Resume(w io.Writer) *Writer { return &Writer{w} }

// Add writes an event.
func (w *Writer) Add(e Event) error {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return err
	}
	_, err = w.w.Write(fmt.Appendf(nil, "[%.6f, %q, %s]\n", e.At.Seconds(), string(e.Kind), data))
	return err
}

// maxLine bounds a line of a recording.
const maxLine = 4 << 20

// Read reads a recording. A last line that was cut off, as a killed recorder leaves it, is dropped; of any other line that is no event the
// error says which.
func Read(r io.Reader) (Header, []Event, error) {
	var h Header
	var events []Event
	br := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(br)
		if errors.Is(err, io.EOF) {
			if n == 1 {
				return h, nil, errors.New("read cast: line 1: a recording begins with a line of JSON that says what it is")
			}
			return h, events, nil
		}
		if err == nil && n == 1 {
			err = h.parse(line)
		} else if err == nil && len(bytes.TrimSpace(line)) > 0 {
			var e Event
			e, err = Parse(line)
			events = append(events, e)
		}
		if err != nil {
			return h, events, fmt.Errorf("read cast: line %d: %w", n, err)
		}
	}
}

// readLine reads a whole line, up to its end.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("longer than %d octets", maxLine)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		}
		return line, err
	}
}

func (h *Header) parse(line []byte) error {
	if err := json.Unmarshal(line, h); err != nil {
		return fmt.Errorf("no header: %w", err)
	}
	if h.Version != 2 {
		return fmt.Errorf("a recording of version %d: only version 2 is read", h.Version)
	}
	return nil
}

// Parse reads the line of an event.
func Parse(line []byte) (Event, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(line, &parts); err != nil {
		return Event{}, fmt.Errorf("no event: %w", err)
	}
	if len(parts) != 3 {
		return Event{}, fmt.Errorf("an event of %d parts: it has a time, a kind and data", len(parts))
	}
	var at float64
	var e Event
	if err := errors.Join(json.Unmarshal(parts[0], &at), json.Unmarshal(parts[1], &e.Kind), json.Unmarshal(parts[2], &e.Data)); err != nil {
		return Event{}, fmt.Errorf("no event: %w", err)
	}
	if at < 0 || at > maxSeconds {
		return Event{}, fmt.Errorf("an event at %g s: a time is from 0 to %g", at, maxSeconds)
	}
	e.At = time.Duration(math.Round(at * float64(time.Second)))
	return e, nil
}

// maxSeconds is more than any recording takes, and less than a Duration holds.
const maxSeconds = 1e9
