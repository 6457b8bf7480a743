package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// again says how a boot went on after its first file was whole.
type again struct {
	other bool   // another program than the firmware's client speaks: the boot program ran
	same  string // empty, or how the same client began again; that may be the firmware, whatever became of the file

	first       *event.DHCP
	first6      *event.DHCP6
	whole       *event.Event    // the last of that file
	named, told map[string]bool // files that servers named, files that it asked for
}

// goesOn looks for the one who speaks after the first whole file. A client that begins again shows nothing: a program that ended or
// was refused has the firmware try anew, a machine that was reset does, and so does a program that asks through the firmware's own
// client. Another class, another user class or other options are another program's, and so is a file that no server named.
func goesOn(log []event.Event) again {
	a := again{named: map[string]bool{}, told: map[string]bool{}}
	for _, e := range log {
		switch p := e.Packet; {
		case a.other:
			return a
		case p == nil:
		case p.FromGuest:
			a.sent(p, e.At)
		case p.DHCP != nil:
			a.named[bare(p.DHCP.File)] = true
		case a.whole == nil && (p.TFTP != nil && p.TFTP.Op == "DATA" && p.TFTP.Last || p.HTTP != nil && p.HTTP.Last && p.HTTP.Method != "HEAD"):
			a.whole = &e
		}
	}
	return a
}

// sent takes what the machine sent.
func (a *again) sent(p *event.Packet, at time.Duration) {
	switch {
	case p.DHCP != nil && (p.DHCP.Type == "DISCOVER" || p.DHCP.Type == "BOOTREQUEST"):
		a.looks(p.DHCP, at)
	case p.DHCP6 != nil && p.DHCP6.Type == "SOLICIT":
		a.looks6(p.DHCP6, at)
	case p.TFTP != nil && p.TFTP.Op == "RRQ":
		a.asks(bare(p.TFTP.File))
	case p.HTTP != nil && p.HTTP.Op == "request" && a.same == "": // after a search it may be what a server named, as a URI
		a.asks(bare(p.HTTP.Target))
	}
}

// looks takes the begin of a search for servers. HTTP boot is the firmware's next way.
func (a *again) looks(d *event.DHCP, at time.Duration) {
	switch {
	case a.first == nil:
		a.first = d
	case a.whole == nil || strings.HasPrefix(d.ClassID, "HTTPClient"):
	case speaker(d) != speaker(a.first):
		a.other = true
	case d.XID == a.first.XID:
		a.anew(at, "the same client looked for a server again, with the transaction number it began with, as a firmware does that was started anew")
	default:
		a.anew(at, "the same client looked for a server again")
	}
}

// looks6 does the same over IPv6, which is the firmware's next way, too. One that names no architecture does not boot.
func (a *again) looks6(d *event.DHCP6, at time.Duration) {
	first := a.first6
	if first == nil {
		a.first6 = d
	}
	switch {
	case a.whole == nil:
	case len(d.Archs) == 0, first != nil && (d.VendorClass != first.VendorClass || !slices.Equal(d.Options, first.Options)):
		a.other = true
	default:
		a.anew(at, "it looked for a server over IPv6, as firmware does when what it tried before has ended or failed")
	}
}

func (a *again) anew(at time.Duration, what string) {
	if a.same == "" {
		a.same = fmt.Sprintf("%.1f s later %s", (at - a.whole.At).Seconds(), what)
	}
}

// asks takes a request for a file.
func (a *again) asks(file string) {
	if a.whole != nil && !a.told[file] && (a.same == "" || !a.named[file]) {
		a.other = true
	}
	a.told[file] = true
}

// bare is the name of a file without the slashes that it begins with.
func bare(file string) string { return strings.TrimLeft(file, "/") }

// speaker is how a client's messages look: what it says that it is, and which options it sends in which order.
func speaker(d *event.DHCP) string {
	return strings.Join(slices.Concat([]string{d.Type, d.ClassID, d.UserClass, d.UUID, fmt.Sprint(d.Archs, d.Broadcast)}, d.Options), " ")
}
