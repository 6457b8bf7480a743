package explain

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// Rules about a host that a machine asked in vain: whether it is there at all.

// lastAsked is the last message of a machine to one host that was never answered by it; nil if its last was to all.
func lastAsked(log []event.Event) *event.Packet {
	var last *event.Packet
	for _, e := range log {
		if p := e.Packet; p != nil && p.FromGuest && (p.DHCP != nil || p.TFTP != nil) {
			last = p
		}
	}
	if last == nil {
		return nil
	}
	to, err := netip.ParseAddr(event.HostOf(last.Dst))
	if err != nil || to.IsMulticast() || to == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return nil
	}
	return last
}

// heardFrom is the first frame that came from an address; nil if none did. closed means that it said that nobody listens.
func heardFrom(log []event.Event, address string) (first *event.Packet, closed bool) {
	for _, e := range log {
		p := e.Packet
		if p == nil || p.FromGuest || event.HostOf(p.Src) != address {
			continue
		}
		if first == nil {
			first = p
		}
		closed = closed || p.Proto == "icmp" && strings.Contains(p.Info, "port unreachable")
	}
	return first, closed
}

// filtered: the host is up, and did not say that nobody listens on that port, as a host does (RFC 1122 section 3.2.2.1).
func filtered(_ *station, _ *around, log []event.Event, _ time.Duration) *Answer {
	asked := lastAsked(log)
	if asked == nil {
		return nil
	}
	host, port := event.HostOf(asked.Dst), event.PortOf(asked.Dst)
	up, closed := heardFrom(log, host)
	if up == nil || closed {
		return nil
	}
	return &Answer{See: "RFC 1122 section 3.2.2.1: a host says that a port is closed",
		What:     fmt.Sprintf("the service runs on %s, and a firewall there or on the way drops UDP %d or its answers", host, port),
		For:      fmt.Sprintf("%s is up, and did not say that nobody listens there, as a host without a firewall does", host),
		Do:       fmt.Sprintf("open UDP %d there, and what is sent back from it", port),
		Evidence: []judge.Evidence{{Frame: up.Frame, Text: "from " + host + ": " + up.Info}}}
}

// noHost: nothing at all came from the address that the file was to be fetched from.
func noHost(_ *station, _ *around, log []event.Event, _ time.Duration) *Answer {
	asked := lastAsked(log)
	if asked == nil {
		return nil
	}
	host := event.HostOf(asked.Dst)
	if up, _ := heardFrom(log, host); up != nil {
		return nil
	}
	return &Answer{See: "RFC 2131 section 2: siaddr",
		What: host + " is not the host that has the file, or is down",
		For:  "no frame at all came from that address",
		Do:   "set next server (siaddr) to the TFTP server's address, and the router (option 3) if it is on another network"}
}

// qemuVendor is how the hardware addresses of QEMU's cards begin unless they are given others.
const qemuVendor = "52:54:00:"

// ofROM notes that what boots is the option ROM that QEMU gives its cards, which takes the place of the PXE client of an x86-64
// UEFI firmware: a test of the firmware's own client tests another.
func (x *Explanation) ofROM(log []event.Event) {
	first := introduction(log)
	if first == nil || first.DHCP == nil || first.DHCP.UserClass != "iPXE" || x.Arch != "efi-x64" || !strings.HasPrefix(x.Machine, qemuVendor) {
		return
	}
	x.Notes = append(x.Notes, "this is iPXE from the first message on, in a virtual machine: QEMU gives its cards an option ROM that takes the place of "+
		"the firmware's own PXE client; to try that one, start QEMU with an empty romfile= for the card")
}
