package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// query is one exchange as far as it matters who answered.
type query struct {
	request event.Event // the latest
	by      []string    // services that answered, or whose host said that nobody listens, or that passed an answer on
}

// foreign looks for a request that a program which is not ours may have heard and did not answer.
func (b *boot) foreign() string {
	queries, order := b.queries()
	for i := range b.t.plan.Services {
		s := &b.t.plan.Services[i]
		for _, key := range order {
			if q := queries[key]; b.mayHear(s, q.request.Packet) && !slices.Contains(q.by, s.Name) {
				return fmt.Sprintf("%q, which is not ours and does not say what it decides, had not answered %s when the boot ended (event %d)",
					s.Name, q.request.Packet.Info, q.request.Seq)
			}
		}
	}
	return ""
}

// queries gathers what the boot asked servers, in the order of the first requests.
func (b *boot) queries() (queries map[string]*query, order []string) {
	queries = map[string]*query{}
	for _, e := range b.events {
		p := e.Packet
		switch {
		case p == nil:
		case !p.FromGuest && p.Proto == "icmp":
			for _, q := range queries {
				if strings.Contains(p.Info, "("+q.request.Packet.Dst+")") {
					q.by = append(q.by, e.Service)
				}
			}
		case !p.FromGuest:
			for _, key := range answers(p) {
				if q := queries[key]; q != nil {
					q.by = append(q.by, e.Service, e.Via)
				}
			}
		case (p.DHCP != nil || p.TFTP != nil || p.HTTP != nil) && request(p) != "":
			key := request(p)
			if queries[key] == nil {
				queries[key], order = &query{}, append(order, key)
			}
			queries[key].request = e
		}
	}
	return queries, order
}

// mayHear tells whether a request went to where a program that is not ours listens, as far as its topology says.
func (b *boot) mayHear(s *plan.Service, p *event.Packet) bool {
	if s.Exec == nil || s.Exec.Once || b.t.gone[s.Name] != nil {
		return false
	}
	if isAt(*s, host(p.Dst)) {
		return true
	}
	r := s.Exec.Ready
	return p.DHCP != nil && host(p.Dst) == "255.255.255.255" && b.hears(s) && (r.UDP == portDHCP || r.Log != "") &&
		(!isSet(p.DHCP.ServerID) || p.DHCP.ServerID == s.Address.Addr().String())
}
