package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// Note is something about a boot that is worth knowing whether it went well or not.
type Note struct {
	Kind     NoteKind   `json:"kind"`
	Sentence string     `json:"sentence"`
	Evidence []Evidence `json:"evidence,omitempty"`

	events []event.Event
}

func note(kind NoteKind, sentence string, events ...event.Event) Note {
	return Note{kind, sentence, cite(events...), events}
}

// NoteKind says in one word what was noted.
type NoteKind string

// The kinds of notes.
const (
	DuplicateMAC  NoteKind = "duplicate-mac"  // another machine has its hardware address, too
	DuplicateUUID NoteKind = "duplicate-uuid" // another machine has its UUID, too
	NoUUID        NoteKind = "no-uuid"        // its UUID is all zeros, which stands for none
)

// Notes lists all kinds, for "note: ..." and its help.
func Notes() []string {
	return []string{string(DuplicateMAC), string(DuplicateUUID), string(NoUUID)}
}

const zeroUUID = "00000000000000000000000000000000"

// notes looks for what is worth noting of this boot, from what it and the others sent.
func (b *boot) notes() []Note {
	var out []Note
	own, ok := b.introduced()
	if !ok {
		return nil
	}
	d := own.Packet.DHCP
	if d.UUID == zeroUUID {
		out = append(out, note(NoUUID, b.guest.Name+" has no UUID: it sent 16 zeros in option 97, which no reservation by UUID can name; "+
			"set one in its firmware, or reserve by MAC", own))
	}
	for i := range b.t.plan.Guests {
		other, ok := b.t.introducedBy(&b.t.plan.Guests[i], b.guest)
		if !ok {
			continue
		}
		x := other.Packet.DHCP
		if sameMAC(x.CHAddr, d.CHAddr) {
			out = append(out, note(DuplicateMAC, fmt.Sprintf("%s and %s have the same hardware address %s: a DHCP server takes them for one machine, "+
				"and the bridge sends to the one what is meant for the other; give each its own", b.guest.Name, other.Guest, d.CHAddr), own, other))
		}
		if x.UUID == d.UUID && d.UUID != "" && d.UUID != zeroUUID {
			out = append(out, note(DuplicateUUID, fmt.Sprintf("%s and %s have the same UUID %s: a reservation by UUID means both, and only one can have its address; "+
				"give each its own", b.guest.Name, other.Guest, d.UUID), own, other))
		}
	}
	return out
}

// introduced is the first message in which this boot said who it is.
func (b *boot) introduced() (event.Event, bool) {
	sent := b.dhcp(true, b.isDiscover)
	if len(sent) == 0 {
		return event.Event{}, false
	}
	return sent[0], true
}

// introducedBy is the first message in which another guest said who it is, in whichever boot.
func (t *Tracker) introducedBy(other, than *plan.Guest) (event.Event, bool) {
	if other.Name == than.Name || other.Network != than.Network {
		return event.Event{}, false
	}
	for _, b := range t.boots[other.Name] {
		if e, ok := b.introduced(); ok {
			return e, true
		}
	}
	return event.Event{}, false
}

// checkNote: it was noted.
func (b *boot) checkNote(kind string) finding {
	notes := b.notes()
	i := slices.IndexFunc(notes, func(n Note) bool { return string(n.Kind) == kind })
	if i < 0 {
		var kinds []string
		for _, n := range notes {
			kinds = append(kinds, string(n.Kind))
		}
		if len(kinds) == 0 {
			kinds = append(kinds, "nothing")
		}
		return fail(fmt.Sprintf("%s was not noted of %s, but %s", kind, b.guest.Name, strings.Join(kinds, ", ")))
	}
	return pass(notes[i].Sentence, notes[i].events...)
}
