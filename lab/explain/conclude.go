package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// waited is how long a machine had waited for an answer when the record of its boot ended.
type waited struct {
	silence time.Duration // since its last message
	tries   int           // how often it had sent that one

	oneSided  string // what shows that it was answered although the answer is not in the record
	again     again
	nearWhole bool   // no more than the last block of its file is missing
	lacks     string // what shows that other packets are not in the record
}

// These are beyond what clients wait before they ask again: 4 s at first (EDK2), a second (iPXE).
const (
	enoughSilence = 5 * time.Second
	enoughTries   = 3
)

func (w waited) enough() bool { return w.silence >= enoughSilence || w.tries >= enoughTries }

// oneSided looks for what a machine only does after an answer, where no such answer was recorded: of what it is sent by unicast a
// switch shows nothing to others, and a mirror may show one direction alone.
func oneSided(log []event.Event) string {
	var offered, served bool
	for _, e := range log {
		p := e.Packet
		switch {
		case p == nil:
		case !p.FromGuest && p.DHCP != nil:
			offered = true
		case !p.FromGuest && p.TFTP != nil:
			served = true
		case p.FromGuest && p.DHCP != nil && p.DHCP.Type == "REQUEST" && p.DHCP.ServerID != "" && !offered:
			return "it asks for what a server offered, and the offer is not there"
		case p.FromGuest && p.TFTP != nil && p.TFTP.Op == "ACK" && !served:
			return "it acknowledges blocks of a file, and they are not there"
		}
	}
	return ""
}

// patience looks at the last message of a machine.
func patience(log []event.Event, until time.Duration, p period) waited {
	w := lastWait(log, until)
	if silence := until - p.heard; silence < w.silence { // what was said after that made no event
		w.silence, w.tries = silence, 1
	}
	w.nearWhole = p.settled && nearWhole(log, p.acked)
	w.oneSided, w.lacks, w.again = oneSided(log), p.lacks, goesOn(log)
	return w
}

// nearWhole tells, by the options that were granted, whether one block more may be the last of the file; true if they do not say.
func nearWhole(log []event.Event, acked int) bool {
	size, block := 0, 512 // RFC 1350
	for _, e := range log {
		if e.Packet == nil || e.Packet.TFTP == nil || e.Packet.TFTP.Op != "OACK" {
			continue
		}
		for name, into := range map[string]*int{"tsize": &size, "blksize": &block} {
			if n, err := strconv.Atoi(e.Packet.TFTP.Options[name]); err == nil {
				*into = n
			}
		}
	}
	return (acked+1)*block >= size
}

func lastWait(log []event.Event, until time.Duration) waited {
	refused := false
	for _, e := range slices.Backward(log) {
		p := e.Packet
		if p != nil && !p.FromGuest && p.Proto == "icmp" && strings.Contains(p.Info, "unreachable") {
			refused = true
		}
		if p == nil || !p.FromGuest {
			continue
		}
		w := waited{silence: until - e.At, tries: 1}
		if refused { // nobody listens there: nothing will come
			w.tries = enoughTries
		}
		switch {
		case p.DHCP != nil:
			w.tries += p.DHCP.Repeat
		case p.DHCP6 != nil:
			w.tries += p.DHCP6.Repeat
		case p.TFTP != nil:
			w.tries += p.TFTP.Repeat
		default:
			continue
		}
		return w
	}
	return waited{}
}

// silences are the reasons that consist in something not having come: they need patience.
var silences = []judge.Reason{judge.NoOffer, judge.NoAck, judge.NoBootfile, judge.NoClass, judge.OfferRefused, judge.ProxySilent,
	judge.BootServerSilent, judge.AnswerIgnored, judge.TFTPSilent, judge.TFTPStopped, judge.HTTPSilent, judge.NoURI, judge.NotManaged,
	judge.NoMenu, judge.NoDiscoveryGroup, judge.TypeNotListed, judge.TFTPError, judge.HTTPError, judge.TFTPNoTsize, judge.TFTPNoOptions}

// choices are the reasons that lie with who sat at the machine: a wire shows that a menu was offered, and not what was chosen.
var choices = []judge.Reason{judge.MenuWaits, judge.LocalBoot, judge.Cancelled}

