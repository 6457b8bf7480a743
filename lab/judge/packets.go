package judge

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// portBINL is where proxyDHCP and boot servers listen (PXE 2.1 section 2.2).
const portBINL = 4011

// portDHCP is where DHCP servers and relays listen (RFC 2131 section 4.1).
const portDHCP = 67

// transfer is one file the guest asked for. Requests for the same name are one transfer: EDK2 asks
// twice, first for the size only.
type transfer struct {
	file     string // name on the wire
	server   string // address it was asked from
	service  string // who answered, if that is a service of the lab
	asked    []event.Event
	answered bool // since the last new request
	bytes    int64
	whole    *event.Event  // the last block
	failed   *event.Event  // ERROR from the server
	aborted  *event.Event  // ERROR from the guest
	granted  *event.Event  // OACK to the last new request
	grants   []event.Event // those after which the whole file came
	http     *onHTTP       // nil: over TFTP
}

// packet takes a frame on the guest's cable.
func (b *boot) packet(e event.Event) {
	p := e.Packet
	if p == nil {
		return
	}
	if p.FromGuest {
		b.reach(event.StageLink, e)
	}
	switch {
	case p.DHCP != nil && p.FromGuest:
		b.dhcpSent(e)
	case p.DHCP != nil && sameMAC(p.DHCP.CHAddr, b.guest.MAC):
		b.dhcpReceived(e)
	case p.DHCP6 != nil && p.FromGuest:
		b.dhcp6Sent(e)
	case p.DHCP6 != nil:
		b.dhcp6Received(e)
	case p.TFTP != nil && p.FromGuest:
		b.tftpSent(e)
	case p.TFTP != nil && (len(b.given) == 0 || b.given[event.HostOf(p.Dst)] || b.opened(p)):
		b.tftpReceived(e)
	case p.HTTP != nil && p.HTTP.Op == "cut" && p.FromGuest:
		b.httpCut(e)
	case p.HTTP != nil && p.FromGuest:
		b.httpSent(e)
	case p.HTTP != nil && (len(b.given) == 0 || b.given[event.HostOf(p.Dst)]):
		b.httpReceived(e)
	}
}

// opened tells whether a packet belongs to a multicast transmission that the guest asked for.
func (b *boot) opened(p *event.Packet) bool {
	to, err := netip.ParseAddr(event.HostOf(p.Dst))
	return err == nil && to.IsMulticast() && p.TFTP.File != "" && b.find(p.TFTP.File) != nil
}

// dhcpSent takes a DHCP message of the guest.
func (b *boot) dhcpSent(e event.Event) {
	d := e.Packet.DHCP
	b.show(fmt.Sprint("dhcp> ", d.Type, d.DstPort, d.BootItem, d.UserClass, d.ServerID), e)
	switch {
	case d.BootItem != "":
		b.reach(event.StageBootServer, e)
	case d.DstPort == portBINL:
		b.reach(event.StageProxy, e)
	case d.Type == "DISCOVER" || d.Type == "BOOTREQUEST":
		b.reach(event.StageDiscover, e)
		b.rounds.asked(e)
		b.secondStage(e, !strings.HasPrefix(d.ClassID, "HTTPClient"))
	}
}

// dhcpReceived takes a DHCP message to the guest. Broadcast replies to other guests cross this cable too: the
// caller has sorted them out.
func (b *boot) dhcpReceived(e event.Event) {
	d := e.Packet.DHCP
	b.show(fmt.Sprint("dhcp< ", d.Type, e.Service, d.SrcPort, d.BootItem, d.File), e)
	switch {
	case d.Type == "OFFER":
		b.reach(event.StageOffer, e)
		b.offeredAgain(e)
	case gives(d):
		if d.Type == "BOOTREPLY" { // is offer and acknowledgement in one (RFC 951)
			b.reach(event.StageOffer, e)
		}
		b.reach(event.StageAddress, e)
		b.given[d.YIAddr] = true
		b.address = d.YIAddr
	}
}

// gives tells whether a reply gives the guest its address: not so the acknowledgement of a boot server.
func gives(d *event.DHCP) bool {
	return (d.Type == "ACK" || d.Type == "BOOTREPLY") && d.SrcPort != portBINL && d.BootItem == "" && event.IsSet(d.YIAddr)
}

