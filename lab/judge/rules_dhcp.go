package judge

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server/pxe"
)

// Rules about finding a server, an address and a boot file.

func isOffer(d *event.DHCP) bool { return d.Type == "OFFER" || d.Type == "BOOTREPLY" }

// isDiscover leaves out EDK2's next attempt, over HTTP, unless that is how this guest boots.
func (b *boot) isDiscover(d *event.DHCP) bool {
	return (d.Type == "DISCOVER" || d.Type == "BOOTREQUEST") && (b.bootsOverHTTP() || !isHTTP(d))
}

// isRequest is a request for an address, not one to port 4011 or a boot server.
func isRequest(d *event.DHCP) bool {
	return d.Type == "REQUEST" && d.DstPort != portBINL && !asksBootServer(d)
}

// asksProxy is a request to port 4011 for what to boot; asksBootServer is one for a type of boot servers, wherever it is sent.
func asksProxy(d *event.DHCP) bool      { return d.DstPort == portBINL && d.BootItem == "" }
func asksBootServer(d *event.DHCP) bool { return d.BootItem != "" }

// isIPXE is a message of iPXE, which says so in option 77.
func isIPXE(d *event.DHCP) bool { return d.UserClass == "iPXE" }

// namesNoServer is a reply that names a file and not where it is: option 66 is not read.
func namesNoServer(d *event.DHCP) bool { return d.File != "" && !event.IsSet(d.SIAddr) }

// isPXE is a reply that speaks PXE: then the boot file may come later, from port 4011 or a boot server.
func isPXE(d *event.DHCP) bool { return strings.HasPrefix(d.ClassID, "PXEClient") }

func (b *boot) noOffer() *diagnosis {
	if d := b.noOffer6(); d != nil {
		return d
	}
	sent := b.dhcp(true, b.isDiscover)
	if b.stage != event.StageDiscover || len(sent) == 0 {
		return nil
	}
	took := b.between(sent[0].At, b.events[len(b.events)-1].At)
	kind := "DHCPDISCOVER"
	if sent[0].Packet.DHCP.Type == "BOOTREQUEST" {
		kind = "BOOTREQUEST"
	}
	d := &diagnosis{fmt.Sprintf("it sent %s in %s and no server%s answered", times(len(sent), kind), b.seconds(took), b.onNetwork()),
		b.startServer(), ends(sent)}
	if hint := b.relayHint("dhcp", "bootp"); hint != "" {
		d.do = hint
	}
	b.blame(d, sent, "dhcp", "bootp", "dhcp6")
	b.excused(d)
	return d
}

// startServer says what a network without a server lacks.
func (b *boot) startServer() string {
	on, names, files := "its network", "a boot file", ", and a TFTP server that has these files (one host may be both)"
	if b.guest.Network != "" {
		on = fmt.Sprintf("network %q", b.guest.Network)
	}
	if slices.ContainsFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Server != nil && s.Server.TFTP != nil }) {
		files = ""
	}
	if b.bootsOverHTTP() {
		names, files = "a URI", ""
	}
	this := ""
	if n, title := b.archTitle(); title != "" {
		this = fmt.Sprintf(" (this one sends %d in option 93: %s)", n, title)
	}
	return fmt.Sprintf("start a DHCP server on %s that gives addresses and names %s for each kind of machine%s%s, or check that the machine is on the right network",
		on, names, this, files)
}

// archTitle is the first client architecture that the boot sent (option 93), and what that is; empty if it sent none that is known.
func (b *boot) archTitle() (n int, title string) {
	own, ok := b.introduced()
	if !ok || len(own.Packet.DHCP.Archs) == 0 {
		return 0, ""
	}
	n = own.Packet.DHCP.Archs[0]
	if a := pxe.Arch(n); a != 0 { //nolint:gosec // 16 bits on the wire
		return n, a.Title()
	}
	return n, "BIOS" // which the registry calls Intel x86PC
}

// suchClients names the clients that are to be told a file: those that say of themselves what this one says.
func (b *boot) suchClients() string {
	n, title := b.archTitle()
	if title == "" {
		return fmt.Sprintf("such clients as this (%s)", b.guest.Arch)
	}
	return fmt.Sprintf("clients that send %d in option 93 (%s)", n, title)
}

func (b *boot) offerRefused() *diagnosis {
	if d := b.offerRefused6(); d != nil {
		return d
	}
	offers := b.dhcp(false, isOffer)
	if len(offers) == 0 || b.stage != event.StageOffer || len(b.dhcp(true, isRequest)) > 0 {
		return nil
	}
	o := offers[0].Packet.DHCP
	return &diagnosis{fmt.Sprintf("%s offered it %s%s, and it did not accept", b.sender(offers[0]), event.AddressOr(o.YIAddr, "no address"), withFile(o)),
		"check the offer: option 54, a proxy's answer beside it, and with option 60 the contents of option 43", ends(offers)}
}

