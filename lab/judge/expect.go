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

// finding is what looking for one expectation brought up.
type finding struct {
	pass     bool
	text     string
	evidence []event.Event
}

func pass(text string, evidence ...event.Event) finding { return finding{true, text, evidence} }
func fail(text string, evidence ...event.Event) finding { return finding{false, text, ends(evidence)} }

// cursor is where the serial expectations of one list have come to: each must match after the one before it.
type cursor struct{ line, column int }

// check looks whether one expectation holds.
func (b *boot) check(x topology.Expectation, serial *cursor) finding {
	switch {
	case x.Booted != nil:
		return b.booted(x.Booted)
	case x.Address != nil:
		return b.checkAddressFrom(x.Address.From, x.Address.Via)
	case x.Offer != nil:
		return b.checkOffer(x.Offer)
	case x.DHCP != nil:
		return b.checkMessages(x.DHCP)
	case x.Silent != nil:
		return b.checkSilent(x.Silent)
	case x.Note != "":
		return b.checkNote(x.Note)
	case x.Served != nil:
		return b.checkServed(x.Served)
	case x.Stage != nil:
		return b.checkReaches(x.Stage)
	case x.Stops != nil:
		return b.checkStops(x.Stops)
	case x.Serial != "":
		return b.checkSerial(x.Serial, serial)
	case x.Never != nil:
		return b.checkNever(x.Never)
	case x.Ends != "":
		return b.checkEnds(x.Ends)
	case x.OS != nil:
		return b.checkOS(x.OS)
	case len(x.Fetched) > 0:
		return b.checkFetched(x.Fetched)
	}
	return b.checkBoots()
}

// checkBoots is the implied claim.
func (b *boot) checkBoots() finding {
	want := event.StageStarted
	if b.speaks() {
		want = event.StageReported
	}
	if e, ok := b.reached[want]; ok {
		return pass(fmt.Sprintf("%s reached %s", b.guest.Name, want), e)
	}
	return fail(fmt.Sprintf("%s did not boot", b.guest.Name))
}

// checkAddressFrom: the acknowledgement came from that service, from no other, and the guest used the address.
func (b *boot) checkAddressFrom(service, via string) finding {
	if b.by6(service) {
		return b.checkAddressFrom6(service)
	}
	acks := b.dhcp(false, gives)
	if len(acks) == 0 {
		return fail(fmt.Sprintf("no DHCPACK from %q reached %s", service, b.guest.Name))
	}
	for _, e := range acks {
		if e.Service != service || via != "" && e.Via != via {
			return fail(fmt.Sprintf("%s got its address %s from %s, not from %q%s", b.guest.Name, e.Packet.DHCP.YIAddr, b.by(e), service, byWay(via)), e)
		}
	}
	return b.used(service, acks[len(acks)-1].Packet.DHCP.YIAddr, acks)
}

// used holds the address that these replies gave, the last of them last, against the range of their service, and against
// what the guest sent since the first.
func (b *boot) used(service, address string, replies []event.Event) finding {
	reply := replies[len(replies)-1]
	if why := b.outside(service, address); why != "" {
		return fail(why, reply)
	}
	for _, e := range b.events {
		if p := e.Packet; p != nil && p.FromGuest && e.Seq > replies[0].Seq && event.HostOf(p.Src) == address {
			return pass(fmt.Sprintf("%s got %s from %q and used it", b.guest.Name, address, service), reply, e)
		}
	}
	return fail(fmt.Sprintf("%s got %s from %q and never sent a packet from it", b.guest.Name, address, service), reply)
}

