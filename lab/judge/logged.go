package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// turnedAway are the words with which a program that is not ours says in its log, naming the machine, that it has no address for
// it; on the wire it stays silent.
var turnedAway = []struct{ program, says, do string }{
	{"dnsmasq", "no address available", "widen dhcp-range, shorten its leases, or take reservations (dhcp-host) out of it"},
	{"dnsmasq", "no address range available", "add a dhcp-range for the network that the request came from"},
	{"dhcpd", "no free leases", "widen range in that subnet, or shorten max-lease-time"},
	{"kea-dhcp4", "ALLOC_ENGINE_V4_ALLOC_FAIL", "widen the pools of that subnet4, or shorten valid-lifetime"},
}

// logged notes for a guest what a program wrote of it.
func (t *Tracker) logged(e event.Event) {
	line := strings.ToLower(e.Text)
	for i := range t.plan.Guests {
		g := &t.plan.Guests[i]
		boots := t.boots[g.Name]
		if len(boots) > 0 && g.MAC != "" && strings.Contains(line, strings.ToLower(g.MAC)) {
			b := boots[len(boots)-1]
			b.heardOf(e)
		}
	}
}

// heardOf keeps the first such line. A program that was kept waiting for a processor may write it only after the boot has settled:
// then it is said why nobody answered, which is settled.
func (b *boot) heardOf(e event.Event) {
	if b.hasNone(e) < 0 || len(b.logged) > 0 {
		return
	}
	b.logged = append(b.logged, e)
	if b.settled && b.outcome.Reason == NoOffer {
		b.outcome = b.conclude()
	}
}

// hasNone finds the row of turnedAway that a line is; negative if it is none.
func (b *boot) hasNone(e event.Event) int {
	program := b.program(e.Service)
	return slices.IndexFunc(turnedAway, func(w struct{ program, says, do string }) bool {
		return w.program == program && strings.Contains(e.Text, w.says)
	})
}

// outOfAddresses: a server heard the machine and wrote that it has no address for it.
func (b *boot) outOfAddresses(d *diagnosis) (see string) {
	if len(b.logged) == 0 {
		return ""
	}
	e, sent := b.logged[0], b.dhcp(true, b.isDiscover)
	if len(sent) == 0 {
		return ""
	}
	w := turnedAway[b.hasNone(e)]
	d.what = fmt.Sprintf("%q heard its DHCPDISCOVERs and stayed silent, as it has no address for it (its log says %q)", e.Service, w.says)
	d.do, d.evidence = w.do, append(ends(sent), e)
	return "RFC 2131 section 4.3.1: a server without a free address may stay silent"
}
