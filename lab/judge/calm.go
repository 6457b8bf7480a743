package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// Limits of a calm boot, in host time. Under warp the guest's clock runs some 20 to 80 times faster than the
// host's, so 25 ms are up to 2 s to the guest: more, and it sees a slow server that nobody has.
const (
	answerLimit = 25 * time.Millisecond // from a request to its answer, on the guest's cable
	lateLimit   = 50 * time.Millisecond // of the host, to run a timer of the lab
	quiet       = time.Second           // without a sign of life, after which nothing on the host can matter to the guest
)

// Calm tells whether the latest boot of a guest may be believed although it failed, and if not, why.
//
// A boot in real time may. One under a warped clock may not when its own haste can have been the cause:
//   - an answer (DHCP, DHCPv6, TFTP, HTTP, ARP, UDP, over IPv6 also a router's) crossed the cable more than 25 ms after its request;
//   - a request was repeated before its first answer, and the answer did come; or a file was asked for again after it, or in a
//     boot that went well a DHCPREQUEST was sent again after it;
//   - the host kept the lab waiting for a core for more than 50 ms, after the guest's first frame and before it had
//     shown no sign of life for a second (20 s and more to the guest): at other times it waited for nobody;
//   - a request went to a service of ours that runs and plays that role, and the service had decided nothing, or
//     had decided to answer, and no answer came before the boot ended, nor had the lab taken a frame of it;
//   - a request went where a server that is not ours listens, which answered nothing: it does not say whether it
//     was about to (dhcpd first looks for a second whether an address is free);
//   - a service is expected to stay silent and had not said so;
//   - it gave up on a file of which a fault had taken a block, but would not have taken it each time: the server had no time to
//     send that again;
//   - it gave up before it had asked anything, or for no reason that was seen: its question was under way in QEMU;
//   - a libvirt daemon runs its machine: its cable leads through a connection.
//
// A request that nobody should answer, such as a DISCOVER on a network without a server, leaves a boot calm. So
// does iPXE, which sends a second DISCOVER even after an offer.
func Calm(p *plan.Plan, events []event.Event, guest string) (calm bool, why string) {
	t := NewTracker(p)
	for _, e := range events {
		t.Feed(e)
	}
	boots := t.boots[guest]
	if len(boots) == 0 || !boots[len(boots)-1].warp {
		return true, ""
	}
	b := boots[len(boots)-1]
	for _, find := range []func() string{b.foreign, func() string { return b.hostLate(events) }, b.haste, func() string { return b.unheard(events) }, b.unsaid, b.undecidedYet, b.unasked, b.unrepeated} {
		if why := find(); why != "" {
			return false, why
		}
	}
	return true, ""
}

// foreign tells of a boot whose machine another daemon runs. Its cable is a connection to that daemon's QEMU, and for how long a frame is
// under way on it, either way, nobody sees: long enough, on a busy host, for a warped client to give up.
func (b *boot) foreign() string {
	if power := b.events[0].Power; power != nil && power.Daemon != "" {
		return "how long its frames were under way to and from " + power.Daemon + " is not known"
	}
	return ""
}

// unasked tells of a boot whose client gave up for no reason that anybody saw, or showed nothing of itself on the wire, so that what it
// had asked was never seen. QEMU sends frames in a thread of its own, which a busy host may keep waiting while the guest's clock runs on.
func (b *boot) unasked() string {
	asked := slices.ContainsFunc(b.events, func(e event.Event) bool {
		return e.Packet != nil && e.Packet.FromGuest && (e.Packet.DHCP != nil || e.Packet.DHCP6 != nil)
	})
	switch {
	case !b.settled:
		return ""
	case b.outcome.Reason == GaveUp:
		return "it gave up, and no question of its that nobody answered had left QEMU"
	case b.outcome.Reason == NoLink && !asked:
		return "it gave up before any question of its had left QEMU"
	}
	return ""
}

// hostLate looks for lateness of the host while the guest can have waited for the lab.
func (b *boot) hostLate(events []event.Event) string {
	link, ok := b.reached[event.StageLink]
	if !ok {
		return ""
	}
	alive := link.At
	for _, e := range b.events {
		if e.Packet != nil || e.Kind == event.Console || e.Kind == event.ConsolePartial {
			alive = e.At
		}
	}
	to := b.events[len(b.events)-1].Seq
	for _, e := range events {
		if e.Kind == event.HostLate && e.Late != nil && e.Late.By > lateLimit && e.Seq > link.Seq && e.Seq <= to &&
			b.between(alive, e.At-e.Late.By) <= quiet {
			return fmt.Sprintf("the host kept the lab waiting for %s (event %d)", e.Late.By.Round(time.Millisecond), e.Seq)
		}
	}
	return ""
}

