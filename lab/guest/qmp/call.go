package qmp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Error is QEMU's refusal of a command.
type Error struct {
	Class string `json:"class"` // "GenericError", "CommandNotFound" ...
	Desc  string `json:"desc"`
}

func (e *Error) Error() string { return e.Desc }

// call is a command that was sent. It stays in the list when its caller has given up, until its reply comes.
type call struct {
	id    string
	reply chan message // room for one, so that no reply ever waits for its caller
}

// Run sends a command, one JSON object, and returns the whole reply, as go-qemu does. QEMU has Limit to answer.
func (m *Monitor) Run(command []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	return m.RunContext(ctx, command)
}

// RunContext is Run with a context. A command whose context ends may still be carried out. The reply belongs to
// the caller; its id is the monitor's own. A refusal is an *Error.
func (m *Monitor) RunContext(ctx context.Context, command []byte) ([]byte, error) {
	if err := m.wait(ctx); err != nil {
		return nil, err
	}
	reply, err := m.send(ctx, command)
	if err != nil {
		return nil, err
	}
	return reply.raw, nil
}

// Execute runs a command by name. args is what the command takes, or nil; out receives what it returns, unless
// it is nil. A refusal is an *Error, wrapped.
func (m *Monitor) Execute(ctx context.Context, name string, args, out any) error {
	command, err := json.Marshal(Command{Execute: name, Args: args})
	if err != nil {
		return fmt.Errorf("qmp %s: %w", name, err)
	}
	if err := m.wait(ctx); err != nil {
		return fmt.Errorf("qmp %s: %w", name, err)
	}
	reply, err := m.send(ctx, command)
	if err != nil {
		return fmt.Errorf("qmp %s: %w", name, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Return, out); err != nil {
		return fmt.Errorf("qmp %s: understand the reply: %w", name, err)
	}
	return nil
}

// send gives the command an id, writes it and waits for its reply.
func (m *Monitor) send(ctx context.Context, command []byte) (message, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(command, &fields); err != nil || fields == nil {
		return message{}, fmt.Errorf("not a qmp command: %.80q", command)
	}
	c, err := m.begin(ctx, fields)
	if err != nil {
		return message{}, err
	}
	select {
	case reply := <-c.reply:
		return reply, reply.err()
	case <-ctx.Done():
		return message{}, fmt.Errorf("wait for the reply: %w", context.Cause(ctx))
	case <-m.done:
	}
	select { // the last words of a QEMU that quits
	case reply := <-c.reply:
		return reply, reply.err()
	default:
		return message{}, m.Err()
	}
}

// begin writes the command. The list of calls has the order of the writes, so both happen under one token.
func (m *Monitor) begin(ctx context.Context, fields map[string]json.RawMessage) (*call, error) {
	select {
	case <-m.write:
		defer func() { m.write <- struct{}{} }()
	case <-m.done:
		return nil, m.Err()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	m.lastID++
	c := &call{id: fmt.Sprintf("%q", fmt.Sprintf("pxelab-%d", m.lastID)), reply: make(chan message, 1)}
	m.calls = append(m.calls, c)
	m.mu.Unlock()
	fields["id"] = json.RawMessage(c.id)
	line, err := json.Marshal(fields)
	if err != nil {
		m.take(json.RawMessage(c.id))
		return nil, err
	}
	if err := m.writeLine(ctx, append(line, '\n')); err != nil {
		m.take(json.RawMessage(c.id))
		return nil, err
	}
	return c, nil
}

// writeLine writes all of line, or nothing if ctx ends first. Anything in between ends the session, since QEMU
// could not tell where the next command begins.
func (m *Monitor) writeLine(ctx context.Context, line []byte) error {
	late := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = m.conn.SetWriteDeadline(time.Unix(1, 0))
		close(late)
	})
	n, err := m.conn.Write(line)
	if !stop() {
		<-late
		_ = m.conn.SetWriteDeadline(time.Time{})
	}
	switch {
	case err == nil:
		return nil
	case n == 0 && errors.Is(err, os.ErrDeadlineExceeded):
		return context.Cause(ctx)
	}
	m.Abort(fmt.Errorf("write a command: %w", err))
	return m.Err()
}

// take removes and returns the call that a reply with this id answers. A reply without an id, to a command that
// QEMU could not read, answers the oldest.
func (m *Monitor) take(id json.RawMessage) *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.calls, func(c *call) bool { return id == nil || c.id == string(id) })
	if i < 0 {
		return nil
	}
	c := m.calls[i]
	m.calls = slices.Delete(m.calls, i, i+1)
	return c
}
