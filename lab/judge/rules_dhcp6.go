package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// The rules about finding a server, an address and a boot file, over IPv6. Each is asked by the rule of the same
// reason, before that looks at IPv4: a firmware that does both tries IPv6 last.

// notManaged: iPXE asks DHCPv6 only when a router's advertisement says so (M flag); EDK2's PXE client always asks. That is
// the reason where the lab meant the guest to boot over IPv6: its network has no IPv4, or a DHCPv6 server.
func (b *boot) notManaged() *diagnosis {
	serves := func(s plan.Service) bool {
		return s.Network == b.guest.Network && s.Server != nil && s.Server.DHCP6 != nil
	}
	meant := b.guest.Over(plan.IPv6) && (!b.guest.Over(plan.IPv4) || slices.ContainsFunc(b.t.plan.Services, serves))
	if !meant || b.stage < event.StageLink || b.stage > event.StageDiscover || len(b.dhcp6(true, isAny6)) > 0 {
		return nil
	}
	var heard []event.Event
	for _, e := range b.events {
		if p := e.Packet; p != nil && p.Proto == "icmp6" && !p.FromGuest && strings.HasPrefix(p.Info, "RA") {
			heard = append(heard, e)
			if strings.HasPrefix(p.Info, "RA managed") {
				return nil
			}
		}
	}
	what := "it sent no SOLICIT, because the router it heard did not send it to DHCPv6 for an address (no M flag)"
	if len(heard) == 0 {
		what = "it sent no SOLICIT, because it heard no router send it to DHCPv6 for an address (M flag)"
	}
	return &diagnosis{what, fmt.Sprintf("have the router of network %q say so (ra: managed)", b.guest.Network), ends(heard)}
}

func (b *boot) noOffer6() *diagnosis {
	sent := b.dhcp6(true, isSolicit)
	if b.stage != event.StageDiscover || len(sent) == 0 {
		return nil
	}
	took := b.between(sent[0].At, b.events[len(b.events)-1].At)
	d := &diagnosis{fmt.Sprintf("it sent %s in %s and no DHCPv6 server%s answered", times(len(sent), "SOLICIT"), b.seconds(took), b.onNetwork()),
		"start a DHCPv6 server there, or check that the machine is on the right network", ends(sent)}
	b.blame(d, sent, "dhcp6")
	return d
}

func (b *boot) offerRefused6() *diagnosis {
	offers := b.dhcp6(false, isAdvertise)
	if len(offers) == 0 || b.stage != event.StageOffer || len(b.dhcp6(true, isRequest6)) > 0 {
		return nil
	}
	o := offers[0].Packet.DHCP6
	with := ""
	if o.BootURL != "" {
		with = fmt.Sprintf(" with boot file %q", o.BootURL)
	}
	for _, ia := range o.IAs {
		if ia.Status != "" {
			with += fmt.Sprintf(" (%s)", ia.Status)
		}
	}
	return &diagnosis{fmt.Sprintf("%s advertised %s%s, and it did not accept", b.sender(offers[0]), event.AddressOr(address6(o), "no address"), with),
		"check the advertisement: an address, and a URL in option 59 with a literal address", ends(offers)}
}

func (b *boot) noAck6() *diagnosis {
	asked := b.dhcp6(true, isRequest6)
	if len(asked) == 0 || b.stage > event.StageAddress || len(b.dhcp6(false, gives6)) > 0 {
		return nil
	}
	want := event.AddressOr(address6(asked[0].Packet.DHCP6), "an address")
	d := &diagnosis{fmt.Sprintf("it asked for %s with %s and got no REPLY with it", want, times(len(asked), "REQUEST")),
		"check that the server it named (option 2) still runs and holds the offer", ends(asked)}
	b.blame(d, asked, "dhcp6")
	return d
}

// noBootfile6: EDK2 does not even ask for an address without a boot file.
func (b *boot) noBootfile6() *diagnosis {
	if b.stage < event.StageOffer || b.stage > event.StageBootServer {
		return nil
	}
	answers := b.dhcp6(false, func(d *event.DHCP6) bool { return isAdvertise(d) || d.Type == "REPLY" })
	if len(answers) == 0 {
		return nil
	}
	for _, e := range answers {
		if e.Packet.DHCP6.BootURL != "" {
			return nil
		}
	}
	first := answers[0]
	what := fmt.Sprintf("%s advertised %s and no boot file, so it did not take it", b.sender(first), event.AddressOr(address6(first.Packet.DHCP6), "no address"))
	if b.address != "" {
		what = fmt.Sprintf("it got %s from %s, and no server named a boot file", b.address, b.sender(answers[len(answers)-1]))
	}
	return &diagnosis{what, "name a boot file for " + b.guest.Arch + " in the DHCPv6 server (option 59)", ends(answers)}
}
