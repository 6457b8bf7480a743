// Package report writes what came of a run: as text for people, live or at the end, as JSON for programs and as
// JUnit XML for CI systems.
//
// It is pure: everything is a function of the plan and the events, so a saved run gives the same reports again.
package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

// Version is the number of the JSON form. Fields may be added under one version, never removed.
const Version = 1

// Report is a run as judged: the content of verdicts.json. Durations are nanoseconds.
type Report struct {
	Version  int            `json:"version"`
	Topology string         `json:"topology"`
	About    string         `json:"about,omitempty"`
	Nonce    string         `json:"nonce,omitempty"` // absent when the run never started
	Started  time.Time      `json:"started,omitzero"`
	Took     time.Duration  `json:"took"`            // until the last event
	Ended    string         `json:"ended,omitempty"` // why the run ended; absent when the log is cut off
	Passed   bool           `json:"passed"`          // every expectation of every guest holds, and there was a guest
	Guests   []judge.Result `json:"guests"`          // in the plan's order

	Services []judge.ServiceResult `json:"services,omitempty"` // those of which something is expected, in the plan's order
}

// New judges a run from its plan and its log.
func New(p *plan.Plan, events []event.Event) Report {
	r := Report{Version: Version, Topology: p.Name, About: p.About, Guests: judge.Results(p, events), Passed: len(p.Guests) > 0}
	for _, g := range r.Guests {
		r.Passed = r.Passed && g.Passed
	}
	r.judgeServices(p, events)
	for _, e := range events {
		r.Took = max(r.Took, e.At)
		switch {
		case e.Kind == event.RunStarted && e.Run != nil:
			r.Nonce, r.Started = e.Run.Nonce, e.Run.Started
		case e.Kind == event.RunEnded:
			r.Ended = e.Text
		}
	}
	return r
}

// JSON is the content of verdicts.json.
func (r Report) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write verdicts of run %q as JSON: %w", r.Topology, err)
	}
	return append(b, '\n'), nil
}

// counts tells how many guests are as expected.
func (r Report) counts() (passed, failed int) {
	for _, g := range r.Guests {
		if g.Passed {
			passed++
		} else {
			failed++
		}
	}
	return passed, failed
}

// summary is the run in one line.
func (r Report) summary() string { return r.andServices(r.ofGuests()) }

func (r Report) ofGuests() string {
	passed, failed := r.counts()
	switch {
	case len(r.Guests) == 0:
		return "no guest booted: the topology has none"
	case len(r.Guests) == 1 && failed == 0:
		return "its one guest as expected"
	case len(r.Guests) == 1:
		return "its one guest not as expected"
	case failed == 0:
		return fmt.Sprintf("all %d guests as expected", passed)
	}
	return fmt.Sprintf("%d of %d guests not as expected", failed, passed+failed)
}

// Visible makes text from consoles and packets safe to print: no control character of a guest may reach the
// terminal of the one who reads a report.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r):
			return '?'
		}
		return r
	}, s)
}
