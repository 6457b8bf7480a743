package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// The families over which firmware boots.
const (
	IPv4 = "ipv4"
	IPv6 = "ipv6"
)

// Over tells whether the guest's firmware tries to boot over a family.
func (g Guest) Over(family string) bool {
	if len(g.Families) == 0 {
		return family == IPv4
	}
	return slices.Contains(g.Families, family)
}

// families says over what a guest can boot on its network. A network of IPv4 alone says nothing: that is the rule.
func families(n Network) []string {
	switch {
	case !n.Subnet6.IsValid():
		return nil
	case n.Subnet.IsValid():
		return []string{IPv4, IPv6}
	}
	return []string{IPv6}
}

// lag is how much later TFTP's first answers over IPv6 are to reach the guest. EDK2 does not hear one that comes within the first
// 0.5 ms or so of its work after the request: one in twelve in real time, and one in three under warp, whose timers strike between
// more often (docs/time-warp.md).
func (g *Guest) lag() Duration {
	if g.Client != "edk2" || g.Clock != "warp" || !g.Over(IPv6) || g.BootsOver == topology.OverHTTP {
		return 0
	}
	return Duration(time.Millisecond)
}

// familyArgs keeps EDK2 from trying families that its network does not have: it waits a minute for an offer over
// each. OVMF 2022.11 knows both settings; one that does not only takes longer.
func familyArgs(g *Guest) []Arg {
	if g.BootsOver == topology.OverHTTP {
		return overHTTP()
	}
	var a []Arg
	if !g.Over(IPv4) {
		a = append(a, Arg{"-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n", "its network has no IPv4: the firmware would wait a minute for an offer"})
	}
	if !g.Over(IPv6) {
		a = append(a, Arg{"-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n", "no network of this lab has IPv6 boot: the firmware need not try"})
	}
	return a
}

// dhcp6 turns the topology's DHCPv6 server into the configuration of ours.
func dhcp6(t *topology.Topology, s topology.Service) *server.DHCP6Config {
	c := &server.DHCP6Config{First: s.DHCP6.First, Last: s.DHCP6.Last, Lease: s.DHCP6.Lease, RapidCommit: s.DHCP6.RapidCommit}
	b := s.DHCP6.Boot
	if b == nil {
		return c
	}
	c.Boot = &server.Boot6Config{Files: files(b.Files), IPXE: files(b.IPXE), Params: b.Params, Server: s.Address6, HTTP: uris6(t, s)}
	for _, other := range t.Services {
		if other.Name == b.Server && other.Address6.IsValid() {
			c.Boot.Server = other.Address6
		}
	}
	return c
}

// namedFiles6 lists the wire names of the boot files that a service hands out over DHCPv6.
func namedFiles6(s topology.Service) []string {
	var out []string
	if s.DHCP6 == nil || s.DHCP6.Boot == nil {
		return nil
	}
	for _, files := range []map[string]string{s.DHCP6.Boot.Files, s.DHCP6.Boot.IPXE} {
		for arch, image := range files {
			if !strings.Contains(image, "://") {
				out = append(out, wireFile(image, arch))
			}
		}
	}
	return out
}

// addressText prints the addresses that there are.
func addressText[T interface {
	IsValid() bool
	String() string
}](list ...T) string {
	var out []string
	for _, a := range list {
		if a.IsValid() {
			out = append(out, a.String())
		}
	}
	return strings.Join(out, "  ")
}

// write6 prints a DHCPv6 server for people.
func write6(b *strings.Builder, d *server.DHCP6Config) {
	switch {
	case d == nil:
		return
	case d.First.IsValid():
		fmt.Fprintf(b, "  dhcp6 %s-%s\n", d.First, d.Last)
	default:
		b.WriteString("  dhcp6 without addresses\n")
	}
	if d.Boot == nil {
		b.WriteString("  boot over IPv6: nothing said to network boot clients\n")
		return
	}
	fmt.Fprintf(b, "  boot over IPv6 from %s", d.Boot.Server)
	writeFiles(b, "", d.Boot.Files)
	writeFiles(b, "ipxe ", d.Boot.IPXE)
	writeFiles(b, "http ", d.Boot.HTTP)
	b.WriteString("\n")
}
