package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// mtftpSeconds is the time-out and the delay that MTFTP clients are told unless the topology says otherwise.
const mtftpSeconds = 2

// mtftpRole plans a multicast TFTP server over the root of the service's TFTP server, which is planned already. Files
// have consecutive groups in the order of the topology's images, and of the catalogue within one image.
func mtftpRole(s topology.Service, ps *Service) {
	m := s.MTFTP
	if m == nil || ps.Server.TFTP == nil {
		return
	}
	c := &server.MTFTPConfig{Root: ps.Server.TFTP.Root, ClientPort: m.ClientPort, ServerPort: m.ServerPort,
		Timeout: seconds(m.Timeout), Delay: seconds(m.Delay), Silent: m.Silent}
	group := m.Group
	for _, name := range m.Images {
		for _, file := range imageFiles(name) {
			if slices.ContainsFunc(c.Files, func(f server.MTFTPFile) bool { return f.Name == file }) {
				continue
			}
			c.Files = append(c.Files, server.MTFTPFile{Name: file, Group: group})
			group = group.Next()
			missing := slices.ContainsFunc(s.TFTP.Missing, func(m string) bool { return named(m, file) })
			if known(file) && !missing && !slices.Contains(ps.Files, file) {
				ps.Files = append(ps.Files, file)
			}
		}
	}
	slices.Sort(ps.Files)
	ps.Server.MTFTP = c
	ps.Roles = append(ps.Roles, "mtftp")
}

func seconds(d time.Duration) int {
	if d == 0 {
		return mtftpSeconds
	}
	return int(d / time.Second)
}

// imageFiles lists the files on the wire that a topology means by the name of an image, or of one file.
func imageFiles(name string) []string {
	var files []string
	for _, i := range servable() {
		if i.Name == name {
			files = append(files, i.File)
		}
	}
	if len(files) == 0 {
		files = append(files, wireFile(name, ""))
	}
	return files
}

// writeMTFTP prints what is sent to which group.
func (s Service) writeMTFTP(b *strings.Builder) {
	m := s.Server.MTFTP
	if m == nil {
		return
	}
	for _, f := range m.Files {
		t := m.Tags(f.Name)
		fmt.Fprintf(b, "  mtftp sends %s to %s:%d, asked on UDP %d  timeout %d s  delay %d s\n",
			f.Name, t.Group, t.ClientPort, t.ServerPort, t.Timeout, t.Delay)
	}
	if m.Silent {
		b.WriteString("  mtftp never answers\n")
	}
}

// tellMTFTP gives DHCP and proxyDHCP services the tags of the multicast servers that they tell of, which are all planned.
func tellMTFTP(t *topology.Topology, services []Service) {
	for i, s := range t.Services {
		if s.DHCP != nil && s.DHCP.PXE != nil {
			services[i].Server.DHCP.PXE.MTFTP = mtftpTags(services, s.DHCP.PXE)
		}
		if s.ProxyDHCP != nil && s.ProxyDHCP.PXE != nil {
			services[i].Server.ProxyDHCP.PXE.MTFTP = mtftpTags(services, s.ProxyDHCP.PXE)
		}
	}
}

// mtftpTags gives tags 1 to 5 of each file of the multicast server that clients are told of.
func mtftpTags(services []Service, p *topology.PXE) map[string]server.MTFTPTags {
	i := slices.IndexFunc(services, func(s Service) bool { return p.MTFTP != "" && s.Name == p.MTFTP })
	if i < 0 || services[i].Server.MTFTP == nil {
		return nil
	}
	m, out := services[i].Server.MTFTP, map[string]server.MTFTPTags{}
	beyond := m.Files[len(m.Files)-1].Group.Next() // what the flaw other-group tells: a group that no file has
	for _, f := range m.Files {
		tags := *m.Tags(f.Name)
		if slices.Contains(p.Flaws, "other-group") {
			tags.Group, beyond = beyond, beyond.Next()
		}
		out[f.Name] = tags
	}
	return out
}
