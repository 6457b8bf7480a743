package fault

import (
	"bytes"
	"time"
)

const (
	// DefaultQueue is how many frames wait for a slow line whose rule does not say.
	DefaultQueue = 64
	// longestWait is how long a frame that was put aside waits for those that are to go first: longer than servers and
	// firmware wait before they send again, so that it is by frames that it ends and not by time.
	longestWait = 2 * time.Second
	// ethernet is the length of Ethernet's header.
	ethernet = 14
)

// large tells whether a frame has more octets of IP than the rule lets pass; all are large to rules that have no such bound.
func (a *armed) large(data []byte) bool { return a.Do != "mtu" || len(data)-ethernet > a.To }

// due tells whether the rule acts on a frame that goes this way, if it means that frame or not. A rule of reorder has one frame
// aside in each direction, and others pass; a partition takes all frames once it has begun.
func (a *armed) due(means bool, w int) bool {
	switch a.Do {
	case "reorder":
		return means && a.aside[w] == nil
	case "partition":
		return means && !a.parted || a.parted && (a.Frames == 0 || a.left[w] > 0)
	}
	return means
}

// act is what the rule does to a frame on which it is due.
func (i *Injector) act(r *armed, data []byte, w int) Action {
	switch r.Do {
	case "delay":
		return Action{Delay: r.By}
	case "jitter":
		return Action{Delay: r.jitter(r.met[w])}
	case "reorder":
		i.tickets++
		r.aside[w] = &aside{i.tickets, max(r.Frames, 1)}
		a := Action{Aside: i.tickets, Wait: r.By}
		if a.Wait == 0 {
			a.Wait = longestWait
		}
		return a
	case "rate":
		a := Action{Kbit: r.Kbit, Queue: r.Queue}
		if a.Queue == 0 {
			a.Queue = DefaultQueue
		}
		return a
	case "duplicate":
		return Action{Copies: 1}
	case "corrupt":
		return Action{Data: spoilt(data)}
	case "truncate":
		return Action{Data: bytes.Clone(data[:min(len(data), max(r.To, ethernet))])}
	case "partition":
		return r.part(w)
	case "drop", "mtu":
		return Action{Drop: true}
	}
	return Action{Beside: &r.Rule}
}

// jitter is for how long the nth frame is held up: more than not at all, since it may not overtake the one before it.
func (a *armed) jitter(nth int) time.Duration {
	if a.By <= 0 {
		return 1
	}
	return 1 + time.Duration(mix(a.draw(nth))%uint64(a.By))
}

// part begins a partition, or goes on with it.
func (a *armed) part(w int) Action {
	act := Action{Drop: true}
	if !a.parted {
		a.parted, a.left, act.For = true, [2]int{a.Frames, a.Frames}, a.For
	}
	if a.Frames > 0 {
		a.left[w]--
		a.parted = a.left != [2]int{}
	}
	return act
}

// spoilt turns one bit of a frame over, past the headers of UDP over IPv4, so that its checksum is wrong.
func spoilt(data []byte) []byte {
	out := bytes.Clone(data)
	const headers = ethernet + 20 + 8
	if len(out) > 0 {
		out[min(len(out)-1, headers+(len(out)-min(len(out), headers))/2)] ^= 0x10
	}
	return out
}
