package judge

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// ServiceResult is one service of which something is expected.
type ServiceResult struct {
	Service  string    `json:"service"`
	Passed   bool      `json:"passed"`
	Verdicts []Verdict `json:"verdicts"`
}

// seen is what was seen of one service: what it wrote, how it ended, and what passed its interfaces.
type seen struct {
	events  []event.Event
	exited  *event.Event
	ended   *event.Event // the lab stopped it
	started bool
	again   []event.Event // its policy had it started again
}

// ofService keeps what is needed to judge services.
func (t *Tracker) ofService(e event.Event) {
	name := e.Service
	if e.Kind == event.PacketSeen {
		name = e.Watched
	}
	i := slices.IndexFunc(t.plan.Services, func(s plan.Service) bool { return s.Name == name })
	if i < 0 || len(t.plan.Services[i].Expect) == 0 {
		return
	}
	s := t.services[name]
	if s == nil {
		s = &seen{}
		t.services[name] = s
	}
	switch e.Kind {
	case event.ServiceStarted:
		s.started, s.exited, s.ended = true, nil, nil
	case event.ServiceExited:
		s.exited = &e
	case event.ServiceEnded:
		s.ended = &e
	case event.ServiceRestart:
		s.again = append(s.again, e)
	case event.ServiceLog, event.PacketSeen, event.ServerDecided:
		s.events = append(s.events, e)
	}
}

// isAt tells whether a service has an address: of either family, on whichever interface of the host it runs on.
func (t *Tracker) isAt(s plan.Service, address string) bool {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	host := s
	if i := slices.IndexFunc(t.plan.Services, func(o plan.Service) bool { return s.Host != "" && o.Name == s.Host }); i >= 0 {
		host = t.plan.Services[i]
	}
	return a == s.Address6.Addr() || a == s.Address.Addr() ||
		slices.ContainsFunc(host.Interfaces(), func(l plan.Link) bool { return l.Address.Addr() == a })
}

// ServiceResults judges what is expected of services, in the plan's order, on what the tracker has seen so far.
func (t *Tracker) ServiceResults() []ServiceResult {
	var out []ServiceResult
	for _, s := range t.plan.Services {
		if len(s.Expect) == 0 {
			continue
		}
		r := ServiceResult{Service: s.Name, Passed: true}
		for _, x := range s.Expect {
			f := t.checkService(s, x)
			r.Passed = r.Passed && f.pass
			r.Verdicts = append(r.Verdicts, Verdict{Service: s.Name, Expectation: x.String(), Pass: f.pass, Sentence: f.text, Evidence: cite(f.evidence...)})
		}
		out = append(out, r)
	}
	return out
}

// checkService looks whether one expectation of a service holds.
func (t *Tracker) checkService(s plan.Service, x topology.Expectation) finding {
	v := t.services[s.Name]
	if v == nil {
		v = &seen{}
	}
	switch {
	case s.Exec != nil && !v.started:
		return fail(fmt.Sprintf("%q was never started", s.Name))
	case x.Log != "":
		return v.checkLog(s.Name, x.Log)
	case x.Exits != nil:
		return v.checkExits(s.Name, *x.Exits)
	case x.Restarts != nil:
		return v.checkRestarts(s.Name, *x.Restarts)
	case x.Sent != nil:
		return t.checkSent(s.Name, v, x.Sent)
	case x.Sees != nil:
		return v.checkSees(s.Name, x.Sees)
	case x.Never != nil && x.Never.Log != "":
		return v.checkNeverLog(s.Name, x.Never.Log)
	case x.Never != nil:
		return v.checkNeverPacket(s.Name, x.Never)
	}
	return fail(fmt.Sprintf("no judge knows what %q is expected to do", s.Name))
}

// lines gives what a service wrote; a server of ours writes a line for each of its decisions.
func (v *seen) lines() []event.Event {
	var out []event.Event
	for _, e := range v.events {
		switch {
		case e.Decision != nil:
			e.Text = e.Decision.String()
		case e.Kind != event.ServiceLog:
			continue
		}
		out = append(out, e)
	}
	return out
}

