package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// services plans every service process and the files each TFTP root holds.
func services(t *topology.Topology, nets []Network) ([]Service, []Image) {
	boots := namedFiles(t)
	var out []Service
	for i, s := range t.Services {
		cfg := &server.Config{Name: s.Name, Interface: "eth0", Address: prefix(nets, s.Network, s.Address),
			Address6: prefix(nets, s.Network, s.Address6)}
		ps := Service{Name: s.Name, Network: s.Network, Address: cfg.Address, Address6: cfg.Address6, Server: cfg,
			MAC: fmt.Sprintf("52:54:00:70:73:%02x", i+1)}
		if s.On != "" {
			ps.Host, ps.MAC = s.On, hostMAC(out, s.On)
		}
		hostOf(t, nets, s, i+1, &ps)
		if s.Relay != nil {
			cfg.Relay = relay(ps, s.Relay)
			ps.Roles = append(ps.Roles, "relay")
		}
		if s.DHCP != nil {
			cfg.DHCP = dhcp(t, s)
			ps.Roles = append(ps.Roles, "dhcp")
		}
		ps.Roles = append(ps.Roles, pxeRoles(t, s, cfg)...)
		if s.DHCP6 != nil {
			cfg.DHCP6 = dhcp6(t, s)
			ps.Roles = append(ps.Roles, "dhcp6")
		}
		if s.TFTP != nil {
			cfg.TFTP = tftp(s)
			ps.Roles = append(ps.Roles, "tftp")
			ps.Files = served(boots, s.TFTP)
			ps.Alias, ps.Discover, ps.Pad = s.TFTP.Alias, s.TFTP.Discover, s.TFTP.Pad
		}
		if ps.External = s.External != nil; ps.External && len(s.External.Images) > 0 {
			ps.Files = served(nil, &topology.TFTP{Images: s.External.Images})
		}
		if s.Exec != nil && len(s.Exec.Images) > 0 {
			ps.Files = served(nil, &topology.TFTP{Images: s.Exec.Images})
		}
		mtftpRole(s, &ps)
		ps.http(t, s)
		if s.Echo != nil || s.TFTP != nil {
			cfg.Echo = &server.EchoConfig{Port: EchoPort}
			if s.Echo != nil && s.Echo.Port != 0 {
				cfg.Echo.Port = s.Echo.Port
			}
			ps.Roles = append(ps.Roles, "echo")
		}
		if len(ps.Roles) == 0 { // a router alone, or a server that is not ours
			ps.Server = nil
		}
		if ps.External {
			ps.Roles = []string{"external"}
		}
		out = append(out, ps)
	}
	signed(t, out)
	tellMTFTP(t, out)
	return out, listed(out)
}

// dhcp turns the topology's DHCP server into the configuration of ours.
func dhcp(t *topology.Topology, s topology.Service) *server.DHCPConfig {
	var pools []server.PoolConfig
	for _, x := range s.DHCP.Pools {
		pools = append(pools, server.PoolConfig{Subnet: subnetOf(t, x.Network), First: x.First, Last: x.Last, Router: x.Router})
	}
	return &server.DHCPConfig{Router: s.DHCP.Router, Pools: pools, First: s.DHCP.First, Last: s.DHCP.Last, Lease: s.DHCP.Lease, Reservations: reserved(s.DHCP.Reservations),
		Boot: boot(t, s, s.DHCP.Boot), PXE: pxeConfig(s.DHCP.PXE)}
}

// boot turns the topology's boot files into the configuration of a role of service s; nil stays nil.
func boot(t *topology.Topology, s topology.Service, b *topology.Boot) *server.BootConfig {
	if b == nil {
		return nil
	}
	return &server.BootConfig{Files: files(b.Files), IPXE: files(b.IPXE), NoProxy: b.NoProxy, NextServer: addressOf(t, b.Server, s.Address), HTTP: uris(t, s, b)}
}

// hostMAC is the address of the host that a service shares.
func hostMAC(services []Service, host string) string {
	i := slices.IndexFunc(services, func(s Service) bool { return s.Name == host })
	return services[i].MAC
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
		out = append(out, namedFiles6(s)...)
	}
	reserve := func(list []topology.Reservation) {
		for _, r := range list {
			if r.File != "" {
				out = append(out, wireFile(r.File, ""))
			}
		}
	}
	for _, s := range t.Services {
		if s.DHCP != nil {
			reserve(s.DHCP.Reservations)
		}
		if s.BOOTP != nil {
			reserve(s.BOOTP.Reservations)
			if s.BOOTP.File != "" {
				out = append(out, wireFile(s.BOOTP.File, ""))
			}
		}
	}
	for _, b := range t.Boots() {
		for arch, image := range b.Files {
			out = append(out, wireFile(image, arch))
		}
		for arch, image := range b.IPXE {
			out = append(out, wireFile(image, arch))
		}
	}
	return out
}

// served lists what one TFTP root holds: what boot configurations name and the topology adds, and what those fetch
// next, as far as there is such a file, less what it leaves out on purpose; and the file that probes fetch a second time.
func served(boots []string, s *topology.TFTP) []string {
	want := append(slices.Clone(boots), images.SecondFile)
	for _, name := range s.Images {
		want = append(want, name)
		for _, img := range servable() {
			if img.Name == name {
				want = append(want, img.File)
			}
		}
	}
	want = withCompanions(want)
	missing := func(file string) bool {
		return slices.ContainsFunc(s.Missing, func(m string) bool { return named(m, file) })
	}
	want = slices.DeleteFunc(want, func(f string) bool { return missing(f) || (f != images.SecondFile && !known(f)) })
	slices.Sort(want)
	return slices.Compact(want)
}

// servable lists everything a topology can serve, in a fixed order.
func servable() []images.Image { return append(images.Catalogue(), images.HostFiles()...) }

// listed lists the distinct files that services serve, in catalogue order, the data file last.
func listed(services []Service) []Image {
	var out []Image
	has := func(file string) bool {
		return slices.ContainsFunc(services, func(s Service) bool { return slices.Contains(s.Files, file) || slices.Contains(s.HTTPFiles, file) })
	}
	for _, i := range servable() {
		if has(i.File) {
			out = append(out, Image{Name: i.Name, File: i.File, Arch: i.Arch})
		}
	}
	for _, s := range services {
		for _, name := range slices.Sorted(maps.Keys(s.Alias)) {
			for _, i := range images.Catalogue() {
				if i.File == s.Alias[name] {
					out = append(out, Image{Name: i.Name, File: name, Arch: i.Arch, Of: i.File})
				}
			}
		}
	}
	if has(images.SecondFile) {
		out = append(out, Image{Name: "second", File: images.SecondFile})
	}
	return out
}
