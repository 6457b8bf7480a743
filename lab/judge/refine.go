package judge

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/server/pxe"
)

// refinements say more of a cause where the packets show more than its rule looks at: real networks have more ways to lose an
// answer than a lab. The first that applies has the last word on what happened and what to do.
var refinements = []struct {
	of     []Reason
	refine func(*boot, *diagnosis) (see string) // where that is specified; empty: it does not apply
}{
	{[]Reason{TFTPError, TFTPSilent, TFTPStopped}, (*boot).fromOtherAddress},
	{[]Reason{TFTPError, TFTPStopped}, (*boot).largeBlocksLost},
	{[]Reason{TFTPError}, (*boot).answerLost},
	{[]Reason{TFTPError, TFTPNoOptions, TFTPNoTsize, ImageRefused, GaveUp}, (*boot).sizeTooSmall},
	{[]Reason{ImageRefused}, (*boot).roomless},
	{[]Reason{FileNotFound}, (*boot).junkInName},
	{[]Reason{FileNotFound}, (*boot).overHTTP},
	{[]Reason{TFTPSilent}, (*boot).fromItsSender},
	{[]Reason{OfferRefused, NoBootfile, NoOffer}, (*boot).malformedVendor},
	{[]Reason{OfferRefused, NoOffer}, (*boot).relayedAstray},
	{[]Reason{NoOffer}, (*boot).passedAstray},
}

// refine gives where what it says is specified; empty if it has no more to say than the rule.
func (b *boot) refine(r Reason, d *diagnosis) (see string) {
	for _, x := range refinements {
		if !slices.Contains(x.of, r) {
			continue
		}
		if see := x.refine(b, d); see != "" {
			return see
		}
	}
	return ""
}

// tftpTo are the TFTP packets of a transfer that came to the guest.
func (b *boot) tftpTo(t *transfer, ops ...string) []event.Event {
	var out []event.Event
	for _, e := range b.events {
		if p := e.Packet; p != nil && p.TFTP != nil && !p.FromGuest && p.TFTP.File == t.file && slices.Contains(ops, p.TFTP.Op) {
			out = append(out, e)
		}
	}
	return out
}

// fromOtherAddress: the answer came from another address than was asked. A client takes it for a stranger's (RFC 1350 section 4
// tells hosts apart by address and port).
func (b *boot) fromOtherAddress(d *diagnosis) (see string) {
	t := b.pending()
	if t == nil {
		return ""
	}
	for _, e := range b.tftpTo(t, "OACK", "DATA", "ERROR") {
		if from := event.HostOf(e.Packet.Src); from != t.server {
			d.what = fmt.Sprintf("it asked %s for %q and the answer came from %s, which it takes for a stranger's", t.server, t.file, from)
			d.do = "have the TFTP server answer from the address that it was asked at: bind it to that address if its host has several, and exempt TFTP from NAT on the way"
			d.evidence = []event.Event{t.asked[0], e}
			return "RFC 1350 section 4"
		}
	}
	return ""
}

// answerLost: the server answers each request from a port of its own, and the client asks as if it did not. A firewall that
// knows only port 69 drops such answers (RFC 1350 section 4 has them come from a new port). On a lab's cable they reached it.
func (b *boot) answerLost(d *diagnosis) (see string) {
	t := b.pending()
	if t == nil || t.failed != nil || t.aborted != nil || b.ackedBlock(t) >= 0 || b.guest.Network != "" {
		return ""
	}
	answers, again := b.tftpTo(t, "OACK", "DATA"), t.asked[len(t.asked)-1]
	if len(answers) == 0 || again.Packet.TFTP.Repeat == 0 || again.Seq < answers[0].Seq {
		return ""
	}
	first := answers[0]
	d.what = fmt.Sprintf("%s answered its request for %q from port %d, and it asked %s more as if nothing had come", b.serverName(t), t.file,
		event.PortOf(first.Packet.Src), times(again.Packet.TFTP.Repeat, "time"))
	d.do = "let answers from any port of that server pass: a firewall on the way needs to follow TFTP (nf_conntrack_tftp), or the server be held to a range of ports that is open"
	d.evidence = []event.Event{t.asked[0], first, again}
	return "RFC 1350 section 4: each transfer has a port of its own"
}

// smallBlock is the largest block that passes wherever IPv4 may not be fragmented: 576 octets less the headers (RFC 1122
// section 3.3.2).
const smallBlock = 544

// mtu is where block sizes and the packets that a path takes are specified.
const mtu = "RFC 2348; RFC 1191 for the MTU of a path"

