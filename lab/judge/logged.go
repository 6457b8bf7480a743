package judge

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// excuses are what programs that are not ours write when they do not answer a client, and what is to be done then. Their first
// group, if they have one, is the client's hardware address, or the address of the relay.
var excuses = []struct {
	program string
	line    *regexp.Regexp
	do      string
}{
	{"dnsmasq", regexp.MustCompile(`no address range available for DHCP request via ([0-9.]+)$`),
		"add a dhcp-range of the network that this relay is on (for a proxy: dhcp-range=NETWORK,proxy)"},
	{"dnsmasq", regexp.MustCompile(`DHCPDISCOVER\(\S+\) (?:[0-9.]+ )?([0-9a-f:]{17}) no address available`), "widen dhcp-range, shorten its leases, or take reservations (dhcp-host) out of it"},
	{"dnsmasq", regexp.MustCompile(`DHCPDISCOVER\(\S+\) (?:[0-9.]+ )?([0-9a-f:]{17}) ignored`), "a dhcp-ignore of its configuration means this machine: give it a dhcp-host"},
	{"dhcpd", regexp.MustCompile(`DHCPDISCOVER from ([0-9a-f:]{17}) .*via [0-9.]+: unknown network segment`),
		"declare the network that this relay is on: subnet ... netmask ... { range ...; }"},
	{"dhcpd", regexp.MustCompile(`DHCPDISCOVER from ([0-9a-f:]{17}) .*no free leases`), "widen range in that subnet, or shorten max-lease-time"},
	{"kea-dhcp4", regexp.MustCompile(`DHCP4_(?:SUBNET_SELECTION_FAILED|PACKET_NAK_0001) \[hwtype=\d+ ([0-9a-f:]{17})\](?:.*: failed to select.*)?`),
		`add the network of this machine, which is that of the address by which the relay asks, to "subnet4"`},
	{"kea-dhcp4", regexp.MustCompile(`ALLOC_ENGINE_V4_ALLOC_FAIL\S* \[hwtype=\d+ ([0-9a-f:]{17})\]`), `widen the "pools" of that subnet4, or shorten valid-lifetime`},
}

// excuse is what a line of a program says of why it did not answer, and to whom: a hardware address, or a relay's.
func excuse(t *Tracker, e event.Event) (whom, says, do string) {
	for _, x := range excuses {
		if m := x.line.FindStringSubmatch(e.Text); m != nil && programOf(t.plan, e.Service) == x.program {
			return m[1], m[0], x.do
		}
	}
	return "", "", ""
}

// notice keeps what services were seen to do that no guest's cable shows.
func (t *Tracker) notice(e event.Event) {
	switch {
	case e.Kind == event.ServiceLog:
		if whom, _, _ := excuse(t, e); whom != "" {
			t.logged = append(t.logged, e)
			t.saidLate(whom)
		}
		if mac, _, ok := PassedOn(e.Text); ok {
			t.passed = append(t.passed, e)
			t.saidLate(mac)
		}
	case e.Kind == event.PacketSeen && e.Watched != "" && e.Packet.Proto == "arp":
		t.sought = append(t.sought, e)
	case e.Kind == event.PacketSeen && e.Watched != "" && e.Service == e.Watched && e.Packet.DHCP != nil:
		if d := e.Packet.DHCP; e.Packet.FromGuest && event.IsSet(d.GIAddr) && event.HostOf(e.Packet.Dst) == everybody {
			t.astray = append(t.astray, e)
		}
	}
}

// saidLate concludes a boot again for which nobody had an answer. A program that was kept waiting for a processor may write why
// only after it has settled.
func (t *Tracker) saidLate(whom string) {
	for i := range t.plan.Guests {
		if b := t.last(t.plan.Guests[i].Name); b != nil && b.settled && b.outcome.Reason == NoOffer && sameMAC(whom, b.guest.MAC) {
			b.outcome = b.conclude()
		}
	}
}

// excused adds why a server that hears the guest sent it nothing, in that server's own words, or where its answer went.
func (b *boot) excused(d *diagnosis) {
	for _, e := range slices.Backward(b.t.astray) {
		x := e.Packet.DHCP
		if e.Seq > b.events[0].Seq && e.Network != b.guest.Network && sameMAC(x.CHAddr, b.guest.MAC) {
			d.do = fmt.Sprintf("%s answered what relay %s had passed on by broadcast on its own network %q, where this machine is not: "+
				"let it send to the relay (giaddr), port 67", b.sender(e), x.GIAddr, e.Network)
			d.evidence = append(d.evidence, e)
			return
		}
	}
	for _, e := range slices.Backward(b.t.logged) {
		whom, says, do := excuse(b.t, e)
		if e.Seq > b.events[0].Seq && (sameMAC(whom, b.guest.MAC) || b.relayHas(whom)) {
			d.do = fmt.Sprintf("service %q heard it and says %q: %s", e.Service, says, do)
			d.evidence = append(d.evidence, e)
			return
		}
	}
}

// relayHas tells whether an address is that of a host on the guest's network which is on others, too.
func (b *boot) relayHas(address string) bool {
	return slices.ContainsFunc(b.t.plan.Services, func(s plan.Service) bool {
		on, ok := s.On(b.guest.Network)
		return ok && len(s.Links) > 1 && on.Address.Addr().String() == address
	})
}
