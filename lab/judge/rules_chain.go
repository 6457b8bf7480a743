package judge

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pxelab/pxelab/lab/event"
)

// Rules about boot programs that load another: the chain from PXELINUX, GRUB or iPXE on.

// loaderAtEnd is what a chain loader says when it has found nothing to load: PXELINUX without its library or its
// configuration, GRUB at its prompt. PXELINUX says it in two lines, and SeaBIOS may tell where its cursor is in the middle
// of one, which cuts it in two: so either will do, and not from its beginning.
var loaderAtEnd = regexp.MustCompile(`Failed to load ldlinux\.|to locate configuration file|press a key to retry, or wait for reset` +
	`|Minimal BASH-like line editing is supported`)

// kernelPanic is a Linux that cannot go on.
var kernelPanic = regexp.MustCompile(`Kernel panic - not syncing: .*`)

// loaderStopped ends the boot at a line like these. A loader counts only if the file it asked for last was not to be
// had: one that was told to show its prompt says the same.
func (b *boot) loaderStopped(e event.Event) {
	if kernelPanic.MatchString(e.Text) && b.has(event.StageStarted) {
		b.gaveUp = &e
		return
	}
	if t := b.lastTransfer(); t != nil && t.failed != nil && loaderAtEnd.MatchString(e.Text) {
		b.complaint = append(b.complaint, e)
		b.gaveUp = &e
	}
}

// panicked is what a kernel said last; empty if it did not panic.
func (b *boot) panicked() string {
	if b.gaveUp == nil {
		return ""
	}
	return kernelPanic.FindString(b.gaveUp.Text)
}

// loopAfter is how often a boot fetches one file, each time after asking DHCP anew, until being told that file once
// more is a loop: a second time may be a firmware's own second attempt.
const loopAfter = 2

// rounds counts how often a boot has come back to where it began: a DHCPDISCOVER, then the same file whole.
type rounds struct {
	discover *event.Event             // the latest, until a file is whole after it
	of       map[string][]event.Event // by file: the last blocks that ended a round
	loop     *transfer                // the file that is booted for ever
	again    *event.Event             // the offer that names it once more
}

// asked notes the begin of a round.
func (r *rounds) asked(e event.Event) { r.discover = &e }

// fetchedAgain notes the end of a round.
func (r *rounds) fetchedAgain(t *transfer, e event.Event) {
	if r.discover == nil {
		return
	}
	if r.discover = nil; r.of == nil {
		r.of = map[string][]event.Event{}
	}
	r.of[t.file] = append(r.of[t.file], e)
}

// offeredAgain ends a boot that is told to go round once more. It must ask first: an offer that was late is none.
func (b *boot) offeredAgain(e event.Event) {
	r := &b.rounds
	t := b.find(e.Packet.DHCP.File)
	if t == nil || r.discover == nil || len(r.of[t.file]) < loopAfter {
		return
	}
	r.loop, r.again, b.gaveUp = t, &e, &e
}

// chainLoop: a boot program that does DHCP itself is told to boot itself.
func (b *boot) chainLoop() *diagnosis {
	r := &b.rounds
	if r.loop == nil {
		return nil
	}
	do := "the program it boots asks DHCP again and is told the same file: answer it differently"
	for _, e := range b.dhcp(true, b.isDiscover) {
		if isIPXE(e.Packet.DHCP) {
			do = `the iPXE it boots asks DHCP again and is told the same file: answer clients whose option 77 is "iPXE" differently (boot: {ipxe: ...})`
		}
	}
	return &diagnosis{fmt.Sprintf("it fetched %q from %s %d times, each time asked DHCP again, and %s named that file once more",
		r.loop.file, b.serverName(r.loop), len(r.of[r.loop.file]), b.sender(*r.again)), do, append(slices.Clone(r.of[r.loop.file]), *r.again)}
}

// toldByDHCP tells whether a DHCP server named a file, rather than the program that asked for it.
func (b *boot) toldByDHCP(file string) bool {
	return len(b.dhcp(false, func(d *event.DHCP) bool { return sameFile(d.File, file) })) > 0
}
