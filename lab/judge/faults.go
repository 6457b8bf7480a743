package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/plan"
)

// armed is a fault of a guest.
type armed struct {
	number int
	rule   fault.Rule // of one that was sent to the running lab only what it does, and to which service
	text   string     // as it is written in a topology
	sent   bool       // to the running lab; otherwise it is the plan's
}

// String names a fault in a sentence.
func (a *armed) String() string {
	if a.sent {
		return fmt.Sprintf("fault %d, sent to the running lab,", a.number)
	}
	return fmt.Sprintf("fault %d", a.number)
}

// planned are the faults that each guest has from the beginning.
func planned(p *plan.Plan) map[string][]armed {
	all := map[string][]armed{}
	for _, g := range p.Guests {
		for i, r := range g.Faults {
			all[g.Name] = append(all[g.Name], armed{number: i + 1, rule: r, text: r.String()})
		}
	}
	return all
}

// rearmed takes up that a fault was sent to the running lab, or taken away. It concerns the boots to come, and the one under way
// unless it has settled; a boot in which a fault has met a frame keeps it.
func (t *Tracker) rearmed(e event.Event) {
	if e.Fault == nil {
		return
	}
	var now *boot
	if boots := t.boots[e.Guest]; len(boots) > 0 && !boots[len(boots)-1].settled {
		now = boots[len(boots)-1]
	}
	if e.Kind == event.FaultArmed {
		a := armed{number: e.Fault.Rule, text: e.Text, sent: true,
			rule: fault.Rule{Do: e.Fault.Do, Service: e.Fault.Service, Selection: fault.Selection{Packet: "any"}}}
		t.armed[e.Guest] = append(t.armed[e.Guest], a)
		if now != nil && e.Boot <= now.number {
			now.faults = append(now.faults, a)
		}
		return
	}
	is := func(a armed) bool { return a.number == e.Fault.Rule }
	t.armed[e.Guest] = slices.DeleteFunc(t.armed[e.Guest], is)
	if now != nil {
		now.faults = slices.DeleteFunc(now.faults, func(a armed) bool { return is(a) && len(now.hitsOf(&a)) == 0 })
	}
}

// faultVerdicts hold each fault of the guest to having met a frame, or having been done: one that was not was not tested.
func (b *boot) faultVerdicts() []Verdict {
	var out []Verdict
	for i := range b.faults {
		a := &b.faults[i]
		hits := b.hitsOf(a)
		v := Verdict{Guest: b.guest.Name, Boot: b.number, Expectation: "fault: " + a.text, Pass: len(hits) > 0, Stage: b.outcome.Stage,
			Reason: b.outcome.Reason, Evidence: cite(ends(hits)...), Sentence: fmt.Sprintf("%s met %s of %s", a, times(len(hits), "frame"), b.guest.Name)}
		switch {
		case !v.Pass && a.rule.AtPowerOn():
			v.Sentence = fmt.Sprintf("%s could not be done, so this boot of %s tells nothing of it: check what it names, or leave it out", a, b.guest.Name)
		case !v.Pass:
			v.Sentence = fmt.Sprintf("%s met no frame of %s, so this boot tells nothing of it: check what it names, or leave it out", a, b.guest.Name)
		case a.rule.AtPowerOn():
			v.Sentence = fmt.Sprintf("%s was done before %s was powered on", a, b.guest.Name)
		}
		out = append(out, v)
	}
	return out
}

// hitsOf are the frames that a fault met: in this boot, or, of one that is done once and for all, in any until then.
func (b *boot) hitsOf(a *armed) []event.Event {
	var out []event.Event
	for _, other := range b.t.boots[b.guest.Name] {
		if other != b && (a.rule.OnCable() || other.number > b.number) {
			continue
		}
		for _, e := range other.events {
			if e.Kind == event.FaultHit && e.Fault != nil && e.Fault.Rule == a.number {
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
		for i := range b.faults {
			a := &b.faults[i]
			hits := b.hitsOf(a)
			if len(hits) == 0 || a.rule.OnGuest() || !pick(&a.rule, hits) {
				continue
			}
			words += fmt.Sprintf("%s %s %s", a, a.text, met(&a.rule, hits))
			if strings.HasPrefix(words, ";") {
				words = d.do + words
			} else {
				words += b.without(a)
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

// without says how to boot without a fault; empty if it has been taken away since.
func (b *boot) without(a *armed) string {
	switch {
	case !a.sent:
		return "; leave it out to boot without it"
	case slices.ContainsFunc(b.t.armed[b.guest.Name], func(x armed) bool { return x.number == a.number }):
		return fmt.Sprintf("; take it away to boot without it: pxelab fault %s --clear %d", b.guest.Name, a.number)
	}
	return ""
}

// lost tells whether a fault on the cable, or a hand, took a request, or anything that came to the guest after it.
func (b *boot) lost(request event.Event) bool {
	return b.lostByHand(request) || slices.ContainsFunc(b.events, func(e event.Event) bool {
		if e.Kind != event.FaultHit || e.Fault == nil {
			return false
		}
		r := fault.Rule{Do: e.Fault.Do}
		return r.OnCable() && !fault.Lossless(r.Do) && (e.Fault.FromGuest && e.Fault.Frame == request.Packet.Frame || !e.Fault.FromGuest && e.Seq > request.Seq)
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
