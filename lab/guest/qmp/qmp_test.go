package qmp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pxelab/pxelab/lab/guest/qmp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const greeting = `{"QMP":{"version":{"qemu":{"major":7,"minor":2,"micro":22},"package":"test"},"capabilities":["oob"]}}`

// peer is the far end of a monitor: a QEMU of which every byte is chosen by the test.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// dial returns a monitor and its peer.
func dial(t *testing.T) (*qmp.Monitor, *peer) {
	t.Helper()
	ours, theirs := net.Pipe()
	m := qmp.New(ours)
	t.Cleanup(func() { _ = m.Disconnect(); _ = theirs.Close() })
	return m, &peer{t: t, conn: theirs, in: bufio.NewReader(theirs)}
}

// connected is dial, with the session established.
func connected(t *testing.T) (*qmp.Monitor, *peer) {
	t.Helper()
	m, p := dial(t)
	m.Open()
	p.say(greeting)
	p.answer(p.command(), `{}`)
	if err := m.Connect(); err != nil {
		t.Fatal(err)
	}
	return m, p
}

func (p *peer) say(format string, args ...any) {
	if _, err := fmt.Fprintf(p.conn, format+"\r\n", args...); err != nil {
		p.t.Errorf("peer: %v", err)
	}
}

type command struct {
	Execute string          `json:"execute"`
	ID      json.RawMessage `json:"id"`
}

func (p *peer) command() (c command) {
	line, err := p.in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &c)
	}
	if err != nil {
		p.t.Errorf("peer: %v", err)
	}
	return c
}

func (p *peer) answer(c command, result string) { p.say(`{"return":%s,"id":%s}`, result, c.ID) }

// serve answers every command with what reply makes of it, until the connection ends.
func (p *peer) serve(reply func(command) string) {
	for {
		line, err := p.in.ReadBytes('\n')
		if err != nil {
			return
		}
		var c command
		if err := json.Unmarshal(line, &c); err != nil {
			p.t.Errorf("peer: %v in %q", err, line)
		}
		if _, err := fmt.Fprintln(p.conn, reply(c)); err != nil {
			return
		}
	}
}

const event = `{"event":"STOP","timestamp":{"seconds":1,"microseconds":2}}`

func TestReplyLongerThanAnyBuffer(t *testing.T) {
	m, p := connected(t)
	long := strings.Repeat("x", 1<<20)
	go p.serve(func(c command) string { return fmt.Sprintf(`{"return":%q,"id":%s}`, long, c.ID) })
	for range 2 { // and the session survives it
		var got string
		if err := m.Execute(t.Context(), "query-qmp-schema", nil, &got); err != nil || got != long {
			t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(long))
		}
	}
}

func TestRepliesAreTheCallers(t *testing.T) {
	m, p := connected(t)
	go p.serve(func(c command) string {
		return fmt.Sprintf(`{"return":{"for":%s},"id":%s}%s%s`, c.ID, c.ID, event, strings.Repeat(event, 5))
	})
	var replies [][]byte
	for range 300 {
		reply, err := m.Run([]byte(`{"execute":"stop"}`))
		if err != nil {
			t.Fatal(err)
		}
		replies = append(replies, reply)
	}
	for i, raw := range replies {
		var reply struct {
			ID     string
			Return struct{ For string }
		}
		if err := json.Unmarshal(raw, &reply); err != nil || reply.ID != reply.Return.For || reply.ID != fmt.Sprintf("pxelab-%d", i+2) {
			t.Errorf("reply %d is %s (%v)", i, raw, err)
		}
	}
}

func TestSlowConsumerOfEventsHoldsUpNothing(t *testing.T) {
	m, p := connected(t)
	events, err := m.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go p.serve(func(c command) string {
		return strings.Repeat(event, 1000) + fmt.Sprintf(`{"return":{},"id":%s}`, c.ID)
	})
	if err := m.Execute(t.Context(), "cont", nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := m.Dropped() + int64(len(events)); got != 1000 || len(events) == 0 || m.Dropped() == 0 {
		t.Errorf("%d events kept and %d dropped of 1000", len(events), m.Dropped())
	}
	if e := <-events; e.Event != "STOP" || e.Timestamp.Microseconds != 2 {
		t.Errorf("event %+v", e)
	}
	if err := m.Disconnect(); err != nil {
		t.Fatal(err)
	}
	for range events { // is closed, after what it held
	}
}

func TestEventsEndWithTheirContext(t *testing.T) {
	m, _ := connected(t)
	ctx, cancel := context.WithCancel(t.Context())
	events, err := m.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range events {
	}
}

func TestGone(t *testing.T) {
	for _, tt := range []struct {
		name, last, reason string
	}{
		{"closed", "", "closed the monitor connection"},
		{"closed in the middle of a reply", `{"return":{"a`, "closed the monitor connection"},
		{"garbage", "qemu: fatal\n", "not JSON"},
		{"not an object", "[1]\n", "not QMP"},
		{"wrong types", `{"event":5}` + "\n", "not QMP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, p := connected(t)
			events, err := m.Events(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				p.command()
				_, _ = p.conn.Write([]byte(tt.last))
				_ = p.conn.Close()
			}()
			err = m.Execute(t.Context(), "query-status", nil, nil)
			if !errors.Is(err, qmp.ErrGone) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("error %v, want ErrGone with %q", err, tt.reason)
			}
			<-m.Done()
			for range events {
			}
			if _, err := m.Run([]byte(`{"execute":"stop"}`)); !errors.Is(err, qmp.ErrGone) {
				t.Errorf("a later command: %v", err)
			}
			if _, err := m.Events(t.Context()); !errors.Is(err, qmp.ErrGone) {
				t.Errorf("later events: %v", err)
			}
		})
	}
}

