package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
)

// Entry is one attempt at a case, as a history keeps it: one line of JSON. Fields may be added under one version, never removed.
type Entry struct {
	Version int            `json:"version"`
	Matrix  string         `json:"matrix"`
	ID      string         `json:"id"`
	Inputs  string         `json:"inputs"`
	With    string         `json:"with,omitempty"` // digest of the pxelab, QEMU and firmware it ran with; empty: not known
	Outcome matrix.Outcome `json:"outcome"`
	Reason  string         `json:"reason,omitempty"`
	When    time.Time      `json:"when"`
	Seconds Seconds        `json:"seconds"`
	Host    string         `json:"host,omitempty"`
	Attempt int            `json:"attempt"` // in its run, from 1
	Guests  []EntryGuest   `json:"guests,omitempty"`
}

// EntryGuest is how long a guest took for each stage.
type EntryGuest struct {
	Guest  string      `json:"guest"`
	Clock  string      `json:"clock"`
	Warm   bool        `json:"warm,omitempty"` // it went on from a snapshot
	Stages []StageTime `json:"stages"`
}

// ParseHistory reads a history, the oldest entry first, and tells how many lines it could not read: those of a later version, and
// those that a writer could not finish, because its disk was full or it was killed.
func ParseHistory(data []byte) (entries []Entry, unread int) {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil || e.Version != Version || e.ID == "" {
			unread++
			continue
		}
		entries = append(entries, e)
	}
	return entries, unread
}

// FormatHistory writes entries as lines of a history.
func FormatHistory(entries []Entry) ([]byte, error) {
	var out bytes.Buffer
	for i := range entries {
		if err := json.NewEncoder(&out).Encode(&entries[i]); err != nil {
			return nil, fmt.Errorf("write the history of case %s: %w", entries[i].ID, err)
		}
	}
	return out.Bytes(), nil
}

// Entries are the attempts of this report that a history does not hold yet, so that a report can be made twice.
func (r *Report) Entries(past []Entry) []Entry {
	have := map[string]bool{}
	for _, e := range past {
		have[e.key()] = true
	}
	var out []Entry
	for _, e := range r.entries() {
		if !have[e.key()] {
			out = append(out, e)
		}
	}
	return out
}

// key tells attempts apart.
func (e *Entry) key() string {
	return fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%d", e.Matrix, e.ID, e.Host, e.When.UTC().Format(time.RFC3339Nano), e.Attempt)
}

// entries are the attempts of this report, as a history keeps them. Only the one that decided knows its guests.
func (r *Report) entries() []Entry {
	var out []Entry
	for i := range r.Cases {
		c := &r.Cases[i]
		for k, a := range c.Attempts {
			if a.Began.IsZero() || a.Outcome == matrix.NotRun {
				continue
			}
			e := Entry{Version: Version, Matrix: r.Name, ID: c.ID, Inputs: c.Inputs, With: a.With, Outcome: a.Outcome, Reason: a.Reason,
				When: a.Began, Seconds: a.Seconds, Host: a.Host, Attempt: k + 1}
			if k+1 == c.Decided {
				for _, g := range c.Guests {
					e.Guests = append(e.Guests, EntryGuest{Guest: g.Guest, Clock: g.Clock, Warm: g.Warm, Stages: g.Stages})
				}
			}
			out = append(out, e)
		}
	}
	return out
}

// History is how a report differs from earlier runs of the same matrix.
type History struct {
	Runs        int      `json:"runs" jsonschema_description:"Earlier attempts at cases of this matrix that are known."`
	NewFailures []Change `json:"newFailures,omitempty" jsonschema_description:"Cases that were as they should be last time, and are not now."`
	Fixed       []Change `json:"fixed,omitempty" jsonschema_description:"Cases that are as they should be, and were not last time."`
	Flaky       []Flake  `json:"flaky,omitempty" jsonschema_description:"Cases with one verdict and another from the same inputs, with the same pxelab, QEMU and firmware."`
	Slower      []Slower `json:"slower,omitempty" jsonschema_description:"Stages that took longer than they do by more than noise, in this run and the one before it."`
}

// Change is a case that differs from its last run.
type Change struct {
	ID         string    `json:"id"`
	Reason     string    `json:"reason" jsonschema_description:"Why it fails now; of a fixed one, why it failed."`
	Last       time.Time `json:"last" jsonschema_description:"When it last ran."`
	SameInputs bool      `json:"sameInputs" jsonschema_description:"It was made from the same then."`
}

// Flake is a case that does not always give the same verdict.
type Flake struct {
	ID       string `json:"id"`
	Runs     int    `json:"runs" jsonschema_description:"Attempts with the same inputs that are known, this one included."`
	Failed   int    `json:"failed" jsonschema_description:"Those among them that were not as they should be."`
	Attempts bool   `json:"attempts,omitempty" jsonschema_description:"The attempts of this very run differ."`
}

