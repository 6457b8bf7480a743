package plan

import (
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// pxeRoles plans what of a service speaks PXE or BOOTP.
func pxeRoles(t *topology.Topology, s topology.Service, cfg *server.Config) (roles []string) {
	if p := s.ProxyDHCP; p != nil {
		cfg.ProxyDHCP = &server.ProxyDHCPConfig{Ports: p.Ports, Boot: boot(t, s, p.Boot), PXE: pxeConfig(p.PXE), ClassOnly: p.ClassOnly,
			AnyClient: slices.Contains(p.Flaws, "any-client"), Unrelayed: slices.Contains(p.Flaws, "unrelayed")}
		if slices.Contains(p.Flaws, "your-ip") {
			cfg.ProxyDHCP.YourIP = lastOf(cfg.Address)
		}
		roles = append(roles, "proxydhcp")
	}
	if b := s.BootServer; b != nil {
		has := func(flaw string) bool { return slices.Contains(b.Flaws, flaw) }
		c := &server.BootServerConfig{Multicast: b.Multicast, Broadcast: b.Broadcast,
			NoItem: has("no-item"), ToAll: has("to-all"), ToPort68: has("to-port-68")}
		for _, i := range b.Boots {
			c.Boots = append(c.Boots, server.BootServerItem{Type: i.Type, Layer: i.Layer, Boot: *boot(t, s, i.Boot), CredentialsFile: credentials(i)})
		}
		cfg.BootServer = c
		roles = append(roles, "bootserver")
	}
	if b := s.BOOTP; b != nil {
		cfg.BOOTP = &server.BOOTPConfig{First: b.First, Last: b.Last, File: b.File, NextServer: addressOf(t, b.Server, s.Address),
			Reservations: reserved(b.Reservations), Once: slices.Contains(b.Flaws, "once")}
		roles = append(roles, "bootp")
	}
	return roles
}

// Ports lists the UDP ports on which a service of ours listens, TFTP's transfers aside.
func (s Service) Ports() []int {
	var ports []int
	c := s.Server
	if c == nil {
		return nil
	}
	if c.DHCP != nil || c.BOOTP != nil || c.Relay != nil || c.BootServer != nil && c.BootServer.Broadcast {
		ports = append(ports, 67)
	}
	if c.ProxyDHCP != nil && len(c.ProxyDHCP.Ports) == 0 {
		ports = append(ports, 67, 4011)
	} else if c.ProxyDHCP != nil {
		ports = append(ports, c.ProxyDHCP.Ports...)
	}
	if c.BootServer != nil {
		ports = append(ports, 4011)
	}
	if c.TFTP != nil {
		ports = append(ports, 69)
	}
	if c.MTFTP != nil {
		ports = append(ports, c.MTFTP.Port())
	}
	if c.Echo != nil {
		ports = append(ports, c.Echo.Port)
	}
	return ports
}

// lastOf is the highest host address of a subnet: what the flaw your-ip offers, out of every pool's way.
func lastOf(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr()
	for next := a; p.Contains(next.Next()); next = next.Next() {
		a = next
	}
	return a
}

// addressOf is the address of a service, or of the one that asks if none is named.
func addressOf(t *topology.Topology, name string, own netip.Addr) netip.Addr {
	for _, s := range t.Services {
		if name != "" && s.Name == name {
			return s.Address
		}
	}
	return own
}

func reserved(list []topology.Reservation) []server.Reservation {
	var out []server.Reservation
	for _, r := range list {
		out = append(out, server.Reservation{MAC: r.MAC, UUID: r.UUID, Address: r.Address, File: r.File})
	}
	return out
}

// controlBits are the bits of PXE_DISCOVERY_CONTROL by the topology's names (PXE 2.1 table 2-1, tag 6).
var controlBits = map[string]int{"no-broadcast": 1, "no-multicast": 2, "only-listed": 4, "direct": 8}

func pxeConfig(p *topology.PXE) *server.PXEConfig {
	if p == nil {
		return nil
	}
	has := func(flaw string) bool { return slices.Contains(p.Flaws, flaw) }
	c := &server.PXEConfig{Multicast: p.Multicast, NoClass: has("no-class"), AnyMenu: has("any-menu"), FullClass: has("full-class"), NoEnd: has("no-end")}
	if p.Controls {
		bits := 0
		for _, w := range p.Control {
			bits |= controlBits[w]
		}
		c.Control = &bits
	}
	for _, s := range p.Servers {
		c.Servers = append(c.Servers, server.PXEServer{Type: s.Type, Addresses: s.At})
	}
	for _, m := range p.Menu {
		c.Menu = append(c.Menu, server.PXEItem{Type: m.Type, Text: m.Text})
	}
	if p.Prompt != nil {
		c.Prompt = &server.PXEPrompt{Text: p.Prompt.Text, Timeout: p.Prompt.Timeout}
	}
	return c
}

// writePXE prints what a service tells PXE clients.
func writePXE(w io.Writer, p *server.PXEConfig) {
	if p == nil {
		return
	}
	fmt.Fprint(w, "  pxe: option 60 PXEClient")
	if p.Control != nil {
		fmt.Fprintf(w, "  control %d", *p.Control)
	}
	if p.Multicast.IsValid() {
		fmt.Fprintf(w, "  multicast %s", p.Multicast)
	}
	if p.Prompt != nil {
		fmt.Fprintf(w, "  prompt %q for %d s", p.Prompt.Text, p.Prompt.Timeout)
	}
	fmt.Fprintln(w)
	for _, s := range p.Servers {
		fmt.Fprintf(w, "  pxe: servers of type %#04x: %s\n", s.Type, strings.Trim(fmt.Sprint(s.Addresses), "[]"))
	}
	for _, file := range slices.Sorted(maps.Keys(p.MTFTP)) {
		t := p.MTFTP[file]
		fmt.Fprintf(w, "  pxe: mtftp: %s from %s:%d, asked for on UDP %d  timeout %d s  delay %d s\n", file, t.Group, t.ClientPort, t.ServerPort, t.Timeout, t.Delay)
	}
	for _, m := range p.Menu {
		fmt.Fprintf(w, "  pxe: menu: type %#04x %q\n", m.Type, m.Text)
	}
}

// writeBoot prints boot files under a title.
func writeBoot(b *strings.Builder, title string, boot *server.BootConfig) {
	if boot == nil {
		return
	}
	fmt.Fprintf(b, "  %s from %s", title, boot.NextServer)
	writeFiles(b, "", boot.Files)
	writeFiles(b, "ipxe ", boot.IPXE)
	b.WriteString("\n")
}

// writePXERoles prints the roles that speak PXE or BOOTP.
func (s Service) writePXERoles(b *strings.Builder) {
	if x := s.Server.BOOTP; x != nil {
		fmt.Fprintf(b, "  bootp %s-%s  file %s from %s\n", x.First, x.Last, x.File, x.NextServer)
	}
	if x := s.Server.ProxyDHCP; x != nil {
		ports := "67 and 4011"
		if len(x.Ports) == 1 {
			ports = fmt.Sprint(x.Ports[0])
		}
		fmt.Fprintf(b, "  proxydhcp on UDP %s\n", ports)
		writeBoot(b, "boot", x.Boot)
		writePXE(b, x.PXE)
	}
	if x := s.Server.BootServer; x != nil {
		for _, i := range x.Boots {
			writeBoot(b, fmt.Sprintf("boot server type %#04x layer %d", i.Type, i.Layer), &i.Boot)
			writeCredentials(b, i.CredentialsFile)
		}
	}
}