// outside says why an address is not one that a service may give; empty if it may, or if its range is unknown.
func (b *boot) outside(service, address string) string {
	i := slices.IndexFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Name == service })
	if i < 0 || b.t.plan.Services[i].Server == nil {
		return ""
	}
	if a, err := netip.ParseAddr(address); err == nil && a.Is6() {
		d := b.t.plan.Services[i].Server.DHCP6
		if d == nil || d.First.Compare(a) <= 0 && a.Compare(d.Last) <= 0 {
			return ""
		}
		return fmt.Sprintf("%s got %s from %q, which is neither in its range %s-%s nor reserved", b.guest.Name, address, service, d.First, d.Last)
	}
	if b.t.plan.Services[i].Server.DHCP == nil {
		return ""
	}
	for _, r := range b.t.plan.Services[i].Server.DHCP.Reservations {
		if r.Address.IsValid() && r.Address.String() == address {
			return ""
		}
	}
	return b.outsidePools(b.t.plan.Services[i], address)
}

// checkOffer: an offer of that service reached the guest, and the guest acted on it. A DHCP server's offer is
// taken by a REQUEST that names the server; a proxy's, which has no address to give, by asking that server.
func (b *boot) checkOffer(c *topology.Offer) finding {
	if b.by6(c.From) {
		return b.checkOffer6(c)
	}
	service, via, all := c.From, c.Via, b.dhcp(false, isOffer)
	offers := slices.DeleteFunc(slices.Clone(all), func(e event.Event) bool {
		return e.Service != service || via != "" && e.Via != via
	})
	if len(offers) == 0 {
		return fail(fmt.Sprintf("no offer from %q%s reached %s%s", service, byWay(via), b.guest.Name, b.offersSeen(all)), all...)
	}
	if other := offers[0]; c.File != "" {
		offers = slices.DeleteFunc(offers, func(e event.Event) bool { return e.Packet.DHCP.File != c.File })
		if len(offers) == 0 {
			return fail(fmt.Sprintf("%q offered %s boot file %q, not %q", service, b.guest.Name, other.Packet.DHCP.File, c.File), other)
		}
	}
	for _, o := range offers {
		if e, taken, unsure := b.tookUp(o); taken {
			or := map[bool]string{true: ", or that of another server that says the same"}[unsure]
			return pass(fmt.Sprintf("%s was offered %s by %q and took it%s", b.guest.Name, event.AddressOr(o.Packet.DHCP.YIAddr, "a boot"), service, or), o, e)
		}
	}
	return fail(fmt.Sprintf("%q made an offer to %s, and it did not act on it%s", service, b.guest.Name, b.offersSeen(all)), all...)
}

