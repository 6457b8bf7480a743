package studio

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/dissect"
)

// held gives the packet that the lab is held at. There being none is an error that wraps fs.ErrNotExist.
func (s *Source) held(ctx context.Context) (frame, error) {
	h, err := s.lab.Hold(ctx)
	switch {
	case err != nil:
		return frame{}, err
	case !h.On:
		return frame{}, fmt.Errorf("%s is not held: %w", s.plan.Name, fs.ErrNotExist)
	case len(h.Data) == 0:
		return frame{}, fmt.Errorf("%s is held between packets: %w", s.plan.Name, fs.ErrNotExist)
	}
	return frame{data: h.Data, guest: h.Guest, fromGuest: h.FromGuest}, nil
}

// heldAt gives the packet that the lab was held at, as an item of the story says. One that says nothing of the kind is an error that wraps
// fs.ErrNotExist.
func (s *Source) heldAt(number int) (frame, error) {
	items, _ := s.tale.since(number)
	if number < 1 || len(items) == 0 || items[0].Hold == nil || len(items[0].Hold.Data) == 0 {
		return frame{}, fmt.Errorf("item %d of %s is no packet that it was held at: %w", number, s.plan.Name, fs.ErrNotExist)
	}
	h := items[0].Hold
	return frame{data: h.Data, guest: h.Guest, fromGuest: h.FromGuest}, nil
}

// getHeld shows the packet that the lab is held at, or was held at, at an item (?item=N).
func (s *Server) getHeld(w http.ResponseWriter, r *http.Request) {
	if text := r.FormValue("item"); text != "" {
		number, err := strconv.Atoi(text)
		if err != nil {
			fail(w, http.StatusBadRequest, "item=%q is not the number of an item", text)
			return
		}
		f, err := s.source.heldAt(number)
		if err != nil {
			missing(w, err)
			return
		}
		reply(w, http.StatusOK, s.source.opened(f))
		return
	}
	if !s.steers(w, "") {
		return
	}
	f, err := s.source.held(r.Context())
	if err != nil {
		missing(w, err)
		return
	}
	reply(w, http.StatusOK, s.source.opened(f))
}

// postPreview shows the held packet as it would be.
func (s *Server) postPreview(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Changes []string `json:"changes"`
	}
	if !s.steers(w, "") || !body(w, r, &ask) {
		return
	}
	if f, ok := s.changed(w, r, ask.Changes); ok {
		reply(w, http.StatusOK, s.source.opened(f))
	}
}

// changed is the held packet with changes, as dissect.Change takes them. It answers if there is none, or one cannot be made.
func (s *Server) changed(w http.ResponseWriter, r *http.Request, changes []string) (frame, bool) {
	f, err := s.source.held(r.Context())
	if err != nil {
		missing(w, err)
		return f, false
	}
	if f.data, err = dissect.Change(f.data, changes); err != nil {
		fail(w, http.StatusBadRequest, "%v", err)
		return f, false
	}
	return f, true
}

// postStep lets a held lab go on, or has one that runs be held.
func (s *Server) postStep(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Do      string        `json:"do"`
		Changes []string      `json:"changes"`
		Until   control.Until `json:"until"`
	}
	if !s.steers(w, "") || !body(w, r, &ask) {
		return
	}
	step := control.Step{Do: ask.Do, Until: ask.Until}
	if len(ask.Changes) > 0 {
		f, ok := s.changed(w, r, ask.Changes)
		if !ok {
			return
		}
		step.Data = f.data
	}
	h, err := s.source.lab.Step(r.Context(), step)
	if err != nil {
		fail(w, http.StatusConflict, "%v", err)
		return
	}
	reply(w, http.StatusOK, h)
}