func (v *seen) checkLog(name, pattern string) finding {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fail(fmt.Sprintf("%q is no regular expression: %v", pattern, err))
	}
	lines := v.lines()
	for _, e := range lines {
		if re.MatchString(e.Text) {
			return pass(fmt.Sprintf("%q wrote a line that matches", name), e)
		}
	}
	if len(lines) == 0 {
		return fail(fmt.Sprintf("%q wrote nothing", name))
	}
	return fail(fmt.Sprintf("none of the %s that %q wrote matches; evidence is the last", times(len(lines), "line"), name), lines[len(lines)-1])
}

func (v *seen) checkExits(name string, want int) finding {
	switch {
	case v.ended != nil:
		return fail(fmt.Sprintf("the lab ended %q: %s", name, v.ended.Text), *v.ended)
	case v.exited == nil:
		return fail(fmt.Sprintf("%q has not ended", name))
	}
	x := v.exited.Exit
	if x == nil || x.Signal != "" || x.Code != want {
		return fail(fmt.Sprintf("%q ended otherwise: %s", name, v.exited.Text), append(lastOf(v.lines()), *v.exited)...)
	}
	return pass(fmt.Sprintf("%q ended by itself with status %d", name, want), *v.exited)
}

// checkRestarts: its policy had it started again so often.
func (v *seen) checkRestarts(name string, want int) finding {
	switch got := len(v.again); {
	case got != want && v.exited != nil:
		return fail(fmt.Sprintf("%q was started again %s; it last ended with %s", name, times(got, "time"), v.exited.Text), append(lastOf(v.again), *v.exited)...)
	case got != want:
		return fail(fmt.Sprintf("%q was started again %s", name, times(got, "time")), lastOf(v.again)...)
	}
	return pass(fmt.Sprintf("%q was started again %s", name, times(want, "time")), v.again...)
}

func lastOf(list []event.Event) []event.Event { return list[max(0, len(list)-1):] }

func (v *seen) checkNeverLog(name, pattern string) finding {
	f := v.checkLog(name, pattern)
	switch {
	case f.pass:
		return fail(fmt.Sprintf("%q wrote %q", name, strings.TrimSpace(f.evidence[0].Text)), f.evidence...)
	case len(v.lines()) == 0:
		return pass(f.text)
	}
	return pass(fmt.Sprintf("none of the %s that %q wrote matches", times(len(v.lines()), "line"), name))
}

// packets picks of what passed a service's interfaces the packets that a claim means, and counts all there were.
func (v *seen) packets(from, pattern string) (found []event.Event, count int, err error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, 0, fmt.Errorf("%q is no regular expression: %w", pattern, err)
	}
	for _, e := range v.events {
		if e.Packet == nil {
			continue
		}
		count++
		if from != "" && (e.Service != from || e.Packet.Proto == "arp") { // an ARP question goes to all
			continue
		}
		if re.MatchString(e.Packet.Info) {
			found = append(found, e)
		}
	}
	return found, count, nil
}

// passage words that a packet was seen at a service.
func passage(name string, e event.Event) string {
	way := "reached"
	if e.Packet.FromGuest {
		way = "left"
	}
	return fmt.Sprintf("a packet %s %q: %q", way, name, e.Packet.Info)
}

// checkNeverPacket needs to have seen something: where no packet was seen at all, none can be missing.
func (v *seen) checkNeverPacket(name string, c *topology.Never) finding {
	found, count, err := v.packets(c.From, c.Packet)
	switch {
	case err != nil:
		return fail(err.Error())
	case len(found) > 0:
		return fail(passage(name, found[0]), found[0])
	case count == 0:
		return fail(fmt.Sprintf("no packet at all was seen at %q, which proves nothing", name))
	case c.From != "":
		return pass(fmt.Sprintf("none of %s at %q came from %q", times(count, "packet"), name, c.From))
	}
	return pass(fmt.Sprintf("none of %s at %q matches", times(count, "packet"), name))
}

// checkSees: such a packet passed an interface of the service.
func (v *seen) checkSees(name string, c *topology.Sees) finding {
	found, count, err := v.packets(c.From, c.Packet)
	switch {
	case err != nil:
		return fail(err.Error())
	case len(found) > 0:
		return pass(passage(name, found[0]), ends(found)...)
	case c.From != "":
		return fail(fmt.Sprintf("none of %s at %q came from %q and matches", times(count, "packet"), name, c.From))
	}
	return fail(fmt.Sprintf("none of %s at %q matches", times(count, "packet"), name))
}