// conclude says how a boot of a capture ended. The wire does not show what a program does once it runs, nor how a client judges
// its file, so the last that can be known of most boots is that they had it whole. heard means that its console is known.
func (x *Explanation) conclude(r *judge.Result, w waited, heard bool) {
	o := r.Outcome
	last := lastFile(r)
	switch {
	case o.Reason == judge.BootProgramSilent && x.Stage >= event.StageStarted && !w.again.other && w.again.same != "" && !heard:
		x.End, x.Stage = Unclear, event.StageDownload
		program := firstWhole(r)
		x.Summary = fmt.Sprintf("I don't know whether %s booted: it had %q whole from %s, and %s; the program may have run and ended, or been refused, or the machine was reset", x.Machine, program.Name, program.From, w.again.same)
	case o.Reason == judge.BootProgramSilent && x.Stage >= event.StageStarted:
		x.End = Booted
		program := firstWhole(r)
		x.Summary = fmt.Sprintf("%s booted: it had %q whole from %s, and the program then asked for more", x.Machine, program.Name, program.From)
		if !last.Whole {
			x.Notes = append(x.Notes, fmt.Sprintf("the last file that it asked for, %q from %s, it did not get", last.Name, last.From))
		}
	case o.Reason == judge.BootProgramSilent && last.Whole:
		x.End = Fetched
		x.Summary = fmt.Sprintf("%s fetched %q whole (%d octets) from %s; whether it ran, the wire does not tell", x.Machine, last.Name, last.Bytes, last.From)
	case slices.Contains(silences, o.Reason) && w.oneSided != "":
		x.End = Unclear
		x.Summary = fmt.Sprintf("this capture lacks packets that went to %s (%s): capture on the server, or mirror both directions of its port", x.Machine, w.oneSided)
	case slices.Contains(silences, o.Reason) && w.lacks != "":
		x.End = Unclear
		x.Summary = fmt.Sprintf("half a boot: this capture lacks packets of %s (%s), so what became of it after stage %s cannot be told", x.Machine, w.lacks, x.Stage)
	case o.Reason == judge.TFTPStopped && w.tries == 1 && w.enough() && w.nearWhole:
		x.End = Unclear
		x.Summary = fmt.Sprintf("half a boot: the end of %q is not in the record, and %s did not ask for it again as one that waits does: it may have had the file whole", last.Name, x.Machine)
	case slices.Contains(silences, o.Reason) && !w.enough():
		x.End = Unclear
		x.Summary = fmt.Sprintf("half a boot: the record ends %.1f s after the last message of %s, at stage %s: too early to tell what became of it", w.silence.Seconds(), x.Machine, x.Stage)
	case slices.Contains(choices, o.Reason) && !heard:
		x.End = Unclear
		x.Summary = fmt.Sprintf("%s was offered a boot menu and asked for nothing more: whether it waits, was told to boot from its disk or was cancelled, only its console tells", x.Machine)
	case o.Reason == judge.Stalled || o.Reason == judge.GaveUp || o.Reason == "":
		x.End = Unclear
		x.Summary = fmt.Sprintf("%s came to stage %s; what stopped it there, this record does not tell", x.Machine, x.Stage)
	default:
		x.stop(o.Stage, answer(*o))
	}
}

func lastFile(r *judge.Result) judge.File {
	if len(r.Files) == 0 {
		return judge.File{}
	}
	return r.Files[len(r.Files)-1]
}

// firstWhole is the first file that came whole, which is the boot program.
func firstWhole(r *judge.Result) judge.File {
	for _, f := range r.Files {
		if f.Whole {
			return f
		}
	}
	return judge.File{}
}

// stop says that the boot stopped at a stage, and why.
func (x *Explanation) stop(at event.Stage, why Answer) {
	x.End, x.Answers = Stopped, []Answer{why}
	x.Summary = fmt.Sprintf("%s stopped at %s: %s", x.Machine, at, why.What)
}

// remark adds what the judge found worth knowing.
func (x *Explanation) remark(notes []judge.Note) {
	for _, n := range notes {
		x.Notes = append(x.Notes, n.Sentence)
	}
}

// Run explains every guest of a run from its results and its log: what the judge found, told in steps.
func Run(results []judge.Result, log []event.Event) []Explanation {
	var out []Explanation
	for _, r := range results {
		var boot []event.Event
		for _, e := range log {
			if e.Guest == r.Guest && e.Boot == r.Boot && r.Boot > 0 {
				boot = append(boot, e)
			}
		}
		x := Explanation{Machine: r.Guest, Boot: r.Boot, Arch: r.Arch, Client: r.Firmware, Stage: r.Stage, Steps: steps(withRelays(boot, log)), End: Unclear}
		if first := introduction(boot); first != nil {
			x.Client = fmt.Sprintf("%s, %s", r.Firmware, clientOf(first))
		}
		x.remark(r.Notes)
		switch o := r.Outcome; {
		case o == nil:
			x.Summary = fmt.Sprintf("%s was not booted to an end, so there is nothing to explain", r.Guest)
		case o.Reason == "":
			x.End, x.Summary = Booted, o.Sentence
		default:
			x.stop(o.Stage, answer(*o))
		}
		out = append(out, x)
	}
	return out
}
