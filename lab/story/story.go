// Package story turns the events of a run into what a viewer shows: the rows of a sequence diagram, and how guests, services and the
// lab stood after each of them.
//
// It is pure. The same events give the same items, in the same order, whether they come one by one from a running lab or at once from
// a bundle, so a page can show any moment of a run: it takes the latest of each thing up to that moment.
package story

import (
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// Item is one thing to show, and the moment from which it holds. Of its pointers exactly one is set.
type Item struct {
	N   int           `json:"n"`   // 1, 2, 3 ... without gaps
	Seq int           `json:"seq"` // of the event that it comes of; of a Print, of the latest event before it
	At  time.Duration `json:"at"`  // nanoseconds since the run began

	Row     *Row     `json:"row,omitempty"`     // a row of the diagram; one with a known ID replaces that row from now on
	Guest   *Guest   `json:"guest,omitempty"`   // how a guest stands from now on
	Service *Service `json:"service,omitempty"` // how a service stands from now on
	Hold    *Hold    `json:"hold,omitempty"`    // whether the lab is held from now on
	Print   *Print   `json:"print,omitempty"`   // a guest printed this on its console
	Verdict *Verdict `json:"verdict,omitempty"` // how a boot ended; a later one of the same guest replaces it
	Step    *Reached `json:"step,omitempty"`    // a checkpoint of the lesson was reached
	End     *End     `json:"end,omitempty"`     // the run is over
}

// Lane is a column of the diagram: a guest or a service, or an address that is neither.
type Lane struct {
	ID   string `json:"id"`   // "guest:x64", "service:dhcp", "other:192.0.2.77"
	Kind string `json:"kind"` // "guest", "service", "other"
	Name string `json:"name"`
	// Networks are those that it is on, as far as that is known: what is sent to All reaches the lanes of the Row's network.
	Networks []string `json:"networks,omitempty"`
	Roles    []string `json:"roles,omitempty"` // of a service of ours: "dhcp", "tftp" ...; none: a program, of which nothing is known
}

// All is the lane of what goes to everybody: Row.To of a broadcast or multicast.
const All = "*"

// The kinds of rows.
const (
	Message  = "message"  // a packet from lane to lane
	Transfer = "transfer" // a file over TFTP, MTFTP or HTTP, folded to one bar
	Note     = "note"     // something that happened at one lane: powered on, settled, a service exited, a fault, keys typed
)

// SizeOnly is the Outcome of a Transfer in which the client asked how long the file is, and broke off as it meant to.
const SizeOnly = "size only"

// Row is one row of the sequence diagram. A packet that other guests' cables saw, too, is one row.
type Row struct {
	ID    int    `json:"id"` // from 1, in the order of rows
	Kind  string `json:"kind"`
	Guest string `json:"guest,omitempty"` // whose boot it belongs to
	Boot  int    `json:"boot,omitempty"`
	From  string `json:"from"`          // a Lane's ID; of a Note, its lane
	To    string `json:"to,omitempty"`  // a Lane's ID, or All
	Via   string `json:"via,omitempty"` // a Lane's ID: the relay or router that passed it on
	// Network is where a packet was seen.
	Network string `json:"network,omitempty"`
	// Proto is the packet's: "dhcp", "pxe" (DHCP to or from port 4011, or boot server discovery), "dhcp6", "tftp", "http", "arp", "nd",
	// "icmp", "igmp", "tcp", "udp", "other".
	Proto string `json:"proto,omitempty"`
	// Chatter is what a class seldom looks at: ARP, neighbour discovery, IGMP, ICMP, bare TCP segments.
	Chatter bool   `json:"chatter,omitempty"`
	Label   string `json:"label"`            // short, for the arrow: "OFFER 192.0.2.100", "probe.0"
	Detail  string `json:"detail,omitempty"` // one line more
	Why     string `json:"why,omitempty"`    // of a server of ours: its reason for this answer, or for the silence after this request
	Frame   int    `json:"frame,omitempty"`  // its number in wire.pcapng; of a Transfer, that of the request
	Repeat  int    `json:"repeat,omitempty"` // how often this packet had been sent before
	Bad     string `json:"bad,omitempty"`    // malformed, an error, dropped or spoilt by a fault: what
	// Of a Transfer.
	Bytes    int64  `json:"bytes,omitempty"`    // so far
	Size     int64  `json:"size,omitempty"`     // in all; zero: not known
	Packets  int    `json:"packets,omitempty"`  // so far, as far as the log tells
	Resent   int    `json:"resent,omitempty"`   // packets that were sent again
	Outcome  string `json:"outcome,omitempty"`  // empty while it goes on; "whole", SizeOnly, "refused: file not found", "stopped: by the client", "no answer"
	Finished int    `json:"finished,omitempty"` // frame of its end
}

// Guest is how a guest stands.
type Guest struct {
	Name    string                        `json:"name"`
	Boot    int                           `json:"boot"`
	State   string                        `json:"state"` // "waiting", "on", "held", "settled", "off"
	Stage   event.Stage                   `json:"stage"`
	At      map[event.Stage]time.Duration `json:"reached"`           // when each stage was reached, since the run began
	Stopped bool                          `json:"stopped,omitempty"` // it came no further than Stage
	Passed  bool                          `json:"passed,omitempty"`  // once settled: every expectation holds
	Address string                        `json:"address,omitempty"`
	File    string                        `json:"file,omitempty"`
	Clock   string                        `json:"clock,omitempty"` // "real", "warp"
	Warm    bool                          `json:"warm,omitempty"`
}

// Service is how a service stands.
type Service struct {
	Name  string `json:"name"`
	State string `json:"state"`          // "starting", "ready", "exited", "lost"
	Last  string `json:"last,omitempty"` // its latest decision or log line
}

// Hold is whether the lab is held, and at what.
type Hold struct {
	On    bool   `json:"on"`              // a step or continue is awaited: guests and services stand still
	Armed string `json:"armed,omitempty"` // not held now, but it will be at the next: "packet", "stage", or a selection
	Guest string `json:"guest,omitempty"` // on whose cable
	// Data is the held frame; empty: the lab is held, but not at a packet.
	Data      []byte `json:"data,omitempty"`
	FromGuest bool   `json:"tx,omitempty"`
	From      string `json:"from,omitempty"` // a lane, as of a Row
	To        string `json:"to,omitempty"`
	Label     string `json:"label,omitempty"`
	Waiting   int    `json:"waiting,omitempty"` // frames that came while the lab was held, and follow it
}

// Print is what a guest wrote on its serial console, as it came: escape sequences and all.
type Print struct {
	Guest string `json:"guest"`
	Boot  int    `json:"boot"`
	Data  string `json:"data"`            // UTF-8; octets that are none are read as code page 437
	Typed bool   `json:"typed,omitempty"` // somebody typed it
}

// Verdict is how a guest's boot ended, and why.
type Verdict struct {
	Guest   string   `json:"guest"`
	Service bool     `json:"service,omitempty"` // Guest names a service, of which something is expected; it has no Boot and no End
	Boot    int      `json:"boot"`
	Passed  bool     `json:"passed"`            // every expectation holds
	End     string   `json:"end"`               // lab/explain's: "booted", "fetched", "stopped", "unclear"
	Summary string   `json:"summary"`           // one sentence
	Answers []Answer `json:"answers,omitempty"` // why it stopped, the likeliest first
	Claims  []Claim  `json:"claims,omitempty"`  // each expectation, and whether it holds
	Notes   []string `json:"notes,omitempty"`
}

// Answer is one explanation, with the packets that show it.
type Answer struct {
	What     string           `json:"what"`
	Do       string           `json:"do,omitempty"`
	See      string           `json:"see,omitempty"`
	Evidence []judge.Evidence `json:"evidence,omitempty"`
}

// Claim is one expectation and what came of it.
type Claim struct {
	Expected string `json:"expected"`
	Observed string `json:"observed"`
	Pass     bool   `json:"pass"`
}

// Reached says that a checkpoint of the lesson was reached.
type Reached struct {
	Section int `json:"section"` // of the lesson, from 0
	Frame   int `json:"frame,omitempty"`
	Row     int `json:"row,omitempty"` // Row.ID that it was reached by
}

// End says that no more items come.
type End struct {
	Why string `json:"why"`
}