func TestAbortNamesItsReason(t *testing.T) {
	m, p := connected(t)
	go func() {
		p.command()
		m.Abort(errors.New("exit status 1: no such device"))
	}()
	err := m.Execute(t.Context(), "query-status", nil, nil)
	if !errors.Is(err, qmp.ErrGone) || !strings.Contains(err.Error(), "no such device") {
		t.Errorf("error %v", err)
	}
}

func TestSilentQEMU(t *testing.T) {
	t.Run("before its greeting", func(t *testing.T) {
		m, _ := dial(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("boot over"))
		if err := m.ConnectContext(ctx); err == nil || !strings.Contains(err.Error(), "boot over") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("after a command", func(t *testing.T) {
		m, p := connected(t)
		ctx, cancel := context.WithCancel(t.Context())
		var silent command
		go func() { silent = p.command(); cancel() }()
		if err := m.Execute(ctx, "stop", nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		go func() {
			c := p.command()
			p.answer(silent, `"late"`) // must not be taken for the reply to the next command
			p.answer(c, `"right"`)
		}()
		var got string
		if err := m.Execute(t.Context(), "cont", nil, &got); err != nil || got != "right" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("not reading", func(t *testing.T) {
		m, p := connected(t)
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if err := m.Execute(ctx, "stop", nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		go p.serve(func(c command) string { return fmt.Sprintf(`{"return":{},"id":%s}`, c.ID) })
		if err := m.Execute(t.Context(), "cont", nil, nil); err != nil {
			t.Errorf("the next command: %v", err)
		}
	})
}

// An event may come before the reply to qmp_capabilities; it must not shift the replies that follow.
func TestEventBeforeTheSessionStands(t *testing.T) {
	m, p := dial(t)
	events, err := m.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.Open()
	p.say(greeting)
	c := p.command()
	if c.Execute != "qmp_capabilities" {
		t.Errorf("first command is %q", c.Execute)
	}
	p.say(event)
	p.answer(c, `{}`)
	go p.serve(func(c command) string { return fmt.Sprintf(`{"return":%q,"id":%s}`, c.Execute, c.ID) })
	var got string
	if err := m.Execute(t.Context(), "query-status", nil, &got); err != nil || got != "query-status" {
		t.Errorf("got %q, %v", got, err)
	}
	if e := <-events; e.Event != "STOP" {
		t.Errorf("event %+v", e)
	}
	if v := m.Version().String(); v != "7.2.22" {
		t.Errorf("version %s", v)
	}
}

func TestRefusal(t *testing.T) {
	m, p := connected(t)
	go p.serve(func(c command) string {
		return fmt.Sprintf(`{"id":%s,"error":{"class":"CommandNotFound","desc":"no such command"}}`, c.ID)
	})
	err := m.Execute(t.Context(), "fly", nil, nil)
	var refused *qmp.Error
	if !errors.As(err, &refused) || refused.Class != "CommandNotFound" || errors.Is(err, qmp.ErrGone) {
		t.Errorf("error %v", err)
	}
	for _, bad := range []string{``, `x`, `[1]`, `null`, "{}\n{}"} {
		if _, err := m.Run([]byte(bad)); err == nil || !strings.Contains(err.Error(), "not a qmp command") {
			t.Errorf("command %q: %v", bad, err)
		}
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	m, p := connected(t)
	go p.serve(func(c command) string { return event + fmt.Sprintf(`{"return":%q,"id":%s}`, c.Execute, c.ID) })
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			var got string
			if err := m.Execute(t.Context(), fmt.Sprint(i), nil, &got); err != nil || got != fmt.Sprint(i) {
				t.Errorf("call %d got %q, %v", i, got, err)
			}
		})
	}
	wg.Wait()
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(greeting+`{"return":{},"id":"pxelab-1"}`+event+`{"return":5,"id":"pxelab-2"}`), 3)
	f.Add([]byte(greeting+`{"error":{"class":"a","desc":"b"}}{"return":null}`), 1)
	f.Add([]byte(`{"QMP":null}{"event":"x","data":{"a":[1]},"timestamp":{"seconds":-1}}{"id":{},"return":1}`), 100)
	f.Add([]byte(`[[[[[[`), 2)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		ours, theirs := net.Pipe()
		m := qmp.New(ours)
		defer m.Disconnect()
		events, err := m.Events(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m.Open()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		go func() {
			defer theirs.Close()
			for len(stream) > 0 {
				n := min(max(size, 1), len(stream))
				if _, err := theirs.Write(stream[:n]); err != nil {
					return
				}
				stream = stream[n:]
			}
		}()
		var out any
		if err := m.Execute(t.Context(), "query-status", nil, &out); err != nil && strings.Contains(err.Error(), "context") {
			t.Errorf("nobody noticed the end: %v", err)
		}
		<-m.Done()
		for range events {
		}
	})
}
