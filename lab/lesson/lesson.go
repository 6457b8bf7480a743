// Package lesson reads lessons: a topology and a text in sections, with checkpoints that are tied to what happens in the lab, and
// questions whose answers are in the packets.
//
// It is pure.
package lesson

import "regexp"

// Lesson is one lesson.
type Lesson struct {
	Name     string    `json:"name"`     // "what-pxe-is"
	Title    string    `json:"title"`    // "What PXE is"
	About    string    `json:"about"`    // one sentence
	Minutes  int       `json:"minutes"`  // how long a class takes
	Order    int       `json:"order"`    // among the lessons, from 1
	Topology string    `json:"topology"` // name of a shipped topology, or of one beside the lesson
	Sections []Section `json:"sections"`

	file string // it came from, for messages
}

// Section is a part of the text. One with a checkpoint is shown once that is reached.
type Section struct {
	Title      string      `json:"title"`
	HTML       string      `json:"html"` // of its Markdown, without raw HTML; notes for the trainer are blockquotes of class "trainer"
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
	Questions  []Question  `json:"questions,omitempty"`

	students string // HTML without the notes for the trainer
	trainer  string // the notes alone
}

// Checkpoint is a moment of the run that a section waits for, after the one before it.
type Checkpoint struct {
	Says  string `json:"says"`            // "The proxy has answered"
	Guest string `json:"guest,omitempty"` // whose; empty: any guest's
	// Packet, From, Stage, Console, Settled: what must happen; see docs/lessons.md.
	Packet  string `json:"packet,omitempty"`  // a kind of packet, as faults name them: "offer"
	From    string `json:"from,omitempty"`    // who sent it: "guest", or a service
	Stage   string `json:"stage,omitempty"`   // a stage that is reached
	Console string `json:"console,omitempty"` // a pattern that a console line matches
	Settled bool   `json:"settled,omitempty"` // the guest has settled; without Guest, all have
	Beside  bool   `json:"beside,omitempty"`  // it may also come before the checkpoint before it: two answers to one question
	Hold    bool   `json:"hold,omitempty"`    // the lab is held at this packet
	Look    string `json:"look,omitempty"`    // the field to open in the inspector, by its path: "dhcp.option.43"

	line    *regexp.Regexp // Console, compiled
	at, who place          // where it is written, for messages: its guest, and its from
}

// Question is a question, whose answer is a field of a packet (or one of the choices).
type Question struct {
	ID      string   `json:"id"` // "3.1": the first of the third section
	Ask     string   `json:"ask"`
	Choices []string `json:"choices,omitempty"` // none: it is typed in
	Hint    string   `json:"hint,omitempty"`

	// How it is answered never goes to a page.
	answer  string         // the field whose value is the answer; empty: right is
	right   string         // of Choices
	shows   string         // the field that proves right
	matches *regexp.Regexp // what its value is like if right is; nil: anything
	explain string         // said with the answer
}

// place is a place in a lesson's file, both numbers from 1.
type place struct{ line, column int }
