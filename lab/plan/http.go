package plan

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/images"
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

// uris turns what UEFI HTTP boot is told into URIs of the service that serves it.
func uris(t *topology.Topology, s topology.Service, boot *topology.Boot) map[string]string {
	from := httpServer(t, s, boot)
	if len(boot.HTTP) == 0 || from == nil {
		return nil
	}
	out := make(map[string]string, len(boot.HTTP))
	for arch, image := range boot.HTTP {
		out[arch] = image
		if !topology.IsURI(image) {
			out[arch] = fmt.Sprintf("http://%s/%s", authority(from.Address, from.HTTP.Listens()), wireFile(image, arch))
		}
	}
	return out
}

// httpServer finds the service that serves a boot's files over HTTP; the service itself if the boot has URIs only.
func httpServer(t *topology.Topology, s topology.Service, boot *topology.Boot) *topology.Service {
	name := boot.HTTPServer
	if name == "" {
		name = s.Name
	}
	for i := range t.Services {
		if t.Services[i].Name == name {
			if t.Services[i].HTTP == nil {
				return &topology.Service{Address: s.Address, HTTP: &topology.HTTP{}}
			}
			return &t.Services[i]
		}
	}
	return nil
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
		if other.DHCP == nil {
			continue
		}
		for _, r := range other.DHCP.Reservations {
			add(r.File)
		}
		if b := other.DHCP.Boot; b != nil {
			for _, files := range []map[string]string{b.Files, b.IPXE, uris(t, other, b)} {
				for _, f := range slices.Sorted(maps.Values(files)) {
					add(f)
				}
			}
		}
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
// a minute in vain.
func overHTTP(g *Guest) []Arg {
	if g.BootsOver != topology.OverHTTP {
		return nil
	}
	return []Arg{{"-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n", "this guest boots over HTTP: the firmware's PXE client stays off"}}
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
