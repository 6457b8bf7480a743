package judge

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// checkMessages: there are DHCP messages as picked, as many as said, and each says what is listed.
func (b *boot) checkMessages(m *topology.Messages) finding {
	found := b.picked(m)
	name := b.messageName(m)
	switch {
	case m.Count != nil && len(found) != *m.Count:
		return fail(fmt.Sprintf("%s there are %d of the boot of %s, not %d", name, len(found), b.guest.Name, *m.Count), found...)
	case m.Count == nil && len(found) == 0:
		return fail(fmt.Sprintf("%s there is none in the boot of %s%s", name, b.guest.Name, b.similar(m)))
	case len(found) == 0:
		return pass(fmt.Sprintf("%s there is none", name))
	}
	for _, e := range found {
		if wrong := saysOtherwise(m, e.Packet.DHCP); wrong != "" {
			return fail(fmt.Sprintf("%s frame %d %s", name, e.Packet.Frame, wrong), e)
		}
	}
	return pass(fmt.Sprintf("%s there %s", name, areIs(len(found))), ends(found)...)
}

func areIs(n int) string {
	if n == 1 {
		return "is 1"
	}
	return fmt.Sprintf("are %d", n)
}

// messageName words which messages a claim is about.
func (b *boot) messageName(m *topology.Messages) string {
	w := []string{"of", m.Type, "messages"}
	if m.From != "" {
		w = append(w, "from "+strconv.Quote(m.From))
	}
	if m.To != "" {
		w = append(w, "to "+m.To)
	}
	if m.Port != 0 {
		w = append(w, fmt.Sprintf("on port %d", m.Port))
	}
	if m.ClientPort != 0 {
		w = append(w, fmt.Sprintf("with client port %d", m.ClientPort))
	}
	if m.Item != nil {
		w = append(w, fmt.Sprintf("for boot server type %#04x layer %d", m.Item.Type, m.Item.Layer))
	}
	return strings.Join(w, " ")
}

// picked gives the messages a claim is about.
func (b *boot) picked(m *topology.Messages) []event.Event {
	var out []event.Event
	for _, fromGuest := range []bool{true, false} {
		for _, e := range b.dhcp(fromGuest, func(d *event.DHCP) bool { return d.Type == m.Type }) {
			if b.picks(m, e) {
				out = append(out, e)
			}
		}
	}
	return out
}

func (b *boot) picks(m *topology.Messages, e event.Event) bool {
	d := e.Packet.DHCP
	server, client := d.SrcPort, d.DstPort
	if e.Packet.FromGuest {
		server, client = client, server
	}
	return (m.From == "" || !e.Packet.FromGuest && e.Service == m.From) &&
		(m.To == "" || e.Packet.FromGuest && event.HostOf(e.Packet.Dst) == b.destination(m.To)) &&
		(m.Port == 0 || server == m.Port) && (m.ClientPort == 0 || client == m.ClientPort) &&
		(m.Item == nil || d.BootItem == fmt.Sprintf("%04x%04x", m.Item.Type, m.Item.Layer))
}

// destination is the address that a claim means.
func (b *boot) destination(to string) string {
	if to == "broadcast" {
		return everybody
	}
	for _, s := range b.t.plan.Services {
		if s.Name == to {
			return s.Address.Addr().String()
		}
	}
	if a, err := netip.ParseAddr(to); err == nil {
		return a.String()
	}
	return to
}

// similar lists where messages of the same type went, for want of those that were looked for.
func (b *boot) similar(m *topology.Messages) string {
	var seen []string
	for _, fromGuest := range []bool{true, false} {
		for _, e := range b.dhcp(fromGuest, func(d *event.DHCP) bool { return d.Type == m.Type }) {
			what := "to " + e.Packet.Dst
			if !fromGuest {
				what = fmt.Sprintf("from %s port %d", b.sender(e), e.Packet.DHCP.SrcPort)
			}
			if item := e.Packet.DHCP.BootItem; item != "" {
				what += " for boot item " + item
			}
			seen = append(seen, what)
		}
	}
	if seen = slices.Compact(seen); len(seen) == 0 {
		return ", nor any other " + m.Type
	}
	return "; those that there are: " + strings.Join(seen[:min(len(seen), 4)], ", ")
}

// saysOtherwise tells how a message differs from what is said of it; empty if it does not.
func saysOtherwise(m *topology.Messages, d *event.DHCP) string {
	has := func(code int) bool { return slices.Contains(d.Options, strconv.Itoa(code)) }
	for _, code := range m.Has {
		if !has(code) {
			return fmt.Sprintf("lacks option %d (it has %s)", code, strings.Join(d.Options, ", "))
		}
	}
	for _, code := range m.Lacks {
		if has(code) {
			return fmt.Sprintf("carries option %d", code)
		}
	}
	for _, f := range []struct{ what, want, got string }{
		{"option 60", m.Class, d.ClassID}, {"boot file", m.File, d.File}, {"giaddr", m.Relay, d.GIAddr},
	} {
		if f.want != "" && f.want != f.got {
			return fmt.Sprintf("has %s %q, not %q", f.what, f.got, f.want)
		}
	}
	if m.Vendor != "" {
		if re, err := regexp.Compile(m.Vendor); err != nil || !re.MatchString(d.Vendor) {
			return fmt.Sprintf("has option 43 %q, which %q does not match", d.Vendor, m.Vendor)
		}
	}
	return ""
}

// checkSilent: a service of ours heard the guest and decided not to answer, for that reason.
func (b *boot) checkSilent(c *topology.Silent) finding {
	re, err := regexp.Compile(c.Reason)
	if err != nil {
		return fail(fmt.Sprintf("%q is no regular expression: %v", c.Reason, err))
	}
	var other []event.Event
	for _, e := range b.silences {
		switch {
		case e.Service != c.From:
		case re.MatchString(e.Decision.Reason):
			return pass(fmt.Sprintf("%q heard %s and stayed silent: %s", c.From, e.Decision.Request, e.Decision.Reason), e)
		default:
			other = append(other, e)
		}
	}
	if len(other) > 0 {
		return fail(fmt.Sprintf("%q stayed silent towards %s for another reason: %s", c.From, b.guest.Name, other[0].Decision.Reason), other...)
	}
	return fail(fmt.Sprintf("%q did not stay silent towards %s", c.From, b.guest.Name))
}