// largeBlocksLost: what is small passes both ways, and no large block arrives, or none is acknowledged.
func (b *boot) largeBlocksLost(d *diagnosis) (see string) {
	t := b.pending()
	if t == nil || t.failed != nil || t.aborted != nil {
		return ""
	}
	size := 512
	if t.granted != nil {
		if _, err := fmt.Sscan(t.granted.Packet.TFTP.Options["blksize"], &size); err != nil {
			size = 512
		}
	}
	fits := "cap the block size (blksize) in the TFTP server at the smallest MTU on the path less 32 octets, or mend the MTU there: a tunnel, VPN or VLAN takes its share of 1500"
	if e, ok := b.icmp("ICMP fragmentation needed"); ok {
		d.what = fmt.Sprintf("blocks of %q are %d octets and %s says that its link takes no packets of that size", t.file, size, event.HostOf(e.Packet.Src))
		d.do, d.evidence = fits, []event.Event{t.asked[0], e}
		return mtu
	}
	if _, ok := b.icmp("ICMP host unreachable", "ICMP port unreachable", "ICMP network unreachable"); ok {
		return "" // then small ones would not arrive, either
	}
	data := b.tftpTo(t, "DATA")
	first, acked := t.asked[len(t.asked)-1], b.ackedBlock(t)
	switch {
	case size <= smallBlock || acked > 0:
		return ""
	case len(data) == 0 && t.granted != nil && acked == 0:
		d.what = fmt.Sprintf("%s answered its request for %q and agreed on blocks of %d octets, and none came", b.serverName(t), t.file, size)
		d.do, d.evidence = "see the log of that server; if it sent them, large packets are lost on the way: "+fits, []event.Event{first, *t.granted}
	case len(data) > 0 && data[len(data)-1].Packet.TFTP.Block == 1 && data[len(data)-1].Packet.TFTP.Repeat > 0:
		last := data[len(data)-1]
		d.what = fmt.Sprintf("%s sent block 1 of %q (%d octets) %s and it was never acknowledged, though small packets pass both ways",
			b.serverName(t), t.file, size, times(last.Packet.TFTP.Repeat+1, "time"))
		d.do, d.evidence = "see whether large packets pass: "+fits, []event.Event{first, last}
	default:
		return ""
	}
	return mtu
}

// ackedBlock is the highest block of a transfer that the guest acknowledged; -1 if none, 0 for the options.
func (b *boot) ackedBlock(t *transfer) int {
	highest := -1
	for _, e := range b.events {
		if p := e.Packet; p != nil && p.TFTP != nil && p.FromGuest && p.TFTP.Op == "ACK" && p.TFTP.File == t.file {
			highest = max(highest, p.TFTP.Block)
		}
	}
	return highest
}

// icmp finds the complaint of a router or host that begins so (RFC 792, type 3).
func (b *boot) icmp(begins ...string) (event.Event, bool) {
	for _, e := range b.events {
		p := e.Packet
		if p != nil && p.Proto == "icmp" && slices.ContainsFunc(begins, func(s string) bool { return strings.HasPrefix(p.Info, s) }) {
			return e, true
		}
	}
	return event.Event{}, false
}

// sizeTooSmall: option 13 says how large the boot file is, in blocks of 512 octets, and it is larger (RFC 2132 section 3.15). EDK2
// believes it and has no memory for the rest.
func (b *boot) sizeTooSmall(d *diagnosis) (see string) {
	t := b.lastTransfer()
	if t == nil || t.http != nil {
		return ""
	}
	for _, e := range b.dhcp(false, func(m *event.DHCP) bool { return m.BootSize > 0 && sameFile(m.File, t.file) }) {
		said, is, exact := int64(e.Packet.DHCP.BootSize)*512, t.bytes, t.whole != nil
		if t.granted != nil {
			var tsize int64
			if _, err := fmt.Sscan(t.granted.Packet.TFTP.Options["tsize"], &tsize); err == nil {
				is, exact = max(is, tsize), true
			}
		}
		if is <= said {
			continue
		}
		least, value := "at least ", "the file's size in blocks of 512 octets, rounded up"
		if exact {
			least, value = "", fmt.Sprintf("%d (blocks of 512 octets)", (is+511)/512)
		}
		d.what = fmt.Sprintf("option 13 from %s says that %q has %d octets, and it has %s%d", b.sender(e), t.file, said, least, is)
		d.do = fmt.Sprintf("take option 13 (boot file size) out of the settings of %s, or set it to %s", b.sender(e), value)
		d.evidence = []event.Event{e, t.asked[0]}
		if t.noRoom() {
			d.evidence = append(d.evidence, *t.aborted)
		}
		return "RFC 2132 section 3.15"
	}
	return ""
}

// roomless: the client says itself that it has no room for the file.
func (b *boot) roomless(d *diagnosis) (see string) {
	t := b.lastTransfer()
	if t == nil || !t.noRoom() {
		return ""
	}
	d.what = fmt.Sprintf("%s sent it %q whole, and it had no room for that (it answered with TFTP error 3%s)", b.serverName(t), t.file, says(t.aborted.Packet.TFTP.Message))
	d.do = fmt.Sprintf("give the machine more memory than %d octets need, or name it a smaller boot program", t.bytes)
	d.evidence = []event.Event{*t.whole, *t.aborted}
	return "RFC 1350 section 5: error 3"
}

