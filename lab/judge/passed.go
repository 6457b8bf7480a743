package judge

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// forwarded is what ISC's relay agent writes when it passes a machine's request on: the machine's hardware address and the server's
// address. It writes that whether or not anybody has the address.
var forwarded = regexp.MustCompile(`^Forwarded BOOTREQUEST for ([0-9a-f:]{17}) to ([0-9.]+)$`)

// PassedOn tells of a line of a relay agent's log to which address it passed the request of a machine on, by the machine's hardware
// address; ok is false for other lines.
func PassedOn(line string) (mac, to string, ok bool) {
	m := forwarded.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// whoHas begins the question of which host has an address (RFC 826), and is how the decoder words it.
const whoHas = "ARP who has "

// passing is where a relay agent sent the requests of a guest.
type passing struct {
	relay *plan.Service
	to    string
	lines []event.Event // of its log, that say so
}

// passings lists where relay agents that are not ours say to have sent what this guest asked, each relay and address once.
func (b *boot) passings() []passing {
	var out []passing
	for _, e := range b.t.passed {
		mac, to, _ := PassedOn(e.Text)
		i := slices.IndexFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Name == e.Service })
		if i < 0 || e.Seq < b.events[0].Seq || !sameMAC(mac, b.guest.MAC) {
			continue
		}
		s := &b.t.plan.Services[i]
		n := slices.IndexFunc(out, func(p passing) bool { return p.relay == s && p.to == to })
		if n < 0 {
			n, out = len(out), append(out, passing{relay: s, to: to})
		}
		out[n].lines = append(out[n].lines, e)
	}
	return out
}

// sought is the relay agent's last question for the address, and the answer to it, as far as its cards were watched; nil where none
// was seen.
func (p *passing) sought(t *Tracker) (asked, answer *event.Event) {
	for i, e := range t.sought {
		switch {
		case e.Watched != p.relay.Name:
		case e.Packet.FromGuest && e.Packet.Info == whoHas+p.to:
			asked = &t.sought[i]
		case !e.Packet.FromGuest && strings.HasPrefix(e.Packet.Info, "ARP "+p.to+" is at "):
			answer = &t.sought[i]
		}
	}
	return asked, answer
}

// passedAstray: a relay agent heard the machine and passed it on to an address that is no DHCP server's.
func (b *boot) passedAstray(d *diagnosis) (see string) {
	all := b.passings()
	if len(all) == 0 || slices.ContainsFunc(all, func(p passing) bool { return b.mayServe(p.to) }) {
		return "" // it was passed on to the right one, too
	}
	p := &all[0]
	relay := fmt.Sprintf("%q", p.relay.Name)
	if on, ok := p.relay.On(b.guest.Network); ok {
		relay += fmt.Sprintf(" (%s)", on.Address.Addr())
	}
	d.what = fmt.Sprintf("no server%s answered; relay agent %s heard it and passed it on to %s, and ", b.onNetwork(), relay, p.to)
	d.evidence = append(ends(p.lines), d.evidence...)
	asked, answer := p.sought(b.t)
	switch at := b.serviceAt(p.to); {
	case at != "":
		d.what += fmt.Sprintf("%q, which has that address, is no DHCP server", at)
	case answer != nil:
		d.what += "the host that has that address is no DHCP server of this lab"
		d.evidence = append(d.evidence, *answer)
	case asked != nil:
		d.what += "nobody has that address: its ARP questions stayed unanswered"
		d.evidence = append(d.evidence, *asked)
	default:
		d.what += "no service of this lab has that address"
	}
	d.do = b.passTo(p)
	return "RFC 1542 section 4.1.1: where a relay agent sends requests"
}

// passTo says which address a relay agent should pass requests on to, and where that stands.
func (b *boot) passTo(p *passing) string {
	where := fmt.Sprintf("in the settings of %q", p.relay.Name)
	if p.relay.Exec != nil && slices.Contains(p.relay.Exec.Argv, p.to) {
		where = fmt.Sprintf("in the command line of %q", p.relay.Name)
	}
	right := "the DHCP server's address"
	if s := b.onlyServer(); s != nil {
		right += fmt.Sprintf(", %s (%q),", s.Address.Addr(), s.Name)
	}
	return fmt.Sprintf("%s give %s in place of %s", where, right, p.to)
}

// mayServe tells whether an address is that of a DHCP server, or of one of which the plan does not tell.
func (b *boot) mayServe(address string) bool {
	return slices.ContainsFunc(b.t.plan.Services, func(s plan.Service) bool {
		return b.t.isAt(s, address) && (playsAny(s, []string{"dhcp", "bootp"}) || b.t.mayPlay(&s))
	})
}

// serviceAt names the service that has an address; empty if none has.
func (b *boot) serviceAt(address string) string {
	for _, s := range b.t.plan.Services {
		if b.t.isAt(s, address) {
			return s.Name
		}
	}
	return ""
}

// onlyServer is the one DHCP server of ours that has addresses for the guest's network, or the one that is not ours where there
// is none of ours; nil if there are several, or none.
func (b *boot) onlyServer() *plan.Service {
	var ours, others []*plan.Service
	for i := range b.t.plan.Services {
		s := &b.t.plan.Services[i]
		switch {
		case s.Server != nil && s.Server.DHCP != nil:
			if slices.ContainsFunc(pools(*s), func(p pool) bool { return p.subnet == b.subnet() }) {
				ours = append(ours, s)
			}
		case !b.isRelay(s) && s.Address.IsValid() && b.leases(s):
			others = append(others, s)
		}
	}
	switch {
	case len(ours) == 1:
		return ours[0]
	case len(ours) == 0 && len(others) == 1:
		return others[0]
	}
	return nil
}

// isRelay tells whether a service that is not ours is a relay agent: by its program's name, or because its log says that it passed
// requests on.
func (b *boot) isRelay(s *plan.Service) bool {
	return b.program(s.Name) == "dhcrelay" || slices.ContainsFunc(b.t.passed, func(e event.Event) bool { return e.Service == s.Name })
}

// notPassedTo says of a DHCP server on another network that the guest's request did not come to it, if a relay agent's log says
// that it went elsewhere; empty if it does not.
func (b *boot) notPassedTo(s *plan.Service, request *event.Packet) string {
	_, here := s.On(b.guest.Network)
	all := b.passings()
	if here || len(all) == 0 || !playsAny(*s, []string{"dhcp", "bootp"}) || event.HostOf(request.Dst) != everybody ||
		slices.ContainsFunc(all, func(p passing) bool { return b.t.isAt(*s, p.to) }) {
		return ""
	}
	return fmt.Sprintf("%s did not reach it: %q passed it on to %s", requestName(request), all[0].relay.Name, all[0].to)
}