// onNetwork names the guest's network, which a capture does not know.
func (b *boot) onNetwork() string {
	if b.guest.Network == "" {
		return ""
	}
	return fmt.Sprintf(" on network %q", b.guest.Network)
}

func withFile(d *event.DHCP) string {
	if d.File == "" {
		return ""
	}
	return fmt.Sprintf(" with boot file %q", d.File)
}

// noAck: it asked, and the address never came. A BOOTP reply counts as acknowledgement (RFC 951), but iPXE asks
// again after it and needs a second one.
func (b *boot) noAck() *diagnosis {
	if d := b.noAck6(); d != nil {
		return d
	}
	asked := b.dhcp(true, isRequest)
	if len(asked) == 0 || b.stage > event.StageAddress {
		return nil
	}
	for _, e := range b.dhcp(false, gives) {
		if e.Seq > asked[0].Seq {
			return nil
		}
	}
	want := event.AddressOr(asked[0].Packet.DHCP.Requested, "an address")
	d := &diagnosis{fmt.Sprintf("it asked for %s with %s and got no DHCPACK", want, times(len(asked), "DHCPREQUEST")),
		"check that the server it named (option 54) still runs and holds the offer", ends(asked)}
	if offers := b.dhcp(false, isOffer); len(offers) > 0 && offers[0].Packet.DHCP.Type == "BOOTREPLY" {
		d.what = fmt.Sprintf("it was answered by BOOTP, asked once more with %s, as iPXE does, and got no further answer", times(len(asked), "DHCPREQUEST"))
		d.do = "answer every request"
	}
	if who := b.confirmsNone(asked[0].Packet.DHCP.ServerID); who != "" {
		d.what = fmt.Sprintf("it chose the offer of %q with %s, and that service gives no addresses", who, times(len(asked), "DHCPREQUEST"))
		d.do = "leave yiaddr empty in the offers of a proxyDHCP service"
		return d
	}
	if both := b.rivals(); both != "" {
		d.what = fmt.Sprintf("%s; it chose %s with %s and got no DHCPACK", both, event.AddressOr(asked[0].Packet.DHCP.ServerID, "one"), times(len(asked), "DHCPREQUEST"))
		d.do = "leave one server in charge of this network's addresses: a proxyDHCP service offers none"
		return d
	}
	if naks := b.dhcp(false, func(d *event.DHCP) bool { return d.Type == "NAK" }); len(naks) > 0 {
		d.what = fmt.Sprintf("it asked for %s and %s refused it (DHCPNAK)", want, b.sender(naks[0]))
		d.do = "leave one server in charge of this network's addresses"
		d.evidence = append(d.evidence, naks...)
	}
	b.blame(d, asked, "dhcp", "bootp", "dhcp6")
	return d
}

// noBootfile: EDK2 does not even ask for an address without a boot file; iPXE takes the address and then has
// nothing to boot.
func (b *boot) noBootfile() *diagnosis {
	if d := b.noBootfile6(); d != nil {
		return d
	}
	if b.stage < event.StageOffer || b.stage > event.StageBootServer {
		return nil
	}
	answers := b.dhcp(false, func(d *event.DHCP) bool { return isOffer(d) || d.Type == "ACK" })
	if len(answers) == 0 {
		return nil
	}
	for _, e := range answers {
		d := e.Packet.DHCP
		if namesNoServer(d) && (b.complained(ipxeNothingToBoot) || b.mute() && b.ofIPXE()) {
			return &diagnosis{fmt.Sprintf("%s named boot file %q and no server to fetch it from (siaddr is empty)", b.sender(e), d.File),
				fmt.Sprintf("have %s name %s as next server (siaddr): iPXE does not read option 66", b.sender(e), b.fileHost()), []event.Event{e}}
		}
		if d.File != "" || isPXE(d) && (b.stage == event.StageOffer || d.Vendor != "") {
			return nil
		}
	}
	first, from := answers[0], b.sender(answers[0])
	what := fmt.Sprintf("%s offered it %s and no boot file, so it did not take it", from, first.Packet.DHCP.YIAddr)
	if b.address != "" {
		from = b.sender(answers[len(answers)-1])
		what = fmt.Sprintf("it got %s from %s, and no server named a boot file", b.address, from)
	}
	do := fmt.Sprintf("have %s name a boot file to %s, and as next server (siaddr) %s; or run a second server that names files and gives no addresses (a proxyDHCP service, which says PXEClient in option 60)",
		from, b.suchClients(), b.fileHostOrNone())
	if hint := b.reservedInVain(); hint != "" {
		do = hint
	}
	if hint := b.relayHint("proxydhcp"); hint != "" {
		do = hint
	}
	d := &diagnosis{what, do, ends(answers)}
	b.excused(d)
	return d
}

