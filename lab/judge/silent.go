package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// silent lists the services that heard this boot and did not answer: ours with the reason that they gave, the others by what the
// wire shows. A request that was answered by the service itself, if only later, is none.
func (b *boot) silent() []Silence {
	var out []Silence
	add := func(s Silence) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, e := range b.silences {
		add(Silence{e.Service, e.Decision.Reason})
	}
	for _, q := range b.queries() {
		for i := range b.t.plan.Services {
			s := &b.t.plan.Services[i]
			if why := b.unanswered(s, q); why != "" {
				add(Silence{s.Name, why})
			}
		}
	}
	return out
}

// unanswered says why a service did not answer a request that it got; empty if it answered, never got it, or has said why.
func (b *boot) unanswered(s *plan.Service, q *query) string {
	p := q.request.Packet
	if p == nil || slices.Contains(q.by, s.Name) || b.isRelay(s) {
		return "" // a relay agent passes on, and does not answer
	}
	if why := b.notPassedTo(s, p); why != "" {
		return why
	}
	if !b.got(s, p) {
		return ""
	}
	if gone := b.t.gone[s.Name]; gone != nil && gone.Seq < q.request.Seq {
		return requestName(p) + " came when it had ended"
	}
	if s.Server == nil {
		return "it did not answer " + requestName(p) + "; it is not ours and does not say why"
	}
	for _, e := range b.unserved {
		if e.Service == s.Name && fileAsked(p) != "" && strings.HasSuffix(e.Decision.Request, fileAsked(p)) {
			return fmt.Sprintf("it did not answer %s: %s", requestName(p), e.Decision.Reason)
		}
	}
	if (p.DHCP != nil || p.DHCP6 != nil) && slices.ContainsFunc(b.silences, func(e event.Event) bool { return e.Service == s.Name }) {
		return "" // it has said why
	}
	return "it did not answer " + requestName(p) + " and has not said why"
}

// got tells whether a request was for a service and reached its network.
func (b *boot) got(s *plan.Service, p *event.Packet) bool {
	if !b.expectsAnswer(p) {
		return false
	}
	own := b.t.isAt(*s, event.HostOf(p.Dst))
	switch {
	case s.Server == nil && !foreign(s):
		return false
	case p.TFTP != nil && s.Server != nil:
		return own && s.Server.TFTP != nil
	case p.HTTP != nil && s.Server != nil:
		return own && s.Server.HTTP != nil
	case s.Server != nil:
		return b.addressed(s, p)
	case p.DHCP != nil:
		named := p.DHCP.ServerID
		return (own || event.HostOf(p.Dst) == everybody && b.hears(s)) && b.leases(s) && p.DHCP.DstPort == portDHCP &&
			(!event.IsSet(named) || b.t.isAt(*s, named))
	}
	return own && (p.TFTP != nil && b.t.opened(s, "udp", portTFTP) || p.HTTP != nil && b.t.opened(s, "tcp", event.PortOf(p.Dst)))
}

// expectsAnswer tells whether a message is one that servers answer before the machine goes on.
func (b *boot) expectsAnswer(p *event.Packet) bool {
	const none = "RELEASE DECLINE"
	switch {
	case p.DHCP != nil:
		return !strings.Contains(none, p.DHCP.Type)
	case p.DHCP6 != nil:
		return !strings.Contains(none, p.DHCP6.Type)
	}
	return p.TFTP != nil || p.HTTP != nil
}

// leases tells whether a server that is not ours is known to be a DHCP server: it has port 67 open, or it is one by its name.
func (b *boot) leases(s *plan.Service) bool {
	if b.t.opened(s, "udp", portDHCP) || s.Exec == nil {
		return b.t.opened(s, "udp", portDHCP)
	}
	return s.Exec.Ready.UDP == 0 && s.Exec.Ready.TCP == 0 && slices.Contains([]string{"dhcpd", "kea-dhcp4", "dnsmasq"}, b.program(s.Name))
}

// portTFTP is where TFTP servers take requests (RFC 1350 section 4).
const portTFTP = 69

// requestName names a request.
func requestName(p *event.Packet) string {
	switch {
	case p.DHCP != nil:
		return "DHCP" + p.DHCP.Type
	case p.DHCP6 != nil:
		return p.DHCP6.Type
	case p.HTTP != nil:
		return p.HTTP.Method + " " + p.HTTP.Target
	}
	return p.TFTP.Op + " " + p.TFTP.File
}

// fileAsked is the file that a request is for, without leading slashes; empty if it is for none.
func fileAsked(p *event.Packet) string {
	switch {
	case p.TFTP != nil:
		return strings.TrimLeft(p.TFTP.File, "/")
	case p.HTTP != nil:
		return strings.TrimLeft(p.HTTP.Target, "/")
	}
	return ""
}