// asking is one exchange as it stands: a request and its answers.
type asking struct {
	request  event.Event // the latest
	count    int         // how often it was sent before the first answer
	answered map[string]bool
}

// haste looks for answers that came late, or after the guest had lost patience.
func (b *boot) haste() string {
	open, acks := map[string]*asking{}, acknowledgements{}
	for _, e := range b.events {
		p := e.Packet
		if p == nil {
			continue
		}
		if why := acks.take(e); why != "" {
			return why
		}
		if !p.FromGuest {
			for _, key := range answers(p) {
				if why := open[key].answer(b, e); why != "" {
					return why
				}
			}
			continue
		}
		key := request(p)
		if key == "" || key == routerAsked && !b.guest.Over(plan.IPv6) { // over IPv4 no boot hangs on a router's answer
			continue
		}
		a := open[key]
		if why := a.unheard(e, b.outcome.Reason == ""); why != "" {
			return why
		}
		if a == nil || p.TFTP != nil && p.TFTP.Repeat == 0 || p.HTTP != nil && p.HTTP.Repeat == 0 {
			a = &asking{answered: map[string]bool{}}
			open[key] = a
		}
		a.request = e
		if len(a.answered) == 0 {
			a.count++
		}
	}
	return ""
}

// unheard says that something was asked for again although the answer was there: a QEMU that gets no core in time delivers it
// late, and EDK2 over IPv6 takes a new port for each request of a file. A DHCPREQUEST may be sent again for an answer that the
// client does not accept, but then the boot does not go well.
func (a *asking) unheard(e event.Event, well bool) string {
	t, d := e.Packet.TFTP, e.Packet.DHCP
	again := t != nil && t.Op == "RRQ" && t.Repeat > 0 || well && d != nil && d.Type == "REQUEST" && d.Repeat > 0
	if a == nil || !again || len(a.answered) == 0 {
		return ""
	}
	return fmt.Sprintf("it sent %s again although it had been answered (event %d)", a.request.Packet.Info, e.Seq)
}

// answer notes an answer and says what is not calm about it. Of each sender only the first counts.
func (a *asking) answer(b *boot, e event.Event) string {
	from := e.Service + "/" + e.Packet.SrcMAC
	if a == nil || a.answered[from] {
		return ""
	}
	first := len(a.answered) == 0
	a.answered[from] = true
	if first && a.count > 1 {
		return fmt.Sprintf("it sent %s %d times before the first answer (event %d)", a.request.Packet.Info, a.count, e.Seq)
	}
	if late := b.between(a.request.At, e.At); late > answerLimit {
		return fmt.Sprintf("the answer to %s came %s later (event %d)", a.request.Packet.Info, late.Round(time.Millisecond), e.Seq)
	}
	return ""
}

// routerAsked names the exchange of a router solicitation.
const routerAsked = "rs"

// request names the exchange a packet of the guest opens; empty if it asks for nothing.
func request(p *event.Packet) string {
	switch {
	case p.DHCP != nil:
		return "dhcp " + p.DHCP.Type + " " + p.DHCP.XID
	case p.DHCP6 != nil:
		return "dhcp6 " + p.DHCP6.Type + " " + p.DHCP6.XID
	case p.TFTP != nil && p.TFTP.Op == "RRQ":
		return "tftp " + strings.TrimLeft(p.TFTP.File, "/")
	case p.HTTP != nil && p.HTTP.Op == "request":
		return "http " + p.Src + " " + p.HTTP.Method + " " + p.HTTP.Target
	case p.Proto == "arp":
		return "arp " + p.Dst
	case p.Proto == "udp":
		return "udp " + p.Src + " " + p.Dst
	case p.Proto == "icmp6" && p.Info == "RS":
		return routerAsked
	}
	return ""
}

// answers names the exchanges a packet to the guest may answer.
func answers(p *event.Packet) []string {
	switch {
	case p.DHCP != nil:
		var keys []string
		for _, t := range answeredBy[p.DHCP.Type] {
			keys = append(keys, "dhcp "+t+" "+p.DHCP.XID)
		}
		return keys
	case p.DHCP6 != nil:
		var keys []string
		for _, t := range answeredBy6[p.DHCP6.Type] {
			keys = append(keys, "dhcp6 "+t+" "+p.DHCP6.XID)
		}
		return keys
	case p.TFTP != nil && (p.TFTP.Op != "DATA" || p.TFTP.Block <= 1):
		return []string{"tftp " + strings.TrimLeft(p.TFTP.File, "/")}
	case p.HTTP != nil:
		return []string{"http " + p.Dst + " " + p.HTTP.Method + " " + p.HTTP.Target}
	case p.Proto == "arp":
		return []string{"arp " + p.Src}
	case p.Proto == "udp":
		return []string{"udp " + p.Dst + " " + p.Src}
	case p.Proto == "icmp6" && strings.HasPrefix(p.Info, "RA"):
		return []string{routerAsked}
	}
	return nil
}

