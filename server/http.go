package server

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"

	"github.com/pxelab/pxelab/server/httpboot"
	"github.com/pxelab/pxelab/server/pxe"
)

// HTTPConfig is a read-only HTTP server for UEFI HTTP boot (UEFI 2.10 section 24.7) and iPXE.
type HTTPConfig struct {
	Root     string `json:"root"`               // directory; no name leads out of it
	Port     int    `json:"port,omitempty"`     // TCP; zero means 80
	NoLength bool   `json:"noLength,omitempty"` // never say how long a file is: a broken server, for teaching
	Silent   bool   `json:"silent,omitempty"`   // take requests and never answer: a broken server, for teaching
}

// ListensOn gives the TCP port.
func (h *HTTPConfig) ListensOn() int {
	if h.Port == 0 {
		return httpboot.DefaultPort
	}
	return h.Port
}

// listenHTTP opens the HTTP role over the family of one of the host's addresses.
func (c Config) listenHTTP(own netip.Addr, observe func(Decision)) (role, error) {
	any := netip.IPv4Unspecified()
	if own.Is6() {
		any = netip.IPv6Unspecified()
	}
	cfg := httpboot.Config{Interface: c.Interface, Address: any, Root: c.HTTP.Root, Port: c.HTTP.Port, NoLength: c.HTTP.NoLength, Silent: c.HTTP.Silent}
	return httpboot.Listen(cfg, func(d httpboot.Decision) {
		observe(Decision{Role: "http", Client: d.Client.String(), Request: d.Request, Reply: d.Reply, Reason: d.Reason,
			File: d.File, Bytes: d.Bytes, Took: d.Took, Outcome: d.Outcome})
	})
}

func (h *HTTPConfig) validate(p *problems) {
	if h.Root == "" {
		p.addf("http: root is empty; name the directory to serve")
	}
	if h.Port < 0 || h.Port > 65535 {
		p.addf("http: port %d is outside 1 to 65535", h.Port)
	}
}

// validateURIs checks what UEFI HTTP boot is told by a role, in an option that holds limit octets.
func validateURIs(p *problems, role string, uris map[string]string, limit int) {
	for _, arch := range slices.Sorted(maps.Keys(uris)) {
		if _, err := pxe.ParseArch(arch); err != nil {
			p.addf("%s: http: %w", role, err)
		}
		uri := uris[arch]
		if u, err := url.Parse(uri); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			p.addf("%s: http: %s: %q is no URI like http://192.0.2.1/boot.efi", role, arch, uri)
		}
		if len(uri) > limit {
			p.addf("%s: http: %s: URI of %d octets is longer than its option carries (%d)", role, arch, len(uri), limit)
		}
	}
}
