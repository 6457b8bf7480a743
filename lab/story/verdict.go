package story

import (
	"reflect"
	"slices"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
)

// judge tells how a guest's boot ended.
func (s *Story) judge(guest string, boot int) {
	if s.explained != nil {
		s.record(guest, boot)
		return
	}
	if r, ok := s.tracker.Result(guest); ok {
		s.result(r)
	}
}

// record tells how a boot of a capture ended, as it was explained.
func (s *Story) record(guest string, boot int) {
	x, ok := s.explained[bootKey(guest, boot)]
	if !ok {
		return // it is no boot
	}
	v := verdict(x)
	v.Passed = x.End == explain.Booted || x.End == explain.Fetched
	s.guests[guest].passed = v.Passed
	s.put(Item{Verdict: &v})
}

// conclude tells it of every guest, now that the run is over: what came late may have changed it, and some were cut short.
func (s *Story) conclude() {
	if s.explained != nil {
		for _, g := range s.plan.Guests {
			s.tell(g.Name)
		}
		return
	}
	for _, r := range s.tracker.Results() {
		s.result(r)
		if g := s.guests[r.Guest]; g != nil {
			s.tell(r.Guest)
		}
	}
	for _, r := range s.tracker.ServiceResults() {
		v := served(r)
		s.put(Item{Verdict: &v})
	}
}

// served tells what was judged of a service.
func served(r judge.ServiceResult) Verdict {
	v := Verdict{Guest: r.Service, Service: true, Passed: r.Passed, Summary: r.Service + " did all that is expected of it", Claims: claims(r.Verdicts)}
	if i := slices.IndexFunc(r.Verdicts, func(c judge.Verdict) bool { return !c.Pass }); i >= 0 {
		v.Summary = r.Verdicts[i].Sentence
	}
	return v
}

func claims(verdicts []judge.Verdict) []Claim {
	var out []Claim
	for _, c := range verdicts {
		out = append(out, Claim{Expected: c.Expectation, Observed: c.Sentence, Pass: c.Pass})
	}
	return out
}

// result tells what was judged of a guest, if that has changed.
func (s *Story) result(r judge.Result) {
	if g := s.guests[r.Guest]; g != nil {
		g.passed = r.Passed
	}
	for _, x := range explain.Run([]judge.Result{r}, s.log[s.begun[bootKey(r.Guest, r.Boot)]:]) {
		v := verdict(x)
		v.Passed = r.Passed
		v.Claims = claims(r.Verdicts)
		if old, ok := s.verdicts[r.Guest]; ok && reflect.DeepEqual(old, v) {
			return
		}
		s.verdicts[r.Guest] = v
		s.put(Item{Verdict: &v})
	}
}

// verdict is an explanation as a viewer shows it.
func verdict(x explain.Explanation) Verdict {
	v := Verdict{Guest: x.Machine, Boot: x.Boot, End: string(x.End), Summary: x.Summary, Notes: x.Notes}
	for _, a := range x.Answers {
		v.Answers = append(v.Answers, Answer{What: a.What, Do: a.Do, See: a.See, Evidence: a.Evidence})
	}
	return v
}
