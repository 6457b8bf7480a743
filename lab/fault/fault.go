// Package fault decides what is done on purpose: to the frames of a cable, which are dropped, held up, put behind others, sent
// twice or spoilt, and, when such a frame is met, to services and to the guest itself.
//
// A decision depends on the frames that came before, their order and the rule's seed, never on a clock: the same frames meet the
// same faults in every run. It does nothing itself; the cable and the lab do, and keep the time.
package fault

import (
	"fmt"
	"strings"
	"time"
)

// Rule is one fault: what it does, and to which frames. Each deed has parameters of its own; those of others are zero.
type Rule struct {
	Do string `json:"do"` // one of Deeds
	Selection
	By     time.Duration `json:"by,omitempty"`     // nanoseconds: of delay; of jitter at most; of reorder the longest wait
	For    time.Duration `json:"for,omitempty"`    // nanoseconds: of partition, and of what is done to a service or the guest, how long it lasts
	Frames int           `json:"frames,omitempty"` // of reorder: how many go first; of partition: how many are lost each way
	To     int           `json:"to,omitempty"`     // of truncate: octets that are left; of mtu: octets of IP that pass
	Kbit   int           `json:"kbit,omitempty"`   // of rate: thousands of bits a second
	Queue  int           `json:"queue,omitempty"`  // of rate: frames that wait for their turn, at most; zero means DefaultQueue

	Service string `json:"service,omitempty"` // of a deed on a service: which
}

// CableDeeds are what a fault does to a frame.
var CableDeeds = []string{"drop", "delay", "jitter", "reorder", "rate", "duplicate", "corrupt", "truncate", "mtu", "partition"}

// Lossless tells whether a deed only makes frames late: all of them come in the end.
func Lossless(deed string) bool {
	switch deed {
	case "delay", "jitter", "reorder", "rate", "duplicate":
		return true
	}
	return false
}

// Spares tells whether frames of the kind that the rule means get through, between those that it meets or after them: what is sent again
// often enough comes.
func (r *Rule) Spares() bool {
	if r.Do == "partition" {
		return r.Frames > 0 || r.For > 0
	}
	return r.First > 0 || r.Nth > 0 || r.Every > 0 || r.Percent > 0
}

// Timed tells whether the rule reckons in seconds, of which a guest whose clock is warped has others, or does something to what
// lives by the host's clock.
func (r *Rule) Timed() bool { return r.By > 0 || r.For > 0 || r.Kbit > 0 || !r.OnCable() }

// String is the rule as it is written in a topology.
func (r Rule) String() string {
	words := []string{"do: " + r.Do}
	add := func(key string, value any, set bool) {
		if set {
			words = append(words, fmt.Sprintf("%s: %v", key, value))
		}
	}
	add("packet", r.Packet, r.Packet != "")
	add("from", r.From, r.From != "")
	add("port", r.Port, r.Port != 0)
	add("block", r.Block, r.Block != 0)
	add("after", r.After, r.After != 0)
	add("first", r.First, r.First != 0)
	add("nth", r.Nth, r.Nth != 0)
	add("every", r.Every, r.Every != 0)
	add("percent", r.Percent, r.Percent != 0)
	add("seed", r.Seed, r.Seed != 0)
	add("by", r.By, r.By != 0)
	add("for", r.For, r.For != 0)
	add("frames", r.Frames, r.Frames != 0)
	add("to", r.To, r.To != 0)
	add("kbit", r.Kbit, r.Kbit != 0)
	add("queue", r.Queue, r.Queue != 0)
	add("service", r.Service, r.Service != "")
	return "{" + strings.Join(words, ", ") + "}"
}
