package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// getEvents sends the log from ?from=N (default 1) as server-sent events whose id is Seq, and with ?follow=1
// goes on until the lab ends. A browser that lost its connection says in Last-Event-ID where it was, which
// counts more than the query it repeats. The last event is named "end": nothing more will come.
//
// Each reader looks at the log at its own pace, so a slow one holds up nobody.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) {
	from, err := position(r)
	if err != nil {
		fail(w, http.StatusBadRequest, "%v", err)
		return
	}
	if !s.stream(w) {
		return
	}
	defer s.streams.Done()
	follow := r.FormValue("follow") == "1"
	if follow {
		s.follow.Do(func() { close(s.followed) })
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := bufio.NewWriter(w)
	flush := func() error {
		if err := out.Flush(); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	}
	beat := time.NewTicker(s.heartbeat)
	defer beat.Stop()
	for open := follow; ; {
		events, more := s.lab.Events(from)
		if err := writeEvents(out, events); err != nil {
			return
		}
		if n := len(events); n > 0 {
			from = events[n-1].Seq + 1
		}
		if !open {
			fmt.Fprintf(out, "event: end\ndata: {}\n\n")
			_ = flush() // the client may be gone, and the stream is over either way
			return
		}
		if flush() != nil {
			return
		}
		open = s.await(r, more, beat, func() error { fmt.Fprint(out, ": still here\n\n"); return flush() })
	}
}

// await returns when the log has more. It reports false once the client or the lab is gone: then a last look
// at the log is due, for what happened until then.
func (s *Server) await(r *http.Request, more <-chan struct{}, beat *time.Ticker, ping func() error) bool {
	for {
		select {
		case <-more:
			return true
		case <-r.Context().Done():
			return false
		case <-beat.C:
			if ping() != nil {
				return false
			}
		}
	}
}

func position(r *http.Request) (int, error) {
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		n, err := strconv.Atoi(last)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("Last-Event-ID %q is not the number of an event", last)
		}
		return n + 1, nil
	}
	from := r.FormValue("from")
	if from == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(from)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("from=%q is not the number of an event", from)
	}
	return n, nil
}

func writeEvents(w io.Writer, events []event.Event) error {
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Seq, data); err != nil {
			return err
		}
	}
	return nil
}

// getCapture sends the capture as the lab writes it. Once bytes have gone out an error can only be told by
// breaking off, which the client sees as a stream that did not end.
func (s *Server) getCapture(w http.ResponseWriter, r *http.Request) {
	if !s.stream(w) {
		return
	}
	defer s.streams.Done()
	w.Header().Set("Content-Type", "application/x-pcapng")
	out := &flushing{w: w}
	err := s.lab.Capture(r.Context(), out)
	switch {
	case err == nil || r.Context().Err() != nil:
	case out.begun:
		panic(http.ErrAbortHandler)
	default:
		fail(w, http.StatusInternalServerError, "%v", err)
	}
}

// flushing sends every write at once.
type flushing struct {
	w     http.ResponseWriter
	begun bool
}

func (f *flushing) Write(b []byte) (int, error) {
	f.begun = true
	n, err := f.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, http.NewResponseController(f.w).Flush()
}

// getConsole turns the connection into the raw stream of a serial console.
func (s *Server) getConsole(w http.ResponseWriter, r *http.Request) {
	if !s.guest(w, r) {
		return
	}
	if r.Header.Get("Upgrade") != consoleProtocol {
		w.Header().Set("Upgrade", consoleProtocol)
		fail(w, http.StatusUpgradeRequired, "a console is a raw stream: ask with `Connection: Upgrade` and `Upgrade: %s`", consoleProtocol)
		return
	}
	if !s.stream(w) {
		return
	}
	defer s.streams.Done()
	c := &console{w: w}
	defer c.close()
	ctx := r.Context()
	// A lab that waits for the client's next key must notice that the server is closed.
	defer context.AfterFunc(ctx, c.close)()
	if err := s.lab.Console(ctx, r.PathValue("guest"), c); err != nil && c.refuse() {
		fail(w, http.StatusConflict, "%v", err)
	}
}

// console is a connection that is upgraded when it is first used, so that a console that cannot be had is
// still answered with an error.
type console struct {
	w      http.ResponseWriter
	mu     sync.Mutex
	conn   net.Conn
	in     *bufio.Reader
	closed bool
}

func (c *console) upgrade() (net.Conn, *bufio.Reader, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, net.ErrClosed
	}
	if c.conn != nil {
		return c.conn, c.in, nil
	}
	conn, rw, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	c.conn, c.in = conn, rw.Reader
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", consoleProtocol)
	return c.conn, c.in, err
}

// refuse reports whether the connection can still carry an ordinary answer, and keeps it so.
func (c *console) refuse() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	refused := c.conn == nil && !c.closed
	c.closed = true
	return refused
}

func (c *console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.conn != nil {
		c.conn.Close()
	}
}

// Read gives what the client types.
func (c *console) Read(b []byte) (int, error) {
	_, in, err := c.upgrade()
	if err != nil {
		return 0, err
	}
	return in.Read(b)
}

// Write sends what the console prints.
func (c *console) Write(b []byte) (int, error) {
	conn, _, err := c.upgrade()
	if err != nil {
		return 0, err
	}
	return conn.Write(b)
}
