package judge

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/server/pxe"
)

// Who is whose word a boot followed. Senders are known by the port of the bridge that a frame came from, not by what it says.
type Who struct {
	Offers     []Offered `json:"offers,omitempty"`     // in the order in which they first came
	Rule       string    `json:"rule,omitempty"`       // by which rule of its firmware it chose; empty: there was no choice, or the wire does not tell
	Address    string    `json:"address,omitempty"`    // who acknowledged its address
	Proxy      string    `json:"proxy,omitempty"`      // who answered on port 4011
	BootServer string    `json:"bootServer,omitempty"` // who answered its boot server request
	Silent     []Silence `json:"silent,omitempty"`     // services that heard it and did not answer

	Offers6  []Offered `json:"offers6,omitempty"`  // over IPv6: advertisements to its boot client
	Address6 string    `json:"address6,omitempty"` // who gave it its address over IPv6, by a DHCPv6 REPLY
}

// Offered is one server's offer, however often it came.
type Offered struct {
	From   string `json:"from"`             // service, or address if it is none of the lab's
	What   string `json:"what"`             // "192.0.2.100 with boot file \"probe.0\"", "a boot with boot file ..."
	Kind   string `json:"kind"`             // what it is to a PXE client
	Claims string `json:"claims,omitempty"` // the address that it gives as its own (option 54), if that is another's
	Taken  bool   `json:"taken"`
	Unsure bool   `json:"unsure,omitempty"` // taken, or another one was: nothing on the wire tells which
	Meant  bool   `json:"meant,omitempty"`  // by the rule: it should be the one that was taken
	Times  int    `json:"times"`
	Frame  int    `json:"frame"` // of the first
}

// same tells whether a packet is this offer.
func (o *Offered) same(e event.Event) bool {
	return e.Packet != nil && o.From == e.Sender() && o.What == whatOf(e.Packet.DHCP) && o.Kind == kindOf(e.Packet.DHCP).String()
}

// whatOf is what an offer offers.
func whatOf(d *event.DHCP) string { return event.AddressOr(d.YIAddr, "a boot") + withFile(d) }

// Silence is a decision not to answer.
type Silence struct {
	Service string `json:"service"`
	Why     string `json:"why"`
}

// who tells whose word the boot followed.
func (b *boot) who() *Who {
	w := &Who{}
	for _, e := range b.dhcp(false, isOffer) {
		w.offer(b, e)
	}
	rule, meant := b.choice()
	for i := range w.Offers {
		o := &w.Offers[i]
		o.Meant = rule != "" && o.same(meant)
		if o.Meant && o.Taken { // what it took otherwise, it took by a rule that the wire does not tell
			w.Rule = rule
		}
	}
	name := func(pick func(*event.DHCP) bool) string {
		if list := b.dhcp(false, pick); len(list) > 0 {
			return list[len(list)-1].Sender()
		}
		return ""
	}
	w.Address = name(gives)
	w.Proxy = name(func(d *event.DHCP) bool { return d.SrcPort == portBINL && d.BootItem == "" })
	w.BootServer = name(func(d *event.DHCP) bool { return d.Type == "ACK" && d.BootItem != "" })
	w.who6(b)
	w.Silent = b.silent()
	return w
}

// offer adds an offer, or counts it.
func (w *Who) offer(b *boot, e event.Event) {
	d := e.Packet.DHCP
	o := Offered{From: e.Sender(), What: whatOf(d), Kind: kindOf(d).String(), Times: 1, Frame: e.Packet.Frame}
	_, o.Taken, o.Unsure = b.tookUp(e)
	for i := range b.t.plan.Services {
		if s := b.t.plan.Services[i]; s.Name == e.Service && e.Via == "" && event.IsSet(d.ServerID) && !b.t.isAt(s, d.ServerID) {
			o.Claims = d.ServerID
		}
	}
	for i := range w.Offers {
		if have := &w.Offers[i]; have.same(e) {
			have.Times++
			have.Taken, have.Unsure = have.Taken || o.Taken, have.Unsure || o.Unsure
			return
		}
	}
	w.Offers = append(w.Offers, o)
}

// kind is what an offer is to EDK2 (PxeBcParseDhcp4Packet).
type kind int

const (
	dhcpOnly kind = iota
	dhcpPXE10
	dhcpBINL
	proxyPXE10
	proxyBINL
	bootpReply
	noPXE // of a proxy that does not say PXEClient: nothing to anybody
)

// String says it in words to everybody.
func (k kind) String() string {
	return [...]string{"DHCP without PXE", "DHCP and PXE in one", "DHCP that wants to be asked on port 4011", "proxyDHCP with option 43",
		"proxyDHCP that wants to be asked on port 4011", "BOOTP", "neither an address nor PXE"}[k]
}

