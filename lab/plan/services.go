package plan

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// services plans every service process and the files each TFTP root holds.
func services(t *topology.Topology, nets []Network) ([]Service, []Image) {
	named := namedFiles(t)
	var out []Service
	for i, s := range t.Services {
		cfg := &server.Config{Name: s.Name, Interface: "eth0", Address: prefix(nets, s.Network, s.Address)}
		ps := Service{Name: s.Name, Network: s.Network, Address: cfg.Address, Server: cfg,
			MAC: fmt.Sprintf("52:54:00:70:73:%02x", i+1)}
		if s.DHCP != nil {
			cfg.DHCP = dhcp(t, s)
			ps.Roles = append(ps.Roles, "dhcp")
		}
		if s.TFTP != nil {
			cfg.TFTP = tftp(s)
			ps.Roles = append(ps.Roles, "tftp")
			ps.Files, ps.Pad = served(named, s.TFTP), s.TFTP.Pad
		}
		if s.Echo != nil || s.TFTP != nil {
			cfg.Echo = &server.EchoConfig{Port: EchoPort}
			if s.Echo != nil && s.Echo.Port != 0 {
				cfg.Echo.Port = s.Echo.Port
			}
			ps.Roles = append(ps.Roles, "echo")
		}
		out = append(out, ps)
	}
	return out, planned(out)
}

// dhcp turns the topology's DHCP server into the configuration of ours.
func dhcp(t *topology.Topology, s topology.Service) *server.DHCPConfig {
	c := &server.DHCPConfig{First: s.DHCP.First, Last: s.DHCP.Last, Lease: s.DHCP.Lease}
	for _, r := range s.DHCP.Reservations {
		c.Reservations = append(c.Reservations, server.Reservation{MAC: r.MAC, UUID: r.UUID, Address: r.Address, File: r.File})
	}
	b := s.DHCP.Boot
	if b == nil {
		return c
	}
	c.Boot = &server.BootConfig{Files: files(b.Files), IPXE: files(b.IPXE), NoProxy: b.NoProxy, NextServer: s.Address}
	for _, other := range t.Services {
		if b.Server != "" && other.Name == b.Server {
			c.Boot.NextServer = other.Address
		}
	}
	if c.Boot.NextServer == (netip.Addr{}) {
		c.Boot.NextServer = s.Address
	}
	return c
}

func files(byArch map[string]string) map[string]string {
	if len(byArch) == 0 {
		return nil
	}
	out := make(map[string]string, len(byArch))
	for arch, image := range byArch {
		out[arch] = wireFile(image, arch)
	}
	return out
}

// namedFiles lists the wire names of every boot file that any service of the topology hands out.
func namedFiles(t *topology.Topology) []string {
	var out []string
	for _, s := range t.Services {
		if s.DHCP == nil {
			continue
		}
		for _, r := range s.DHCP.Reservations {
			if r.File != "" {
				out = append(out, wireFile(r.File, ""))
			}
		}
		if b := s.DHCP.Boot; b != nil {
			for arch, image := range b.Files {
				out = append(out, wireFile(image, arch))
			}
			for arch, image := range b.IPXE {
				out = append(out, wireFile(image, arch))
			}
		}
	}
	return out
}

// served lists what one TFTP root holds: what boot configurations name and the topology adds, as far as the
// catalogue has it, less what it leaves out on purpose; and the file that probes fetch a second time.
func served(named []string, s *topology.TFTP) []string {
	want := append(slices.Clone(named), images.SecondFile)
	for _, name := range s.Images {
		want = append(want, name)
		for _, img := range images.Catalogue() {
			if img.Name == name {
				want = append(want, img.File)
			}
		}
	}
	missing := func(file string) bool {
		return slices.ContainsFunc(s.Missing, func(m string) bool {
			return m == file || slices.ContainsFunc(images.Catalogue(), func(i images.Image) bool { return i.Name == m && i.File == file })
		})
	}
	want = slices.DeleteFunc(want, func(f string) bool {
		return missing(f) || (f != images.SecondFile && !inCatalogue(f))
	})
	slices.Sort(want)
	return slices.Compact(want)
}

func inCatalogue(file string) bool {
	return slices.ContainsFunc(images.Catalogue(), func(i images.Image) bool { return i.File == file })
}

// planned lists the distinct files that services serve, in catalogue order, the data file last.
func planned(services []Service) []Image {
	var out []Image
	has := func(file string) bool {
		return slices.ContainsFunc(services, func(s Service) bool { return slices.Contains(s.Files, file) })
	}
	for _, i := range images.Catalogue() {
		if has(i.File) {
			out = append(out, Image{Name: i.Name, File: i.File, Arch: i.Arch})
		}
	}
	if has(images.SecondFile) {
		out = append(out, Image{Name: "second", File: images.SecondFile})
	}
	return out
}
