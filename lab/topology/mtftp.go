package topology

import (
	"net/netip"
	"slices"
	"time"
)

type mtftpForm struct {
	Group      address    `json:"group" jsonschema:"required" example:"239.255.1.1" jsonschema_description:"The group of the first file; each further file has the next address."`
	ClientPort port       `json:"clientPort" jsonschema:"default=1758" jsonschema_description:"The UDP port that clients listen on."`
	ServerPort port       `json:"serverPort" jsonschema:"default=1759" jsonschema_description:"The UDP port that requests are sent to."`
	Timeout    duration   `json:"timeout" jsonschema:"default=2s" jsonschema_description:"How long a client listens before it opens a transmission: whole seconds, up to 255."`
	Delay      duration   `json:"delay" jsonschema:"default=2s" jsonschema_description:"How long a client that misses something lets the group be silent before it opens again."`
	Silent     bool       `json:"silent" jsonschema:"default=false" jsonschema_description:"Take requests and never answer: a broken lab."`
	Images     []fileName `json:"images" jsonschema:"required" example:"[probe]" jsonschema_description:"What is sent by multicast, of what tftp serves."`
}

// MTFTP is our multicast TFTP server by Intel's scheme (PXE 2.1). It sends files of the TFTP server beside it, each to a
// group of its own.
type MTFTP struct {
	Group      netip.Addr    // of the first file
	ClientPort int           // zero means 1758
	ServerPort int           // zero means 1759
	Timeout    time.Duration // whole seconds; zero means 2 s
	Delay      time.Duration
	Images     []string
	Silent     bool `json:",omitempty"` // takes requests and never answers: a broken topology
}

// mtftp builds a multicast TFTP server; nil stays nil.
func (c *checker) mtftp(key string, s Service, f serviceForm) *MTFTP {
	m := f.MTFTP
	if m == nil {
		return nil
	}
	if f.TFTP == nil && c.whole(key) {
		c.report(join(key, "mtftp"), "needs tftp beside it, which clients fall back to; add tftp: {}")
	}
	if s.Address6.IsValid() && !s.Address.IsValid() {
		c.report(join(key, "mtftp"), "needs an IPv4 address, as its groups have; add address")
	}
	key = join(key, "mtftp")
	if g := m.Group.Addr; g.IsValid() && (!g.Is4() || !g.IsMulticast() || g.IsLinkLocalMulticast()) {
		c.report(join(key, "group"), "%s is no group to send files to; write one of 239.255.0.0/16, such as 239.255.1.1", g)
	}
	if f.Echo != nil && f.Echo.Port != 0 && (f.Echo.Port == m.ServerPort || m.ServerPort == 0 && f.Echo.Port == 1759) {
		c.report(join(key, "serverPort"), "port %d is that of this service's echo; use another", f.Echo.Port)
	}
	c.tagSeconds(join(key, "timeout"), time.Duration(m.Timeout))
	c.tagSeconds(join(key, "delay"), time.Duration(m.Delay))
	for i, name := range m.Images {
		c.fileName(item(join(key, "images"), i), string(name))
	}
	if len(m.Images) == 0 && slices.Contains(c.keys[key], "images") {
		c.report(join(key, "images"), "is empty; name what is sent, such as [probe]")
	}
	return &MTFTP{Group: m.Group.Addr, ClientPort: int(m.ClientPort), ServerPort: int(m.ServerPort),
		Timeout: time.Duration(m.Timeout), Delay: time.Duration(m.Delay), Images: plain(m.Images), Silent: m.Silent}
}

// tagSeconds holds a time to what one octet of option 43 says.
func (c *checker) tagSeconds(key string, d time.Duration) {
	if d%time.Second != 0 || d > 255*time.Second {
		c.report(key, "%s does not fit option 43, where one octet counts seconds; write 1s to 255s", d)
	}
}

// multicasts checks the service whose files PXE clients are told to have by multicast.
func (c *checker) multicasts(key string, p *PXE) {
	if p.MTFTP == "" {
		if slices.Contains(p.Flaws, "other-group") && c.whole(key) {
			c.report(join(key, "flaws"), "other-group is a mistake in tags 1 to 5; add mtftp with the service that sends the files")
		}
		return
	}
	if i := c.service(join(key, "mtftp"), p.MTFTP); i >= 0 && c.topo.Services[i].MTFTP == nil {
		c.report(join(key, "mtftp"), "service %q sends nothing by multicast; add mtftp: {group: 239.255.1.1, images: [probe]} to it", p.MTFTP)
	}
}
