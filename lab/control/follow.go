package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pxelab/pxelab/lab/event"
)

// Events calls fn with every event from Seq from on, in order, as they happen. It returns nil when the lab
// has ended, the error of fn as it is, and an error if the lab went away without saying so.
func (c *Client) Events(ctx context.Context, from int, fn func(event.Event) error) error {
	return c.events(ctx, from, true, fn)
}

// Log gives the events from Seq from on that have happened.
func (c *Client) Log(ctx context.Context, from int) ([]event.Event, error) {
	var log []event.Event
	err := c.events(ctx, from, false, func(e event.Event) error {
		log = append(log, e)
		return nil
	})
	return log, err
}

func (c *Client) events(ctx context.Context, from int, follow bool, fn func(event.Event) error) error {
	path := "events?from=" + strconv.Itoa(from)
	if follow {
		path += "&follow=1"
	}
	res, err := c.do(ctx, "GET", path, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	ended, err := readEvents(res.Body, fn)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case !ended:
		return fmt.Errorf("lab %q went away in the middle of its events", c.name)
	}
	return nil
}

// readEvents reads a stream of server-sent events until its "end". A line of data is a whole event, as the
// server never breaks one.
func readEvents(r io.Reader, fn func(event.Event) error) (ended bool, err error) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read events: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if bytes.Equal(line, []byte("event: end")) {
			return true, nil
		}
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		var e event.Event
		if err := json.Unmarshal(data, &e); err != nil {
			return false, fmt.Errorf("read an event: %w", err)
		}
		if err := fn(e); err != nil {
			return false, err
		}
	}
}

// Console opens the serial console of a guest: what is read is what it prints, what is written is typed.
// Closing it detaches; cancelling ctx closes it too.
func (c *Client) Console(ctx context.Context, guest string) (io.ReadWriteCloser, error) {
	res, err := c.do(ctx, "GET", "guests/"+url.PathEscape(guest)+"/console", nil,
		http.Header{"Connection": {"Upgrade"}, "Upgrade": {consoleProtocol}})
	if err != nil {
		return nil, err
	}
	rw, ok := res.Body.(io.ReadWriteCloser)
	if res.StatusCode != http.StatusSwitchingProtocols || !ok {
		res.Body.Close()
		return nil, fmt.Errorf("lab %q answered %s instead of opening the console", c.name, res.Status)
	}
	return &attached{rw, context.AfterFunc(ctx, func() { rw.Close() })}, nil
}

// attached is a console stream that the end of its context closes.
type attached struct {
	io.ReadWriteCloser
	release func() bool
}

// Close detaches from the console.
func (a *attached) Close() error {
	a.release()
	return a.ReadWriteCloser.Close()
}
