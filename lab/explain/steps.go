package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/server/pxe"
)

// lookBack is how far back something that is said again is told of as such: a question and its answers go round together.
const lookBack = 4

// steps tells a boot in words, one line for each thing that happened; what was said again soon is told once, with how often.
func steps(log []event.Event) []Step {
	var out []Step
	for _, e := range log {
		text := tell(e)
		if text == "" {
			continue
		}
		recent := out[max(0, len(out)-lookBack):]
		if i := slices.IndexFunc(recent, func(s Step) bool { return s.Text == text }); i >= 0 {
			recent[i].Times = max(recent[i].Times, 1) + 1
			continue
		}
		s := Step{At: e.At, Seq: e.Seq, Text: text}
		if e.Packet != nil {
			s.Frame = e.Packet.Frame
		}
		out = append(out, s)
	}
	return out
}

// tell puts an event into words; empty for what does not advance a boot.
func tell(e event.Event) string {
	p := e.Packet
	switch {
	case e.Kind == event.Console && complains(e.Text):
		return "its console says: " + strings.TrimSpace(e.Text)
	case e.Kind == event.KeysTyped:
		return "keys are typed on its console: " + e.Text
	case e.Kind == event.ServiceLog:
		if _, to, ok := judge.PassedOn(e.Text); ok {
			return fmt.Sprintf("%s passes it on to %s, as its log says", e.Service, to)
		}
		return ""
	case p == nil:
		return ""
	case arp(e) != "":
		return fmt.Sprintf("%s asks who has %s, and nobody answers", e.Watched, strings.TrimPrefix(p.Info, whoHas))
	case p.DHCP != nil && p.FromGuest:
		return asksDHCP(p.DHCP, event.HostOf(p.Dst))
	case p.DHCP != nil:
		return answersDHCP(p.DHCP, e.Sender())
	case p.DHCP6 != nil && p.FromGuest:
		return "it sends a DHCPv6 " + p.DHCP6.Type
	case p.DHCP6 != nil:
		return fmt.Sprintf("%s answers with a DHCPv6 %s", e.Sender(), p.DHCP6.Type)
	case p.TFTP != nil:
		return tellTFTP(e)
	case p.HTTP != nil && p.FromGuest && p.HTTP.Op == "request":
		return fmt.Sprintf("it asks %s for %s over HTTP (%s)", event.HostOf(p.Dst), p.HTTP.Target, p.HTTP.Method)
	case p.HTTP != nil && !p.FromGuest && p.HTTP.Op == "response":
		return fmt.Sprintf("%s answers over HTTP: %s", e.Sender(), p.Info)
	case p.Proto == "icmp" && !p.FromGuest && strings.Contains(p.Info, "unreachable"):
		return fmt.Sprintf("%s says: %s", e.Sender(), p.Info)
	}
	return ""
}

// complains tells whether a console line is one in which a client says what went wrong.
func complains(line string) bool {
	for _, sign := range []string{"PXE-", "http://ipxe.org/", "Error:", "BdsDxe: failed", "Nothing to boot"} {
		if strings.Contains(line, sign) {
			return true
		}
	}
	return false
}

// asksDHCP tells of a DHCP message that a machine sent.
func asksDHCP(d *event.DHCP, to string) string {
	switch {
	case d.BootItem != "":
		return fmt.Sprintf("it asks %s for a boot server of type %s", everybody(to), d.ItemType())
	case d.DstPort == 4011:
		return fmt.Sprintf("it asks the proxyDHCP service at %s, port 4011, what to boot", to)
	case d.Type == "DISCOVER" || d.Type == "BOOTREQUEST":
		return fmt.Sprintf("it looks for a server (%s)%s", messageName(d.Type), introduces(d))
	case d.Type == "REQUEST":
		return fmt.Sprintf("it asks for %s, which %s offered (DHCPREQUEST)", event.AddressOr(d.Requested, event.AddressOr(d.CIAddr, "an address")), event.AddressOr(d.ServerID, "somebody"))
	}
	return "it sends " + messageName(d.Type)
}

