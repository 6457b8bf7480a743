package judge

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/server/pxe"
)

// Rules about what PXE servers told a client in option 43, and about boot servers.

// told is the reply that told the client how to find a boot server, and what it said: the last with PXE options that
// is no boot server's own.
func (b *boot) told() (event.Event, *pxe.Vendor) {
	all := b.dhcp(false, func(d *event.DHCP) bool { return isPXE(d) && d.Vendor != "" && d.BootItem == "" })
	for _, e := range slices.Backward(all) {
		raw, err := hex.DecodeString(e.Packet.DHCP.Vendor)
		if err != nil {
			continue
		}
		v, err := pxe.ParseVendor(raw)
		if err == nil && !(direct(v) && e.Packet.DHCP.File != "") {
			return e, v
		}
	}
	return event.Event{}, nil
}

func direct(v *pxe.Vendor) bool { return v.Control != nil && *v.Control&pxe.Direct != 0 }

// forbids tells whether the discovery control rules a way of discovery out.
func forbids(v *pxe.Vendor, way pxe.Control) bool { return v.Control != nil && *v.Control&way != 0 }

// undecided tells whether the boot stopped after it was told how to find boot servers and before it asked for one.
func (b *boot) undecided() bool {
	return b.stage >= event.StageOffer && b.stage <= event.StageProxy && (b.gaveUp != nil || b.stalled != nil)
}

// menuUnsupported: iPXE's EFI builds have no code for a menu, and end the boot without a word.
func (b *boot) menuUnsupported() *diagnosis {
	e, v := b.told()
	if v == nil || len(v.Menu) == 0 || !b.undecided() || b.guest.Client != "ipxe" || b.guest.Arch == "bios" {
		return nil
	}
	return &diagnosis{fmt.Sprintf("%s sent it a boot menu (option 43, tag 9), and iPXE's EFI builds have none", b.sender(e)),
		"to clients with user class iPXE (option 77) send the boot file and discovery control 8, without a menu", []event.Event{e}}
}

// noMenu: discovery options without a menu leave EDK2 with a default item of type 0, "cancelled", and iPXE asks port
// 4011 without naming a type.
func (b *boot) noMenu() *diagnosis {
	e, v := b.told()
	if v == nil || len(v.Menu) > 0 || !b.undecided() {
		return nil
	}
	what := "told it to look for boot servers (option 43, tags 6 to 8)"
	if v.Control == nil && len(v.Servers) == 0 && !v.Multicast.IsValid() {
		if v.Prompt == nil || b.promptIsNothing() {
			return nil
		}
		what = "sent it the prompt of a boot menu (option 43, tag 10)"
	}
	return &diagnosis{fmt.Sprintf("%s %s and sent no menu (tag 9) to choose one from", b.sender(e), what),
		fmt.Sprintf("have %s send a menu (tag 9), or name the file and set bit 3 of the discovery control (tag 6)", b.sender(e)), []event.Event{e}}
}

// promptIsNothing tells whether a prompt without a menu means nothing to the client. EDK2 alone takes it for the sign of a
// boot server, and cancels the boot (PXE-E21).
func (b *boot) promptIsNothing() bool {
	if own, ok := b.introduced(); ok && b.mute() {
		return isIPXE(own.Packet.DHCP)
	}
	return !slices.ContainsFunc(b.complaint, func(e event.Event) bool { return strings.Contains(e.Text, "PXE-E21") })
}

// menuWaits: the menu is there, has no time-out (PXE 2.1 table 2-1: that of the prompt ends with the prompt), and nobody
// pressed Enter. Without a prompt iPXE shows the menu, and EDK2 takes the first item.
func (b *boot) menuWaits() *diagnosis {
	e, v := b.told()
	if v == nil || !b.undecided() || b.gaveUp != nil {
		return nil
	}
	why := b.menuShown(v)
	if why == "" {
		return nil
	}
	return &diagnosis{fmt.Sprintf("it shows the boot menu of %s (%s), which waits for ever, and nobody chose", b.sender(e), why),
		"choose an item, or give the prompt a time-out (option 43, tag 10) after which the first is taken", []event.Event{e, *b.stalled}}
}

