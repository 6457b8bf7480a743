package control

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Faults lists the faults on the cables of all guests.
func (c *Client) Faults(ctx context.Context) ([]Fault, error) {
	var list []Fault
	err := c.ask(ctx, "GET", "faults", nil, &list)
	return list, err
}

// Arm puts a fault on a guest's cable, written as in a topology: {do: drop, packet: offer, first: 2}.
func (c *Client) Arm(ctx context.Context, guest, fault string) (Fault, error) {
	var f Fault
	err := c.ask(ctx, "POST", faultsOf(guest), faultRequest{fault}, &f)
	return f, err
}

// Clear takes a fault of a guest away, by its number, or with number 0 all of them. It gives those that are gone.
func (c *Client) Clear(ctx context.Context, guest string, rule int) ([]Fault, error) {
	path := faultsOf(guest)
	if rule > 0 {
		path += "?rule=" + strconv.Itoa(rule)
	}
	var gone []Fault
	err := c.ask(ctx, "DELETE", path, nil, &gone)
	return gone, err
}

func faultsOf(guest string) string { return fmt.Sprintf("guests/%s/faults", url.PathEscape(guest)) }

func (s *Server) getFaults(w http.ResponseWriter, r *http.Request) {
	list, err := s.lab.Faults(r.Context())
	answer(w, http.StatusOK, list, err)
}

func (s *Server) postFault(w http.ResponseWriter, r *http.Request) {
	var ask faultRequest
	if !s.guest(w, r) || !body(w, r, &ask) {
		return
	}
	f, err := s.lab.Arm(r.Context(), r.PathValue("guest"), ask.Fault)
	answer(w, http.StatusCreated, f, err)
}

// deleteFaults takes ?rule=N away, or without it all faults of a guest.
func (s *Server) deleteFaults(w http.ResponseWriter, r *http.Request) {
	if !s.guest(w, r) {
		return
	}
	rule := 0
	if text := r.URL.Query().Get("rule"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fail(w, http.StatusBadRequest, "rule=%q is not the number of a fault", text)
			return
		}
		rule = n
	}
	gone, err := s.lab.Clear(r.Context(), r.PathValue("guest"), rule)
	answer(w, http.StatusOK, gone, err)
}

// answer gives what the lab gave, or why it did not.
func answer(w http.ResponseWriter, status int, v any, err error) {
	if err != nil {
		fail(w, http.StatusConflict, "%v", err)
		return
	}
	reply(w, status, v)
}
