package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
)

// faultVerdicts hold each fault of the guest to having met a frame, or having been done: one that was not was not tested.
func (b *boot) faultVerdicts() []Verdict {
	var out []Verdict
	for i, r := range b.guest.Faults {
		hits := b.hitsOf(i + 1)
		v := Verdict{Guest: b.guest.Name, Boot: b.number, Expectation: "fault: " + r.String(), Pass: len(hits) > 0, Stage: b.outcome.Stage,
			Reason: b.outcome.Reason, Evidence: cite(ends(hits)...), Sentence: fmt.Sprintf("fault %d met %s of %s", i+1, times(len(hits), "frame"), b.guest.Name)}
		switch {
		case !v.Pass && r.AtPowerOn():
			v.Sentence = fmt.Sprintf("fault %d could not be done, so this boot of %s tells nothing of it: check what it names, or leave it out", i+1, b.guest.Name)
		case !v.Pass:
			v.Sentence = fmt.Sprintf("fault %d met no frame of %s, so this boot tells nothing of it: check what it names, or leave it out", i+1, b.guest.Name)
		case r.AtPowerOn():
			v.Sentence = fmt.Sprintf("fault %d was done before %s was powered on", i+1, b.guest.Name)
		}
		out = append(out, v)
	}
	return out
}

// hitsOf are the frames that a fault met: in this boot, or, of one that is done once and for all, in any until then.
func (b *boot) hitsOf(rule int) []event.Event {
	var out []event.Event
	for _, other := range b.t.boots[b.guest.Name] {
		if other != b && (b.guest.Faults[rule-1].OnCable() || other.number > b.number) {
			continue
		}
		for _, e := range other.events {
			if e.Kind == event.FaultHit && e.Fault != nil && e.Fault.Rule == rule {
				out = append(out, e)
			}
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

// owned says of a boot that stopped for want of frames which the lab itself took, all of them, or for want of a service that it had
// stopped, that it did: nobody else is to be blamed. Where it took some, the cause may be another; that the fault was there is said.
func (b *boot) owned(r Reason, d *diagnosis) {
	say := func(words string, pick func(*fault.Rule, []event.Event) bool) bool {
		for i := range b.guest.Faults {
			rule, hits := &b.guest.Faults[i], b.hitsOf(i+1)
			if len(hits) == 0 || rule.OnGuest() || !pick(rule, hits) {
				continue
			}
			words += fmt.Sprintf("fault %d %s %s", i+1, rule, met(rule, hits))
			if strings.HasPrefix(words, ";") {
				words = d.do + words
			}
			d.do, d.evidence = words, append(d.evidence, ends(hits)...)
			return true
		}
		return false
	}
	tries := b.tries(r)
	if say("the lab itself did that: ", func(rule *fault.Rule, hits []event.Event) bool {
		if rule.OnService() {
			return unanswered[r] && !b.heardFrom(rule.Service, hits[0])
		}
		return tries > 0 && len(taken(hits, rule.Do)) >= tries
	}) {
		return
	}
	say("; mind that ", func(rule *fault.Rule, _ []event.Event) bool {
		return rule.OnService() && unanswered[r] || rule.OnCable() && tries > 0 && rule.Do != "duplicate"
	})
}

// taken are those of the frames that a fault met which it kept from their receiver. What only made them late took none of the guest's
// questions, but answers that came too late are as good as none.
func taken(hits []event.Event, deed string) []event.Event {
	if deed == "duplicate" {
		return nil
	}
	if fault.Lossless(deed) {
		hits = slices.DeleteFunc(slices.Clone(hits), func(e event.Event) bool { return e.Fault.FromGuest })
	}
	return hits
}

// unanswered are the reasons that a service which no longer answers can be behind.
var unanswered = map[Reason]bool{NoOffer: true, NoAck: true, NoBootfile: true, ProxySilent: true, BootServerSilent: true, TFTPSilent: true,
	TFTPStopped: true, TFTPError: true, HTTPSilent: true, HTTPError: true}

// heardFrom tells whether a service sent the guest anything after a fault was done to it, which may have been for the sake of
// what it sent. What its host's kernel says is not its.
func (b *boot) heardFrom(service string, hit event.Event) bool {
	return slices.ContainsFunc(b.events, func(e event.Event) bool {
		p := e.Packet
		return e.Seq > hit.Seq && e.Service == service && p != nil && !p.FromGuest && p.Frame != hit.Fault.Frame && (p.DHCP != nil || p.DHCP6 != nil || p.TFTP != nil || p.HTTP != nil)
	})
}

// met words what a fault met.
func met(r *fault.Rule, hits []event.Event) string {
	switch {
	case r.AtPowerOn():
		return "was done before it was powered on (" + hits[0].Fault.Info + ")"
	case r.OnCable():
		return fmt.Sprintf("met %s on its cable", times(len(hits), "frame"))
	}
	return "was done at " + hits[0].Fault.Info
}
