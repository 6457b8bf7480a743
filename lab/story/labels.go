package story

import (
	"cmp"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// proto is a packet's protocol as a viewer groups them, and whether a class seldom looks at it.
func proto(p *event.Packet) (name string, chatter bool) {
	switch {
	case p.DHCP != nil && (p.DHCP.SrcPort == 4011 || p.DHCP.DstPort == 4011 || p.DHCP.BootItem != ""):
		return "pxe", false
	case p.Proto == "icmp6" && strings.HasPrefix(p.Info, "MLD"), p.Info == "IP protocol 2":
		return "igmp", true
	case p.Proto == "icmp6" && isND(p.Info):
		return "nd", true
	case p.Proto == "icmp6":
		return "icmp", true
	case p.Proto == "arp", p.Proto == "icmp", p.Proto == "tcp", p.Proto == "other":
		return p.Proto, true
	}
	return p.Proto, false
}

// isND tells neighbour discovery (RFC 4861) from other ICMPv6.
func isND(info string) bool {
	word, _, _ := strings.Cut(info, " ")
	return word == "RS" || word == "RA" || word == "NS" || word == "NA"
}

// isReply tells an ARP reply from what is asked or announced.
func isReply(info string) bool { return strings.Contains(info, " is at ") }

// wrong says what of a packet that is well formed is an error all the same.
func wrong(p *event.Packet) string {
	switch {
	case p.DHCP != nil && (p.DHCP.Type == "NAK" || p.DHCP.Type == "DECLINE"):
		return "DHCP" + p.DHCP.Type
	case strings.HasPrefix(p.Proto, "icmp") && strings.Contains(p.Info, "unreachable"):
		return p.Info
	}
	return ""
}

// label words a packet for an arrow, and in one line more.
func label(p *event.Packet) (short, detail string) {
	detail = p.Info
	switch {
	case p.DHCP != nil:
		short = labelDHCP(p.DHCP)
	case p.DHCP6 != nil:
		short = labelDHCP6(p.DHCP6)
	default:
		short = strings.TrimPrefix(p.Info, "ARP ")
	}
	if strings.HasSuffix(detail, short) && p.DHCP == nil {
		detail = "" // it adds nothing
	}
	return cmp.Or(short, p.Proto, "a packet"), detail
}

func labelDHCP(d *event.DHCP) string {
	words := []string{d.Type}
	add := func(w string) {
		if w != "" {
			words = append(words, w)
		}
	}
	reply := d.Reply()
	switch {
	case d.BootItem != "":
		add("boot server type " + d.ItemType())
	case !reply && d.DstPort == 4011:
		add("to port 4011")
	case !reply:
		add(event.AddressOr(d.Requested, event.AddressOr(d.CIAddr, "")))
	case event.IsSet(d.YIAddr):
		add(d.YIAddr)
	case d.Type == "OFFER":
		add("no address")
	}
	if d.BootItem != "" && reply || d.SrcPort == 4011 || d.Type == "OFFER" && !event.IsSet(d.YIAddr) {
		add(d.File)
	}
	return strings.Join(words, " ")
}

func labelDHCP6(d *event.DHCP6) string {
	for _, ia := range d.IAs {
		for _, a := range ia.Addresses {
			return d.Type + " " + a
		}
	}
	return d.Type
}
