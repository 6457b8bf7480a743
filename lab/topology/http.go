package topology

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// HTTP is our HTTP server. By default it serves every image that any HTTP boot of the topology names, and every file
// that a URI of the topology points at it for.
type HTTP struct {
	Port     int      // zero means 80
	Images   []string // further images to serve
	Missing  []string // images not to serve although named: a broken topology
	NoLength bool     // never says how long a file is: a broken topology
	Silent   bool     // takes requests and never answers: a broken topology
}

// DefaultHTTPPort is the port of an HTTP server that names none.
const DefaultHTTPPort = 80

// Listens gives the server's TCP port.
func (h *HTTP) Listens() int {
	if h.Port == 0 {
		return DefaultHTTPPort
	}
	return h.Port
}

// OverHTTP is how a guest says that its firmware's HTTP boot client runs, not its PXE client.
const OverHTTP = "http"

// IsURI tells a boot file that a client fetches by itself from a file on the server it is told.
func IsURI(file string) bool { return strings.Contains(file, "://") }

type httpForm struct {
	Port     port       `json:"port" jsonschema:"default=80" jsonschema_description:"Its TCP port."`
	Images   []fileName `json:"images" jsonschema_description:"Further images to serve, besides those that a boot names."`
	Missing  []fileName `json:"missing" jsonschema_description:"What not to serve although a boot names it: a broken lab."`
	NoLength bool       `json:"noLength" jsonschema:"default=false" jsonschema_description:"Never say how long a file is: a broken lab."`
	Silent   bool       `json:"silent" jsonschema:"default=false" jsonschema_description:"Take requests and never answer: a broken lab."`
}

type httpBootForm struct {
	Files  archFiles `json:"-" rest:"architecture to image"`
	Server string    `json:"server" jsonschema_description:"The service that serves the files over HTTP. Default: this one."`
}

// https checks what HTTP servers serve and withhold; build made them.
func (c *checker) https() {
	named := c.namedOverHTTP()
	for _, s := range c.topo.Services {
		if s.HTTP == nil {
			continue
		}
		key := "services." + s.Name + ".http"
		for i, name := range s.HTTP.Images {
			c.fileName(item(join(key, "images"), i), name)
		}
		for i, name := range s.HTTP.Missing {
			at := item(join(key, "missing"), i)
			c.fileName(at, name)
			if c.known.isImage(name) && !named[name] && !slices.Contains(s.HTTP.Images, name) {
				c.report(at, "no HTTP boot names image %q, so it is missing anyway; name it in a boot, or leave it out here", name)
			}
		}
	}
}

// namedOverHTTP collects what the HTTP boots of the lab name.
func (c *checker) namedOverHTTP() map[string]bool {
	named := map[string]bool{}
	for _, s := range c.topo.Services {
		if s.DHCP != nil && s.DHCP.Boot != nil {
			for _, name := range s.DHCP.Boot.HTTP {
				named[name] = true
			}
		}
		if s.DHCP6 != nil && s.DHCP6.Boot != nil {
			for _, name := range s.DHCP6.Boot.HTTP {
				named[name] = true
			}
		}
	}
	return named
}

// build turns the form of an HTTP server into a role.
func (f *httpForm) build() *HTTP {
	if f == nil {
		return nil
	}
	return &HTTP{Port: int(f.Port), Images: plain(f.Images), Missing: plain(f.Missing), NoLength: f.NoLength, Silent: f.Silent}
}

// httpBoot checks what UEFI HTTP boot is told over IPv6 or over IPv4, and that somebody serves it there.
func (c *checker) httpBoot(key string, s *Service, f *httpBootForm, six bool) (told map[string]string, server string) {
	if f == nil {
		return nil, ""
	}
	key = join(key, "http")
	told = c.files(key, f.Files)
	if c.whole(key) && len(f.Files) == 0 {
		c.report(key, "names no boot file; write an architecture and its image, such as efi-x64: probe")
	}
	names := false
	for _, file := range told {
		names = names || !IsURI(file)
	}
	if f.Server == "" && names {
		c.servesHTTP(key, s, s.Name, six)
	} else if f.Server != "" {
		c.servesHTTP(join(key, "server"), s, f.Server, six)
	}
	return told, f.Server
}

