// Package explain says what happened in a network boot, from a run's log or from a capture of any network: step by step,
// and where a boot stopped, why, with the evidence, what to change and where that is specified.
//
// It has no engine of its own: what it reads of a capture becomes events, and lab/judge finds the cause by the rules that
// judge a lab. It is pure, as these are; a capture is read from an io.Reader, a frame at a time. "I don't know" is an answer: a
// capture without consoles, or one that ends too early, does not tell everything.
package explain

import (
	"cmp"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// Explanation is what became of one boot of one machine.
type Explanation struct {
	Machine string      `json:"machine"`        // the guest's name; from a capture, its hardware address
	Boot    int         `json:"boot"`           // which boot of that machine, from 1
	Arch    string      `json:"arch,omitempty"` // "bios", "efi-x64" ...; empty when it was not seen
	Client  string      `json:"client"`         // what its messages look like: "iPXE", "EDK2's PXE client" ...
	Stage   event.Stage `json:"stage"`          // the furthest reached
	End     End         `json:"end"`
	Summary string      `json:"summary"`           // one sentence
	Answers []Answer    `json:"answers,omitempty"` // the likeliest first; none for a boot in which nothing went wrong
	Notes   []string    `json:"notes,omitempty"`   // worth knowing, and no cause
	Steps   []Step      `json:"steps"`
}

// End says in one word how a boot ended, as far as can be told.
type End string

// The ends.
const (
	Booted  End = "booted"  // a boot program ran
	Fetched End = "fetched" // the client had its boot file whole; what it did with it was not seen
	Stopped End = "stopped" // it came no further, and the answers say why
	Unclear End = "unclear" // the record ends too early, or begins too late, to tell
)

// Answer is one explanation of why a boot stopped.
type Answer struct {
	Cause    judge.Reason     `json:"cause"`
	What     string           `json:"what"`          // what happened
	Do       string           `json:"do,omitempty"`  // what to change
	See      string           `json:"see,omitempty"` // where it is specified
	Evidence []judge.Evidence `json:"evidence,omitempty"`
	For      string           `json:"for,omitempty"`     // of one that is only possible: what speaks for it
	Against  string           `json:"against,omitempty"` // and what against it

	certain bool // of what surrounds a boot: there is no doubt
}

// Step is one thing that happened, in words.
type Step struct {
	At    time.Duration `json:"at"` // since the record began, in nanoseconds
	Seq   int           `json:"seq,omitempty"`
	Frame int           `json:"frame,omitempty"` // its number in the capture
	Times int           `json:"times,omitempty"` // how often in a row, if more than once
	Text  string        `json:"text"`
}

// specs says where what a reason is about is specified.
var specs = map[judge.Reason]string{
	judge.NoOffer:          "RFC 2131 section 4.3.1",
	judge.OfferRefused:     "RFC 2131 section 4.4.1; PXE 2.1 section 2.2",
	judge.NoAck:            "RFC 2131 section 4.3.2",
	judge.AddressInUse:     "RFC 2131 section 3.1, step 5",
	judge.NoBootfile:       "RFC 2132 section 9.5 (option 67); RFC 2131 section 2 (file, siaddr)",
	judge.NoClass:          "PXE 2.1 section 2.2.1: a server says PXEClient in option 60",
	judge.MenuUnsupported:  "PXE 2.1 table 2-1, tag 9",
	judge.NoMenu:           "PXE 2.1 table 2-1, tags 6 to 10",
	judge.MenuWaits:        "PXE 2.1 table 2-1, tag 10",
	judge.NoDiscoveryGroup: "PXE 2.1 table 2-1, tags 6 and 7",
	judge.TypeNotListed:    "PXE 2.1 table 2-1, tags 8 and 9",
	judge.Cancelled:        "PXE 2.1 section 2.2",
	judge.LocalBoot:        "PXE 2.1 table 2-1, tag 9: type 0",
	judge.ProxySilent:      "PXE 2.1 section 2.2.3: proxyDHCP on port 4011",
	judge.BootServerSilent: "PXE 2.1 section 2.2.5: boot server discovery",
	judge.AnswerIgnored:    "PXE 2.1 section 2.2.5: the boot server's acknowledgement",
	judge.TFTPSilent:       "RFC 1350 section 4",
	judge.FileNotFound:     "RFC 1350 section 5: error 1",
	judge.TFTPNoOptions:    "RFC 2347",
	judge.TFTPNoTsize:      "RFC 2349: tsize",
	judge.TFTPStopped:      "RFC 1350 section 7; RFC 2348 for the size of blocks",
	judge.TFTPError:        "RFC 1350 section 5",
	judge.NoURI:            "UEFI 2.10 section 24.7: HTTP boot",
	judge.HTTPSilent:       "RFC 9110 section 9",
	judge.NoLength:         "RFC 9110 section 8.6: Content-Length",
	judge.HTTPError:        "RFC 9110 section 15",
	judge.WrongArch:        "RFC 4578 section 2.1 and IANA's registry of processor architecture types (option 93)",
	judge.ImageRefused:     "UEFI 2.10 section 7.4.1: LoadImage",
	judge.ChainLoop:        "RFC 3004 (option 77): tell iPXE from the firmware",
	judge.NotManaged:       "RFC 4861 section 4.2: the M flag",
}

// answer makes an answer of what the judge found.
func answer(o judge.Outcome) Answer {
	return Answer{Cause: o.Reason, What: o.What, Do: o.Do, See: cmp.Or(o.See, specs[o.Reason]), Evidence: o.Evidence}
}
