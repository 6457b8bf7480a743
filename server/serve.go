package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Message is one line of what a server process tells whoever started it. Fields may be added; a reader ignores those
// it does not know.
type Message struct {
	Ready    bool      `json:"ready,omitempty"` // first line: all sockets are open
	Decision *Decision `json:"decision,omitempty"`
}

// Main is the body of a server process: it reads one Config as JSON, runs it until ctx ends, and writes Messages to out,
// one JSON line each. It reads no further than the Config, so the same pipe may stay open. A reader that goes away ends
// the server with an error: nobody is left to serve for. check may change or refuse the Config before anything starts;
// nil takes it as it is.
func Main(ctx context.Context, configJSON io.Reader, out io.Writer, check func(*Config) error) error {
	c, err := decodeConfig(configJSON)
	if err == nil && check != nil {
		err = check(&c)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := newMessageWriter(out, cancel)
	err = Run(ctx, c, w, func() { w.put(Message{Ready: true}) })
	return errors.Join(err, w.close())
}

// HasDefaultRoute tells whether an interface carries a default route, alone or as one hop of several, in any table:
// then its network is, as a rule, not the caller's own to serve.
func HasDefaultRoute(ifname string) (bool, error) {
	link, err := netlink.LinkByName(ifname)
	if err != nil {
		return false, fmt.Errorf("interface %q: %w; ip link lists those that exist", ifname, err)
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return false, fmt.Errorf("routes of interface %q: %w", ifname, err)
	}
	index := link.Attrs().Index
	return slices.ContainsFunc(routes, func(r netlink.Route) bool {
		everywhere := r.Dst == nil || r.Dst.IP.IsUnspecified()
		return everywhere && (r.LinkIndex == index ||
			slices.ContainsFunc(r.MultiPath, func(hop *netlink.NexthopInfo) bool { return hop.LinkIndex == index }))
	}), nil
}

// decodeConfig is strict: what is misspelt would otherwise be left out in silence.
func decodeConfig(r io.Reader) (Config, error) {
	var c Config
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); errors.Is(err, io.EOF) {
		return c, errors.New("reading the server's configuration: there is none, where one JSON object should be")
	} else if err != nil {
		return c, fmt.Errorf("reading the server's configuration: %w", err)
	}
	if rest, _ := io.ReadAll(dec.Buffered()); len(bytes.TrimSpace(rest)) > 0 {
		return c, fmt.Errorf("reading the server's configuration: %q follows it", rest)
	}
	return c, nil
}

// messageWriter is an Observer that never blocks: what the reader has not taken yet waits in memory.
type messageWriter struct {
	out  io.Writer
	fail func() // called once when writing fails

	mu     sync.Mutex
	more   sync.Cond
	queue  []Message
	closed bool
	ended  chan error
}

func newMessageWriter(out io.Writer, fail func()) *messageWriter {
	w := &messageWriter{out: out, fail: fail, ended: make(chan error, 1)}
	w.more.L = &w.mu
	go w.run()
	return w
}

// Observe queues a decision.
func (w *messageWriter) Observe(d Decision) { w.put(Message{Decision: &d}) }

func (w *messageWriter) put(m Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, m)
	w.more.Signal()
}

// close writes what is queued and gives the first error.
func (w *messageWriter) close() error {
	w.mu.Lock()
	w.closed = true
	w.more.Signal()
	w.mu.Unlock()
	return <-w.ended
}

func (w *messageWriter) run() {
	enc := json.NewEncoder(w.out)
	for {
		batch := w.take()
		if batch == nil {
			w.ended <- nil
			return
		}
		for _, m := range batch {
			if err := enc.Encode(m); err != nil {
				w.fail()
				w.ended <- fmt.Errorf("telling of a decision: %w", err)
				return
			}
		}
	}
}

// take waits for messages; nil means that there will be none.
func (w *messageWriter) take() []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.closed {
		w.more.Wait()
	}
	batch := w.queue
	w.queue = nil
	return batch
}

// ReadMessages calls f for each Message that a server process writes, until it ends; then it returns nil, or an error
// if the last line was cut short or a line is no Message.
func ReadMessages(r io.Reader, f func(Message)) error {
	dec := json.NewDecoder(r)
	for {
		var m Message
		switch err := dec.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the server's messages: %w", err)
		}
		f(m)
	}
}
