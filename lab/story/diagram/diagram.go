// Package diagram draws the rows of a story as a sequence diagram: as SVG, and as Mermaid text.
//
// It is pure.
package diagram

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/story"
)

// Style says what of a story is drawn.
type Style struct {
	Title   string
	About   string // a sentence below the title
	Guest   string // whose boot; empty: everybody's
	Chatter bool   // with ARP, neighbour discovery and what else seldom tells anything
}

// drawn is a diagram, decided.
type drawn struct {
	style Style
	lanes []story.Lane
	rows  []row
}

// row is a row as it is drawn: others like it may be folded into it.
type row struct {
	story.Timed
	times int
}

// lookBack is how far back a repeated packet is folded into the one that it repeats: a question and its answers go round together.
const lookBack = 4

// decide chooses what is drawn of a story.
func decide(lanes []story.Lane, rows []story.Timed, s Style) drawn {
	d := drawn{style: s}
	used := map[string]bool{}
	for _, r := range rows {
		if r.Chatter && !s.Chatter && r.Bad == "" || s.Guest != "" && r.Guest != s.Guest {
			continue
		}
		used[r.From], used[r.To], used[r.Via] = true, true, true
		recent := d.rows[max(0, len(d.rows)-lookBack):]
		if i := slices.IndexFunc(recent, func(o row) bool { return repeats(&r, &o) }); i >= 0 {
			recent[i].times++
			recent[i].Until = r.Until
			continue
		}
		d.rows = append(d.rows, row{r, 1})
	}
	for _, l := range lanes {
		if used[l.ID] || l.Kind == "service" && s.Guest == "" {
			d.lanes = append(d.lanes, l)
		}
	}
	return d
}

// repeats tells whether a row is a packet that was sent again, and differs from the first in nothing that is drawn.
func repeats(r *story.Timed, o *row) bool {
	return r.Kind == story.Message && o.Kind == r.Kind && r.Repeat > 0 && r.Guest == o.Guest && r.Boot == o.Boot &&
		r.From == o.From && r.To == o.To && r.Label == o.Label && r.Bad == o.Bad
}

// at gives the place of a lane, -1 for one that is not drawn.
func (d *drawn) at(id string) int {
	return slices.IndexFunc(d.lanes, func(l story.Lane) bool { return l.ID == id })
}

// targets are the lanes that a row's arrow goes to. What a guest sends to everybody is meant for services, and what a service sends to
// everybody, because the guest has no address yet, for that guest.
func (d *drawn) targets(r *row) []int {
	if r.To != story.All {
		if to := d.at(r.To); to >= 0 {
			return []int{to}
		}
		return nil
	}
	from, to := d.at(r.From), d.at("guest:"+r.Guest)
	if from < 0 {
		return nil
	}
	asks := d.lanes[from].Kind == "guest" || listeners[r.Proto] != nil && r.Guest == "" // some services are clients
	switch {
	case !asks && listeners[r.Proto] != nil && to >= 0:
		return []int{to}
	case !asks:
		return d.reached(r, "guest")
	}
	if out := d.reached(r, "service"); len(out) > 0 {
		return out
	}
	return d.reached(r, "other") // a capture has no services, only addresses
}

// listeners are the roles of services that what is sent to everybody is meant for.
var listeners = map[string][]string{
	"dhcp":  {"dhcp", "proxydhcp", "bootserver", "bootp", "relay", "external"},
	"pxe":   {"proxydhcp", "bootserver", "relay", "external"},
	"dhcp6": {"dhcp6", "external"},
}

// reached are the lanes of a kind that hear what a row sends to everybody, and might heed it.
func (d *drawn) reached(r *row, kind string) []int {
	var out []int
	for i, l := range d.lanes {
		deaf := len(l.Roles) > 0 && listeners[r.Proto] != nil && !slices.ContainsFunc(l.Roles, func(role string) bool { return slices.Contains(listeners[r.Proto], role) })
		far := r.Network != "" && len(l.Networks) > 0 && !slices.Contains(l.Networks, r.Network)
		if l.ID != r.From && l.Kind == kind && !deaf && !far {
			out = append(out, i)
		}
	}
	return out
}

// heading is a row's label with how often it was sent.
func (r *row) heading() string {
	times := r.times
	if r.Kind == story.Note {
		times += r.Repeat
	}
	if times > 1 {
		return fmt.Sprintf("%s ×%d", r.Label, times)
	}
	return r.Label
}

// tally words how far a transfer came.
func (r *row) tally() string {
	var parts []string
	switch {
	case r.Outcome == story.SizeOnly:
		parts = append(parts, fmt.Sprintf("asked for its size only: %d octets", r.Size))
	case r.Size > 0 && r.Outcome != "whole":
		parts = append(parts, fmt.Sprintf("%d of %d octets", r.Bytes, r.Size))
	case r.Bytes > 0:
		parts = append(parts, fmt.Sprintf("%d octets", r.Bytes))
	}
	switch {
	case r.Resent == 1:
		parts = append(parts, "a packet sent again")
	case r.Resent > 1:
		parts = append(parts, fmt.Sprintf("%d packets sent again", r.Resent))
	}
	if r.Outcome != "" && r.Outcome != "whole" && r.Outcome != story.SizeOnly {
		parts = append(parts, r.Outcome)
	}
	return strings.Join(parts, ", ")
}

// clock is a time since the run began, in seconds.
func clock(at time.Duration) string { return fmt.Sprintf("%.3f", at.Seconds()) }