// junkInName: the name that was asked for ends in what no file's does, such as the carriage return of a configuration file from
// another system, or octets of the packet after a name without its end.
func (b *boot) junkInName(d *diagnosis) (see string) {
	t := b.pending()
	if t == nil || t.file == "" {
		return ""
	}
	name := strings.TrimRightFunc(t.file, unicode.IsSpace)
	if i := strings.Index(name, `\x`); i > 0 { // as the decoder shows what is not printable
		name = name[:i]
	}
	if name == t.file {
		return ""
	}
	d.what = fmt.Sprintf("it asked %s for %q: the name goes on after %q, with what is no part of it", b.serverName(t), t.file, name)
	d.do = fmt.Sprintf("write %q in the DHCP server without anything behind it: a space, a carriage return, or octets after a name that is not ended by NUL", name)
	return "RFC 2132 section 9.5"
}

// overHTTP: it is HTTP's status 404, and no error of TFTP.
func (b *boot) overHTTP(*diagnosis) (see string) {
	if b.pendingHTTP() == nil {
		return ""
	}
	return "RFC 9110 section 15.5.5: 404 Not Found"
}

// fromItsSender: the reply named no server for its file, so its sender was asked. What is wrong is the reply.
func (b *boot) fromItsSender(*diagnosis) (see string) {
	if t := b.pending(); t != nil {
		if _, ok := b.withoutNextServer(t); ok {
			return "RFC 2132 section 9.5 (option 67); RFC 2131 section 2 (file, siaddr)"
		}
	}
	return ""
}

// malformedVendor: an offer's option 43 cannot be read to its end. Some clients drop such a packet without a word; iPXE and EDK2
// forgive a tag that is cut short.
func (b *boot) malformedVendor(d *diagnosis) (see string) {
	for _, e := range b.dhcp(false, func(m *event.DHCP) bool { return isOffer(m) && isPXE(m) && m.Vendor != "" }) {
		octets, err := hex.DecodeString(e.Packet.DHCP.Vendor)
		if err != nil {
			continue
		}
		if _, err = pxe.ParseVendor(octets); err == nil {
			continue
		}
		d.what = fmt.Sprintf("%s offered it %s with an option 43 that cannot be read (%s), and it did not accept", b.sender(e),
			event.AddressOr(e.Packet.DHCP.YIAddr, "no address"), strings.TrimPrefix(err.Error(), "option 43: "))
		d.do = "write option 43 as tags with their lengths, ended by 255, and keep it below 255 octets"
		d.evidence = []event.Event{e}
		return "RFC 2132 section 8.4; PXE 2.1 table 2-1"
	}
	return ""
}

// relayedAstray: a request that came through a relay was answered by broadcast on the server's own network, where the machine is
// not (RFC 2131 section 4.1 has it sent to the relay).
func (b *boot) relayedAstray(d *diagnosis) (see string) {
	for _, e := range b.dhcp(false, func(m *event.DHCP) bool { return isOffer(m) && event.IsSet(m.GIAddr) && m.DstPort == 68 }) {
		if event.HostOf(e.Packet.Dst) != everybody {
			continue
		}
		relay := e.Packet.DHCP.GIAddr
		d.what = fmt.Sprintf("%s answered what %s had relayed by broadcast on its own network, where the machine is not", b.sender(e), relay)
		d.do = fmt.Sprintf("have it answer the relay, %s port 67: a server that does not know relays needs to be on the machine's own network", relay)
		d.evidence = []event.Event{e}
		return "RFC 2131 section 4.1: to the relay, if giaddr is set"
	}
	return ""
}

// everybody is the address of a broadcast.
const everybody = "255.255.255.255"

// declined: the client found its new address in use and sent it back (RFC 2131 section 3.1, 5).
func (b *boot) declined() *diagnosis {
	sent := b.dhcp(true, func(m *event.DHCP) bool { return m.Type == "DECLINE" })
	if len(sent) == 0 || b.stage > event.StageAddress {
		return nil
	}
	last := sent[len(sent)-1]
	for _, e := range b.dhcp(false, gives) {
		if e.Seq > last.Seq {
			return nil
		}
	}
	address := event.AddressOr(last.Packet.DHCP.Requested, event.AddressOr(b.address, "the address"))
	return &diagnosis{fmt.Sprintf("it sent %s back (DHCPDECLINE): another host had answered for that address", address),
		"find the host that has " + address + " (arping, or the ARP table of the switch) and give it another, or take that address out of the DHCP server's range", ends(sent)}
}

// contradicted: one server gave the address and another refused it. Which of the two the client heard first is luck.
func (b *boot) contradicted() *diagnosis {
	if b.stage != event.StageAddress {
		return nil
	}
	gave := b.dhcp(false, gives)
	for _, nak := range b.dhcp(false, func(m *event.DHCP) bool { return m.Type == "NAK" }) {
		for _, ack := range gave {
			if from := ack.Packet.SrcMAC; nak.Packet.SrcMAC != from && nak.Packet.DHCP.XID == ack.Packet.DHCP.XID {
				return &diagnosis{fmt.Sprintf("%s gave it %s and %s refused the same request (DHCPNAK)", b.sender(ack), ack.Packet.DHCP.YIAddr, b.sender(nak)),
					"leave one server in charge of this network's addresses", []event.Event{ack, nak}}
			}
		}
	}
	return nil
}
