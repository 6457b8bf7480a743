package judge

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server/pxe"
)

// bootServerSilent: it looked for a boot server of a type, and none of that type answered.
func (b *boot) bootServerSilent() *diagnosis {
	sent := b.dhcp(true, asksBootServer)
	if b.stage != event.StageBootServer || len(sent) == 0 || b.answered(sent[0]) {
		return nil
	}
	first := sent[0].Packet
	to, port, name := event.HostOf(first.Dst), event.PortOf(first.Dst), first.DHCP.ItemType()
	asked, where := b.discovered(to, port)
	d := &diagnosis{fmt.Sprintf("it asked %s for a boot server of type %s%s with %s, and none answered", asked, name, b.shownAs(first.DHCP), times(len(sent), "request")),
		fmt.Sprintf("run a boot server of type %s %s", name, where), ends(sent)}
	if e, item := b.chosen(first.DHCP); item != nil {
		d.what = fmt.Sprintf("the menu of %s sent it to a boot server of type %s%s; it asked %s with %s, and none answered", b.sender(e), name,
			b.shownAs(first.DHCP), asked, times(len(sent), "request"))
		d.evidence = append([]event.Event{e}, d.evidence...)
		if b.program(e.Service) == "dnsmasq" {
			d.do = b.pxeService(item, name) + ", or r" + d.do[1:]
		}
	}
	if to == everybody {
		for _, s := range b.t.plan.Services {
			if s.Server != nil && s.Server.BootServer != nil && !s.Server.BootServer.Broadcast && b.hears(&s) {
				d.do = fmt.Sprintf("boot server %q does not listen for broadcasts to port 67: let it (broadcast: true), or name it in the server list (option 43, tag 8)", s.Name)
			}
		}
	}
	b.blame(d, sent, "bootserver")
	b.ofOtherType(d, sent)
	return d
}

// discovered words whom a client asked for a boot server, and where one has to be to hear that.
func (b *boot) discovered(to string, port int) (asked, where string) {
	on := "its network"
	if b.guest.Network != "" {
		on = fmt.Sprintf("network %q", b.guest.Network)
	}
	a, err := netip.ParseAddr(to)
	switch at := b.serviceAt(to); {
	case to == everybody:
		return "everybody on " + on, fmt.Sprintf("on %s that listens for broadcasts on port %d", on, port)
	case err == nil && a.IsMulticast():
		return "the group " + to, fmt.Sprintf("on %s that listens to the group %s on port %d", on, to, port)
	case at != "":
		return fmt.Sprintf("%q (%s)", at, to), fmt.Sprintf("at %s, UDP %d", to, port)
	}
	return to, fmt.Sprintf("at %s, UDP %d", to, port)
}

// shownAs says as which number iPXE's console shows the type: it swaps the two octets. Empty if it does not.
func (b *boot) shownAs(d *event.DHCP) string {
	n, err := strconv.ParseUint(fmt.Sprintf("%.4s", d.BootItem), 16, 16)
	swapped := n>>8 | n&0xff<<8
	if err != nil || n == swapped || !slices.ContainsFunc(b.lines, func(e event.Event) bool { return strings.Contains(e.Text, fmt.Sprintf(" type %d)", swapped)) }) {
		return ""
	}
	return fmt.Sprintf(" (its console shows that as %d)", swapped)
}

// chosen is the reply whose menu has the type that a client asked for, and the item of that menu; nil if none has.
func (b *boot) chosen(d *event.DHCP) (event.Event, *pxe.MenuItem) {
	e, v := b.told()
	if v == nil {
		return e, nil
	}
	for i := range v.Menu {
		if fmt.Sprintf("%04x", uint16(v.Menu[i].Type)) == fmt.Sprintf("%.4s", d.BootItem) {
			return e, &v.Menu[i]
		}
	}
	return e, nil
}

// pxeService says what to write in place of a type in dnsmasq's configuration: it answers for the files that it names itself, and for
// no type that is a number there, whoever's address stands behind it.
func (b *boot) pxeService(item *pxe.MenuItem, name string) string {
	file := "FILE"
	if b.guest.Arch == "bios" {
		file = "FILE without its .0"
	}
	return fmt.Sprintf(`dnsmasq itself answers for files, not for a number: give its pxe-service line a file in place of %s (pxe-service=%s,%q,%s)`,
		name, serviceNames[b.guest.Arch], item.Text, file)
}

// ofOtherType: a boot server of ours heard the request, and has other types.
func (b *boot) ofOtherType(d *diagnosis, sent []event.Event) {
	asked := sent[0].Packet.DHCP.ItemType()
	for _, e := range b.silences {
		i := slices.IndexFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Name == e.Service })
		if i < 0 || e.Decision.Role != "bootserver" || !isAbout(e.Decision, sent) {
			continue
		}
		if has := bootTypes(&b.t.plan.Services[i]); len(has) > 0 && !slices.Contains(has, asked) {
			d.do = fmt.Sprintf("boot server %q heard it and has only type %s: give it type %s, or the menu a type that it has", e.Service, inDecimalsToo(has), asked)
			return
		}
	}
}

// bootTypes names the types of a boot server of ours.
func bootTypes(s *plan.Service) []string {
	if s.Server == nil || s.Server.BootServer == nil {
		return nil
	}
	var names []string
	for _, x := range s.Server.BootServer.Boots {
		if n := event.TypeName(x.Type); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// inDecimalsToo lists types, those below the vendors' own in decimals, too: a topology may well have them so.
func inDecimalsToo(types []string) string {
	var words []string
	for _, name := range types {
		if n, err := strconv.ParseUint(name, 0, 16); err == nil && strings.HasPrefix(name, "0x") && n < 0x8000 {
			name += fmt.Sprintf(" (%d)", n)
		}
		words = append(words, name)
	}
	return strings.Join(words, ", ")
}
