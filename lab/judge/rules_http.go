package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// Rules about booting over HTTP.

// isHTTP is a reply that UEFI HTTP boot takes: others it ignores.
func isHTTP(d *event.DHCP) bool { return strings.HasPrefix(d.ClassID, "HTTPClient") }

// pendingHTTP is the file the boot was after over HTTP when it stopped, unless it had it.
func (b *boot) pendingHTTP() *transfer {
	t := b.lastTransfer()
	if t == nil || t.http == nil || t.whole != nil && t.failed == nil {
		return nil
	}
	return t
}

func (b *boot) httpNotFound() *diagnosis {
	t := b.pendingHTTP()
	if t == nil || t.failed == nil || t.http.status != 404 {
		return nil
	}
	return &diagnosis{fmt.Sprintf("%s has no file %q (HTTP status 404)", b.serverName(t), t.file),
		"put the file there, or correct the URI in the DHCP server", []event.Event{t.asked[0], *t.failed}}
}

// noLength: the end of the connection is the end of the file. EDK2 fetches it to the end and then complains that it does
// not know its size; it takes chunks, and iPXE takes both.
func (b *boot) noLength() *diagnosis {
	t := b.lastTransfer()
	if t == nil || t.http == nil || t.http.unsized == nil || t.failed != nil || b.has(event.StageStarted) ||
		b.gaveUp == nil && len(b.complaint) == 0 {
		return nil
	}
	return &diagnosis{fmt.Sprintf("%s does not say how long %q is: its answer has no Content-Length, nor chunks", b.serverName(t), t.file),
		"have the HTTP server send Content-Length, or chunks", []event.Event{t.asked[0], *t.http.unsized}}
}

func (b *boot) httpFailed() *diagnosis {
	t := b.pendingHTTP()
	switch {
	case t == nil:
		return nil
	case t.failed != nil:
		return &diagnosis{fmt.Sprintf("%s refused %q with HTTP status %d", b.serverName(t), t.file, t.http.status),
			"see the log of that server", []event.Event{t.asked[0], *t.failed}}
	case t.http.cut != nil:
		return &diagnosis{fmt.Sprintf("%s ended the connection in the middle of %q (%d bytes came)", b.serverName(t), t.file, t.bytes),
			"see the log of that server", []event.Event{t.asked[0], *t.http.cut}}
	case t.aborted != nil && t.answered:
		return &diagnosis{fmt.Sprintf("it broke off the transfer of %q from %s (%d bytes came)", t.file, b.serverName(t), t.bytes),
			"read the end of its console", []event.Event{t.asked[0], *t.aborted}}
	}
	return nil
}

func (b *boot) httpSilent() *diagnosis {
	if t := b.pendingHTTP(); t != nil && !t.answered {
		d := &diagnosis{fmt.Sprintf("it asked %s for %q with %s over HTTP and nothing answered", b.serverName(t), t.file, times(len(t.asked), "request")),
			"start the HTTP server there, or open its TCP port", ends(t.asked)}
		b.blameHTTP(d, t)
		return d
	}
	return b.httpUnreachable()
}

// httpUnreachable: no connection came about, so not even a request is on the wire.
func (b *boot) httpUnreachable() *diagnosis {
	if len(b.transfers) > 0 || b.stage > event.StageDownload {
		return nil
	}
	var asked, refused []event.Event
	for _, e := range b.events {
		switch p := e.Packet; {
		case p == nil || p.Proto != "tcp":
		case p.FromGuest && p.Info == "TCP SYN":
			asked = append(asked, e)
		case !p.FromGuest && p.Info == "TCP SYN ACK":
			return nil
		case !p.FromGuest && p.Info == "TCP RST":
			refused = append(refused, e)
		}
	}
	switch {
	case len(asked) == 0:
		return nil
	case len(refused) > 0:
		return &diagnosis{fmt.Sprintf("%s refused the connection: nothing listens there", asked[0].Packet.Dst),
			"start the HTTP server there, or correct the URI in the DHCP server", []event.Event{asked[0], refused[0]}}
	}
	return &diagnosis{fmt.Sprintf("it asked %s for a connection with %s and nothing answered", asked[0].Packet.Dst, times(len(asked), "TCP SYN")),
		"start the HTTP server there, or open its TCP port", ends(asked)}
}

// blameHTTP adds what the lab knows of a server that did not answer.
func (b *boot) blameHTTP(d *diagnosis, t *transfer) {
	for _, s := range b.t.plan.Services {
		if gone := b.t.gone[s.Name]; gone != nil && b.t.isAt(s, t.server) {
			d.do = fmt.Sprintf("service %q had ended by then%s: start it again", s.Name, because(gone.Text))
			d.evidence = append(d.evidence, *gone)
		}
	}
}

// noURI6 is noURI over IPv6.
func (b *boot) noURI6() *diagnosis {
	answers := b.dhcp6(false, func(d *event.DHCP6) bool { return isAdvertise(d) || d.Type == "REPLY" })
	if len(answers) == 0 || slices.ContainsFunc(answers, func(e event.Event) bool {
		return isHTTP6(e.Packet.DHCP6) && strings.HasPrefix(e.Packet.DHCP6.BootURL, "http")
	}) {
		return nil
	}
	last := answers[len(answers)-1]
	what := fmt.Sprintf("%s advertised it %s and no URI", b.sender(last), event.AddressOr(address6(last.Packet.DHCP6), "no address"))
	if url := last.Packet.DHCP6.BootURL; url != "" {
		what = fmt.Sprintf("%s advertised it %q, but not as HTTPClient (option 16) with an HTTP URI", b.sender(last), url)
	}
	return &diagnosis{what, fmt.Sprintf("have the DHCPv6 server answer HTTPClient with option 16 HTTPClient and a URI for %s in option 59", b.guest.Arch), ends(answers)}
}

// noURI: UEFI HTTP boot takes only an offer that says HTTPClient and names a URI.
func (b *boot) noURI() *diagnosis {
	if !b.bootsOverHTTP() || b.stage < event.StageOffer || b.stage > event.StageAddress {
		return nil
	}
	answers := b.dhcp(false, func(d *event.DHCP) bool { return isOffer(d) || d.Type == "ACK" })
	if len(answers) == 0 {
		return b.noURI6()
	}
	for _, e := range answers {
		if d := e.Packet.DHCP; isHTTP(d) && strings.Contains(d.File, "://") {
			return nil
		}
	}
	d := answers[len(answers)-1].Packet.DHCP
	what := fmt.Sprintf("%s offered it %s and no URI", b.sender(answers[len(answers)-1]), event.AddressOr(d.YIAddr, "no address"))
	switch {
	case strings.Contains(d.File, "://"):
		what = fmt.Sprintf("%s offered it %q, but does not say HTTPClient in option 60", b.sender(answers[len(answers)-1]), d.File)
	case d.File != "":
		what = fmt.Sprintf("%s offered it %q, which is no URI", b.sender(answers[len(answers)-1]), d.File)
	}
	return &diagnosis{what, fmt.Sprintf("have the DHCP server answer HTTPClient with option 60 HTTPClient and a URI for %s in option 67", b.guest.Arch), ends(answers)}
}
