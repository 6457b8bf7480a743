package judge

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// Rules about fetching the boot file.

// pending is the file the boot was after when it stopped, unless it had it.
func (b *boot) pending() *transfer {
	t := b.lastTransfer()
	if t == nil || t.http != nil || t.whole != nil && t.failed == nil {
		return nil
	}
	return t
}

func (b *boot) fileNotFound() *diagnosis {
	t := b.pending()
	if t == nil || t.failed == nil || t.failed.Packet.TFTP.Code != 1 {
		return nil
	}
	do := fmt.Sprintf("put it into the TFTP folder of %s, or correct the name in the settings of %s", b.serverName(t), b.whoNamed(t.file))
	if b.has(event.StageStarted) && !b.toldByDHCP(t.file) {
		do = fmt.Sprintf("put it into the TFTP folder of %s: the boot program that runs looks for it under that name", b.serverName(t))
	}
	d := &diagnosis{fmt.Sprintf("%s has no file %q (TFTP error 1%s)", b.serverName(t), t.file, says(t.failed.Packet.TFTP.Message)),
		do, []event.Event{t.asked[0], *t.failed}}
	if named, other, ok := b.outvoted(t.file); ok {
		d.do = fmt.Sprintf("%s named that file and %s another, %q: two servers answer on this network; stop the wrong one, or let it answer only the machines that it knows",
			b.sender(named), b.sender(other), other.Packet.DHCP.File)
		d.evidence = append(d.evidence, named, other)
	}
	return d
}

// outvoted finds the offer that named the file and, from another server with addresses, one that named another file and was not
// followed. Whether the right one was, nobody can know but who asks why its file is not there.
func (b *boot) outvoted(file string) (named, other event.Event, ok bool) {
	for _, e := range b.dhcp(false, isOffer) {
		switch d := e.Packet.DHCP; {
		case !event.IsSet(d.YIAddr) || d.File == "":
		case sameFile(d.File, file):
			named = e
		default:
			other = e
		}
	}
	return named, other, named.Packet != nil && other.Packet != nil && named.Sender() != other.Sender()
}

// tftpNoOptions: DATA came where the client had asked for options, and it broke off. EDK2 does (ERROR 4, then PXE-E99),
// as it asks for the size only; iPXE goes on without.
func (b *boot) tftpNoOptions() *diagnosis {
	t := b.pending()
	if t == nil || t.aborted == nil || t.granted != nil || t.bytes == 0 || len(t.lastAsked().Options) == 0 {
		return nil
	}
	return &diagnosis{fmt.Sprintf("%s sent %q without answering the options it asked for (%s), and it broke off", b.serverName(t), t.file, asked(t)),
		"use a TFTP server that knows options (RFC 2347)", []event.Event{t.asked[len(t.asked)-1], *t.aborted}}
}

// tftpNoTsize: the client asked for the size, the server granted other options, and no data was asked for after that.
// EDK2 must know the size before it has memory for the file; what it then says (PXE-E53) speaks of a boot file name.
func (b *boot) tftpNoTsize() *diagnosis {
	t := b.pending()
	if t == nil || t.granted == nil || t.bytes > 0 || !b.over() {
		return nil
	}
	_, wanted := t.lastAsked().Options["tsize"]
	_, told := t.granted.Packet.TFTP.Options["tsize"]
	if !wanted || told {
		return nil
	}
	return &diagnosis{fmt.Sprintf("%s did not tell the size of %q (option tsize), without which it does not download", b.serverName(t), t.file),
		"use a TFTP server that grants tsize (RFC 2349), or send DHCP option 13", []event.Event{t.asked[len(t.asked)-1], *t.granted}}
}

// tftpStopped: part of the file came, neither side broke off, and the client gave up waiting.
func (b *boot) tftpStopped() *diagnosis {
	t := b.pending()
	if t == nil || t.failed != nil || t.aborted != nil || t.bytes == 0 || !t.answered || !b.over() {
		return nil
	}
	return &diagnosis{fmt.Sprintf("%s stopped sending %q after %d bytes", b.serverName(t), t.file, t.bytes),
		"see the log of that server, and whether packets of the size agreed on pass", ends(t.asked)}
}

// over tells whether the client has given up: it says so on its console. Where nothing is known of that, as in a capture, it has
// when no more came.
func (b *boot) over() bool { return b.gaveUp != nil || b.stalled != nil && b.mute() }

// lastAsked is the last request of a transfer.
func (t *transfer) lastAsked() *event.TFTP { return t.asked[len(t.asked)-1].Packet.TFTP }

// asked lists the options of the last request, as sentences do.
func asked(t *transfer) string {
	return strings.Join(slices.Sorted(maps.Keys(t.lastAsked().Options)), ", ")
}

// checkGranted holds the options of an expectation to the OACKs after which the file came whole. One of them must grant
// them all: a boot program may fetch its own file again, and not ask for options.
func (b *boot) checkGranted(t *transfer, want map[string]int) finding {
	if len(want) > 0 && len(t.grants) == 0 {
		return fail(fmt.Sprintf("%s granted %s no options for %q", b.serverName(t), b.guest.Name, t.file), t.asked...)
	}
	var why string
	for _, e := range t.grants {
		lacks := lacking(e.Packet.TFTP.Options, want)
		if lacks == "" {
			return pass("", e)
		}
		if why == "" {
			why = lacks
		}
	}
	if len(want) == 0 {
		return pass("")
	}
	return fail(fmt.Sprintf("%s %s for %q", b.serverName(t), why, t.file), t.grants...)
}

