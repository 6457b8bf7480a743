package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// TestSubscribers follows the log from many places and clients while it grows.
func TestSubscribers(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	down := up(t, l)
	l.add(3, "before anyone looked")
	c := dial(t, "demo")
	const total = 203
	var all, caughtUp sync.WaitGroup
	for from := range 12 {
		all.Add(1)
		caughtUp.Add(1)
		go func() {
			defer all.Done()
			next := max(from, 1)
			err := c.Events(context.Background(), from, func(e event.Event) error {
				if e.Seq != next {
					return fmt.Errorf("event %d, want %d", e.Seq, next)
				}
				if next++; next == total+1 {
					caughtUp.Done()
				}
				return nil
			})
			if err != nil || next != total+2 {
				t.Errorf("from %d: ended before %d: %v", from, next, err)
			}
		}()
	}
	for range 200 {
		l.add(1, "live")
	}
	caughtUp.Wait()
	l.add(1, "the very last, at the moment the lab ends")
	down()
	all.Wait()
}

func TestLogDoesNotFollow(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	up(t, l)
	l.add(5, "x")
	log, err := dial(t, "demo").Log(context.Background(), 4)
	if err != nil || len(log) != 2 || log[0].Seq != 4 || log[1].Seq != 5 {
		t.Errorf("log %+v, %v", log, err)
	}
}

func TestReaderStops(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	up(t, l)
	l.add(1, "x")
	c := dial(t, "demo")
	enough := errors.New("enough")
	if err := c.Events(context.Background(), 1, func(event.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("events end with %v, want the reader's own error", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := c.Events(ctx, 1, func(event.Event) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("events end with %v, want %v", err, context.Canceled)
	}
}

// TestSlowReader has one client that never reads. The lab and the other clients do not notice, nor does it
// keep the server from closing.
func TestSlowReader(t *testing.T) {
	dir := runtimeDir(t)
	l := newLab("demo")
	down := up(t, l)
	conn, err := net.Dial("unix", dir+"/demo.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: lab\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil { // the stream has begun
		t.Fatal(err)
	}
	const total = 2000
	for range total / 100 {
		l.add(100, strings.Repeat("x", 1000)) // 2 MB, far more than a socket holds
	}
	n := 0
	stop := errors.New("all seen")
	if err := dial(t, "demo").Events(context.Background(), 1, func(event.Event) error {
		if n++; n == total {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) {
		t.Errorf("the quick reader saw %d of %d: %v", n, total, err)
	}
	down()
}

// sse opens an event stream as a browser does.
func sse(t *testing.T, c *Client, query string, header http.Header) *bufio.Scanner {
	t.Helper()
	req, err := http.NewRequest("GET", "http://lab/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	return bufio.NewScanner(res.Body)
}

// until reads lines up to the first that begins so.
func until(t *testing.T, s *bufio.Scanner, prefix string) string {
	t.Helper()
	for s.Scan() {
		if strings.HasPrefix(s.Text(), prefix) {
			return s.Text()
		}
	}
	t.Fatalf("the stream ended before a line that begins with %q: %v", prefix, s.Err())
	return ""
}

func TestReconnect(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	up(t, l)
	l.add(9, "x")
	c := dial(t, "demo")
	if got := until(t, sse(t, c, "?from=4&follow=1", http.Header{}), "id: "); got != "id: 4" {
		t.Errorf("first connection begins with %q", got)
	}
	again := sse(t, c, "?from=4&follow=1", http.Header{"Last-Event-Id": {"6"}})
	if got := until(t, again, "id: "); got != "id: 7" {
		t.Errorf("second connection begins with %q", got)
	}
	if until(t, again, "id: 9"); !again.Scan() || !strings.HasPrefix(again.Text(), `data: {"seq":9,`) {
		t.Errorf("event 9 is %q", again.Text())
	}
}

func TestHeartbeat(t *testing.T) {
	runtimeDir(t)
	l := newLab("demo")
	up(t, l, func(s *Server) { s.heartbeat = time.Millisecond })
	s := sse(t, dial(t, "demo"), "?follow=1", http.Header{})
	until(t, s, ":")
	until(t, s, ":")
	l.add(1, "x")
	until(t, s, "id: 1")
}