// tftpSent takes a TFTP packet of the guest.
func (b *boot) tftpSent(e event.Event) {
	p := e.Packet.TFTP
	switch p.Op {
	case "RRQ":
		b.secondStage(e, b.find(p.File) == nil)
		t := b.find(p.File)
		if t == nil {
			t = &transfer{file: p.File}
			b.transfers = append(b.transfers, t)
			b.show("tftp> "+p.File, e)
		}
		if p.Repeat == 0 {
			t.answered, t.granted = false, nil
		}
		t.server, t.asked = event.HostOf(e.Packet.Dst), append(t.asked, e)
		b.reach(event.StageDownload, e)
	case "ERROR":
		// Code 8 ends an option negotiation (RFC 2347): EDK2 has learnt the size and asks again.
		if t := b.transferOf(p); t != nil && p.Code != 8 {
			t.aborted = &e
		}
	}
}

// tftpReceived takes a TFTP packet to the guest.
func (b *boot) tftpReceived(e event.Event) {
	p := e.Packet.TFTP
	t := b.transferOf(p)
	if t == nil {
		return
	}
	t.answered = true
	if e.Service != "" && (t.whole == nil || p.Op == "DATA" && p.Last) { // a whole file is of the server that ended it
		t.service = e.Service
	}
	switch p.Op {
	case "ERROR":
		t.failed = &e
	case "OACK":
		t.granted = &e
	}
	if p.Op == "DATA" && p.Bytes > t.bytes {
		t.bytes, b.progress = p.Bytes, e.At
	}
	if p.Op == "DATA" && p.Last {
		if t.granted != nil && p.Repeat == 0 {
			t.grants = append(t.grants, *t.granted)
		}
		t.whole, t.failed, t.aborted = &e, nil, nil
		b.rounds.fetchedAgain(t, e)
	}
}

// secondStage notes that a boot program which is no probe runs: only such a program asks for another file, or
// for an address again, after the client had its boot file and did not complain.
func (b *boot) secondStage(e event.Event, isNew bool) {
	if isNew && b.hasFile() && !b.refused {
		b.reach(event.StageStarted, e)
	}
}

// hasFile tells whether the guest has fetched any file whole, and had room for it.
func (b *boot) hasFile() bool {
	return slices.ContainsFunc(b.transfers, func(t *transfer) bool { return t.whole != nil && !t.noRoom() })
}

// noRoom tells whether the guest ended the transfer of a file that was sent whole for want of room (RFC 1350 section 5: error 3).
// EDK2 does where it was told a smaller size.
func (t *transfer) noRoom() bool {
	return t.http == nil && t.whole != nil && t.aborted != nil && t.aborted.Packet.TFTP.Code == 3
}

// find gives the transfer of a file over TFTP, whatever slashes its name begins with.
func (b *boot) find(file string) *transfer {
	for _, t := range b.transfers {
		if t.http == nil && sameFile(t.file, file) {
			return t
		}
	}
	return nil
}

// transferOf gives the transfer a packet belongs to: by its file, else the latest.
func (b *boot) transferOf(p *event.TFTP) *transfer {
	if p.File == "" {
		return b.lastTransfer()
	}
	return b.find(p.File)
}

// lastTransfer is the one whose request came last.
func (b *boot) lastTransfer() *transfer {
	var last *transfer
	for _, t := range b.transfers {
		if last == nil || t.asked[len(t.asked)-1].Seq >= last.asked[len(last.asked)-1].Seq {
			last = t
		}
	}
	return last
}

func sameFile(a, b string) bool { return strings.TrimLeft(a, "/") == strings.TrimLeft(b, "/") }

// dhcp picks the DHCP messages of this boot, in order.
func (b *boot) dhcp(fromGuest bool, pick func(*event.DHCP) bool) []event.Event {
	var out []event.Event
	for _, e := range b.events {
		if p := e.Packet; e.Kind == event.PacketSeen && p != nil && p.DHCP != nil && p.FromGuest == fromGuest &&
			(fromGuest || sameMAC(p.DHCP.CHAddr, b.guest.MAC)) && pick(p.DHCP) {
			out = append(out, e)
		}
	}
	return out
}