// lacking says what an OACK does not grant as wanted; empty if it grants all.
func lacking(options map[string]string, want map[string]int) string {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		switch got, ok := options[name]; {
		case !ok:
			return "did not grant " + name
		case got != strconv.Itoa(want[name]):
			return fmt.Sprintf("granted %s %s, not %d,", name, got, want[name])
		}
	}
	return ""
}

// granted tells options that an expectation names, for its verdict: " with windowsize 4".
func granted(options map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(options)) {
		words = append(words, fmt.Sprintf("%s %d", name, options[name]))
	}
	if len(words) == 0 {
		return ""
	}
	return " with " + strings.Join(words, ", ")
}

func (b *boot) tftpError() *diagnosis {
	t := b.pending()
	switch {
	case t == nil:
		return nil
	case t.failed != nil:
		p := t.failed.Packet.TFTP
		return &diagnosis{fmt.Sprintf("%s refused %q with TFTP error %d%s", b.serverName(t), t.file, p.Code, says(p.Message)),
			"see the log of that server", []event.Event{t.asked[0], *t.failed}}
	case t.aborted != nil:
		p := t.aborted.Packet.TFTP
		return &diagnosis{fmt.Sprintf("it broke off the transfer of %q from %s with TFTP error %d%s", t.file, b.serverName(t), p.Code, says(p.Message)),
			"check that the server understands blksize and tsize (RFC 2347 to 2349)", []event.Event{t.asked[0], *t.aborted}}
	case t.answered && b.over():
		return &diagnosis{fmt.Sprintf("%s answered its request for %q and the transfer did not begin", b.serverName(t), t.file),
			"check that packets of the size agreed on pass, from the port that the server answers from", []event.Event{t.asked[0]}}
	}
	return nil
}

func (b *boot) tftpSilent() *diagnosis {
	t := b.pending()
	if t == nil || t.answered {
		return nil
	}
	silence, do, shown := b.tftpSilence(t)
	d := &diagnosis{fmt.Sprintf("it asked %s for %q with %s and %s", b.serverName(t), t.file, times(len(t.asked), "request"), silence), do, append(ends(t.asked), shown...)}
	if e, ok := b.withoutNextServer(t); ok {
		d.what = fmt.Sprintf("%s named %q and no server to fetch it from (siaddr is empty), so it asked %s itself with %s, and %s",
			b.sender(e), t.file, b.sender(e), times(len(t.asked), "request"), silence)
		d.do = fmt.Sprintf("have %s name %s as next server (siaddr)", b.sender(e), b.fileHost())
		d.evidence = append([]event.Event{e}, d.evidence...)
	}
	for _, s := range b.t.plan.Services {
		if gone := b.t.gone[s.Name]; gone != nil && b.t.isAt(s, t.server) {
			d.do = fmt.Sprintf("service %q had ended by then%s: start it again", s.Name, because(gone.Text))
			d.evidence = append(d.evidence, *gone)
		}
	}
	return d
}

// tftpSilence words how nothing came from a TFTP server, and what to change: a host that is up says if a port is closed (RFC 1122
// section 3.2.2.1). What does not come is seen in a lab alone: a capture may lack it.
func (b *boot) tftpSilence(t *transfer) (silence, do string, shown []event.Event) {
	to := t.asked[0].Packet.Dst
	up := slices.ContainsFunc(b.events, func(e event.Event) bool {
		return e.Packet != nil && !e.Packet.FromGuest && e.Packet.Proto != "arp" && event.HostOf(e.Packet.Src) == t.server
	})
	e, closed := b.closed(to)
	switch {
	case closed:
		return "no program listens there (ICMP port unreachable)", "start the TFTP server there", []event.Event{e}
	case up && b.guest.Network != "":
		return `nothing answered, not even an ICMP "port unreachable"`,
			"its program hangs, or a firewall drops: start the TFTP server again, or open UDP 69 and the ports it answers from", nil
	}
	return "nothing answered", "start the TFTP server there, or open UDP 69 and the ports it answers from", nil
}

// withoutNextServer is the reply that named a file and no server: EDK2 then takes its sender for the TFTP server.
func (b *boot) withoutNextServer(t *transfer) (event.Event, bool) {
	for _, e := range b.dhcp(false, func(d *event.DHCP) bool { return namesNoServer(d) && sameFile(d.File, t.file) }) {
		if d := e.Packet.DHCP; d.ServerID == t.server {
			return e, true
		}
	}
	return event.Event{}, false
}

// says appends a server's own words.
func says(message string) string {
	if message == "" {
		return ""
	}
	return ": " + message
}

// serverName names who a file was asked from, as sentences do: a service in quotes, else an address.
func (b *boot) serverName(t *transfer) string {
	if name := b.serviceName(t); name != t.server {
		return fmt.Sprintf("%q", name)
	}
	return t.server
}

// serviceName is the service a file was asked from, or the address if that is no service of the lab.
func (b *boot) serviceName(t *transfer) string {
	if t.service != "" {
		return t.service
	}
	for _, s := range b.t.plan.Services {
		if b.t.isAt(s, t.server) {
			return s.Name
		}
	}
	return t.server
}