func (b *boot) offersSeen(all []event.Event) string {
	var names []string
	for _, e := range all {
		names = append(names, b.by(e))
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 0 {
		return " (none came from anybody)"
	}
	return " (offers came from " + strings.Join(names, ", ") + ")"
}

// checkServed: the file crossed the wire whole.
func (b *boot) checkServed(c *topology.Served) finding {
	t := b.findOver(c.File, c.Over)
	switch {
	case t == nil:
		return fail(fmt.Sprintf("%s never asked for %q%s%s", b.guest.Name, c.File, overWhat(c.Over), b.askedFor()))
	case t.whole == nil:
		return fail(fmt.Sprintf("%s asked %s for %q and did not get it whole (%d bytes came)", b.guest.Name, b.serverName(t), t.file, t.bytes), t.asked...)
	case b.spoiled(t) != "":
		return fail(b.spoiled(t), t.asked[0], *t.whole)
	case c.From != "" && t.service != c.From:
		return fail(fmt.Sprintf("%q was served by %s, not by %q", t.file, b.serverName(t), c.From), *t.whole)
	}
	f := b.checkGranted(t, c.Options)
	if !f.pass {
		return f
	}
	return pass(fmt.Sprintf("%s served %q to %s%s, %d bytes%s", b.serverName(t), t.file, b.guest.Name, t.over(), t.bytes, granted(c.Options)), slices.Concat([]event.Event{t.asked[0]}, f.evidence, []event.Event{*t.whole})...)
}

func (b *boot) askedFor() string {
	var files []string
	for _, t := range b.transfers {
		files = append(files, fmt.Sprintf("%q%s", t.file, t.over()))
	}
	if len(files) == 0 {
		return ", nor for any other file"
	}
	return ", but for " + strings.Join(files, ", ")
}

func (b *boot) checkReaches(c *topology.Reaches) finding {
	e, ok := b.reached[c.Reaches]
	if !ok {
		return fail(fmt.Sprintf("%s did not reach %s", b.guest.Name, c.Reaches))
	}
	took := b.between(b.events[0].At, e.At)
	if c.Within > 0 && took > c.Within {
		return fail(fmt.Sprintf("%s reached %s after %s, not within %s", b.guest.Name, c.Reaches, b.seconds(took), c.Within), e)
	}
	return pass(fmt.Sprintf("%s reached %s after %s", b.guest.Name, c.Reaches, b.seconds(took)), e)
}

func (b *boot) checkStops(c *topology.Stops) finding {
	o := b.outcome
	switch {
	case c.Reason != "" && !slices.Contains(Reasons(), c.Reason):
		return fail(fmt.Sprintf("no boot stops for reason %q (have %s)", c.Reason, strings.Join(Reasons(), ", ")))
	case o.Reason == "":
		return fail(fmt.Sprintf("%s did not stop at %s: it %s", b.guest.Name, c.At, strings.TrimPrefix(o.Sentence, b.guest.Name+" ")))
	case o.Stage != c.At:
		return fail(fmt.Sprintf("%s stopped at %s, not at %s", b.guest.Name, o.Stage, c.At))
	case c.Reason != "" && o.Reason != Reason(c.Reason):
		return fail(fmt.Sprintf("%s stopped for reason %s, not %s", b.guest.Name, o.Reason, c.Reason))
	}
	f := pass(o.Sentence)
	for _, v := range o.Evidence {
		i := slices.IndexFunc(b.events, func(e event.Event) bool { return e.Seq == v.Seq })
		if i >= 0 {
			f.evidence = append(f.evidence, b.events[i])
		}
	}
	return f
}

// checkSerial looks for a match after the one before it; it may be in the same line.
func (b *boot) checkSerial(pattern string, from *cursor) finding {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fail(fmt.Sprintf("%q is no regular expression: %v", pattern, err))
	}
	for i := from.line; i < len(b.lines); i++ {
		text, skip := b.lines[i].Text, 0
		if i == from.line {
			skip = min(from.column, len(text))
		}
		for _, m := range re.FindAllStringIndex(text, -1) {
			if m[0] >= skip {
				*from = cursor{i, m[1]}
				return pass("a line of the console matches", b.lines[i])
			}
		}
	}
	if *from != (cursor{}) {
		for _, e := range b.lines {
			if re.MatchString(e.Text) {
				return fail("a line of the console matches, but not after the expectation before it", e)
			}
		}
	}
	return fail("no line of the console matches")
}

func (b *boot) checkNever(c *topology.Never) finding {
	where, pattern, lines := "line of the console", c.Serial, b.lines
	if c.Packet != "" {
		where, pattern, lines = "packet", c.Packet, b.events
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fail(fmt.Sprintf("%q is no regular expression: %v", pattern, err))
	}
	for _, e := range lines {
		text := e.Text
		if c.Packet != "" {
			if e.Packet == nil {
				continue
			}
			text = e.Packet.Info
		}
		if re.MatchString(text) {
			return fail(fmt.Sprintf("a %s matches: %q", where, strings.TrimSpace(text)), e)
		}
	}
	return pass(fmt.Sprintf("no %s matches", where))
}

func (b *boot) checkEnds(how string) finding {
	off, isOff := b.reached[event.StageOff]
	switch {
	case how == "off" && isOff:
		return pass(fmt.Sprintf("%s powered itself off after %s", b.guest.Name, b.seconds(b.took())), off)
	case how == "off":
		return fail(fmt.Sprintf("%s did not power itself off", b.guest.Name))
	case how == "running" && b.exit == nil:
		return pass(fmt.Sprintf("%s was still running after %s", b.guest.Name, b.seconds(b.took())), b.events[len(b.events)-1])
	case how == "running":
		return fail(fmt.Sprintf("%s did not keep running", b.guest.Name), *b.exit)
	}
	return fail(fmt.Sprintf("a guest cannot end %q (have off, running)", how))
}