// menuShown says why the client shows its menu for ever; empty if it does not, or if somebody chose.
func (b *boot) menuShown(v *pxe.Vendor) string {
	if len(v.Menu) == 0 {
		return ""
	}
	shown, why := v.Prompt == nil && b.guest.Client == "ipxe", "without a prompt"
	if v.Prompt != nil && v.Prompt.Timeout == 255 {
		shown, why = true, "time-out 255"
	}
	if b.typed("f8") != nil {
		shown, why = true, "F8 was pressed"
	}
	if !shown || b.typed("enter") != nil || b.typed("esc") != nil {
		return ""
	}
	return why
}

// atMenu tells whether the whole menu stands on the console and waits.
func (b *boot) atMenu() bool {
	if b.stage != event.StageAddress && b.stage != event.StageProxy {
		return false
	}
	_, v := b.told()
	if v == nil || b.menuShown(v) == "" {
		return false
	}
	for _, item := range v.Menu {
		if !slices.ContainsFunc(b.lines, func(e event.Event) bool { return strings.Contains(e.Text, item.Text) }) {
			return false
		}
	}
	return true
}

// noDiscoveryGroup: multicast is allowed, comes first, and there is no group.
func (b *boot) noDiscoveryGroup() *diagnosis {
	e, v := b.told()
	if v == nil || len(v.Menu) == 0 || !b.undecided() || forbids(v, pxe.NoMulticast) || v.Multicast.IsValid() {
		return nil
	}
	return &diagnosis{fmt.Sprintf("%s allows discovery by multicast (bit 1 of the discovery control is clear) and names no group for it", b.sender(e)),
		"name the group (option 43, tag 7), or set bit 1", []event.Event{e}}
}

// typeNotListed: discovery goes by the list of servers alone, and the list does not have the type.
func (b *boot) typeNotListed() *diagnosis {
	e, v := b.told()
	if v == nil || len(v.Menu) == 0 || !b.undecided() || !forbids(v, pxe.NoMulticast) || !forbids(v, pxe.NoBroadcast) {
		return nil
	}
	t := v.Menu[0].Type
	if t == pxe.LocalBoot || slices.ContainsFunc(v.Servers, func(s pxe.Server) bool { return s.Type == t && len(s.Addrs) > 0 }) {
		return nil
	}
	return &diagnosis{fmt.Sprintf("the menu of %s has type %s first, discovery may use the server list alone, and the list has no server of that type", b.sender(e), event.TypeName(int(t))),
		fmt.Sprintf("list a server for type %s (option 43, tag 8)", event.TypeName(int(t))), []event.Event{e}}
}

// cancelled: somebody left the menu, or chose its local boot.
func (b *boot) cancelled() *diagnosis {
	e, v := b.told()
	if v == nil || len(v.Menu) == 0 || !b.undecided() {
		return nil
	}
	if k := b.typed("esc"); k != nil {
		return &diagnosis{"Esc was pressed at the boot menu or its prompt", "press another key", []event.Event{e, *k}}
	}
	return nil
}

// typed is the first time that a key was pressed on the guest's console; nil if it never was.
func (b *boot) typed(key string) *event.Event {
	for i, e := range b.events {
		if e.Kind == event.KeysTyped && slices.Contains(strings.Fields(e.Text), key) {
			return &b.events[i]
		}
	}
	return nil
}

// localBoot: the item of type 0 was taken, by its place or by a key.
func (b *boot) localBoot() *diagnosis {
	e, v := b.told()
	if v == nil || !b.undecided() || !slices.ContainsFunc(v.Menu, func(m pxe.MenuItem) bool { return m.Type == pxe.LocalBoot }) {
		return nil
	}
	return &diagnosis{"the menu's local boot (type 0) was taken, so the client left the network, and this machine has nothing else to boot from",
		"choose another item, or put one first", []event.Event{e}}
}