// Slower is a stage of a guest that took longer than it does.
type Slower struct {
	ID      string  `json:"id"`
	Guest   string  `json:"guest"`
	Stage   string  `json:"stage"`
	Seconds Seconds `json:"seconds" jsonschema_description:"How much later it was reached than all stages before it."`
	Usual   Seconds `json:"usual" jsonschema_description:"The median of the runs before these two."`
	Runs    int     `json:"runs" jsonschema_description:"How many these are."`
}

// remembered is how many of the latest earlier attempts at a case count.
const remembered = 20

// Compare holds the report against earlier runs, and fills in History.
func (r *Report) Compare(past []Entry) {
	now := map[string]bool{}
	for _, e := range r.entries() {
		now[e.key()] = true
	}
	of := map[string][]Entry{}
	for _, e := range past {
		if e.Matrix == r.Name && !now[e.key()] {
			of[e.ID] = append(of[e.ID], e)
		}
	}
	h := &History{}
	r.History = h
	for i := range r.Cases {
		c := &r.Cases[i]
		if len(c.Attempts) == 0 {
			continue
		}
		earlier := slices.DeleteFunc(of[c.ID], func(e Entry) bool { return !e.When.Before(c.Attempts[0].Began) })
		slices.SortStableFunc(earlier, func(a, b Entry) int { return a.When.Compare(b.When) })
		h.Runs += len(earlier)
		earlier = earlier[max(0, len(earlier)-remembered):]
		h.change(c, earlier)
		h.flake(c, earlier)
		h.slow(c, earlier)
	}
}

// change finds out whether a case differs from its last run.
func (h *History) change(c *Case, earlier []Entry) {
	if len(earlier) == 0 || c.Outcome == matrix.NotRun {
		return
	}
	last := earlier[len(earlier)-1]
	x := Change{ID: c.ID, Reason: c.Reason, Last: last.When, SameInputs: last.Inputs == c.Inputs}
	switch {
	case last.Outcome.Good() && !c.Outcome.Good():
		h.NewFailures = append(h.NewFailures, x)
	case !last.Outcome.Good() && c.Outcome.Good():
		x.Reason = last.Reason
		h.Fixed = append(h.Fixed, x)
	}
}

// flake finds out whether the same has given different verdicts: among the attempts of this run, or with earlier ones that were
// made from the same, by the same programs. A broken attempt is no verdict.
func (h *History) flake(c *Case, earlier []Entry) {
	verdicts := map[matrix.Outcome]int{}
	for _, a := range c.Attempts {
		verdicts[a.Outcome]++
	}
	last := c.Attempts[len(c.Attempts)-1]
	for _, e := range earlier {
		if e.Inputs == c.Inputs && e.With == last.With {
			verdicts[e.Outcome]++
		}
	}
	f := Flake{ID: c.ID, Attempts: c.Flaky}
	kinds := 0
	for o, n := range verdicts {
		if rank(o) == 0 {
			continue
		}
		kinds++
		f.Runs += n
		if !o.Good() {
			f.Failed += n
		}
	}
	if kinds > 1 {
		h.Flaky = append(h.Flaky, f)
	}
}

// day is how a time is told.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// section is one part of what a history tells.
type section struct {
	Title string
	Lines []string
}

// sections are the parts that there is something to say in. None at all means that nothing changed, or nothing is known.
func (h *History) sections() []section {
	all := []section{{Title: "new failures"}, {Title: "fixed"}, {Title: "flaky"}, {Title: "slower"}}
	for _, x := range h.NewFailures {
		all[0].Lines = append(all[0].Lines, fmt.Sprintf("%s: %s (as it should be on %s, %s)", x.ID, x.Reason, day(x.Last), inputsText(x.SameInputs)))
	}
	for _, x := range h.Fixed {
		all[1].Lines = append(all[1].Lines, fmt.Sprintf("%s: on %s: %s (%s)", x.ID, day(x.Last), x.Reason, inputsText(x.SameInputs)))
	}
	for _, x := range h.Flaky {
		text := fmt.Sprintf("%s: %d of %d runs with the same inputs were not as they should be", x.ID, x.Failed, x.Runs)
		if x.Attempts {
			text += "; the attempts of this run differ"
		}
		all[2].Lines = append(all[2].Lines, text)
	}
	for _, x := range h.Slower {
		all[3].Lines = append(all[3].Lines, fmt.Sprintf("%s, %s: %.1f s to %s; the median of %d earlier runs is %.1f s",
			x.ID, x.Guest, float64(x.Seconds), x.Stage, x.Runs, float64(x.Usual)))
	}
	return slices.DeleteFunc(all, func(s section) bool { return len(s.Lines) == 0 })
}

func inputsText(same bool) string {
	if same {
		return "with the same inputs"
	}
	return "with other inputs"
}