var answeredBy = map[string][]string{
	"OFFER": {"DISCOVER"}, "ACK": {"REQUEST", "INFORM"}, "NAK": {"REQUEST"},
	"BOOTREPLY": {"BOOTREQUEST", "DISCOVER", "REQUEST"},
}

// answeredBy6 says which DHCPv6 messages are answered by which (RFC 8415 section 18.3).
var answeredBy6 = map[string][]string{
	"ADVERTISE": {"SOLICIT"},
	"REPLY":     {"SOLICIT", "REQUEST", "RENEW", "REBIND", "CONFIRM", "RELEASE", "DECLINE", "INFORMATION-REQUEST"},
}

// unheard looks for a request that nothing answered although a service of ours should have.
func (b *boot) unheard(events []event.Event) string {
	for _, q := range b.queries() {
		if q.answered || b.lost(q.request) {
			continue
		}
		p, seq := q.request.Packet, q.request.Seq
		for i := range b.t.plan.Services {
			s := &b.t.plan.Services[i]
			if b.addressed(s, p) && running(s.Name, seq, events) && !b.keptSilent(s.Name, p, events) {
				return fmt.Sprintf("service %q had not answered %s when the boot ended (event %d)", s.Name, p.Info, seq)
			}
		}
	}
	return ""
}

// undecidedYet looks for a service that is expected to have decided to stay silent and has not said so yet.
func (b *boot) undecidedYet() string {
	for _, x := range b.guest.Expect {
		if x.Silent != nil && !b.checkSilent(x.Silent).pass {
			return fmt.Sprintf("service %q had not said by then why it stays silent", x.Silent.From)
		}
	}
	return ""
}

// addressed tells whether a request went to this service of ours, in a role it plays.
func (b *boot) addressed(s *plan.Service, p *event.Packet) bool {
	if s.Server == nil {
		return false
	}
	own := b.t.isAt(*s, event.HostOf(p.Dst))
	if p.TFTP != nil {
		return own && s.Server.TFTP != nil && !s.Server.TFTP.Silent
	}
	if p.HTTP != nil {
		return own && s.Server.HTTP != nil && !s.Server.HTTP.Silent
	}
	if p.DHCP6 != nil { // never by unicast; which server a REQUEST names only the servers know, and say (keptSilent)
		return s.Server.DHCP6 != nil && s.Network == b.guest.Network
	}
	if p.DHCP.ServerID != "" && p.DHCP.ServerID != "0.0.0.0" && !b.t.isAt(*s, p.DHCP.ServerID) {
		return false // iPXE asks a BOOTP server for 0.0.0.0
	}
	group := s.Server.BootServer != nil && event.HostOf(p.Dst) == s.Server.BootServer.Multicast.String()
	reached := own || group || event.HostOf(p.Dst) == everybody && b.hears(s)
	return reached && s.Server.Relay == nil && slices.Contains(s.Ports(), p.DHCP.DstPort)
}

// running tells whether a service was listening at that point of the log.
func running(service string, seq int, events []event.Event) bool {
	ready := false
	for _, e := range events {
		if e.Seq < seq && e.Service == service && (e.Kind == event.ServiceReady || e.Kind == event.ServiceExited) {
			ready = e.Kind == event.ServiceReady
		}
	}
	return ready
}

// keptSilent tells whether a service decided not to answer a request.
func (b *boot) keptSilent(service string, p *event.Packet, events []event.Event) bool {
	silent := false
	for _, e := range events {
		d := e.Decision
		if e.Kind != event.ServerDecided || d == nil || e.Service != service || e.Seq < b.events[0].Seq {
			continue
		}
		about := d.XID != "" && p.DHCP != nil && strings.EqualFold(d.XID, p.DHCP.XID) && strings.Contains(d.Request, p.DHCP.Type)
		if p.TFTP != nil {
			about = d.Role == "tftp" && strings.Contains(d.Request, strings.TrimLeft(p.TFTP.File, "/"))
		}
		if p.HTTP != nil {
			about = d.Role == "http" && d.Request == p.HTTP.Method+" "+p.HTTP.Target
		}
		if p.DHCP6 != nil {
			about = d.Role == "dhcp6" && strings.EqualFold(d.XID, p.DHCP6.XID) && d.Request == p.DHCP6.Type
		}
		if about && d.Reply != "" && p.TFTP == nil && p.HTTP == nil {
			return false // one of its roles answered, and that has not come
		}
		silent = silent || about && d.Reply == ""
	}
	return silent
}
