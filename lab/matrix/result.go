package matrix

import (
	"time"

	"github.com/pxelab/pxelab/lab/judge"
)

// Outcome is what became of a case.
type Outcome string

// The outcomes. Only Passed and ExpectedFailure let a matrix pass.
const (
	Passed          Outcome = "passed"
	Failed          Outcome = "failed"           // a guest or a service did not do what its topology expects
	Broken          Outcome = "broken"           // the case gave no verdict: the reason says what broke (disk full, firmware gone, QEMU crashed)
	ExpectedFailure Outcome = "expected-failure" // it failed, as the matrix says it would
	UnexpectedPass  Outcome = "unexpected-pass"  // it passed, though the matrix says it would not
	NotRun          Outcome = "not-run"          // nobody ran it: stopped before its turn, or its result is missing
)

// Good tells whether a matrix may pass with this outcome in it.
func (o Outcome) Good() bool { return o == Passed || o == ExpectedFailure }

// Result is one attempt at a case: the content of result.json. Durations are nanoseconds.
//
// A folder of results looks like this; every file appears whole or not at all (written aside, then renamed):
//
//	DIR/matrix.json                     the Plan
//	DIR/cases/ID/ATTEMPT/               a Bundle, as any run leaves one; ID has its slashes, ATTEMPT counts from 1
//	DIR/cases/ID/ATTEMPT/result.json    the Result, once the attempt is over
type Result struct {
	Version int     `json:"version"`
	Index   int     `json:"index"`
	ID      string  `json:"id"`
	Inputs  string  `json:"inputs"`  // of the Case it was run from
	Attempt int     `json:"attempt"` // from 1
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"` // one sentence; empty when it passed

	Began  time.Time      `json:"began,omitzero"`
	Took   time.Duration  `json:"took"`
	Host   string         `json:"host,omitempty"` // name of the machine it ran on
	Guests []judge.Result `json:"guests,omitempty"`

	Services []judge.ServiceResult `json:"services,omitempty"`
}
