// Package lesson reads lessons: a topology and a text in sections, with checkpoints that are tied to what happens in the lab, and
// questions whose answers are in the packets.
//
// It is pure.
package lesson

// Lesson is one lesson.
type Lesson struct {
	Name     string    `json:"name"`     // "what-pxe-is"
	Title    string    `json:"title"`    // "What PXE is"
	About    string    `json:"about"`    // one sentence
	Minutes  int       `json:"minutes"`  // how long a class takes
	Topology string    `json:"topology"` // name of a shipped topology
	Sections []Section `json:"sections"`
}

// Section is a part of the text. One with a checkpoint is shown once that is reached.
type Section struct {
	Title      string      `json:"title"`
	HTML       string      `json:"html"` // of its Markdown, without raw HTML
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
	Questions  []Question  `json:"questions,omitempty"`
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
	Settled bool   `json:"settled,omitempty"` // the guest has settled
	Hold    bool   `json:"hold,omitempty"`    // the lab is held at this packet
	Look    string `json:"look,omitempty"`    // the field to open in the inspector, by its path: "dhcp.option.43"
}

// Question is a question, whose answer is a field of a packet (or one of the choices).
type Question struct {
	ID      string   `json:"id"`
	Ask     string   `json:"ask"`
	Choices []string `json:"choices,omitempty"` // none: it is typed in
	Hint    string   `json:"hint,omitempty"`
}
