package qmp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// message is anything QEMU sends: its greeting, a reply or an event.
type message struct {
	Greeting *struct {
		Version Version `json:"version"`
	} `json:"QMP"`
	Event  string          `json:"event"`
	ID     json.RawMessage `json:"id"`
	Return json.RawMessage `json:"return"`
	Error  *Error          `json:"error"`
	raw    []byte
}

// err is the refusal in a reply, as an error.
func (m message) err() error {
	if m.Error != nil {
		return m.Error
	}
	return nil
}

// read hands out everything QEMU sends, until it ends. Each message is decoded into memory of its own.
func (m *Monitor) read() {
	dec := json.NewDecoder(m.conn)
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			m.Abort(readError(err))
			return
		}
		var msg message
		if err := json.Unmarshal(raw, &msg); err != nil {
			m.Abort(fmt.Errorf("it sent what is not QMP: %.80q", raw))
			return
		}
		msg.raw = raw
		m.dispatch(msg)
	}
}

// readError words why nothing more can be read.
func readError(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it closed the monitor connection")
	case errors.As(err, &syntax):
		return fmt.Errorf("it sent what is not JSON: %w", err)
	}
	return fmt.Errorf("read from the monitor connection: %w", err)
}

func (m *Monitor) dispatch(msg message) {
	switch {
	case msg.Greeting != nil:
		select {
		case m.greeting <- msg.Greeting.Version:
		default: // a second greeting says nothing new
		}
	case msg.Event != "":
		var e Event
		if json.Unmarshal(msg.raw, &e) == nil {
			m.publish(e)
		}
	case msg.Return != nil || msg.Error != nil:
		if c := m.take(msg.ID); c != nil {
			c.reply <- msg
		}
	}
}