// answerIgnored: a boot server answered, and the client did not take it for an answer.
func (b *boot) answerIgnored() *diagnosis {
	if b.stage != event.StageBootServer {
		return nil
	}
	asked := b.dhcp(true, asksBootServer)
	if len(asked) == 0 {
		return nil
	}
	q := asked[0]
	for _, a := range b.dhcp(false, func(d *event.DHCP) bool { return d.Type == "ACK" && !gives(d) }) {
		if a.Seq < q.Seq || a.Packet.DHCP.XID != q.Packet.DHCP.XID {
			continue
		}
		what, do := b.ignored(q, a)
		return &diagnosis{fmt.Sprintf("%s answered its boot server request%s, and it did not take that", b.sender(a), what),
			fmt.Sprintf(do, b.sender(a)), []event.Event{q, a}}
	}
	return nil
}

// ignored says what is wrong with a boot server's answer, and what to do; %s stands for the server.
func (b *boot) ignored(q, a event.Event) (what, do string) {
	e, v := b.told()
	from := event.HostOf(a.Packet.Src)
	listed := func(s pxe.Server) bool {
		return slices.ContainsFunc(s.Addrs, func(a netip.Addr) bool { return a.String() == from })
	}
	switch {
	case event.HostOf(a.Packet.Dst) == everybody:
		return " by broadcast", "have %s answer by unicast, to the address and port that the request came from"
	case event.PortOf(a.Packet.Dst) != event.PortOf(q.Packet.Src):
		return fmt.Sprintf(" to port %d, where it asked from port %d", event.PortOf(a.Packet.Dst), event.PortOf(q.Packet.Src)),
			"have %s answer to the port that the request came from"
	case a.Packet.DHCP.BootItem == "":
		return " without saying for which boot item (option 43.71)", "have %s repeat tag 71 of the request"
	case v != nil && forbids(v, pxe.OnlyListed) && !slices.ContainsFunc(v.Servers, listed):
		return " from an address that the server list does not have, and only listed servers count (discovery control bit 2)",
			"add %s (" + from + ") to the server list of " + b.sender(e) + " (option 43, tag 8), or clear bit 2 there"
	}
	return "", "compare the answer of %s with the request: option 54, option 60 PXEClient, tag 71"
}

// noClass: what a proxyDHCP service offers without option 60 is no PXE offer to anybody.
func (b *boot) noClass() *diagnosis {
	if b.stage > event.StageAddress {
		return nil
	}
	for _, e := range b.dhcp(false, func(d *event.DHCP) bool { return d.Type == "OFFER" && !event.IsSet(d.YIAddr) && d.ClassID == "" }) {
		return &diagnosis{fmt.Sprintf("the offer of %s%s gives no address, and clients take such an offer only if it says PXEClient in option 60, which it does not", b.sender(e), withFile(e.Packet.DHCP)),
			fmt.Sprintf("have %s send PXEClient in option 60 (vendor class identifier)", b.sender(e)), []event.Event{e}}
	}
	return nil
}

// confirmsNone names the service of ours with that address, if it is none that could confirm an address.
func (b *boot) confirmsNone(address string) string {
	for _, s := range b.t.plan.Services {
		if s.Server != nil && b.t.isAt(s, address) && !playsAny(s, []string{"dhcp", "bootp"}) {
			return s.Name
		}
	}
	return ""
}

// rivals: a second server gave an address in its offer, and the client chose the one that confirms none.
func (b *boot) rivals() string {
	var names []string
	for _, e := range b.dhcp(false, func(d *event.DHCP) bool { return d.Type == "OFFER" && event.IsSet(d.YIAddr) }) {
		if text := fmt.Sprintf("%s (%s)", b.sender(e), e.Packet.DHCP.YIAddr); !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	if len(names) < 2 {
		return ""
	}
	return strings.Join(names, " and ") + " both offered it addresses"
}