// servesHTTP checks that the service that s sends its clients to can serve them.
func (c *checker) servesHTTP(key string, s *Service, server string, six bool) {
	i := c.service(key, server)
	if i < 0 {
		return
	}
	switch to := c.topo.Services[i]; {
	case to.Foreign(): // only its author knows what it serves
	case to.HTTP == nil && to.Name == s.Name:
		c.report(key, "nobody serves these files, as %q has no http; add http: {} to it, or name the service that has it with http: {server: ...}", s.Name)
	case to.HTTP == nil:
		c.report(key, "service %q has no http, so it cannot serve the boot files; add http: {} to it", to.Name)
	case to.Network != s.Network:
		c.report(key, "service %q is on network %q, which clients on %q cannot reach", to.Name, to.Network, s.Network)
	case six && to.Address.IsValid() && !to.Address6.IsValid():
		c.report(key, "service %q cannot be reached over IPv6; add address6 to it", to.Name)
	case !six && to.Address6.IsValid() && !to.Address.IsValid():
		c.report(key, "service %q cannot be reached over IPv4; add address to it", to.Name)
	}
}

// uri checks a boot file that is a URI: an http one must lead to a service of this lab, as the lab has no way out.
func (c *checker) uri(key, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		c.report(key, "%s is no URI of a file; write one like http://192.0.2.1/probe.0", quote(text))
		return
	}
	foreign := func(s Service) bool {
		return s.Foreign() && (s.Address.String() == u.Hostname() || s.Address6.String() == u.Hostname())
	}
	if u.Scheme == "http" && c.topo.ServesURI(u) == nil && !slices.ContainsFunc(c.topo.Services, foreign) {
		c.report(key, "no service of this lab serves HTTP at %s; add http: {} to the one that has that address", u.Host)
	}
}

// ServesURI finds the service whose HTTP server a URI leads to; nil if there is none.
func (t *Topology) ServesURI(u *url.URL) *Service {
	port := DefaultHTTPPort
	if n, err := strconv.Atoi(u.Port()); err == nil {
		port = n
	}
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil
	}
	for i, s := range t.Services {
		if s.HTTP != nil && (s.Address == a || s.Address6 == a) && s.HTTP.Listens() == port {
			return &t.Services[i]
		}
	}
	return nil
}

// over checks by which protocol a guest's firmware boots.
func (c *checker) over(key string, f guestForm) string {
	if f.Over != OverHTTP {
		return ""
	}
	if f.Firmware != "" && !slices.Contains(c.known.HTTPFirmwares, string(f.Firmware)) {
		c.report(join(key, "over"), "firmware %q has no HTTP boot client of its own (have %s); tell its iPXE a URI with boot: {ipxe: ...} and leave this out",
			f.Firmware, strings.Join(c.known.HTTPFirmwares, ", "))
	}
	return OverHTTP
}

// wantsTFTP tells whether any client is told a file to fetch by TFTP.
func (b *Boot) wantsTFTP() bool {
	for _, files := range []map[string]string{b.Files, b.IPXE} {
		for _, f := range files {
			if !IsURI(f) {
				return true
			}
		}
	}
	return false
}

// anyFiles is the role of whoever serves files, by whatever protocol.
const anyFiles = "tftp or http"

// plays tells whether a service has a role.
func (s *Service) plays(role string) bool {
	switch role {
	case "dhcp":
		return s.DHCP != nil || s.BOOTP != nil || s.DHCP6 != nil
	case "tftp":
		return s.TFTP != nil
	case OverHTTP:
		return s.HTTP != nil
	}
	return s.TFTP != nil || s.HTTP != nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
