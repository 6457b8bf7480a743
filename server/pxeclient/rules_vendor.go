package pxeclient

import (
	"fmt"
	"slices"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/pxe"
)

// vendor gives option 43 as PXE reads it.
func (p *pair) vendor() (b []byte, ok bool) {
	if !p.r.isPXE() {
		return nil, false
	}
	return p.r.Get(optVendor)
}

func (p *pair) vendorNoEnd() string {
	b, ok := p.vendor()
	for i := 0; i < len(b); {
		switch {
		case b[i] == pxe.TagEnd:
			return ""
		case b[i] == pxe.TagPad || i+1 == len(b):
			i++
		default:
			i += 2 + int(b[i+1])
		}
	}
	if !ok {
		return ""
	}
	return fmt.Sprintf("no tag 255 in its %d octets", len(b))
}

func (p *pair) vendorLong() string {
	if b, _ := p.vendor(); len(b) > 255 {
		return fmt.Sprintf("%d octets", len(b))
	}
	return ""
}

func (p *pair) vendorBad() string {
	if p.r.VendorErr != nil {
		return p.r.VendorErr.Error()
	}
	return ""
}

// discovery gives the options by which a reply tells how to discover, if it does: in an answer to the discovery itself
// they have no meaning.
func (p *pair) discovery() (v *pxe.Vendor, ok bool) {
	return p.r.Vendor, p.r.discovers() && p.item == nil && !p.r.Direct()
}

func (p *pair) reservedControl() string {
	if c := control(p.r.Vendor); c&0xf0 != 0 {
		return fmt.Sprintf("%#02x", byte(c))
	}
	return ""
}

func (p *pair) noGroup() string {
	v, ok := p.discovery()
	if ok && control(v)&pxe.NoMulticast == 0 && !v.Multicast.IsValid() {
		return "tag 6 allows discovery by multicast, and there is no tag 7"
	}
	return ""
}

func (p *pair) unlisted() string {
	v, ok := p.discovery()
	if !ok || v.Servers == nil {
		return ""
	}
	return p.items(v, func(t pxe.ServerType) bool {
		return slices.ContainsFunc(v.Servers, func(s pxe.Server) bool { return s.Type == t })
	})
}

func (p *pair) noWay() string {
	v, ok := p.discovery()
	if !ok {
		return ""
	}
	return p.items(v, func(t pxe.ServerType) bool {
		_, err := Ways(v, t)
		return err == nil
	})
}

// items names the menu items of remote boot that are not good.
func (p *pair) items(v *pxe.Vendor, good func(pxe.ServerType) bool) string {
	var bad []string
	for _, i := range v.Menu {
		if i.Type != pxe.LocalBoot && !good(i.Type) {
			bad = append(bad, fmt.Sprintf("%q of type %s", i.Text, typeText(i.Type)))
		}
	}
	return strings.Join(bad, ", ")
}

func (p *pair) noMenu() string {
	if v, ok := p.discovery(); ok && v.Menu == nil {
		return "discovery options, no menu (tag 9), and bit 3 of tag 6 is clear or there is no boot file"
	}
	return ""
}

func (p *pair) menuToIPXE() string {
	efi := len(p.client.Archs) > 0 && p.client.Archs[0] != pxe.ArchBIOS
	if v, ok := p.discovery(); ok && v.Menu != nil && p.client.IPXE && efi {
		return fmt.Sprintf("%d items to %s", len(v.Menu), p.client.Archs[0])
	}
	return ""
}

func (p *pair) mtftpAlone() string {
	if p.r.Type() == dhcpv4.MessageTypeOffer && p.r.Vendor.MTFTP != nil && !p.r.discovers() {
		return "tags 1 to 5 and none of 6 to 10"
	}
	return ""
}

// itemLost: a DHCP server that knows nothing of PXE may take a broadcast discovery for a lease to be rebound.
func (p *pair) itemLost() string {
	if p.item == nil || !p.r.isPXE() {
		return ""
	}
	if got := p.r.Vendor.Item; got == nil {
		return fmt.Sprintf("type %s layer %#x was asked for, no tag 71 came back", typeText(p.item.Type), p.item.Layer)
	} else if *got != *p.item {
		return fmt.Sprintf("type %s layer %#x was asked for, type %s layer %#x came back",
			typeText(p.item.Type), p.item.Layer, typeText(got.Type), got.Layer)
	}
	return ""
}

func (p *pair) twoHosts() string {
	k, _ := p.r.Kind()
	if offer := p.r.Type() == dhcpv4.MessageTypeOffer; !offer || k != DHCPBINL && k != ProxyBINL {
		return ""
	}
	if id := p.r.Addr(optServerID); p.r.SIAddr.IsValid() && p.r.SIAddr != id {
		return fmt.Sprintf("siaddr %s, option 54 %s", p.r.SIAddr, id)
	}
	return ""
}
