package judge

import (
	"fmt"
	"regexp"

	"github.com/pxelab/pxelab/lab/event"
)

// Rules about boot programs that load another: the chain from PXELINUX, GRUB or iPXE on.

// loaderAtEnd is what a chain loader says when it has found nothing to load: PXELINUX without its library or its
// configuration, GRUB at its prompt.
var loaderAtEnd = regexp.MustCompile(`^Failed to load ldlinux\.|^Unable to locate configuration file|Minimal BASH-like line editing is supported`)

// loaderStopped ends the boot at such a line, if the file it asked for last was not to be had: a loader that was told to
// show its prompt says the same.
func (b *boot) loaderStopped(e event.Event) {
	if t := b.lastTransfer(); t != nil && t.failed != nil && loaderAtEnd.MatchString(e.Text) {
		b.complaint = append(b.complaint, e)
		b.gaveUp = &e
	}
}

// loopAfter is how often a boot fetches one file, each time after asking DHCP anew, until it is called a loop: a second
// time may be a firmware's own second attempt.
const loopAfter = 3

// rounds counts how often a boot has come back to where it began: a DHCPDISCOVER, then the same file whole.
type rounds struct {
	discover *event.Event             // the latest, until a file is whole after it
	of       map[string][]event.Event // by file: the last blocks that ended a round
	loop     *transfer                // the file that is booted for ever
}

// asked notes the begin of a round.
func (r *rounds) asked(e event.Event) { r.discover = &e }

// fetchedAgain notes the end of a round, and ends a boot that goes round for ever.
func (b *boot) fetchedAgain(t *transfer, e event.Event) {
	r := &b.rounds
	if r.discover == nil {
		return
	}
	r.discover = nil
	if r.of == nil {
		r.of = map[string][]event.Event{}
	}
	r.of[t.file] = append(r.of[t.file], e)
	if len(r.of[t.file]) >= loopAfter && b.gaveUp == nil {
		r.loop, b.gaveUp = t, &e
	}
}

// chainLoop: a boot program that does DHCP itself is told to boot itself.
func (b *boot) chainLoop() *diagnosis {
	t := b.rounds.loop
	if t == nil {
		return nil
	}
	do := "the program it boots asks DHCP again and is told the same file: answer it differently"
	for _, e := range b.dhcp(true, isDiscover) {
		if e.Packet.DHCP.UserClass == "iPXE" {
			do = `the iPXE it boots asks DHCP again and is told the same file: answer clients whose option 77 is "iPXE" differently (boot: {ipxe: ...})`
		}
	}
	return &diagnosis{fmt.Sprintf("it fetched %q from %s %d times, each after a new DHCPDISCOVER", t.file, b.serverName(t), len(b.rounds.of[t.file])),
		do, b.rounds.of[t.file]}
}
