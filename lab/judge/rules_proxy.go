package judge

import (
	"fmt"

	"github.com/pxelab/pxelab/lab/event"
)

// Rules about port 4011, where those who say PXEClient in an offer are asked for the rest.

// proxySilent: port 4011 of a host that an offer sends clients to did not answer.
func (b *boot) proxySilent() *diagnosis {
	sent := b.dhcp(true, asksProxy)
	if b.stage != event.StageProxy || len(sent) == 0 || b.answered(sent[0]) {
		return nil
	}
	to := sent[0].Packet.Dst
	closed, isClosed := b.closed(to)
	d := &diagnosis{fmt.Sprintf("it asked %s what to boot, with %s, and nothing answered", to, times(len(sent), "request")),
		"let a proxyDHCP service answer there: start it, or open UDP 4011", ends(sent)}
	silence := fmt.Sprintf("with %s, and nothing answered", times(len(sent), "request"))
	if isClosed {
		silence = "where no program listens (ICMP port unreachable)"
		d.what = fmt.Sprintf("it asked %s what to boot, %s", to, silence)
		d.do = "let a proxyDHCP service listen there on UDP 4011"
		d.evidence = append(d.evidence, closed)
	}
	if e, ok := b.sentTo4011(event.HostOf(to)); ok {
		d.what = fmt.Sprintf("%s, so it was asked on %s, %s%s", b.claimsPXE(e), to, silence, b.unused(e))
		d.do = b.open4011(e, isClosed)
		d.evidence = append([]event.Event{e}, d.evidence...)
	}
	if file := b.eclipsed(to); file != "" {
		how := "be reached on UDP 4011 (a firewall there?)"
		if isClosed {
			how = "listen on UDP 4011"
		}
		d.do = fmt.Sprintf("let that proxyDHCP service %s, or switch it off: UEFI clients that have taken a proxy's offer do not come back to the file of the DHCP server (%s)", how, file)
	}
	b.blame(d, sent, "proxydhcp", "bootserver")
	return d
}

// closed is the word of a host that nobody listens on a port of its own (RFC 1122 section 3.2.2.1).
func (b *boot) closed(port string) (event.Event, bool) {
	return b.icmp("ICMP port unreachable (" + port + ")")
}

// sentTo4011 is the offer that sends clients to port 4011 of a host: one that says PXEClient and is that host's.
func (b *boot) sentTo4011(host string) (event.Event, bool) {
	for _, e := range b.dhcp(false, func(d *event.DHCP) bool { return d.Type == "OFFER" && isPXE(d) }) {
		if d := e.Packet.DHCP; d.ServerID == host || d.SIAddr == host || event.HostOf(e.Packet.Src) == host {
			return e, true
		}
	}
	return event.Event{}, false
}

// claimsPXE words why an offer sends clients to port 4011.
func (b *boot) claimsPXE(e event.Event) string {
	d := e.Packet.DHCP
	file := "named no file"
	if d.File != "" {
		file = fmt.Sprintf("named %q without saying that it is to be booted at once (option 43, tag 6)", d.File)
	}
	if event.IsSet(d.YIAddr) {
		return fmt.Sprintf("%s said PXEClient (option 60) in its offer and %s", b.sender(e), file)
	}
	return fmt.Sprintf("%s offered itself on port 67 and %s", b.sender(e), file)
}

// unused words that an offer with an address which says PXEClient eclipsed a proxy's.
func (b *boot) unused(e event.Event) string {
	other, ok := b.otherProxy(e)
	if !ok {
		return ""
	}
	names := ""
	if file := other.Packet.DHCP.File; file != "" {
		names = fmt.Sprintf(", which names %q,", file)
	}
	return fmt.Sprintf("; the offer of %s%s was not used", b.sender(other), names)
}

// otherProxy is a proxy's offer that was not taken up beside one with an address that says PXEClient, which comes before it (see
// preference).
func (b *boot) otherProxy(e event.Event) (event.Event, bool) {
	if !event.IsSet(e.Packet.DHCP.YIAddr) {
		return event.Event{}, false
	}
	for _, other := range b.dhcp(false, func(d *event.DHCP) bool { return d.Type == "OFFER" && isPXE(d) && !event.IsSet(d.YIAddr) }) {
		if _, taken, _ := b.tookUp(other); !taken && other.Sender() != e.Sender() {
			return other, true
		}
	}
	return event.Event{}, false
}

// open4011 says what to change about an offer that sends clients to a port 4011 which does not answer.
func (b *boot) open4011(e event.Event, closed bool) string {
	if event.IsSet(e.Packet.DHCP.YIAddr) {
		return fmt.Sprintf("take option 60 (PXEClient) out of the offers of %s%s, or run a proxyDHCP service on its UDP 4011", b.sender(e), b.thenObeys())
	}
	how := "answer on UDP 4011 (its program hangs, or a firewall drops what comes there)"
	if closed {
		how = "listen on UDP 4011, too"
	}
	return fmt.Sprintf("let %s %s, or let it name the boot file in its offer on port 67 (option 67, and option 43 with tag 6 = 8)", b.sender(e), how)
}

// thenObeys says whose offer counts once a DHCP server no longer says PXEClient, or that it has to name a file then, as nobody does; empty
// if it names one.
func (b *boot) thenObeys() string {
	for _, e := range b.dhcp(true, asksProxy) {
		if offer, ok := b.sentTo4011(event.HostOf(e.Packet.Dst)); ok {
			if other, ok := b.otherProxy(offer); ok {
				return fmt.Sprintf(": the machine then obeys %s", b.sender(other))
			}
			if event.IsSet(offer.Packet.DHCP.YIAddr) && offer.Packet.DHCP.File == "" {
				return " and name the boot file there"
			}
		}
	}
	return ""
}

// eclipsed is the boot file that a DHCP server named to a client which then asked a proxyDHCP service on another host; empty if
// it is not so.
func (b *boot) eclipsed(asked string) string {
	file, proxy := "", false
	for _, e := range b.dhcp(false, isOffer) {
		switch d := e.Packet.DHCP; {
		case !event.IsSet(d.YIAddr):
			proxy = proxy || d.ServerID == event.HostOf(asked) || d.SIAddr == event.HostOf(asked)
		case d.File != "" && !isPXE(d):
			file = fmt.Sprintf("%q of %s", d.File, b.sender(e))
		}
	}
	if !proxy {
		return ""
	}
	return file
}