// introduces tells what a machine says that it is.
func introduces(d *event.DHCP) string {
	if len(d.Archs) == 0 {
		return ""
	}
	a := pxe.Arch(d.Archs[0]) //nolint:gosec // 16 bits on the wire
	text := fmt.Sprintf(" and says that it is %s (option 93 = %d)", a.Title(), d.Archs[0])
	if d.UserClass != "" {
		text += fmt.Sprintf(", running %s (option 77)", d.UserClass)
	}
	return text
}

// answersDHCP tells of a DHCP message that a machine was sent.
func answersDHCP(d *event.DHCP, from string) string {
	switch {
	case d.Type == "NAK":
		return from + " refuses (DHCPNAK)"
	case d.SrcPort == 4011 || d.BootItem != "":
		return from + " answers from port " + strconv.Itoa(d.SrcPort) + withBoot(d)
	case d.Type == "OFFER" && !event.IsSet(d.YIAddr):
		return from + " offers no address, as a proxyDHCP service does" + withBoot(d)
	case d.Type == "OFFER":
		return fmt.Sprintf("%s offers %s%s", from, d.YIAddr, withBoot(d))
	case d.Type == "ACK" || d.Type == "BOOTREPLY":
		return fmt.Sprintf("%s gives it %s (%s)%s", from, event.AddressOr(d.YIAddr, "no address"), messageName(d.Type), withBoot(d))
	}
	return from + " sends " + messageName(d.Type)
}

// withBoot tells what of a reply is about booting.
func withBoot(d *event.DHCP) string {
	text := ", and names no boot file"
	if d.File != "" {
		text = fmt.Sprintf(", boot file %q", d.File)
		switch {
		case strings.Contains(d.File, "://"): // which names the host itself
		case event.IsSet(d.SIAddr):
			text += " at " + d.SIAddr
		default:
			text += " and no server to fetch it from"
		}
	}
	if strings.HasPrefix(d.ClassID, "PXEClient") {
		text += "; it speaks PXE (option 60)"
	}
	if d.Vendor != "" && strings.HasPrefix(d.ClassID, "PXEClient") {
		text += " and tells how to go on (option 43)"
	}
	return text
}

func tellTFTP(e event.Event) string {
	p, t := e.Packet, e.Packet.TFTP
	switch {
	case p.FromGuest && t.Op == "RRQ":
		return fmt.Sprintf("it asks %s for %q by TFTP%s", event.HostOf(p.Dst), t.File, options(t))
	case p.FromGuest && t.Op == "ERROR" && t.Code == 8:
		return fmt.Sprintf("it has learnt how long %q is, and ends that transfer", t.File)
	case t.Op == "ERROR" && p.FromGuest:
		return fmt.Sprintf("it breaks off %q: error %d %s", t.File, t.Code, t.Message)
	case t.Op == "ERROR":
		return fmt.Sprintf("%s answers error %d for %q: %s", e.Sender(), t.Code, t.File, t.Message)
	case t.Op == "OACK":
		return fmt.Sprintf("%s agrees%s", e.Sender(), options(t))
	case t.Op == "DATA" && t.Last:
		return fmt.Sprintf("%s has sent %q whole: %d octets", e.Sender(), t.File, t.Bytes)
	}
	return ""
}

// options lists the options of a TFTP message, in one order.
func options(t *event.TFTP) string {
	var words []string
	for name, value := range t.Options {
		words = append(words, name+" "+value)
	}
	if len(words) == 0 {
		return ""
	}
	slices.Sort(words)
	return " (" + strings.Join(words, ", ") + ")"
}

func everybody(to string) string {
	if to == "255.255.255.255" {
		return "everybody on its segment"
	}
	if a, err := netip.ParseAddr(to); err == nil && a.IsMulticast() {
		return "the group " + to
	}
	return to
}

// messageName is how people write a message's type.
func messageName(t string) string {
	if strings.HasPrefix(t, "BOOT") {
		return t
	}
	return "DHCP" + t
}