// mute tells whether nothing is known of its console, as in a capture, so that no complaint is to be heard.
func (b *boot) mute() bool { return len(b.lines) == 0 }

// ofIPXE tells whether the client is iPXE.
func (b *boot) ofIPXE() bool {
	own, ok := b.introduced()
	return ok && isIPXE(own.Packet.DHCP)
}

// reservedInVain: a server names boot files to machines by their UUID, and this one sent 16 zeros, which stand for none.
func (b *boot) reservedInVain() string {
	own, ok := b.introduced()
	if !ok || own.Packet.DHCP.UUID != zeroUUID {
		return ""
	}
	for _, s := range b.t.plan.Services {
		if s.Server == nil || s.Server.DHCP == nil || !b.hears(&s) {
			continue
		}
		for _, r := range s.Server.DHCP.Reservations {
			if r.UUID != "" && r.File != "" {
				return fmt.Sprintf("service %q reserves boot files by UUID, and this machine has none (it sent 16 zeros in option 97): reserve by MAC", s.Name)
			}
		}
	}
	return ""
}

// answered tells whether a proxy's or boot server's acknowledgement came after a request.
func (b *boot) answered(request event.Event) bool {
	for _, e := range b.dhcp(false, func(d *event.DHCP) bool { return d.Type == "ACK" || d.Type == "OFFER" }) {
		d := e.Packet.DHCP
		if e.Seq > request.Seq && (d.SrcPort == portBINL || d.BootItem != "" || d.XID == request.Packet.DHCP.XID) {
			return true
		}
	}
	return false
}

// blame adds what the lab's own servers know: one that decided to stay silent on these requests says why, one that died is named.
// What was sent to one address concerns the services there alone.
func (b *boot) blame(d *diagnosis, sent []event.Event, roles ...string) {
	to := sent[0].Packet.Dst
	heard := func(name string) bool {
		a, err := netip.ParseAddr(event.HostOf(to))
		i := slices.IndexFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Name == name })
		return err != nil || a.IsMulticast() || a.String() == everybody || i >= 0 && b.t.isAt(b.t.plan.Services[i], a.String())
	}
	for _, e := range b.silences {
		if !isAbout(e.Decision, sent) {
			continue // that was about another message
		}
		if heard(e.Service) && (slices.Contains(roles, e.Decision.Role) || slices.Contains(roles, "dhcp") && b.relayedBy(e)) {
			d.do = fmt.Sprintf("service %q heard it and stayed silent: %s", e.Service, e.Decision.Reason)
			d.evidence = append(d.evidence, e)
			return
		}
	}
	for _, s := range b.t.plan.Services {
		if gone := b.t.gone[s.Name]; gone != nil && heard(s.Name) && b.hears(&s) && (playsAny(s, roles) || b.t.mayPlay(&s)) {
			d.do = fmt.Sprintf("service %q had ended by then%s: start it again", s.Name, because(gone.Text))
			d.evidence = append(d.evidence, *gone)
			return
		}
	}
}

// isAbout tells whether a decision may be about one of these requests: it came to their port, in their transaction, and is of their kind,
// as far as it says.
func isAbout(d *event.Decision, sent []event.Event) bool {
	return slices.ContainsFunc(sent, func(e event.Event) bool {
		p := e.Packet
		xid, port := "", event.PortOf(p.Dst)
		switch {
		case p.DHCP != nil:
			xid = p.DHCP.XID
		case p.DHCP6 != nil:
			xid = p.DHCP6.XID
		}
		return (d.Port == 0 || port == 0 || d.Port == port) && (d.XID == "" || xid == "" || d.XID == xid) && strings.HasPrefix(d.Request, requestName(p))
	})
}

// playsAny tells whether a service of ours plays one of these roles.
func playsAny(s plan.Service, roles []string) bool {
	if s.Server == nil {
		return false
	}
	plays := map[string]bool{"dhcp": s.Server.DHCP != nil, "dhcp6": s.Server.DHCP6 != nil, "bootp": s.Server.BOOTP != nil, "proxydhcp": s.Server.ProxyDHCP != nil,
		"bootserver": s.Server.BootServer != nil}
	return slices.ContainsFunc(roles, func(r string) bool { return plays[r] })
}

// sender names who sent a packet, as sentences do: a service of the lab in quotes, else an address.
func (b *boot) sender(e event.Event) string {
	if e.Service != "" {
		return fmt.Sprintf("%q", e.Service)
	}
	return e.Sender()
}
