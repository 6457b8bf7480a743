package event

// Hold is how stepping through the lab stands. While the lab is held nobody in it moves: guests are frozen, services stopped.
type Hold struct {
	On    bool   `json:"on"`              // it is held from now on; otherwise it goes on
	Until string `json:"until,omitempty"` // of one that goes on: where it will be held next; empty: nowhere
	Did   string `json:"did,omitempty"`   // of one that goes on: what became of the packet it was held at: "pass", "drop", "duplicate", "edit"

	// Changed says what Did "edit" made different in the packet, a field each, for people: "dhcp.file other.0 instead of probe.0".
	Changed []string `json:"changed,omitempty"`

	// Data is the packet that it is held at, which has not travelled on and has no number in the capture yet: an Ethernet frame, on
	// the cable of the event's Guest. Without one the lab is held between packets.
	Data      []byte `json:"data,omitempty"`
	FromGuest bool   `json:"tx,omitempty"`      // the guest sent it
	Info      string `json:"info,omitempty"`    // the packet in one line, for people; of a hold at a stage: who has reached it
	Waiting   int    `json:"waiting,omitempty"` // packets behind it that came before everybody stood still
}
