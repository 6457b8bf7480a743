package judge

import (
	"fmt"

	"github.com/pxelab/pxelab/lab/event"
)

// faultVerdicts hold each fault of the guest's cable to having met a frame: one that did not was not tested.
func (b *boot) faultVerdicts() []Verdict {
	var out []Verdict
	for i, r := range b.guest.Faults {
		hits := b.hitsOf(i + 1)
		v := Verdict{Guest: b.guest.Name, Boot: b.number, Expectation: "fault: " + r.String(), Pass: len(hits) > 0, Stage: b.outcome.Stage,
			Reason: b.outcome.Reason, Evidence: cite(ends(hits)...), Sentence: fmt.Sprintf("fault %d met %s of %s", i+1, times(len(hits), "frame"), b.guest.Name)}
		if !v.Pass {
			v.Sentence = fmt.Sprintf("fault %d met no frame of %s, so this boot tells nothing of it: check what it names, or leave it out", i+1, b.guest.Name)
		}
		out = append(out, v)
	}
	return out
}

// hitsOf are the frames that a fault met.
func (b *boot) hitsOf(rule int) []event.Event {
	var out []event.Event
	for _, e := range b.events {
		if e.Kind == event.FaultHit && e.Fault != nil && e.Fault.Rule == rule {
			out = append(out, e)
		}
	}
	return out
}

// tries is how often a client asked in vain, for the reasons that a lost frame can be behind; zero for all others.
func (b *boot) tries(r Reason) int {
	count := func(pick func(*event.DHCP) bool) int { return len(b.dhcp(true, pick)) }
	switch r {
	case NoOffer:
		return count(b.isDiscover)
	case NoAck:
		return count(isRequest)
	case ProxySilent:
		return count(asksProxy)
	case BootServerSilent, AnswerIgnored:
		return count(asksBootServer)
	case TFTPSilent:
		if t := b.pending(); t != nil {
			return len(t.asked)
		}
	case TFTPStopped, TFTPError:
		return 1
	}
	return 0
}

// owned says of a boot that stopped for want of frames which the lab itself took, all of them, that it did: nobody else is to be
// blamed. Where it took some, the cause may be another; that the fault was there is said.
func (b *boot) owned(r Reason, d *diagnosis) {
	tries := b.tries(r)
	for i, rule := range b.guest.Faults {
		hits := b.hitsOf(i + 1)
		switch {
		case tries == 0 || rule.Do == "duplicate" || len(hits) == 0:
			continue
		case len(hits) >= tries:
			d.do = fmt.Sprintf("the lab itself did that: fault %d %s met %s on its cable", i+1, rule, times(len(hits), "frame"))
		default:
			d.do += fmt.Sprintf("; mind that fault %d %s met %s on its cable", i+1, rule, times(len(hits), "frame"))
		}
		d.evidence = append(d.evidence, ends(hits)...)
		return
	}
}