// kindOf sorts an offer.
func kindOf(d *event.DHCP) kind {
	discovery := hasDiscovery(d)
	switch proxy := !event.IsSet(d.YIAddr); {
	case d.Type == "BOOTREPLY":
		return bootpReply
	case proxy && !isPXE(d):
		return noPXE
	case proxy && discovery:
		return proxyPXE10
	case proxy:
		return proxyBINL
	case isPXE(d) && discovery:
		return dhcpPXE10
	case isPXE(d):
		return dhcpBINL
	}
	return dhcpOnly
}

// preference is EDK2's order of what it can combine (PxeBcSelectOffer): the first that is there is taken.
var preference = []struct {
	dhcp, proxy kind // proxy is noPXE where there is none
	file        bool // the DHCP offer must name a file
	rule        string
}{
	{dhcpPXE10, noPXE, false, "an offer with an address, option 60 and option 43 comes before all others"},
	{dhcpOnly, proxyPXE10, false, "a plain DHCP offer together with a proxyDHCP offer that has option 43"},
	{dhcpBINL, noPXE, false, "a DHCP offer that says PXEClient itself, beside which no proxyDHCP offer counts; port 4011 of that host must answer"},
	{dhcpOnly, proxyBINL, false, "a plain DHCP offer together with a proxyDHCP offer, whose port 4011 must answer"},
	{dhcpOnly, noPXE, true, "a plain DHCP offer that names a file"},
	{bootpReply, noPXE, true, "a BOOTP reply that names a file"},
}

// choice says by which rule the client chose among the offers that it had, and whose DHCP offer that rule means; both are empty
// where it did not choose, or the wire does not tell.
func (b *boot) choice() (rule string, offer event.Event) {
	asked := b.dhcp(true, isRequest)
	var offers []event.Event
	for _, e := range b.dhcp(false, isOffer) {
		if len(asked) == 0 || e.Seq < asked[0].Seq && e.Packet.DHCP.XID == asked[0].Packet.DHCP.XID {
			offers = append(offers, e)
		}
	}
	if len(offers) == 0 || len(asked) == 0 && b.address == "" {
		return "", event.Event{}
	}
	if len(asked) > 0 && isHTTP(asked[0].Packet.DHCP) {
		return "", event.Event{} // UEFI HTTP boot has an order of its own, which is not PXE's
	}
	if b.ofIPXE() {
		return ipxeChoice(offers)
	}
	return edk2Choice(offers)
}

// edk2Choice: of two offers of one kind the first is taken.
func edk2Choice(offers []event.Event) (string, event.Event) {
	first := func(k kind, file bool) (event.Event, bool) {
		i := slices.IndexFunc(offers, func(e event.Event) bool {
			return kindOf(e.Packet.DHCP) == k && (!file || e.Packet.DHCP.File != "")
		})
		if i < 0 {
			return event.Event{}, false
		}
		return offers[i], true
	}
	for n, p := range preference {
		dhcp, ok := first(p.dhcp, p.file)
		if _, there := first(p.proxy, false); !ok || p.proxy != noPXE && !there {
			continue
		}
		return fmt.Sprintf("EDK2's %s choice of %d: %s", ordinal[n], len(preference), p.rule), dhcp
	}
	return "", event.Event{}
}

var ordinal = []string{"first", "second", "third", "fourth", "fifth", "sixth"}

// ipxeChoice: the last offer with an address counts, of those with one priority (option 175). iPXE waits for more of them until it
// also has an offer that says PXEClient, which may be the same, or for two seconds (dhcp_discovery_rx).
func ipxeChoice(offers []event.Event) (string, event.Event) {
	var last event.Event
	senders, proxy := map[string]bool{}, false
	for _, e := range offers {
		d := e.Packet.DHCP
		proxy = proxy || isPXE(d)
		if event.IsSet(d.YIAddr) && kindOf(d) != bootpReply {
			if slices.Contains(d.Options, "175") {
				return "", event.Event{} // its priority is in there
			}
			last, senders[e.Sender()+d.ServerID] = e, true
		}
		if proxy && last.Packet != nil {
			return "iPXE asks at once when it has an offer with an address and one that says PXEClient", last
		}
	}
	switch {
	case last.Packet == nil:
		return "", event.Event{}
	case len(senders) > 1:
		return "iPXE takes the last of several offers with an address", last
	}
	return "it was the only offer with an address", last
}

// hasDiscovery tells whether option 43 has one of the tags by which EDK2 knows a PXE 2.1 offer: 6 to 10.
func hasDiscovery(d *event.DHCP) bool {
	raw, err := hex.DecodeString(d.Vendor)
	if err != nil || !isPXE(d) {
		return false
	}
	v, err := pxe.ParseVendor(raw)
	return err == nil && (v.Control != nil || v.Multicast.IsValid() || len(v.Servers) > 0 || len(v.Menu) > 0 || v.Prompt != nil)
}
