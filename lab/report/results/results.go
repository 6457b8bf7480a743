// Package results writes what came of a matrix: as text, JUnit XML, JSON, Markdown for a step summary, annotations and one HTML
// page, and holds it against earlier runs.
//
// It is pure, as its parent is: a saved matrix gives the same reports again, and those of shards give the report of the whole.
package results

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
)

// Version is the number of the JSON form, whose schema is docs/report.schema.json. Fields may be added under one version, never
// removed.
const Version = 1

// Report is what came of a matrix. Its JSON form is published: results.json.
type Report struct {
	Version int       `json:"version"`
	Name    string    `json:"name" jsonschema_description:"The matrix; of a single bundle, its topology."`
	About   string    `json:"about,omitempty"`
	Passed  bool      `json:"passed" jsonschema_description:"Every case passed, or failed as the matrix says it would."`
	Counts  Counts    `json:"counts"`
	Began   time.Time `json:"began,omitzero" jsonschema_description:"When the first attempt began."`
	Seconds Seconds   `json:"seconds" jsonschema_description:"From the beginning of the first attempt to the end of the last."`
	Cases   []Case    `json:"cases" jsonschema_description:"All cases of the matrix, in its order."`
	History *History  `json:"history,omitempty" jsonschema_description:"How it differs from earlier runs; absent when there was no history to hold it against."`
	Notes   []string  `json:"notes,omitempty" jsonschema_description:"What could not be read, or was left out, and why."`
}

// Counts tells how many cases there are of each outcome.
type Counts struct {
	Cases           int `json:"cases"`
	Passed          int `json:"passed"`
	Failed          int `json:"failed"`
	Broken          int `json:"broken"`
	ExpectedFailure int `json:"expectedFailure"`
	UnexpectedPass  int `json:"unexpectedPass"`
	NotRun          int `json:"notRun"`
	Flaky           int `json:"flaky" jsonschema_description:"Cases whose attempts differ; they count under their outcome, too."`
}

// Case is one case of a matrix, and what became of it.
type Case struct {
	Index      int            `json:"index"`
	ID         string         `json:"id"`
	Topology   string         `json:"topology"`
	Axes       []Axis         `json:"axes,omitempty"`
	Clock      string         `json:"clock,omitempty" jsonschema_description:"What was asked for: auto, real or warp."`
	Start      string         `json:"start,omitempty" jsonschema_description:"What was asked for: auto, cold or warm."`
	ExpectFail string         `json:"expectFail,omitempty" jsonschema_description:"Why the matrix expects it to fail."`
	Inputs     string         `json:"inputs,omitempty" jsonschema_description:"SHA-256 of all that it was made from: two runs with the same did the same."`
	Outcome    matrix.Outcome `json:"outcome" jsonschema_description:"The worst of the attempts that gave a verdict, or that of the last if this gave none."`
	Reason     string         `json:"reason,omitempty" jsonschema_description:"One sentence; absent when it passed."`
	Flaky      bool           `json:"flaky,omitempty" jsonschema_description:"Its attempts gave different verdicts."`
	Attempts   []Attempt      `json:"attempts,omitempty" jsonschema_description:"In the order in which they began."`
	Decided    int            `json:"decided,omitempty" jsonschema_description:"The attempt that its outcome, reason, guests and services are those of, counted from 1 in the list of attempts."`
	Seconds    Seconds        `json:"seconds" jsonschema_description:"How long that attempt took."`
	Guests     []Guest        `json:"guests,omitempty"`
	Services   []Service      `json:"services,omitempty"`
	Rerun      string         `json:"rerun,omitempty" jsonschema_description:"The command that repeats it; absent when no attempt left a bundle."`

	detail *Detail
}

// Axis is the value that a case has on one axis.
type Axis struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attempt is one run of a case.
type Attempt struct {
	Outcome matrix.Outcome `json:"outcome"`
	Reason  string         `json:"reason,omitempty"`
	Began   time.Time      `json:"began,omitzero"`
	Seconds Seconds        `json:"seconds"`
	Host    string         `json:"host,omitempty" jsonschema_description:"The machine it ran on."`
	With    string         `json:"with,omitempty" jsonschema_description:"Digest of the pxelab, QEMU and firmware it ran with."`
	Bundle  string         `json:"bundle,omitempty" jsonschema_description:"The folder it left."`
}

// Guest is one machine of a case.
type Guest struct {
	Guest    string      `json:"guest"`
	Firmware string      `json:"firmware"`
	Arch     string      `json:"arch"`
	Clock    string      `json:"clock" jsonschema_description:"That of the boot it was judged on: real or warp."`
	Warm     bool        `json:"warm,omitempty" jsonschema_description:"That boot went on from a snapshot of its firmware."`
	Passed   bool        `json:"passed"`
	Stage    string      `json:"stage" jsonschema_description:"The furthest that it reached."`
	Seconds  Seconds     `json:"seconds" jsonschema_description:"From power-on until it settled, by the host's clock."`
	Stages   []StageTime `json:"stages,omitempty" jsonschema_description:"Those reached, in their order."`
	Cause    string      `json:"cause,omitempty" jsonschema_description:"Why the boot stopped, as a word: no-offer, file-not-found ..."`
	Ending   string      `json:"ending,omitempty" jsonschema_description:"How the boot ended, in a sentence."`
	Served   string      `json:"served,omitempty" jsonschema_description:"Who gave it its address and its files."`
	Who      Who         `json:"who,omitzero"`
	Unmet    []Unmet     `json:"unmet,omitempty" jsonschema_description:"What was expected of it and did not come."`
}

// ran is the clock of the boot, and how it started if it was not powered on.
func (g *Guest) ran() string {
	if g.Warm {
		return g.Clock + ", warm"
	}
	return g.Clock
}

// Who tells whose word a guest followed: names of services, or addresses.
type Who struct {
	Offered    []string `json:"offered,omitempty" jsonschema_description:"Who offered it anything."`
	Address    string   `json:"address,omitempty" jsonschema_description:"Who confirmed its address."`
	Proxy      string   `json:"proxy,omitempty" jsonschema_description:"Who answered at port 4011."`
	BootServer string   `json:"bootServer,omitempty" jsonschema_description:"Whose boot server answer it followed."`
	Files      []string `json:"files,omitempty" jsonschema_description:"Who gave it files that arrived whole."`
}

// StageTime is when a stage was reached.
type StageTime struct {
	Stage   string  `json:"stage"`
	Seconds Seconds `json:"seconds" jsonschema_description:"Since power-on, by the host's clock."`
}

// Service is one service of a case of which something is expected.
type Service struct {
	Service string  `json:"service"`
	Passed  bool    `json:"passed"`
	Unmet   []Unmet `json:"unmet,omitempty"`
}

// Unmet is an expectation that does not hold.
type Unmet struct {
	Expectation string `json:"expectation" jsonschema_description:"As one writes it in YAML."`
	Sentence    string `json:"sentence" jsonschema_description:"What was seen instead."`
}

// Seconds is a time in seconds, written with three decimals.
type Seconds float64

// MarshalJSON writes milliseconds and no more: what is beyond is noise.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s), 'f', 3, 64), nil
}

// secondsOf turns a duration into seconds, to the millisecond.
func secondsOf(d time.Duration) Seconds {
	return Seconds(float64(d.Round(time.Millisecond).Milliseconds()) / 1000)
}

// JSON is the report for programs; Schema describes it.
func (r *Report) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the report of %q as JSON: %w", r.Name, err)
	}
	return append(b, '\n'), nil
}
