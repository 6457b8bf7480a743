package judge

import (
	"fmt"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
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
	do := "put the file there, or correct its name in the DHCP server"
	if b.has(event.StageStarted) && !b.toldByDHCP(t.file) {
		do = "put the file there: the boot program that runs looks for it under that name"
	}
	return &diagnosis{fmt.Sprintf("%s has no file %q (TFTP error 1%s)", b.serverName(t), t.file, says(t.failed.Packet.TFTP.Message)),
		do, []event.Event{t.asked[0], *t.failed}}
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
	case t.answered && b.gaveUp != nil:
		return &diagnosis{fmt.Sprintf("the transfer of %q from %s began and did not end (%d bytes came)", t.file, b.serverName(t), t.bytes),
			"check that the server grants tsize, and that packets of the size agreed on pass", []event.Event{t.asked[0]}}
	}
	return nil
}

func (b *boot) tftpSilent() *diagnosis {
	t := b.pending()
	if t == nil || t.answered {
		return nil
	}
	d := &diagnosis{fmt.Sprintf("it asked %s for %q with %s and nothing answered", b.serverName(t), t.file, times(len(t.asked), "request")),
		"start the TFTP server there, or open UDP 69 and the ports it answers from", ends(t.asked)}
	for _, s := range b.t.plan.Services {
		if gone := b.t.gone[s.Name]; gone != nil && isAt(s, t.server) {
			d.do = fmt.Sprintf("service %q had ended by then%s: start it again", s.Name, because(gone.Text))
			d.evidence = append(d.evidence, *gone)
		}
	}
	return d
}

// says appends a server's own words.
func says(message string) string {
	if message == "" {
		return ""
	}
	return ": " + message
}

// isAt tells whether a service has an address.
func isAt(s plan.Service, address string) bool {
	return s.Address.IsValid() && s.Address.Addr().String() == address || s.Address6.IsValid() && s.Address6.Addr().String() == address
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
		if isAt(s, t.server) {
			return s.Name
		}
	}
	return t.server
}
