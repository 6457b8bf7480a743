package plan

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// HTTPFirmwares lists the firmwares whose own HTTP boot client a guest can boot with.
func HTTPFirmwares() []string {
	return slices.DeleteFunc(Firmwares(), func(name string) bool { return profiles[name].client != "edk2" })
}

// http adds the HTTP server of a service, and the files of its root.
func (ps *Service) http(t *topology.Topology, s topology.Service) {
	if s.HTTP == nil {
		return
	}
	ps.Server.HTTP = &server.HTTPConfig{Root: "http/" + s.Name, Port: s.HTTP.Port, NoLength: s.HTTP.NoLength, Silent: s.HTTP.Silent}
	ps.Roles = append(ps.Roles, "http")
	ps.HTTPFiles = held(servedOverHTTP(t, s), s.HTTP.Images, s.HTTP.Missing)
}

// uris turns what UEFI HTTP boot is told over IPv4 into URIs of the service that serves it.
func uris(t *topology.Topology, s topology.Service, boot *topology.Boot) map[string]string {
	return urisOf(t, s, boot.HTTP, boot.HTTPServer, func(s topology.Service) netip.Addr { return s.Address })
}

// uris6 does so over IPv6.
func uris6(t *topology.Topology, s topology.Service) map[string]string {
	return urisOf(t, s, s.DHCP6.Boot.HTTP, s.DHCP6.Boot.HTTPServer, func(s topology.Service) netip.Addr { return s.Address6 })
}

func urisOf(t *topology.Topology, s topology.Service, told map[string]string, server string, address func(topology.Service) netip.Addr) map[string]string {
	if len(told) == 0 {
		return nil
	}
	if i := slices.IndexFunc(t.Services, func(o topology.Service) bool { return o.Name == server }); i >= 0 {
		s = t.Services[i]
	}
	port := topology.DefaultHTTPPort
	if s.HTTP != nil {
		port = s.HTTP.Listens()
	}
	out := make(map[string]string, len(told))
	for arch, image := range told {
		out[arch] = image
		if !topology.IsURI(image) {
			out[arch] = fmt.Sprintf("http://%s/%s", authority(address(s), port), wireFile(image, arch))
		}
	}
	return out
}

// authority is the host of a URI, with the port if it is not HTTP's own (RFC 3986 section 3.2).
func authority(a netip.Addr, port int) string {
	switch {
	case port != topology.DefaultHTTPPort:
		return netip.AddrPortFrom(a, uint16(port)).String()
	case a.Is6():
		return "[" + a.String() + "]"
	}
	return a.String()
}

// servedOverHTTP lists the files that clients of the topology are sent to this service for.
func servedOverHTTP(t *topology.Topology, s topology.Service) []string {
	var out []string
	add := func(uri string) {
		if u, err := url.Parse(uri); err == nil && u.Scheme == "http" {
			if to := t.ServesURI(u); to != nil && to.Name == s.Name {
				out = append(out, strings.TrimLeft(u.Path, "/"))
			}
		}
	}
	for _, other := range t.Services {
		for _, files := range told(t, other) {
			for _, f := range slices.Sorted(maps.Values(files)) {
				add(f)
			}
		}
		if other.DHCP != nil {
			for _, r := range other.DHCP.Reservations {
				add(r.File)
			}
		}
	}
	return out
}

// told lists what a service tells clients to boot, by architecture.
func told(t *topology.Topology, s topology.Service) []map[string]string {
	var out []map[string]string
	if s.DHCP != nil && s.DHCP.Boot != nil {
		out = append(out, s.DHCP.Boot.Files, s.DHCP.Boot.IPXE, uris(t, s, s.DHCP.Boot))
	}
	if s.DHCP6 != nil && s.DHCP6.Boot != nil {
		out = append(out, s.DHCP6.Boot.Files, s.DHCP6.Boot.IPXE, uris6(t, s))
	}
	return out
}

// held lists what a root holds: the files named and the images added, as far as the catalogue has them, less what is
// left out on purpose.
func held(want, added, missing []string) []string {
	names := func(name, file string) bool {
		return name == file || slices.ContainsFunc(images.Catalogue(), func(i images.Image) bool { return i.Name == name && i.File == file })
	}
	var out []string
	for _, i := range images.Catalogue() {
		wanted := slices.Contains(want, i.File) || slices.ContainsFunc(added, func(a string) bool { return names(a, i.File) })
		if wanted && !slices.ContainsFunc(missing, func(m string) bool { return names(m, i.File) }) {
			out = append(out, i.File)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// overHTTP makes EDK2 try its HTTP boot client: without this it comes after the PXE client, which would first ask for
// a minute in vain. There is no such setting for the HTTP boot clients: that of IPv4 is always tried before that of IPv6.
func overHTTP() []Arg {
	var a []Arg
	for _, family := range []string{"IPv4", "IPv6"} {
		a = append(a, Arg{"-fw_cfg", "name=opt/org.tianocore/" + family + "PXESupport,string=n", "this guest boots over HTTP: the firmware's PXE client stays off"})
	}
	return a
}

// waitForIPv6 gives a guest that boots by HTTP over IPv6 the time that it spends on IPv4 before: EDK2 repeats its
// DISCOVER for a minute, and more on a busy host, without showing anything new.
func (g *Guest) waitForIPv6() {
	if g.BootsOver == topology.OverHTTP && g.Over(IPv6) {
		for _, s := range []event.Stage{event.StageDiscover, event.StageOffer} {
			g.Budgets[s.String()] += Duration(90 * time.Second)
		}
	}
}

// writeHTTP prints what a service does over HTTP.
func (s Service) writeHTTP(b *strings.Builder) {
	h := s.Server.HTTP
	if h == nil {
		return
	}
	fmt.Fprintf(b, "  http on TCP %d serves %s\n", h.ListensOn(), strings.Join(s.HTTPFiles, " "))
	if h.NoLength {
		b.WriteString("  http never says how long a file is\n")
	}
	if h.Silent {
		b.WriteString("  http never answers\n")
	}
}
