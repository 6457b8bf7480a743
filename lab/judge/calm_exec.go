package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// query is one exchange as far as it matters whether it was answered, and by whom.
type query struct {
	request  event.Event // the latest; without a packet where only an answer came
	answered bool        // at any time: an answer to the boot before may come first
	by       []string    // services that answered since, or whose host said that nobody listens, or that passed an answer on
}

// queries gathers what the boot asked servers, in the order of the first requests.
func (b *boot) queries() []*query {
	of, order := map[string]*query{}, []*query{}
	get := func(key string) *query {
		if of[key] == nil {
			of[key] = &query{}
		}
		return of[key]
	}
	for _, e := range b.events {
		p := e.Packet
		switch {
		case p == nil:
		case !p.FromGuest && p.Proto == "icmp":
			for _, q := range order {
				if strings.Contains(p.Info, "("+q.request.Packet.Dst+")") {
					q.by = append(q.by, e.Service)
				}
			}
		case !p.FromGuest:
			for _, key := range answers(p) {
				q := get(key)
				if q.answered = true; q.request.Packet != nil {
					q.by = append(q.by, e.Service, e.Via)
				}
			}
		case (p.DHCP != nil || p.DHCP6 != nil || p.TFTP != nil || p.HTTP != nil) && request(p) != "":
			q := get(request(p))
			if q.request.Packet == nil {
				order = append(order, q)
			}
			q.request = e
		}
	}
	return order
}

// unsaid looks for a request that a server which is not ours may have heard and did not answer.
func (b *boot) unsaid() string {
	for _, e := range b.t.restarts {
		if e.Seq > b.events[0].Seq {
			return fmt.Sprintf("%q had ended while it booted, and was being started again (event %d)", e.Service, e.Seq)
		}
	}
	queries := b.queries()
	for i := range b.t.plan.Services {
		s := &b.t.plan.Services[i]
		for _, q := range queries {
			if b.mayHear(s, q.request.Packet) && !slices.Contains(q.by, s.Name) {
				return fmt.Sprintf("%q, which is not ours and does not say what it decides, had not answered %s when the boot ended (event %d)",
					s.Name, q.request.Packet.Info, q.request.Seq)
			}
		}
	}
	return b.cutShort()
}

// cutShort looks for a transfer in which such a server had sent nothing more when the boot ended.
func (b *boot) cutShort() string {
	last, over := map[string]event.Event{}, map[string]bool{} // by the guest's address and port
	for _, e := range b.events {
		p := e.Packet
		switch {
		case p == nil || p.TFTP == nil:
		case p.FromGuest && p.TFTP.Op == "ACK" && !over[p.Src]:
			last[p.Src] = e
		case p.FromGuest:
			delete(last, p.Src)
			over[p.Src] = over[p.Src] && p.TFTP.Op == "ACK"
		default:
			delete(last, p.Dst)
			over[p.Dst] = p.TFTP.Op == "ERROR" || p.TFTP.Last
		}
	}
	for i := range b.t.plan.Services {
		s := &b.t.plan.Services[i]
		for _, e := range b.events { // the first of several
			if e.Packet != nil && last[e.Packet.Src].Seq == e.Seq && b.mayHear(s, e.Packet) {
				return fmt.Sprintf("%q, which is not ours and does not say what it decides, had sent nothing after %s when the boot ended (event %d)",
					s.Name, e.Packet.Info, e.Seq)
			}
		}
	}
	return ""
}

// mayHear tells whether a request went to where a server that is not ours listens, as far as is known.
func (b *boot) mayHear(s *plan.Service, p *event.Packet) bool {
	if !foreign(s) || b.t.gone[s.Name] != nil {
		return false
	}
	if b.t.isAt(*s, event.HostOf(p.Dst)) {
		return true
	}
	return p.DHCP != nil && event.HostOf(p.Dst) == everybody && b.hears(s) && b.t.mayPlay(s) &&
		(!event.IsSet(p.DHCP.ServerID) || b.t.isAt(*s, p.DHCP.ServerID))
}
