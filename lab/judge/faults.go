package judge

import (
	"fmt"
	"slices"

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

// bySilence are the reasons that a lost frame can be behind.
var bySilence = []Reason{NoOffer, OfferRefused, NoAck, NoBootfile, NotManaged, ProxySilent, BootServerSilent, AnswerIgnored, TFTPSilent, TFTPStopped, TFTPError,
	TFTPNoOptions, TFTPNoTsize, HTTPSilent, HTTPError, NoURI, GaveUp, Stalled}

// owned says of a boot that stopped for want of frames which the lab itself took that it did: nobody else is to be blamed.
func (b *boot) owned(r Reason, d *diagnosis) {
	if !slices.Contains(bySilence, r) {
		return
	}
	for i, rule := range b.guest.Faults {
		hits := b.hitsOf(i + 1)
		if rule.Do == "duplicate" || rule.Do == "delay" || len(hits) == 0 {
			continue
		}
		d.do = fmt.Sprintf("the lab itself did that: fault %d %s met %s on its cable", i+1, rule, times(len(hits), "frame"))
		d.evidence = append(d.evidence, ends(hits)...)
		return
	}
}
