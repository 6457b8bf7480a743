package studio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/pxelab/pxelab/lab/control"
)

// typing holds the consoles that somebody types on. What they print comes another way, with times.
type typing struct {
	lab  *control.Client
	ctx  context.Context // its end closes the consoles
	stop context.CancelFunc

	mu   sync.Mutex // held while typing, so that keys arrive in their order
	open map[string]io.ReadWriteCloser
	done sync.WaitGroup
}

func newTyping(c *control.Client) *typing {
	ctx, stop := context.WithCancel(context.Background())
	return &typing{lab: c, ctx: ctx, stop: stop, open: map[string]io.ReadWriteCloser{}}
}

var errNotRunning = errors.New("this is a recording: nothing can be changed in it")

// keys types on a guest's console.
func (t *typing) keys(guest, data string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil {
		return errors.New("the studio is being closed")
	}
	console, err := t.console(guest)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(console, data); err != nil {
		t.drop(guest, console)
		return fmt.Errorf("type on the console of %s: %w", guest, err)
	}
	return nil
}

// console is the open console of a guest. It is open until the guest is off.
func (t *typing) console(guest string) (io.ReadWriteCloser, error) {
	if c := t.open[guest]; c != nil {
		return c, nil
	}
	c, err := t.lab.Console(t.ctx, guest)
	if err != nil {
		return nil, err
	}
	t.open[guest] = c
	t.done.Go(func() {
		_, _ = io.Copy(io.Discard, c)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.drop(guest, c)
	})
	return c, nil
}

// drop forgets a console that has ended.
func (t *typing) drop(guest string, c io.ReadWriteCloser) {
	c.Close()
	if t.open[guest] == c {
		delete(t.open, guest)
	}
}

// close leaves all consoles.
func (t *typing) close() {
	t.stop() // one who types waits no longer
	t.mu.Lock()
	t.mu.Unlock() //nolint:staticcheck // whoever was typing is done
	t.done.Wait()
}

func (s *Server) postKeys(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Data string `json:"data"`
	}
	guest := r.PathValue("guest")
	if !s.steers(w, guest) || !body(w, r, &ask) {
		return
	}
	if err := s.source.typing.keys(guest, ask.Data); err != nil {
		fail(w, http.StatusConflict, "%v", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) postPower(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Action string `json:"action"`
	}
	guest := r.PathValue("guest")
	if !s.steers(w, guest) || !body(w, r, &ask) {
		return
	}
	if !slices.Contains(control.Actions, ask.Action) {
		fail(w, http.StatusBadRequest, "unknown action %q (have %s)", ask.Action, strings.Join(control.Actions, ", "))
		return
	}
	if err := s.source.lab.Power(r.Context(), guest, ask.Action); err != nil {
		fail(w, http.StatusConflict, "%v", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// steers tells whether there is a running lab with that guest, and answers if not. No guest: the lab as a whole is meant.
func (s *Server) steers(w http.ResponseWriter, guest string) bool {
	if s.source.lab == nil {
		fail(w, http.StatusConflict, "%v", errNotRunning)
		return false
	}
	if guest == "" {
		return true
	}
	if err := s.source.guest(guest); err != nil {
		missing(w, err)
		return false
	}
	return true
}
