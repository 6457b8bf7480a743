package topology

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// toBroadcast stands for the limited broadcast address in a claim about messages.
const toBroadcast = "broadcast"

// messages builds a claim about DHCP messages.
func (c *checker) messages(key string, f *dhcpClaim) *Messages {
	m := &Messages{Type: string(f.Type), From: f.From, To: f.To, Port: int(f.Port), ClientPort: int(f.ClientPort), Class: f.Class,
		Vendor: string(f.Vendor), File: f.File, Relay: f.Relay, Has: codes(f.Has), Lacks: codes(f.Lacks)}
	if f.Item != nil {
		m.Item = &Item{Type: int(f.Item.Type), Layer: int(f.Item.Layer)}
	}
	if f.Count != nil {
		n := int(*f.Count)
		m.Count = &n
	}
	c.from(key, m.From, "")
	reply := (&event.DHCP{Type: m.Type}).Reply()
	if m.From != "" && !reply && m.Type != "" {
		c.report(join(key, "from"), "%s is sent by the guest; name where it goes with to", m.Type)
	}
	if m.To != "" && reply {
		c.report(join(key, "to"), "%s is sent to the guest; name who sends it with from", m.Type)
	} else if m.To != "" {
		c.destination(join(key, "to"), m.To)
	}
	if m.Count != nil && *m.Count == 0 && (len(m.Has)+len(m.Lacks) > 0 || m.Class+m.Vendor+m.File+m.Relay != "") {
		c.report(key, "says that there are none, and what they say; leave one of them out")
	}
	return m
}

// destination checks where requests go.
func (c *checker) destination(key, to string) {
	if _, err := netip.ParseAddr(to); err == nil || to == toBroadcast {
		return
	}
	c.service(key, to)
}

func codes(list []optionCode) []int {
	var out []int
	for _, code := range list {
		out = append(out, int(code))
	}
	return out
}

// flow writes the claim as YAML in flow style.
func (m *Messages) flow() string {
	var parts []string
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, key+": "+value)
		}
	}
	text := func(key, value string, quoted bool) {
		if value != "" {
			add(key, scalar(value, quoted))
		}
	}
	number := func(key string, n int) {
		if n != 0 {
			add(key, strconv.Itoa(n))
		}
	}
	text("type", m.Type, false)
	text("from", m.From, false)
	text("to", m.To, false)
	number("port", m.Port)
	number("clientPort", m.ClientPort)
	if m.Item != nil {
		add("item", fmt.Sprintf("{type: %#x, layer: %d}", m.Item.Type, m.Item.Layer))
	}
	if m.Count != nil {
		add("count", strconv.Itoa(*m.Count))
	}
	add("has", codeList(m.Has))
	add("lacks", codeList(m.Lacks))
	text("class", m.Class, false)
	text("vendor", m.Vendor, true)
	text("file", m.File, false)
	text("relay", m.Relay, false)
	return "{" + strings.Join(parts, ", ") + "}"
}

func codeList(list []int) string {
	if len(list) == 0 {
		return ""
	}
	return strings.ReplaceAll(fmt.Sprint(list), " ", ", ")
}

// Boots lists every boot configuration of the topology, in the order of its services.
func (t *Topology) Boots() []*Boot {
	var out []*Boot
	add := func(b *Boot) {
		if b != nil {
			out = append(out, b)
		}
	}
	for _, s := range t.Services {
		if s.DHCP != nil {
			add(s.DHCP.Boot)
		}
		if s.ProxyDHCP != nil {
			add(s.ProxyDHCP.Boot)
		}
		if s.BootServer != nil {
			for _, i := range s.BootServer.Boots {
				add(i.Boot)
			}
		}
	}
	return out
}

// identity checks what a guest says about its own identity.
func (c *checker) identity(key string, f guestForm) {
	for _, x := range []struct{ key, other, own string }{
		{"sameMAC", f.SameMAC, string(f.MAC)}, {"sameUUID", f.SameUUID, string(f.UUID)},
		{"together", f.Together, ""},
	} {
		at := join(key, x.key)
		switch {
		case x.other == "":
		case x.own != "":
			c.report(at, "it has one of its own already; leave one of the two out")
		case !slices.ContainsFunc(c.topo.Guests, func(g Guest) bool { return g.Name == x.other }):
			c.report(at, "no guest above it is named %s", quote(x.other))
		}
	}
	if f.NoUUID && (f.UUID != "" || f.SameUUID != "") {
		c.report(join(key, "noUUID"), "it has a UUID already; leave one of the two out")
	}
}
